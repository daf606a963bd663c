"""Keeps the sockets of this process to this machine: what a project of others does in the lab stays in the lab.

Proxies and name servers of the environment lead clients to the lab. What takes neither (a setting of the project, a
request without a proxy, a name server by its number) is refused here, as on a machine without a network.

Implementation note: Python's own sockets and look-ups are seen, and libcurl's, which our windows announce. A program in
another language that a project starts, and a library in C that opens its own sockets (libpq), are not.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

# Names that every machine has for itself. All others are looked up, and a look-up leaves the machine by itself.
_LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_NETWORK_FAMILIES = frozenset({int(socket.AF_INET), int(socket.AF_INET6), int(getattr(socket, "AF_PACKET", -1))})


def keep_to_loopback() -> None:
    """Refuse, from now on and for good, what would leave this machine."""
    sys.addaudithook(_hear)
    # A name in the place of an address is looked up before any hook hears of it.
    for method in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, method, _named_first(getattr(socket.socket, method)))


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if check is not None:
        check(*arguments)


def _check_socket(opened: socket.socket, address: Any) -> None:
    if address is not None and opened.family in _NETWORK_FAMILIES:
        _check_address(address)


def _check_address(address: Any) -> None:
    if not _is_here(address[0]):
        _refuse_packet()


def _check_name(name: Any, *_: Any) -> None:
    if name is not None and not _is_here(name) and not _is_number(name):
        raise socket.gaierror(socket.EAI_NONAME, f"{_text(name)!r} is not known in the offline lab")


def _check_reverse(address: Any) -> None:
    _check_name(address[0] if isinstance(address, tuple) else address)
    if not _is_here(address[0] if isinstance(address, tuple) else address):
        raise socket.gaierror(socket.EAI_NONAME, "no address outside of it has a name in the offline lab")


_CHECKS: Mapping[str, Callable[..., None]] = {
    "socket.connect": _check_socket,
    "socket.sendto": _check_socket,
    "socket.sendmsg": _check_socket,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
    "socket.gethostbyaddr": _check_reverse,
    "socket.getnameinfo": _check_reverse,
    "pycurl.open_socket": _check_address,
}


def _named_first(method: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if self.family in _NETWORK_FAMILIES and isinstance(address, tuple) and isinstance(address[0], str):
            _check_name(address[0])
        return method(self, *arguments)

    return checked


def _refuse_packet() -> NoReturn:
    raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))


def _is_here(host: Any) -> bool:
    """Tell whether a host, by its name or its number, is this machine."""
    text = _text(host)
    if text.lower() in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    # ::ffff:8.8.8.8 would leave this machine as well as 8.8.8.8 does.
    embedded = getattr(address, "ipv4_mapped", None) or address
    return bool(embedded.is_loopback or embedded.is_unspecified)


def _is_number(host: Any) -> bool:
    try:
        ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
