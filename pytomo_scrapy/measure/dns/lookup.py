"""DNS probes: every resolver asked for every media host, and the addresses that the window is pinned to."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from pytomo_scrapy.config import DnsConfig, ResolverConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import DnsLookup, DnsResult
from pytomo_scrapy.measure.dns.transports import Reply, ask, make_query
from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.net.path import family_of
from pytomo_scrapy.measure.net.sinkhole import is_sinkhole

RECORD_TYPES = ("A", "AAAA")
_FAMILY_TYPES: Mapping[int | None, tuple[str, ...]] = {4: ("A",), 6: ("AAAA",), None: RECORD_TYPES}
# Of one answer; a media host has one to eight. What comes behind would be pinged, opened a window on and stored too.
MAX_ADDRESSES = 16
MAX_ALIASES = 16  # as resolvers themselves follow; a chain as long as the answer would take the look-up's time
# Over the time-out: what an answer in the last moment may need to be read.
_GRACE_S = 0.25


@dataclass(frozen=True, slots=True)
class _Question:
    host: str
    resolver: ResolverConfig
    record_type: str


def look_up_hosts(
    hosts: Sequence[str],
    family: int | None,
    config: DnsConfig,
    *,
    started_s: float = 0.0,
    clock: Clock = time.monotonic,
) -> DnsResult:
    """Ask every resolver for A and AAAA of every host, all at once, and choose the first resolver's addresses.

    `family` 4 or 6 narrows the choice, not the questions; None prefers A. `started_s` is the item's start on `clock`.
    A host that is an address itself is chosen without a question. Blocks, and returns within `timeout_s` + 0.5 s.

    Implementation note: nothing is cached, so that each time is that of the resolver; a failed look-up has no time.
    `elapsed_s` is the slowest look-up that was chosen, since a player would make these, and these alone, at once.
    """
    names = tuple(dict.fromkeys(hosts))
    questions = [
        _Question(host, resolver, record_type)
        for host in names
        if family_of(host) is None
        for resolver in config.resolvers
        for record_type in RECORD_TYPES
    ]
    lookups = _look_up_all(questions, config.timeout_s, started_s, clock)
    return _choose(names, family, config.resolvers[0], tuple(lookups))


def _look_up_all(questions: Sequence[_Question], timeout_s: float, started_s: float, clock: Clock) -> list[DnsLookup]:
    answers: dict[int, DnsLookup] = {}
    t_s = clock() - started_s

    def work(index: int, question: _Question) -> None:
        answers[index] = look_up(question.host, question.record_type, question.resolver, timeout_s, started_s, clock)

    threads = [
        # Daemons: one that hangs in a system call must not keep the process from ending.
        threading.Thread(target=work, args=(index, question), name="dns", daemon=True)
        for index, question in enumerate(questions)
    ]
    deadline_s = time.monotonic() + timeout_s + _GRACE_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline_s - time.monotonic()))
    done = dict(answers)
    return [
        done.get(index)
        or _failed(question.host, question.record_type, question.resolver, t_s, "dns_timeout", "no answer in time")
        for index, question in enumerate(questions)
    ]


def look_up(
    host: str,
    record_type: str,
    resolver: ResolverConfig,
    timeout_s: float,
    started_s: float = 0.0,
    clock: Clock = time.monotonic,
) -> DnsLookup:
    """Ask one resolver one question. Never raises: the row's failure says what went wrong."""
    t_s = clock() - started_s
    try:
        reply = ask(make_query(host, record_type), resolver, timeout_s, clock)
        return read_reply(reply, host, record_type, resolver, t_s)
    except MeasurementError as error:
        return _failed(host, record_type, resolver, t_s, error.failure, error.detail)
    except Exception as error:  # noqa: BLE001 - a thread's exception would be lost otherwise
        return _failed(host, record_type, resolver, t_s, "unknown_failure", f"{type(error).__name__}: {error}")


