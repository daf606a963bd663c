"""Name servers that know no EDNS, whose datagrams are untidy, or that send names nowhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rrset
import pytest

from pytomo_scrapy.config import DnsConfig, ResolverConfig
from pytomo_scrapy.measure.dns import transports
from pytomo_scrapy.measure.dns.lookup import leading_somewhere, look_up_hosts
from pytomo_scrapy.measure.net.sinkhole import is_sinkhole
from tests.measure.dns.test_lookup import BOTH, HOST, Answerer, answer_with, by_type, serving, udp_resolver

pytestmark = pytest.mark.process

ADDRESS = f"{HOST} 60 IN A 192.0.2.7"
RIGHT = answer_with(ADDRESS)


def refusing_edns(rcode: dns.rcode.Rcode | None, *, is_bare: bool = False) -> Answerer:
    """Answer a question with EDNS with an error, or not at all; `is_bare`: with a header alone."""

    def answer(query: dns.message.Message, transport: str) -> bytes | None:
        if query.edns < 0:
            return RIGHT(query, transport)
        if rcode is None:
            return None
        response = dns.message.make_response(query)
        response.use_edns(False)
        response.set_rcode(rcode)
        if is_bare:
            response.question = []
        return response.to_wire()

    return answer


@pytest.mark.parametrize("is_bare", [False, True])
@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP", "SERVFAIL", "REFUSED"])
def test_error_in_answer_to_edns_is_asked_for_without_it(rcode: str, is_bare: bool) -> None:
    if is_bare and rcode != "FORMERR":
        return  # other errors repeat the question
    with serving(refusing_edns(dns.rcode.from_text(rcode), is_bare=is_bare)) as port:
        result = look_up_hosts([HOST], 4, DnsConfig((udp_resolver(port),), 2.0))
    assert (result.failure, result.chosen) == (None, {HOST: "192.0.2.7"})


def test_silence_in_answer_to_edns_costs_half_of_the_time() -> None:
    with serving(refusing_edns(None)) as port:
        result = look_up_hosts([HOST], 4, DnsConfig((udp_resolver(port),), 2.0))
    row = by_type(result.lookups)["A"]
    assert (row.failure, row.addresses) == (None, ("192.0.2.7",))
    assert row.elapsed_s is not None and 1.0 <= row.elapsed_s < 2.0


def test_error_with_edns_is_taken_at_its_word() -> None:
    asked: list[int] = []

    def answer(query: dns.message.Message, transport: str) -> bytes | None:
        asked.append(query.edns)
        return answer_with(rcode=dns.rcode.SERVFAIL)(query, transport)

    with serving(answer) as port:
        result = look_up_hosts([HOST], 4, DnsConfig((udp_resolver(port),), 2.0))
    assert (result.failure, set(asked), len(asked)) == ("dns_servfail", {0}, 2)


@contextmanager
def serving_datagrams(before: Callable[[bytes], list[bytes]], after: bytes = b"") -> Iterator[int]:
    """Serve RIGHT with datagrams before each answer and bytes behind it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                try:
                    wire, peer = server.recvfrom(4096)
                except OSError:
                    return
                if wire == b"end":
                    return
                for datagram in (*before(wire), (RIGHT(dns.message.from_wire(wire), "udp") or b"") + after):
                    server.sendto(datagram, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closer:
                closer.sendto(b"end", server.getsockname())
            thread.join(5)


def of_another_id(wire: bytes) -> list[bytes]:
    response = dns.message.make_response(dns.message.from_wire(wire))
    response.id ^= 1
    response.answer.append(dns.rrset.from_text(HOST + ".", 60, "IN", "A", "198.51.100.66"))
    return [response.to_wire()]


def of_another_question(wire: bytes) -> list[bytes]:
    query = dns.message.make_query("elsewhere.example", "A", id=dns.message.from_wire(wire).id)
    return [dns.message.make_response(query).to_wire()]


@pytest.mark.parametrize(
    "before",
    [of_another_id, of_another_question, lambda wire: [b"", b"x", bytes(40)], lambda wire: [wire], lambda wire: []],
)
@pytest.mark.parametrize("after", [b"", b"trailing"])
def test_stray_datagrams_and_trailing_bytes_are_passed_over(
    before: Callable[[bytes], list[bytes]], after: bytes
) -> None:
    with serving_datagrams(before, after) as port:
        result = look_up_hosts([HOST], 4, DnsConfig((udp_resolver(port),), 2.0))
    assert (result.failure, result.chosen) == (None, {HOST: "192.0.2.7"})


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP"])
def test_system_goes_on_behind_a_server_that_understands_nothing(monkeypatch: pytest.MonkeyPatch, rcode: str) -> None:
    ports: dict[str, int] = {}
    real = transports.dns.query.udp

    def udp(
        query: dns.message.Message, where: str, timeout: float, port: int, **options: object
    ) -> dns.message.Message:
        return real(query, "127.0.0.1", timeout, port=ports[where], **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transports.dns.query, "udp", udp)
    with serving(answer_with(rcode=dns.rcode.from_text(rcode))) as bad, serving(BOTH) as good:
        ports |= {"192.0.2.53": bad, "192.0.2.54": good}
        monkeypatch.setattr(transports, "system_nameservers", lambda: tuple(ports))
        result = look_up_hosts([HOST], 4, DnsConfig((ResolverConfig("system", "system"),), 2.0))
    assert by_type(result.lookups, "system")["A"].resolver_address == "192.0.2.54"
    assert result.chosen == {HOST: "192.0.2.2"}


@pytest.mark.parametrize("address", ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"])
def test_sinkhole_is_one(address: str) -> None:
    assert is_sinkhole(address)


@pytest.mark.parametrize("address", ["192.0.2.1", "127.0.0.1", "::1", "2001:db8::", "1.0.0.0", "", "no address"])
def test_address_of_a_host_is_no_sinkhole(address: str) -> None:
    assert not is_sinkhole(address)


@pytest.mark.parametrize("records", [(f"{HOST} 5 IN A 0.0.0.0", f"{HOST} 5 IN AAAA ::"), (f"{HOST} 5 IN A 0.0.0.1",)])
def test_name_that_is_sent_nowhere_has_its_class_and_no_media_host(records: tuple[str, ...]) -> None:
    with serving(answer_with(*records)) as port:
        result = look_up_hosts([HOST], None, DnsConfig((udp_resolver(port),), 2.0))
    row = by_type(result.lookups)["A"]
    assert (row.failure, row.addresses, row.rcode) == ("dns_sinkhole", (records[0].split()[-1],), "NOERROR")
    assert row.addresses and leading_somewhere(row) == ()
    assert (result.failure, result.chosen) == ("dns_sinkhole", {})


def test_sinkhole_beside_an_address_is_never_chosen() -> None:
    with serving(answer_with(f"{HOST} 5 IN A 0.0.0.0", ADDRESS)) as port:
        result = look_up_hosts([HOST], None, DnsConfig((udp_resolver(port),), 2.0))
    assert (result.failure, result.chosen) == (None, {HOST: "192.0.2.7"})


def test_sinkhole_of_one_family_leaves_the_other() -> None:
    with serving(answer_with(f"{HOST} 5 IN A 0.0.0.0", f"{HOST} 5 IN AAAA 2001:db8::7")) as port:
        result = look_up_hosts([HOST], None, DnsConfig((udp_resolver(port),), 2.0))
    assert (result.failure, result.chosen) == (None, {HOST: "2001:db8::7"})
