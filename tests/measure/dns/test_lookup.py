"""DNS probes against name servers on loopback that answer, err, cut off and keep silent."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pytomo_scrapy.config import DnsConfig, ResolverConfig
from pytomo_scrapy.items import DnsLookup
from pytomo_scrapy.measure.dns import transports
from pytomo_scrapy.measure.dns.lookup import look_up_hosts

pytestmark = pytest.mark.process

HOST = "rr1---sn-a.example"
Answerer = Callable[[dns.message.Message, str], bytes | None]


def answer_with(*records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Answerer:
    """Answer with those of `records` ("name ttl class type value") that fit the question, CNAMEs always."""

    def answer(query: dns.message.Message, transport: str) -> bytes:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        wanted = {"CNAME", dns.rdatatype.to_text(query.question[0].rdtype)}
        for record in records:
            name, ttl, _, kind, value = record.split()
            if kind in wanted:
                target = value + ("." if kind == "CNAME" else "")
                # A set of its own for each record: dnspython shuffles the records of a set.
                response.answer.append(dns.rrset.from_text(name + ".", int(ttl), "IN", kind, target))
        return response.to_wire()

    return answer


def silent(query: dns.message.Message, transport: str) -> None:
    return None


def garbage(query: dns.message.Message, transport: str) -> bytes:
    return query.to_wire()[:2] + b"\x81\x80garbage"


def truncated_over_udp(full: Answerer) -> Answerer:
    def answer(query: dns.message.Message, transport: str) -> bytes | None:
        if transport != "udp":
            return full(query, transport)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.TC
        return response.to_wire()

    return answer


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, sock = self.request
        reply = self.server.answer(dns.message.from_wire(wire), "udp")  # type: ignore[attr-defined]
        if reply is not None:
            sock.sendto(reply, self.client_address)


class _Stream(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            length = struct.unpack("!H", self.request.recv(2))[0]
            query = dns.message.from_wire(self.request.recv(length))
            reply = self.server.answer(query, self.server.transport)  # type: ignore[attr-defined]
            if reply is not None:
                self.request.sendall(struct.pack("!H", len(reply)) + reply)


class _Doh(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        query = dns.message.from_wire(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self.server.answer(query, "doh")  # type: ignore[attr-defined]
        self.send_response(200 if reply is not None else 503)
        self.send_header("Content-Length", str(len(reply or b"")))
        self.end_headers()
        self.wfile.write(reply or b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    context: ssl.SSLContext | None = None

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that distrusts us is part of a test."""


@contextlib.contextmanager
def serving(answer: Answerer, context: ssl.SSLContext | None = None, handler: type = _Stream) -> Iterator[int]:
    """Serve on one port of 127.0.0.1: UDP and TCP, or with a `context` TLS only. Yields the port."""
    tcp = _TcpServer(("127.0.0.1", 0), handler)
    port = tcp.server_address[1]
    tcp.context, tcp.answer, tcp.transport = context, answer, "tls" if context else "tcp"  # type: ignore[attr-defined]
    servers: list[Any] = [tcp]
    if context is None:
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", port), _Udp)
        udp.daemon_threads, udp.block_on_close, udp.answer = True, False, answer  # type: ignore[attr-defined]
        servers.append(udp)
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield port
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for dns.example and 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dns.example")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("dns.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def udp_resolver(port: int, name: str = "lab") -> ResolverConfig:
    return ResolverConfig(name, "udp", "127.0.0.1", port)


def by_type(lookups: tuple[DnsLookup, ...], resolver: str = "lab") -> dict[str, DnsLookup]:
    return {lookup.record_type: lookup for lookup in lookups if lookup.resolver == resolver}


BOTH = answer_with(
    f"{HOST} 300 IN CNAME edge.example",
    "edge.example 60 IN CNAME edge2.example",
    "edge2.example 42 IN A 192.0.2.2",
    "edge2.example 42 IN A 192.0.2.1",
    "edge2.example 17 IN AAAA 2001:db8::1",
)


def test_look_up_gives_chain_addresses_in_order_and_smallest_ttl() -> None:
    with serving(BOTH) as port:
        result = look_up_hosts([HOST, HOST], None, DnsConfig((udp_resolver(port),), 2.0), started_s=time.monotonic())
    assert len(result.lookups) == 2  # a host named twice is asked for once
    a, aaaa = by_type(result.lookups)["A"], by_type(result.lookups)["AAAA"]
    assert a.cnames == ("edge.example", "edge2.example")
    assert a.addresses == ("192.0.2.2", "192.0.2.1")
    assert (a.ttl_s, a.rcode, a.transport, a.failure) == (42, "NOERROR", "udp", None)
    assert (aaaa.addresses, aaaa.ttl_s) == (("2001:db8::1",), 17)
    assert a.elapsed_s is not None and 0 < a.elapsed_s < 2
    assert a.t_s is not None and 0 <= a.t_s < 2
    assert (result.chosen, result.resolver, result.failure) == ({HOST: "192.0.2.2"}, "lab", None)
    assert result.elapsed_s == a.elapsed_s