def read_reply(reply: Reply, host: str, record_type: str, resolver: ResolverConfig, t_s: float | None) -> DnsLookup:
    """Turn an answer into a row: the CNAME chain in order, then the addresses at its end in the answer's order."""
    chain, addresses, ttl_s = _follow(reply.message, host, record_type)
    rcode = reply.message.rcode()
    failure, detail = None, None
    if rcode == dns.rcode.NXDOMAIN:
        failure = "dns_nxdomain"
    elif rcode != dns.rcode.NOERROR:
        failure, detail = "dns_servfail", dns.rcode.to_text(rcode)
    elif not addresses:
        failure = "dns_no_answer"
    elif all(is_sinkhole(address) for address in addresses):
        failure, detail = "dns_sinkhole", " ".join(addresses)
    return DnsLookup(
        host=host,
        resolver=resolver.name,
        resolver_address=reply.resolver_address,
        transport=reply.transport,
        record_type=record_type,
        t_s=t_s,
        elapsed_s=reply.elapsed_s,
        rcode=dns.rcode.to_text(rcode),
        ttl_s=ttl_s,
        cnames=chain,
        addresses=addresses[:MAX_ADDRESSES],
        address_count=len(addresses),
        failure=failure,
        failure_detail=detail,
    )


def _follow(
    message: dns.message.Message, host: str, record_type: str
) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
    """Return CNAMEs, addresses and the smallest TTL of the addresses, of the answer's records for `host` alone."""
    wanted = dns.rdatatype.from_text(record_type)
    name = dns.name.from_text(host)
    chain: list[str] = []
    for _ in range(MAX_ALIASES + 1):  # a loop of CNAMEs has no end
        records = [rrset for rrset in message.answer if rrset.name == name and rrset.rdclass == dns.rdataclass.IN]
        direct = [rrset for rrset in records if rrset.rdtype == wanted]
        if direct:
            addresses = tuple(record.address for rrset in direct for record in rrset)
            return tuple(chain), addresses, min(rrset.ttl for rrset in direct)
        aliases = [rrset for rrset in records if rrset.rdtype == dns.rdatatype.CNAME]
        if not aliases:
            break
        name = aliases[0][0].target
        chain.append(name.to_text(omit_final_dot=True))
    return tuple(chain), (), None


def _failed(host: str, record_type: str, resolver: ResolverConfig, t_s: float, failure: str, detail: str) -> DnsLookup:
    return DnsLookup(
        host=host,
        resolver=resolver.name,
        resolver_address=resolver.address,
        transport="udp" if resolver.transport == "system" else resolver.transport,
        record_type=record_type,
        t_s=t_s,
        failure=failure,
        failure_detail=detail or None,
    )


def _choose(
    hosts: Sequence[str], family: int | None, resolver: ResolverConfig, lookups: tuple[DnsLookup, ...]
) -> DnsResult:
    chosen: dict[str, str] = {}
    slowest_s: float | None = None
    failed: tuple[str, str | None] | None = None
    for host in hosts:
        if family_of(host) is not None:
            chosen[host] = host
            continue
        of_host = [lookup for lookup in lookups if lookup.host == host and lookup.resolver == resolver.name]
        usable = [lookup for lookup in of_host if lookup.record_type in _FAMILY_TYPES[family]]
        answered = next((lookup for lookup in usable if leading_somewhere(lookup)), None)
        if answered is None:
            failed = failed or _worst(host, usable)
            continue
        chosen[host] = leading_somewhere(answered)[0]
        slowest_s = max(slowest_s or 0.0, answered.elapsed_s or 0.0)
    return DnsResult(
        lookups=lookups,
        chosen=chosen,
        resolver=resolver.name,
        elapsed_s=slowest_s,
        failure=failed[0] if failed else None,
        failure_detail=failed[1] if failed else None,
    )


def leading_somewhere(lookup: DnsLookup) -> tuple[str, ...]:
    """Return the addresses of an answer that a host can have, in its order."""
    return tuple(address for address in lookup.addresses if not is_sinkhole(address))


def _worst(host: str, lookups: Sequence[DnsLookup]) -> tuple[str, str]:
    """Return the failure of a host without an address: an answer without records says less than any other failure."""
    failures = [(lookup.failure or "dns_no_answer", lookup.failure_detail) for lookup in lookups]
    failure, detail = next((failure for failure in failures if failure[0] != "dns_no_answer"), ("dns_no_answer", None))
    return failure, f"{host}: {detail}" if detail else host
