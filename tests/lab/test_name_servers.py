"""The lab's name servers, asked by dnspython over UDP and TCP."""

from __future__ import annotations

import socket
import time
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest

from pytomo_scrapy.lab.hosts import DUAL_STACK_HOST_NAME, TRUNCATED_HOST_NAME, fault_host_name, special_hosts
from pytomo_scrapy.lab.model import MediaHost, World
from pytomo_scrapy.lab.name_servers import RESOLVERS, LabResolvers, Zone

CACHES = {f"rr{n}---sn-cache.googlevideo.com": f"127.42.1.{n}" for n in range(1, 25)}
ALIAS = "rr1---sn-alias.googlevideo.com"
CANONICAL = "rr1.sn-alias.googlevideo.com"


@pytest.fixture(scope="module")
def world() -> World:
    hosts = {name: MediaHost(name, address) for name, address in CACHES.items()}
    hosts[ALIAS] = MediaHost(ALIAS, "127.42.1.100", cname=CANONICAL)
    return World("test", "", hosts={**hosts, **special_hosts()})


@pytest.fixture(scope="module")
def servers(lab_thread: Any, world: World) -> dict[str, tuple[str, int]]:
    return lab_thread.serve(LabResolvers(world, {"www.youtube.com": "127.0.0.1"}, silent=True))


def ask(
    server: tuple[str, int], name: str, kind: str = "A", *, tcp: bool = False, timeout: float = 3.0
) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    transport: Any = dns.query.tcp if tcp else dns.query.udp
    return transport(query, server[0], port=server[1], timeout=timeout)


def addresses(response: dns.message.Message, kind: dns.rdatatype.RdataType = dns.rdatatype.A) -> list[str]:
    return [record.to_text() for rrset in response.answer if rrset.rdtype == kind for record in rrset]


def make_resolver(server: tuple[str, int], lifetime_s: float = 3.0) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = [server[0]], server[1], lifetime_s
    return resolver


def test_resolvers_are_named_as_the_product_s_default_with_the_system_s_first(
    servers: dict[str, tuple[str, int]],
) -> None:
    assert list(servers) == ["system", "google", "opendns", "silent"]


@pytest.mark.process
@pytest.mark.parametrize("tcp", [False, True])
def test_system_resolver_gives_every_host_its_own_address(servers: dict[str, tuple[str, int]], tcp: bool) -> None:
    for name, address in CACHES.items():
        response = ask(servers["system"], name, tcp=tcp)
        assert addresses(response) == [address]
        assert response.rcode() == dns.rcode.NOERROR and response.answer[0].ttl == 300
        assert response.flags & dns.flags.RA


@pytest.mark.slow
def test_other_resolvers_lead_some_hosts_to_another_cache_always_the_same(
    servers: dict[str, tuple[str, int]],
) -> None:
    google = {name: addresses(ask(servers["google"], name)) for name in CACHES}
    opendns = {name: addresses(ask(servers["opendns"], name)) for name in CACHES}
    for name, found in google.items():
        assert found == addresses(ask(servers["google"], name))
        assert found[-1] == CACHES[name]
    moved = {name for name in CACHES if opendns[name] != [CACHES[name]]}
    assert 0 < len(moved) < len(CACHES) and all(len(opendns[name]) == 1 for name in moved)
    assert 0 < sum(len(found) == 2 for found in google.values()) < len(CACHES)


def test_host_without_ipv6_answers_aaaa_with_no_error_and_no_record(servers: dict[str, tuple[str, int]]) -> None:
    response = ask(servers["system"], next(iter(CACHES)), "AAAA")  # of this test's own world: the lab's hosts have it
    assert response.rcode() == dns.rcode.NOERROR and response.answer == []
    assert response.authority[0].rdtype == dns.rdatatype.SOA
    with pytest.raises(dns.resolver.NoAnswer):
        make_resolver(servers["system"]).resolve(next(iter(CACHES)), "AAAA")


def test_dual_stack_host_has_both_families(servers: dict[str, tuple[str, int]]) -> None:
    assert addresses(ask(servers["system"], DUAL_STACK_HOST_NAME, "AAAA"), dns.rdatatype.AAAA) == ["::1"]
    assert len(addresses(ask(servers["system"], DUAL_STACK_HOST_NAME))) == 1


def test_canonical_name_comes_before_the_address_and_resolves_itself(servers: dict[str, tuple[str, int]]) -> None:
    answer = make_resolver(servers["system"]).resolve(ALIAS, "A")
    assert answer.canonical_name.to_text() == CANONICAL + "."
    assert [record.to_text() for record in answer] == ["127.42.1.100"]
    assert addresses(ask(servers["system"], CANONICAL)) == ["127.42.1.100"]


@pytest.mark.parametrize("resolver", ["system", "google", "opendns"])
def test_hosts_at_fault_fail_at_every_resolver(servers: dict[str, tuple[str, int]], resolver: str) -> None:
    missing = ask(servers[resolver], fault_host_name("dns_nxdomain"))
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert ask(servers[resolver], fault_host_name("dns_servfail")).rcode() == dns.rcode.SERVFAIL
    with pytest.raises(dns.exception.Timeout):
        ask(servers[resolver], fault_host_name("dns_silence"), timeout=0.2)


def test_name_outside_the_world_does_not_exist(servers: dict[str, tuple[str, int]]) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        make_resolver(servers["system"]).resolve("rr9---sn-nowhere.googlevideo.com", "A")
    assert addresses(ask(servers["system"], "WWW.YouTube.com")) == ["127.0.0.1"]


@pytest.mark.process
def test_truncated_host_needs_tcp_which_dnspython_then_takes(servers: dict[str, tuple[str, int]]) -> None:
    short = ask(servers["system"], TRUNCATED_HOST_NAME)
    assert short.flags & dns.flags.TC and short.answer == []
    answer = make_resolver(servers["system"]).resolve(TRUNCATED_HOST_NAME, "A")
    assert [record.to_text() for record in answer] == [special_hosts()[TRUNCATED_HOST_NAME].address]


def test_silent_resolver_never_answers(servers: dict[str, tuple[str, int]]) -> None:
    with pytest.raises(dns.resolver.LifetimeTimeout):
        make_resolver(servers["silent"], 0.3).resolve(next(iter(CACHES)), "A")


def test_resolver_with_delay_answers_later_than_that(servers: dict[str, tuple[str, int]]) -> None:
    began = time.monotonic()
    ask(servers["opendns"], next(iter(CACHES)))
    assert time.monotonic() - began >= 0.025


def test_garbage_query_is_ignored_and_the_next_one_answered(servers: dict[str, tuple[str, int]]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"\x00", servers["system"])
        client.sendto(b"\xff" * 700, servers["system"])
    name, address = next(iter(CACHES.items()))
    assert addresses(ask(servers["system"], name)) == [address]


def test_zone_never_lends_a_host_at_fault_to_another(world: World) -> None:
    good = set(CACHES.values()) | {"127.42.1.100"}
    good |= {world.hosts[name].address for name in (TRUNCATED_HOST_NAME, DUAL_STACK_HOST_NAME)}
    for resolver in RESOLVERS:
        zone = Zone(world, {}, resolver)
        for name in CACHES:
            assert set(zone.addresses(world.hosts[name])) <= good
