"""Whether a certificate is a host's own. For where TLS names another host than the one that is meant."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any


def covers(certificate: Mapping[str, Any], host: str) -> bool:
    """Tell whether a verified certificate, as `SSLSocket.getpeercert` gives it, is for `host`.

    **Source**: RFC 9525, 6.3 and 6.5: only alternative names count, and `*` stands for the whole leftmost label.
    """
    names = certificate.get("subjectAltName", ())
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return any(kind == "DNS" and _matches(str(name), host) for kind, name in names)
    return any(kind == "IP Address" and _is_address(str(name), address) for kind, name in names)


def _matches(pattern: str, host: str) -> bool:
    wanted, named = host.lower().rstrip(".").split("."), pattern.lower().rstrip(".").split(".")
    if len(wanted) != len(named) or "" in wanted or "*" in "".join(named[1:]):
        return False
    is_first_same = named[0] == wanted[0] or (named[0] == "*" and len(named) > 2)
    return is_first_same and named[1:] == wanted[1:]


def _is_address(text: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ipaddress.ip_address(text) == address
    except ValueError:
        return False
