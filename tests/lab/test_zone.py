"""What the lab's name servers answer, computed without a socket: names, faults, other caches, and both transports."""

from __future__ import annotations

from typing import Any

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest

from pytomo_scrapy.lab.hosts import TRUNCATED_HOST_NAME, fault_host_name
from pytomo_scrapy.lab.model import LOOPBACK_V6, MediaHost, World
from pytomo_scrapy.lab.name_servers import RESOLVERS, Resolver, Zone, _number

PLAIN = [f"rr{number}---sn-lab.googlevideo.com" for number in range(1, 9)]
CANONICAL, BEHIND = "rr1---sn-cname.googlevideo.com", "rr1.sn-cname.googlevideo.com"
REDIRECTING = "rr1---sn-away.googlevideo.com"
SILENT, NXDOMAIN, SERVFAIL = (fault_host_name(name) for name in ("dns_silence", "dns_nxdomain", "dns_servfail"))


def make_world() -> World:
    hosts = [MediaHost(name, f"127.0.1.{number}", address_v6=LOOPBACK_V6) for number, name in enumerate(PLAIN)]
    hosts += [
        MediaHost(CANONICAL, "127.0.2.1", cname=BEHIND),
        MediaHost(REDIRECTING, "127.0.2.2", redirects_to=PLAIN[0]),
        MediaHost(TRUNCATED_HOST_NAME, "127.0.2.3"),
        MediaHost(SILENT, "127.0.2.4"),
        MediaHost(NXDOMAIN, "127.0.2.5"),
        MediaHost(SERVFAIL, "127.0.2.6"),
    ]
    return World("w", "", hosts={host.name: host for host in hosts})


def make_zone(**resolver: Any) -> Zone:
    return Zone(make_world(), {"www.youtube.com": "127.0.9.9"}, Resolver("r", "127.0.0.53", **resolver))


def ask(name: str, kind: str = "A", *, is_udp: bool = True, zone: Zone | None = None) -> dns.message.Message | None:
    return (zone or make_zone()).respond(dns.message.make_query(name, kind), is_udp=is_udp)


def texts(response: dns.message.Message | None, section: str = "answer") -> list[str]:
    assert response is not None
    return [rr.to_text() for rrset in getattr(response, section) for rr in rrset]


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        (PLAIN[0], "A", ["127.0.1.0"]),
        (PLAIN[0].upper(), "A", ["127.0.1.0"]),
        (PLAIN[0], "AAAA", [LOOPBACK_V6]),
        ("www.youtube.com", "A", ["127.0.9.9"]),
        (CANONICAL, "A", [f"{BEHIND}.", "127.0.2.1"]),
        (BEHIND, "A", ["127.0.2.1"]),  # the canonical name itself
        (REDIRECTING, "A", ["127.0.2.2"]),
    ],
)
def test_name_of_the_world_has_its_address(name: str, kind: str, answer: list[str]) -> None:
    response = ask(name, kind)
    assert texts(response) == answer and response is not None and response.rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("elsewhere.example", "A", dns.rcode.NXDOMAIN),
        (NXDOMAIN, "A", dns.rcode.NXDOMAIN),
        (PLAIN[0], "TXT", dns.rcode.NOERROR),  # the name is there, this kind of it is not
        ("www.youtube.com", "AAAA", dns.rcode.NOERROR),
        (REDIRECTING, "AAAA", dns.rcode.NOERROR),
    ],
)
def test_answer_without_an_address_carries_the_zones_authority(name: str, kind: str, rcode: int) -> None:
    response = ask(name, kind)
    assert texts(response) == [] and response is not None and response.rcode() == rcode
    (authority,) = texts(response, "authority")
    zone = ".".join(name.split(".")[-2:])
    assert authority.startswith(f"ns1.{zone}. dns-admin.{zone}. ")


@pytest.mark.parametrize("is_udp", [True, False])
def test_truncated_answer_needs_tcp(is_udp: bool) -> None:
    response = ask(TRUNCATED_HOST_NAME, is_udp=is_udp)
    assert response is not None and bool(response.flags & dns.flags.TC) is is_udp
    assert texts(response) == ([] if is_udp else ["127.0.2.3"])


def test_fault_of_the_name_servers_is_silence_or_a_refusal_without_authority() -> None:
    assert ask(SILENT) is None
    response = ask(SERVFAIL)
    assert response is not None and response.rcode() == dns.rcode.SERVFAIL
    assert (texts(response), texts(response, "authority")) == ([], [])


def test_query_that_is_no_question_is_not_implemented() -> None:
    query = dns.message.make_query(PLAIN[0], "A")
    query.set_opcode(dns.opcode.STATUS)
    two = dns.message.make_query(PLAIN[0], "A")
    two.question.append(dns.message.make_query(PLAIN[1], "A").question[0])
    for asked in (query, two):
        response = make_zone().respond(asked, is_udp=True)
        assert response is not None and response.rcode() == dns.rcode.NOTIMP


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("keeps_own", [True, False])
def test_resolver_leads_one_host_in_so_many_to_the_next_cache(every: int, keeps_own: bool) -> None:
    zone, hosts = make_zone(other_cache_every=every, keeps_own=keeps_own), make_world().hosts
    # Good hosts in the order of their names; the one after the last is the first.
    good = sorted([*PLAIN, CANONICAL, TRUNCATED_HOST_NAME])
    for place, name in enumerate(good):
        other, own = hosts[good[(place + 1) % len(good)]].address, hosts[name].address
        expected = [own] if _number(name) % every else [other, own] if keeps_own else [other]
        assert zone.addresses(hosts[name]) == expected
    for name in (REDIRECTING, NXDOMAIN):
        assert zone.addresses(hosts[name]) == [hosts[name].address], "only good hosts stand in for each other"


def test_resolver_of_a_world_with_one_cache_has_no_other() -> None:
    host = MediaHost(PLAIN[0], "127.0.1.0")
    zone = Zone(World("w", "", hosts={host.name: host}), {}, Resolver("r", "127.0.0.53", other_cache_every=1))
    assert zone.addresses(host) == ["127.0.1.0"]


def test_machines_own_resolver_always_gives_the_hosts_own_address() -> None:
    zone, hosts = Zone(make_world(), {}, RESOLVERS[0]), make_world().hosts
    assert all(zone.addresses(host) == [host.address] for host in hosts.values())