def test_look_up_of_family_6_chooses_its_address_and_still_asks_for_both() -> None:
    with serving(BOTH) as port:
        result = look_up_hosts([HOST], 6, DnsConfig((udp_resolver(port),), 2.0))
    assert result.chosen == {HOST: "2001:db8::1"}
    assert {lookup.record_type for lookup in result.lookups} == {"A", "AAAA"}


def test_look_up_without_aaaa_is_no_failure_where_a_answered() -> None:
    with serving(answer_with(f"{HOST} 5 IN A 192.0.2.1")) as port:
        config = DnsConfig((udp_resolver(port),), 2.0)
        result, only_six = look_up_hosts([HOST], None, config), look_up_hosts([HOST], 6, config)
    assert by_type(result.lookups)["AAAA"].failure == "dns_no_answer"
    assert (result.failure, result.chosen) == (None, {HOST: "192.0.2.1"})
    assert (only_six.failure, only_six.chosen) == ("dns_no_answer", {})


@pytest.mark.parametrize(
    ("answer", "failure", "rcode"),
    [
        (answer_with(rcode=dns.rcode.NXDOMAIN), "dns_nxdomain", "NXDOMAIN"),
        (answer_with(rcode=dns.rcode.SERVFAIL), "dns_servfail", "SERVFAIL"),
        (answer_with(rcode=dns.rcode.REFUSED), "dns_servfail", "REFUSED"),
        (answer_with(f"{HOST} 5 IN CNAME {HOST}"), "dns_no_answer", "NOERROR"),
        (answer_with("elsewhere.example 5 IN A 192.0.2.9"), "dns_no_answer", "NOERROR"),
        (garbage, "dns_bad_response", None),
        (silent, "dns_timeout", None),
    ],
)
def test_look_up_failure_has_its_class(answer: Answerer, failure: str, rcode: str | None) -> None:
    with serving(answer) as port:
        result = look_up_hosts([HOST], None, DnsConfig((udp_resolver(port),), 0.3))
    row = by_type(result.lookups)["A"]
    assert (row.failure, row.rcode, row.addresses) == (failure, rcode, ())
    assert (row.elapsed_s is None) == (rcode is None)
    assert (result.failure, result.chosen, result.elapsed_s) == (failure, {}, None)
    assert HOST in (result.failure_detail or "")


def test_look_up_truncated_answer_is_asked_for_over_tcp() -> None:
    with serving(truncated_over_udp(BOTH)) as port:
        result = look_up_hosts([HOST], 4, DnsConfig((udp_resolver(port),), 2.0))
    assert by_type(result.lookups)["A"].transport == "tcp"
    assert result.chosen == {HOST: "192.0.2.2"}


def test_look_up_chooses_from_the_first_resolver_only() -> None:
    with serving(silent) as quiet, serving(BOTH) as good:
        config = DnsConfig((udp_resolver(quiet, "first"), udp_resolver(good, "second")), 0.3)
        result = look_up_hosts([HOST], None, config)
    assert (result.failure, result.chosen, result.resolver) == ("dns_timeout", {}, "first")
    assert by_type(result.lookups, "second")["A"].addresses == ("192.0.2.2", "192.0.2.1")


def test_look_up_silent_resolvers_cost_their_timeout_once() -> None:
    with serving(silent) as first, serving(silent) as second, serving(BOTH) as good:
        resolvers = (udp_resolver(good, "good"), udp_resolver(first, "one"), udp_resolver(second, "two"))
        started_s = time.monotonic()
        result = look_up_hosts([f"h{index}.example" for index in range(5)], None, DnsConfig(resolvers, 0.4))
        elapsed_s = time.monotonic() - started_s
    assert 0.4 <= elapsed_s < 5 * 0.4, "once, and not for each of the five hosts"
    assert len(result.lookups) == 5 * 3 * 2
    assert {row.failure for row in result.lookups if row.resolver != "good"} == {"dns_timeout"}


def test_look_up_of_an_address_asks_nobody() -> None:
    result = look_up_hosts(["192.0.2.5", "2001:db8::5"], None, DnsConfig((udp_resolver(1),), 0.2))
    assert (result.lookups, result.failure) == ((), None)
    assert result.chosen == {"192.0.2.5": "192.0.2.5", "2001:db8::5": "2001:db8::5"}


