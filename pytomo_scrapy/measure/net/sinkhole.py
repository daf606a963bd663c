"""Addresses with which a name server says that a name leads nowhere: filters of families, firms and advertisements."""

from __future__ import annotations

import ipaddress

# RFC 1122, 3.2.1.3: "this host on this network". A connection to it would reach this machine itself.
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")


def is_sinkhole(address: str) -> bool:
    """Tell whether no host on the Internet can have this address: 0.0.0.0/8, ::, and 0.0.0.0 inside IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return parsed.is_unspecified
        parsed = parsed.ipv4_mapped
    return parsed in _THIS_NETWORK
