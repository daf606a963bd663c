"""One DNS question to one resolver: UDP with TCP on truncation, over TLS, over HTTPS, or as the system asks."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable
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

# RFC 9715 section 3: a UDP answer up to this size needs no IP fragments.
_UDP_PAYLOAD_BYTES = 1232
_DOH_MAX_BYTES = 65535
# The system's own resolver goes on to the next name server on these, so a probe of it must too.
_TRY_NEXT = {dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP}


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
    ask_by = {"system": _ask_system, "dot": _ask_dot, "doh": _ask_doh}.get(resolver.transport, _ask_udp)
    return _classed(lambda: ask_by(query, resolver, timeout_s, clock))


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
    message = dns.query.udp(query, resolver.address, timeout_s, port=resolver.port, ignore_unexpected=True)
    if message.flags & dns.flags.TC:
        transport = "tcp"
        rest_s = max(0.001, timeout_s - (clock() - started_s))
        message = dns.query.tcp(query, resolver.address, rest_s, port=resolver.port)
    return Reply(message, resolver.address, transport, clock() - started_s)


def _ask_dot(query: dns.message.Message, resolver: ResolverConfig, timeout_s: float, clock: Clock) -> Reply:
    context = ssl.create_default_context(cafile=ca_file())
    context.set_alpn_protocols(["dot"])
    started_s = clock()
    message = dns.query.tls(
        query,
        resolver.address,
        timeout_s,
        port=resolver.port,
        ssl_context=context,
        server_hostname=resolver.tls_name or resolver.address,
    )
    return Reply(message, resolver.address, "dot", clock() - started_s)


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
            reply = _classed(lambda udp=udp, share_s=share_s: _ask_udp(query, udp, share_s, clock))  # type: ignore[misc]
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
    message = dns.message.from_wire(body.getvalue())
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