def test_look_up_of_an_impossible_name_is_a_row_not_a_crash() -> None:
    result = look_up_hosts(["x" * 70 + ".example"], None, DnsConfig((udp_resolver(1),), 0.2))
    assert result.failure == "dns_bad_response"


def test_look_up_over_tls_with_a_trusted_certificate_answers(
    certificate: Path, server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(BOTH, server_context) as port:
        named = ResolverConfig("named", "dot", "127.0.0.1", port, "dns.example")
        bare = ResolverConfig("bare", "dot", "127.0.0.1", port)
        wrong = ResolverConfig("wrong", "dot", "127.0.0.1", port, "other.example")
        result = look_up_hosts([HOST], None, DnsConfig((named, bare, wrong), 3.0))
    assert result.chosen == {HOST: "192.0.2.2"}
    assert by_type(result.lookups, "named")["A"].transport == "dot"
    assert by_type(result.lookups, "bare")["A"].failure is None  # by the address in the certificate
    assert by_type(result.lookups, "wrong")["A"].failure == "dns_unreachable"


def test_look_up_over_tls_with_an_unknown_certificate_is_unreachable(
    server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with serving(BOTH, server_context) as port:
        config = DnsConfig((ResolverConfig("lab", "dot", "127.0.0.1", port, "dns.example"),), 3.0)
        result = look_up_hosts([HOST], None, config)
    assert result.failure == "dns_unreachable"
    assert "certificate" in (result.failure_detail or "").lower()


@pytest.mark.parametrize(
    ("answer", "failure"),
    [(BOTH, None), (silent, "dns_servfail"), (lambda query, transport: b"not DNS", "dns_bad_response")],
)
def test_look_up_over_https_has_its_class(
    certificate: Path,
    server_context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answerer,
    failure: str | None,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # must not be asked
    with serving(answer, server_context, _Doh) as port:
        doh = ResolverConfig("lab", "doh", f"https://127.0.0.1:{port}/dns-query", port)
        result = look_up_hosts([HOST], 4, DnsConfig((doh,), 3.0))
    assert result.failure == failure
    row = by_type(result.lookups)["A"]
    assert row.transport == "doh"
    if failure is None:
        assert (row.resolver_address, result.chosen) == ("127.0.0.1", {HOST: "192.0.2.2"})


def test_look_up_over_https_of_a_silent_server_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        doh = ResolverConfig("lab", "doh", f"https://127.0.0.1:{port}/dns-query", port)
        started_s = time.monotonic()
        result = look_up_hosts([HOST], 4, DnsConfig((doh,), 0.3))
    assert result.failure == "dns_timeout"
    assert time.monotonic() - started_s < 10


def test_look_up_over_tls_refused_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = look_up_hosts([HOST], 4, DnsConfig((ResolverConfig("lab", "dot", "127.0.0.1", port),), 1.0))
    assert result.failure == "dns_unreachable"


@pytest.fixture
def system_servers(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, int]], None]:
    """Let the system name servers by invented addresses, each on a port of 127.0.0.1."""

    def install(ports: dict[str, int]) -> None:
        monkeypatch.setattr(transports, "system_nameservers", lambda: tuple(ports))
        real = transports.dns.query.udp

        def udp(query: dns.message.Message, where: str, timeout: float, port: int, **options: Any) -> Any:
            return real(query, "127.0.0.1", timeout, port=ports[where], **options)

        monkeypatch.setattr(transports.dns.query, "udp", udp)

    return install


@pytest.mark.parametrize("first", [silent, answer_with(rcode=dns.rcode.SERVFAIL)])
def test_look_up_by_the_system_goes_on_to_its_next_server(
    system_servers: Callable[[dict[str, int]], None], first: Answerer
) -> None:
    with serving(first) as bad, serving(BOTH) as good:
        system_servers({"192.0.2.53": bad, "192.0.2.54": good})
        result = look_up_hosts([HOST], 4, DnsConfig((ResolverConfig("system", "system"),), 0.6))
    row = by_type(result.lookups, "system")["A"]
    assert (row.failure, row.resolver_address, row.transport) == (None, "192.0.2.54", "udp")
    if first is silent:
        assert row.elapsed_s is not None and row.elapsed_s >= 0.3  # the wait for the first one is the user's too


def test_look_up_by_the_system_with_every_server_silent_is_one_timeout(
    system_servers: Callable[[dict[str, int]], None],
) -> None:
    with serving(silent) as bad:
        system_servers({"192.0.2.53": bad, "192.0.2.54": bad, "192.0.2.55": bad})
        started_s = time.monotonic()
        result = look_up_hosts([HOST], 4, DnsConfig((ResolverConfig("system", "system"),), 0.6))
    assert result.failure == "dns_timeout"
    assert time.monotonic() - started_s < 3 * 0.6, "once, and not for each of the three servers"
