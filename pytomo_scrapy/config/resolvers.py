"""DNS resolvers as a user names them: `name=address` in the setting PYTOMO_DNS_RESOLVERS."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytomo_scrapy.config.values import BadValue, words


@dataclass(frozen=True, slots=True)
class ResolverConfig:
    """A named DNS resolver. `transport` is "system", "udp" (with TCP fallback), "dot" or "doh"."""

    name: str
    transport: str
    address: str = ""  # IP address, or the URL of a DoH resolver
    port: int = 53
    tls_name: str | None = None  # the name in a DoT resolver's certificate


_RESOLVERS_RIGHT = "names with addresses such as system,google=8.8.8.8,lab=127.0.0.1:5353,dot=tls://9.9.9.9,doh=https://dns.google/dns-query"
_WELL_KNOWN_RESOLVERS = {"google": "8.8.8.8", "opendns": "208.67.222.222"}


def _host_port(text: str, port: int) -> tuple[str, int]:
    try:
        # An IPv6 address without brackets is all address: its colons are no port's.
        parts = urlsplit(f"//{text}" if text.count(":") < 2 or "[" in text else f"//[{text}]")
        return str(ipaddress.ip_address(parts.hostname or "")), parts.port or port
    except ValueError:
        raise BadValue(_RESOLVERS_RIGHT) from None


def _web_port(url: str) -> int:
    try:
        parts = urlsplit(url)
        if parts.hostname:
            return parts.port or 443
    except ValueError:  # an IPv6 address without its end, or a port that is no number
        pass
    raise BadValue(_RESOLVERS_RIGHT)


def parse_resolver(word: str) -> ResolverConfig:
    """Read one `name=address` of PYTOMO_DNS_RESOLVERS. Raises ValueError with what would be right."""
    name, _, where = word.partition("=")
    name, where = name.strip(), where.strip()
    if not where:
        if name == "system":
            return ResolverConfig("system", "system")
        where = _WELL_KNOWN_RESOLVERS.get(name, "")
    if not name:
        raise BadValue(_RESOLVERS_RIGHT)
    if where.startswith("https://"):
        return ResolverConfig(name, "doh", where, _web_port(where))
    if where.startswith("tls://"):
        # Behind a `#` stands the name that the certificate is for, as unbound writes it.
        location, _, tls_name = where.removeprefix("tls://").partition("#")
        address, port = _host_port(location, 853)
        return ResolverConfig(name, "dot", address, port, tls_name or None)
    address, port = _host_port(where, 53)
    return ResolverConfig(name, "udp", address, port)


def resolvers_of(value: Any) -> tuple[ResolverConfig, ...]:
    """Read the value of PYTOMO_DNS_RESOLVERS. Raises BadValue with what would be right."""
    resolvers = tuple(parse_resolver(word) for word in words(value))
    names = [resolver.name for resolver in resolvers]
    if not resolvers or len(set(names)) != len(names):
        raise BadValue(_RESOLVERS_RIGHT + ", each name once")
    return resolvers
