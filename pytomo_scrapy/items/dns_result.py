"""What the name servers answered, and the networks that the addresses belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytomo_scrapy.items.stored import about, failure_detail, failure_of, stored


@dataclass(frozen=True, slots=True)
class DnsLookup:
    """One query to one resolver."""

    host: str = field(metadata=about("host name that was asked for"))
    resolver: str = field(metadata=about("name of the resolver in `PYTOMO_DNS_RESOLVERS`"))
    resolver_address: str = field(metadata=about("address or URL of the resolver", null="unknown"))
    transport: str = field(metadata=about("transport of the query: udp, tcp, dot, doh", null="unknown"))
    record_type: str = field(metadata=about("type of the records asked for: A or AAAA", null="unknown"))
    t_s: float | None = stored(None, "when the query was sent", null="not asked", unit="s from the item's start")
    elapsed_s: float | None = stored(None, "time from the query to its answer", null="no answer came")
    rcode: str | None = stored(None, "response code of the answer: NOERROR, NXDOMAIN, ...", null="no answer came")
    ttl_s: int | None = stored(None, "smallest time to live of the address records", null="no address")
    cnames: tuple[str, ...] = stored(
        (), "aliases of the name, in the order of the answer", null="never; empty: none", unit="JSON list"
    )
    addresses: tuple[str, ...] = ()
    address_count: int | None = stored(
        None, "addresses in the answer, of which 16 are kept", null="no answer came", unit="addresses"
    )
    failure: str | None = failure_of("the query")
    failure_detail: str | None = failure_detail("the query")


@dataclass(frozen=True, slots=True)
class DnsResult:
    """Every look-up of a video's media hosts, and the address chosen for each host."""

    lookups: tuple[DnsLookup, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)  # host -> address pinned for the window
    resolver: str | None = stored(None, "resolver whose answer was measured (the first configured)", null="no look-up")
    elapsed_s: float | None = stored(None, "slowest of the chosen look-ups: the part of join time", null="no answer")
    failure: str | None = failure_of("the look-ups as a whole")
    failure_detail: str | None = failure_detail("the look-ups as a whole")


@dataclass(frozen=True, slots=True)
class Network:
    """The autonomous system that one address of a measurement belongs to."""

    address: str = field(metadata=about("address of the measurement, IPv4 or IPv6"))
    as_number: int | None = stored(
        None, "number of the autonomous system: the (first) origin of the prefix", null="never announced"
    )
    other_as_numbers: tuple[int, ...] = stored(
        (), "numbers of further origins of the same prefix", null="empty list: none", unit=""
    )
    as_prefix: str | None = stored(None, "announced prefix, or the file's network", null="not reported")
    as_holder: str | None = stored(None, "who holds the number of the autonomous system", null="not reported")
    source: str | None = stored(
        None, "where this comes from: mmdb (a file of the user's), cymru (Team Cymru)", null="unknown"
    )
