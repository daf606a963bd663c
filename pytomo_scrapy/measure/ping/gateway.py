"""The first gateway on the way to an address, by the kernel's routing tables (Linux)."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

from pytomo_scrapy.measure.host.interface import local_address_towards

ROUTES_4 = Path("/proc/net/route")
ROUTES_6 = Path("/proc/net/ipv6_route")
# Source: Linux include/uapi/linux/route.h
RTF_UP, RTF_GATEWAY, RTF_REJECT = 0x1, 0x2, 0x200


def gateway_towards(address: str | None) -> str | None:
    """Return the gateway's address. None on the same link, on this host, without a route, or when unknown.

    Implementation note: the main table alone, the longest prefix and then the smallest metric; policy routing is not
    looked at.
    """
    local = local_address_towards(address)
    if address is None or local is None or local == address or ipaddress.ip_address(local).is_loopback:
        return None
    is_six = ":" in address
    try:
        text = (ROUTES_6 if is_six else ROUTES_4).read_text(encoding="ascii")
    except OSError:
        return None
    return find_gateway_6(address, text) if is_six else find_gateway_4(address, text)


def find_gateway_4(address: str, table: str) -> str | None:
    """Find the route to an IPv4 address in the text of /proc/net/route."""
    wanted = int(ipaddress.IPv4Address(address))
    found: list[tuple[int, int, int, int]] = []
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) < 8:
            continue
        destination, gateway, mask = (_host_order(words[column]) for column in (1, 2, 7))
        flags = int(words[3], 16)
        if flags & RTF_UP and not flags & RTF_REJECT and wanted & mask == destination:
            found.append((-mask, int(words[6]), flags, gateway))
    if not found:
        return None
    _, _, flags, gateway = min(found)
    return str(ipaddress.IPv4Address(gateway)) if flags & RTF_GATEWAY else None


def find_gateway_6(address: str, table: str) -> str | None:
    """Find the route to an IPv6 address in the text of /proc/net/ipv6_route; a link-local gateway has its interface."""
    wanted = ipaddress.IPv6Address(address)
    found: list[tuple[int, int, int, str, str]] = []
    for line in table.splitlines():
        words = line.split()
        if len(words) < 10:
            continue
        length, flags = int(words[1], 16), int(words[8], 16)
        network = ipaddress.IPv6Network((int(words[0], 16), length), strict=False)
        if flags & RTF_UP and not flags & RTF_REJECT and wanted in network:
            found.append((-length, int(words[5], 16), flags, words[4], words[9]))
    if not found:
        return None
    _, _, flags, gateway, interface = min(found)
    if not flags & RTF_GATEWAY:
        return None
    parsed = ipaddress.IPv6Address(int(gateway, 16))
    return f"{parsed}%{interface}" if parsed.is_link_local else str(parsed)


def _host_order(text: str) -> int:
    """Read a number that the table shows as this machine keeps it in memory, in network order."""
    return int.from_bytes(struct.pack("=I", int(text, 16)), "big")
