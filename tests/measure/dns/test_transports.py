"""Answers that no sane server gives, and a system without name servers."""

from __future__ import annotations

import contextlib
import errno
import random

import dns.exception
import dns.message
import dns.rrset
import pytest

from pytomo_scrapy.config import DnsConfig, ResolverConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.dns import transports
from pytomo_scrapy.measure.dns.lookup import look_up_hosts, read_reply

HOST = "rr1---sn-a.example"
RESOLVER = ResolverConfig("lab", "udp", "192.0.2.53")


@pytest.mark.slow
def test_read_reply_of_damaged_answers_never_raises_anything_unforeseen() -> None:
    random_source = random.Random(1)
    response = dns.message.make_response(transports.make_query(HOST, "A"))
    response.answer.append(dns.rrset.from_text(f"{HOST}.", 300, "IN", "CNAME", "edge.example."))
    response.answer.append(dns.rrset.from_text("edge.example.", 60, "IN", "A", "192.0.2.1"))
    good = response.to_wire()
    read_count = 0
    for _ in range(600):
        wire = bytearray(good)
        for _ in range(random_source.randint(1, 6)):
            wire[random_source.randrange(2, len(wire))] = random_source.randrange(256)
        with contextlib.suppress(dns.exception.DNSException):
            reply = transports.Reply(dns.message.from_wire(bytes(wire)), "192.0.2.53", "udp", 0.1)
            row = read_reply(reply, HOST, "A", ResolverConfig("lab", "udp", "192.0.2.53"), 0.0)
            assert bool(row.addresses) == (row.ttl_s is not None)
            read_count += 1
    assert read_count > 20


def test_look_up_by_a_system_without_resolvers_is_servfail(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(configure: bool) -> None:
        raise transports.dns.resolver.NoResolverConfiguration("cannot open /etc/resolv.conf")

    monkeypatch.setattr(transports.dns.resolver, "Resolver", unreadable)
    result = look_up_hosts([HOST], None, DnsConfig((ResolverConfig("system", "system"),), 0.5))
    assert result.failure == "dns_servfail"
    assert "resolv.conf" in (result.failure_detail or "")


def test_system_nameservers_are_those_of_the_system_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    class Configured:
        nameservers = ("192.0.2.54", "2001:db8::53")

    monkeypatch.setattr(transports.dns.resolver, "Resolver", lambda configure: Configured)
    assert transports.system_nameservers() == ("192.0.2.54", "2001:db8::53")


def test_make_query_of_an_impossible_name_has_its_class() -> None:
    with pytest.raises(MeasurementError) as raised:
        transports.make_query("a..b", "A")
    assert raised.value.failure == "dns_bad_response"


def test_look_up_without_a_file_descriptor_is_the_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(transports.dns.query, "udp", none_left)
    result = look_up_hosts([HOST], None, DnsConfig((ResolverConfig("lab", "udp", "192.0.2.53"),), 0.5))
    assert result.failure == "out_of_resources"


def test_answer_of_4000_addresses_is_cut_and_says_how_many_there_were() -> None:
    response = dns.message.make_response(transports.make_query(HOST, "A"))
    addresses = [f"192.{number >> 8}.{number & 255}.1" for number in range(4000)]
    response.answer.append(dns.rrset.from_text_list(f"{HOST}.", 60, "IN", "A", addresses))
    row = read_reply(transports.Reply(response, "192.0.2.53", "doh", 0.1), HOST, "A", RESOLVER, 0.0)
    assert (row.addresses, row.address_count) == (tuple(addresses[:16]), 4000)


@pytest.mark.parametrize(("alias_count", "found_count"), [(16, 1), (17, 0), (300, 0)])
def test_chain_of_aliases_is_followed_as_far_as_resolvers_do(alias_count: int, found_count: int) -> None:
    response = dns.message.make_response(transports.make_query("a0.example", "A"))
    for number in range(alias_count):
        alias = dns.rrset.from_text(f"a{number}.example.", 60, "IN", "CNAME", f"a{number + 1}.example.")
        response.answer.append(alias)
    response.answer.append(dns.rrset.from_text(f"a{alias_count}.example.", 60, "IN", "A", "192.0.2.1"))
    row = read_reply(transports.Reply(response, "192.0.2.53", "doh", 0.1), "a0.example", "A", RESOLVER, 0.0)
    assert (row.address_count, len(row.cnames)) == (found_count, min(alias_count, 17))
