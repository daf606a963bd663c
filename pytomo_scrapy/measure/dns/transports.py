"""One DNS question to one resolver: UDP with TCP on truncation, over TLS, over HTTPS, or as the system asks."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

# dnspython loads a record type when it first meets it, which would be a part of the first look-ups' times.
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.OPT
import dns.rdtypes.ANY.SOA
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.resolver
import pycurl

from pytomo_scrapy.config import ResolverConfig
from pytomo_scrapy.failures import EXHAUSTED, MeasurementError
from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.net.path import ca_file
from pytomo_scrapy.measure.net.trust import kept_context

# RFC 9715 section 3: a UDP answer up to this size needs no IP fragments.
_UDP_PAYLOAD_BYTES = 1232
_DOH_MAX_BYTES = 65535
# The system's own resolver goes on to the next name server on these, so a probe of it must too.
_TRY_NEXT = {dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP, dns.rcode.FORMERR}
# What servers and boxes that know no EDNS answer to it. Source: RFC 6891, 7.
_KNOWS_NO_EDNS = {dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS}
_PLAIN_ANSWERS = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
# A question with EDNS that has no answer after this share of the time is followed by one without.
_EDNS_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Reply:
    """A resolver's answer, who gave it, over what, and how long it took (connection and TLS included)."""

    message: dns.message.Message
    resolver_address: str
    transport: str
    elapsed_s: float


def make_query(host: str, record_type: str) -> dns.message.Message:
    """Return the question for `host`. Raises MeasurementError if the name cannot be one."""
    try:
        return dns.message.make_query(host, record_type, use_edns=0, payload=_UDP_PAYLOAD_BYTES)
    except (dns.exception.DNSException, ValueError) as error:
        raise MeasurementError("dns_bad_response", f"not a name that can be asked for: {error}") from None


def ask(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float, clock: Clock) -> Reply:
    """Send `query` and return the answer within `timeout_s`. Raises MeasurementError with a dns_* class."""
    if resolver.transport == "system":
        return _classed(lambda: _ask_system(query, resolver, timeout_s, clock))
    return _classed(lambda: _ask_once_more(query, resolver, timeout_s, clock))


def _ask_once_more(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float, clock: Clock) -> Reply:
    """Ask, and once more without EDNS where the answer comes from somebody who does not know it, as stubs do."""
    ask_by = {"dot": _ask_dot, "doh": _ask_doh}.get(resolver.transport, _ask_udp)
    started_s = clock()
    reply = ask_by(query, resolver, timeout_s, clock)
    if not _is_of_no_edns(query, reply.message):
        return reply
    later = ask_by(_without_edns(query), resolver, max(0.001, timeout_s - (clock() - started_s)), clock)
    return Reply(later.message, later.resolver_address, later.transport, clock() - started_s)


def _is_of_no_edns(query: dns.message.Message, answer: dns.message.Message) -> bool:
    if query.edns < 0:
        return False
    # Who knows EDNS answers with it; a refusal without it may be of the EDNS alone.
    return answer.rcode() in _KNOWS_NO_EDNS or (answer.edns < 0 and answer.rcode() not in _PLAIN_ANSWERS)


def _without_edns(query: dns.message.Message) -> dns.message.Message:
    # The same id: a late answer to the first question is one to this question as well.
    question = query.question[0]
    return dns.message.make_query(question.name, question.rdtype, use_edns=False, id=query.id)


def _classed(attempt: Callable[[], Reply]) -> Reply:
    try:
        return attempt()
    except MeasurementError:
        raise
    except (dns.exception.Timeout, TimeoutError) as error:
        raise MeasurementError("dns_timeout", str(error) or "no answer in time") from None
    except OSError as error:  # before ValueError: a certificate's verification error is both
        failure = "out_of_resources" if error.errno in EXHAUSTED else "dns_unreachable"
        raise MeasurementError(failure, f"{type(error).__name__}: {error}") from None
    except EOFError:
        raise MeasurementError("dns_bad_response", "the connection ended before the answer did") from None
    except (dns.exception.DNSException, ValueError) as error:
        raise MeasurementError("dns_bad_response", f"{type(error).__name__}: {error}") from None


def _ask_udp(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float, clock: Clock) -> Reply:
    started_s = clock()
    transport = "udp"
    message = _exchange_datagrams(query, resolver, timeout_s)
    if message.flags & dns.flags.TC:
        transport = "tcp"
        rest_s = max(0.001, timeout_s - (clock() - started_s))
        message = dns.query.tcp(query, resolver.address, rest_s, port=resolver.port, ignore_trailing=True)
    return Reply(message, resolver.address, transport, clock() - started_s)


def _exchange_datagrams(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float) -> dns.message.Message:
    """Ask, and without EDNS as well where the answer is late or none: some boxes drop what they do not know.

    Both questions go from one socket, so that a late answer to the first still counts.
    """
    family = socket.AF_INET6 if ":" in resolver.address else socket.AF_INET
    until_s = time.monotonic() + timeout_s
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        datagrams.setblocking(False)
        if query.edns >= 0:
            with suppress(dns.exception.DNSException):
                return _exchange(datagrams, query, resolver, timeout_s * _EDNS_SHARE)
            query = _without_edns(query)
        return _exchange(datagrams, query, resolver, max(0.001, until_s - time.monotonic()))


