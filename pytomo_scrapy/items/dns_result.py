"""What the name servers answered, and the networks that the addresses belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DnsLookup:
    """One query to one resolver."""

    host: str
    resolver: str
    resolver_address: str
    transport: str  # "udp", "tcp", "dot", "doh"
    record_type: str  # "A" or "AAAA"
    t_s: float | None = None
    elapsed_s: float | None = None  # None where no answer came
    rcode: str | None = None
    ttl_s: int | None = None  # smallest of the address records
    cnames: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class DnsResult:
    """Every look-up of a video's media hosts, and the address chosen for each host."""

    lookups: tuple[DnsLookup, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)  # host -> address pinned for the window
    resolver: str | None = None  # the resolver whose answers were chosen
    elapsed_s: float | None = None  # the slowest chosen look-up: the part of join time
    failure: str | None = None
    failure_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """The autonomous system that one address of a measurement belongs to."""

    address: str
    as_number: int | None = None  # the first, where the prefix has several origins
    other_as_numbers: tuple[int, ...] = ()
    as_prefix: str | None = None
    as_holder: str | None = None
    source: str | None = None  # "mmdb" or "cymru"
