"""A network that leads nowhere: run inside a network and mount namespace, it counts what is sent out of it.

`counting_namespace.py RESOLV_CONF` gives the namespace a default route, IPv4 and IPv6, into a TUN device and a name
server behind it, and says so by an empty line. It answers each line of its input with the packets since the last, as
a JSON list of [destination, protocol, port], and ends with its input. Exits with 77 where it may make no TUN device.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
ICMP_V6, _OF_THE_KERNEL = 58, frozenset({133, 135, 136, 143})  # solicitations and reports that any new device sends
NOT_PERMITTED = 77


def open_tun(resolv_conf: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"out0", IFF_TUN | IFF_NO_PI))
    for command in (
        "ip link set lo up",
        "ip addr add 198.51.100.2/24 dev out0",
        "ip -6 addr add 2001:db8:1::2/64 dev out0 nodad",
        "ip link set out0 up",
        "ip route add default via 198.51.100.1 dev out0",
        "ip -6 route add default via 2001:db8:1::1 dev out0",
        f"mount --bind {resolv_conf} /etc/resolv.conf",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    return device


def describe(packet: bytes) -> tuple[str, int, int] | None:
    """Return destination, protocol and port. None for what the kernel sends of itself."""
    if packet[0] >> 4 == 4:
        header, protocol, target = (packet[0] & 15) * 4, packet[9], packet[16:20]
    else:
        header, protocol, target = 40, packet[6], packet[24:40]
        is_option = protocol == 0  # the report of a multicast group goes behind a hop-by-hop option
        if is_option or (protocol == ICMP_V6 and packet[header] in _OF_THE_KERNEL):
            return None
    port = int.from_bytes(packet[header + 2 : header + 4], "big") if protocol in (6, 17) else 0
    return str(ipaddress.ip_address(target)), protocol, port


def main() -> None:
    try:
        device = open_tun(sys.argv[1])
    except OSError:
        sys.exit(NOT_PERMITTED)
    os.set_blocking(device, False)
    sys.stdout.write("\n")
    sys.stdout.flush()
    # A packet is there to be read before the call that sent it returns. The device holds 500 of them.
    for _ in sys.stdin:
        found = [one for one in map(describe, waiting(device)) if one is not None]
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def waiting(device: int) -> Iterator[bytes]:
    """Read what has been sent until now."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield os.read(device, 65535)


if __name__ == "__main__":
    main()