def _exchange(
    datagrams: socket.socket, query: dns.message.Message, resolver: ResolverConfig, timeout_s: float
) -> dns.message.Message:
    """Send a question and wait for its answer. Datagrams that are none are passed over, and told if nothing follows."""
    until_s = time.time() + timeout_s
    try:
        return dns.query.udp(
            query,
            resolver.address,
            timeout_s,
            port=resolver.port,
            ignore_unexpected=True,
            ignore_trailing=True,
            sock=datagrams,
        )
    except dns.exception.Timeout:
        raise
    except dns.exception.DNSException:
        with suppress(dns.exception.Timeout):
            received = dns.query.receive_udp(
                datagrams,
                (resolver.address, resolver.port),
                until_s,
                ignore_unexpected=True,
                ignore_trailing=True,
                ignore_errors=True,
                query=query,
            )
            answer: dns.message.Message = received[0]
            return answer
        raise


def _ask_dot(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float, clock: Clock) -> Reply:
    context = kept_context("dot", _dot_context)
    started_s = clock()
    message = dns.query.tls(
        query,
        resolver.address,
        timeout_s,
        port=resolver.port,
        ssl_context=context,
        server_hostname=resolver.tls_name or resolver.address,
        ignore_trailing=True,
    )
    return Reply(message, resolver.address, "dot", clock() - started_s)


def _dot_context() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file())
    context.set_alpn_protocols(["dot"])
    return context


def _ask_system(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float, clock: Clock) -> Reply:
    started_s = clock()
    servers = system_nameservers()
    error: MeasurementError | None = None
    reply: Reply | None = None
    for position, server in enumerate(servers):
        # The rest of the time is shared by the servers not asked yet, so that a silent first one leaves some for them.
        rest_s = timeout_s - (clock() - started_s)
        share_s = max(0.001, rest_s / (len(servers) - position))
        try:
            udp = ResolverConfig(resolver.name, "udp", server)
            reply = ask(query, udp, share_s, clock)
        except MeasurementError as failed:
            error = MeasurementError(failed.failure, f"{server}: {failed.detail}")
            continue
        if reply.message.rcode() not in _TRY_NEXT:
            break
    if reply is None:
        raise error or MeasurementError("dns_servfail", "the system names no resolver")
    # A silent server before the one that answered is part of what the user waits for.
    return Reply(reply.message, reply.resolver_address, reply.transport, clock() - started_s)


def system_nameservers() -> tuple[str, ...]:
    """Return the addresses of the system's name servers in its order. Raises MeasurementError if it names none."""
    try:
        servers = dns.resolver.Resolver(configure=True).nameservers
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise MeasurementError("dns_servfail", f"the system's resolvers are not known: {error}") from None
    return tuple(str(server) for server in servers)


def _ask_doh(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float, clock: Clock) -> Reply:
    # RFC 8484 section 4.1: POST with the wire format; id 0 is for GET and caches only.
    wire = query.to_wire()
    body = io.BytesIO()
    curl = _doh_handle(resolver.address, wire, body, timeout_s)
    started_s = clock()
    try:
        curl.perform()
        elapsed_s = clock() - started_s
        status, address = curl.getinfo(pycurl.RESPONSE_CODE), curl.getinfo(pycurl.PRIMARY_IP)
    except pycurl.error as error:
        code, text = error.args[0], error.args[-1]
        timed_out = code == pycurl.E_OPERATION_TIMEDOUT
        raise MeasurementError("dns_timeout" if timed_out else "dns_unreachable", f"curl {code}: {text}") from None
    finally:
        curl.close()
    if status != 200:
        raise MeasurementError("dns_servfail", f"the DoH server answered HTTP {status}")
    message = dns.message.from_wire(body.getvalue(), ignore_trailing=True)
    if not query.is_response(message):
        raise MeasurementError("dns_bad_response", "the answer is for another question")
    return Reply(message, address or resolver.address, "doh", elapsed_s)


def _doh_handle(url: str, wire: bytes, body: io.BytesIO, timeout_s: float) -> pycurl.Curl:
    def write(chunk: bytes) -> int:
        # Fewer bytes than given end the transfer.
        return body.write(chunk) if body.tell() + len(chunk) <= _DOH_MAX_BYTES else 0

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.POSTFIELDS, wire)
    curl.setopt(pycurl.HTTPHEADER, ["Content-Type: application/dns-message", "Accept: application/dns-message"])
    curl.setopt(pycurl.WRITEFUNCTION, write)
    curl.setopt(pycurl.CAINFO, ca_file())
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTPS)
    # A proxy would answer from its own place: a resolver is measured from here or not at all.
    curl.setopt(pycurl.PROXY, "")
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout_s * 1000)))
    return curl
