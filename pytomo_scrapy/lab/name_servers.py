"""The lab's name servers: several on loopback addresses, whose answers differ as those of real resolvers do."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from pytomo_scrapy.lab.faults import DnsFault
from pytomo_scrapy.lab.hosts import TRUNCATED_HOST_NAME, host_fault
from pytomo_scrapy.lab.model import MediaHost, World
from pytomo_scrapy.lab.serving import LabServer, open_listener

_TTL_S = 300
_PORT_TRIES = 20
_TCP_IDLE_MAX_S = 10.0


@dataclass(frozen=True, slots=True)
class Resolver:
    """One name server: where it listens and how it differs from the others.

    `other_cache_every` = 3 means that one host in three (always the same ones) gets the address of another cache
    first, with its own after it where `keeps_own` says so. 0: always the host's own.
    """

    name: str
    address: str
    delay_s: float = 0.0
    other_cache_every: int = 0
    keeps_own: bool = False
    is_silent: bool = False


# The names of the product's default resolvers; the first one is the machine's own.
RESOLVERS = (
    Resolver("system", "127.42.53.1"),
    Resolver("google", "127.42.53.2", delay_s=0.012, other_cache_every=3, keeps_own=True),
    Resolver("opendns", "127.42.53.3", delay_s=0.025, other_cache_every=4),
)
SILENT_RESOLVER = Resolver("silent", "127.42.53.4", is_silent=True)


class Zone:
    """What a resolver knows of the world: names to addresses, by pure computation."""

    def __init__(self, world: World, extra: Mapping[str, str], resolver: Resolver) -> None:
        self._resolver = resolver
        self._hosts = {host.name.lower(): host for host in world.hosts.values()}
        self._canonical = {host.cname.lower(): host for host in world.hosts.values() if host.cname}
        self._extra = {name.lower(): address for name, address in extra.items()}
        # Only good hosts may stand in for each other.
        self._plain = sorted(
            (host for host in world.hosts.values() if not host.redirects_to and not host_fault(host.name)),
            key=lambda host: host.name,
        )

    def respond(self, query: dns.message.Message, *, is_udp: bool) -> dns.message.Message | None:
        """Return the answer to a query. None for silence."""
        response = dns.message.make_response(query, recursion_available=True)
        if len(query.question) != 1 or query.opcode() != 0:
            response.set_rcode(dns.rcode.NOTIMP)
            return response
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        host = self._hosts.get(name) or self._canonical.get(name)
        fault = host_fault(name)
        if isinstance(fault, DnsFault):
            return _refuse(response, name, fault.rcode) if fault.rcode is not None else None
        if host is None and name not in self._extra:
            return _refuse(response, name, dns.rcode.NXDOMAIN)
        # Nothing but the flag: whoever wants the answer asks again over TCP.
        if is_udp and name == TRUNCATED_HOST_NAME:
            response.flags |= dns.flags.TC
        else:
            self._fill(response, question.name.to_text(), question.rdtype, host)
        return response

    def _fill(
        self, response: dns.message.Message, name: str, kind: dns.rdatatype.RdataType, host: MediaHost | None
    ) -> None:
        if host is not None and host.cname and name.rstrip(".").lower() == host.name.lower():
            target = f"{host.cname}."
            response.answer.append(dns.rrset.from_text(name, _TTL_S, "IN", "CNAME", target))
            name = target
        if kind == dns.rdatatype.A:
            addresses = self.addresses(host) if host else [self._extra[name.rstrip(".").lower()]]
        elif kind == dns.rdatatype.AAAA and host is not None and host.address_v6:
            addresses = [host.address_v6]
        else:
            addresses = []
        if addresses:
            response.answer.append(dns.rrset.from_text(name, _TTL_S, "IN", kind, *addresses))
        else:
            # A name without an address of this kind is there all the same: no NXDOMAIN, but an empty answer.
            response.authority.append(_authority(name))

    def addresses(self, host: MediaHost) -> list[str]:
        """Return the IPv4 addresses that this resolver gives for `host`, in its order."""
        other_every = self._resolver.other_cache_every
        if other_every == 0 or host not in self._plain or len(self._plain) < 2 or _number(host.name) % other_every:
            return [host.address]
        other = self._plain[(self._plain.index(host) + 1) % len(self._plain)]
        return [other.address, host.address] if self._resolver.keeps_own else [other.address]


class LabResolvers(LabServer):
    """All name servers of a lab, over UDP and TCP, each on an address and a port of its own."""

    def __init__(self, world: World, extra: Mapping[str, str] | None = None, silent: bool = False) -> None:
        super().__init__()
        self._resolvers = (*RESOLVERS, SILENT_RESOLVER) if silent else RESOLVERS
        self._zones = {resolver.name: Zone(world, extra or {}, resolver) for resolver in self._resolvers}
        self.addresses: dict[str, tuple[str, int]] = {}

    async def start(self) -> dict[str, tuple[str, int]]:
        """Listen; return where each resolver listens, by its name, the machine's own first."""
        for resolver in self._resolvers:
            self.addresses[resolver.name] = await self._open(resolver)
        return self.addresses

    async def _open(self, resolver: Resolver) -> tuple[str, int]:
        tcp, udp = _bind_both(resolver.address)
        await self._listen(tcp, lambda reader, writer: self._answer_stream(resolver, reader, writer))
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _UdpServer(self, resolver), sock=udp)
        self._transports.append(transport)
        return resolver.address, int(tcp.getsockname()[1])

    def take_datagram(
        self, resolver: Resolver, wire: bytes, peer: tuple[str, int], transport: asyncio.DatagramTransport
    ) -> None:
        """Answer a query that came over UDP, after the resolver's delay."""
        self._spawn(self._answer_datagram(resolver, wire, peer, transport))

    async def _answer_datagram(
        self, resolver: Resolver, wire: bytes, peer: tuple[str, int], transport: asyncio.DatagramTransport
    ) -> None:
        answer = await self._respond(resolver, wire, is_udp=True)
        if answer is not None:
            transport.sendto(answer, peer)

    async def _respond(self, resolver: Resolver, wire: bytes, *, is_udp: bool) -> bytes | None:
        if resolver.is_silent:
            return None
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        await asyncio.sleep(resolver.delay_s)
        response = self._zones[resolver.name].respond(query, is_udp=is_udp)
        # Unshuffled: the same question must lead to the same cache each time.
        return response.to_wire(want_shuffle=False) if response else None

    async def _answer_stream(
        self, resolver: Resolver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer the queries of one TCP connection until it falls silent, which raises. Source: RFC 1035, 4.2.2."""
        while True:
            prefix = await asyncio.wait_for(reader.readexactly(2), _TCP_IDLE_MAX_S)
            wire = await asyncio.wait_for(reader.readexactly(int.from_bytes(prefix, "big")), _TCP_IDLE_MAX_S)
            answer = await self._respond(resolver, wire, is_udp=False)
            if answer is not None:
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()


class _UdpServer(asyncio.DatagramProtocol):
    def __init__(self, owner: LabResolvers, resolver: Resolver) -> None:
        self._owner = owner
        self._resolver = resolver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The event loop's own class is one by its methods only.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._owner.take_datagram(self._resolver, data, addr, self._transport)


def _bind_both(address: str) -> tuple[socket.socket, socket.socket]:
    """Return a TCP listener and a UDP socket on one port that is free for both."""
    for attempt in range(_PORT_TRIES):
        tcp = open_listener(address)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            if attempt == _PORT_TRIES - 1:
                raise
        else:
            return tcp, udp
    raise AssertionError("unreachable")


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:4], "big")


def _refuse(response: dns.message.Message, name: str, rcode: dns.rcode.Rcode) -> dns.message.Message:
    response.set_rcode(rcode)
    if rcode == dns.rcode.NXDOMAIN:
        response.authority.append(_authority(name))
    return response


def _authority(name: str) -> dns.rrset.RRset:
    """Return the zone's SOA, which a negative answer carries. Source: RFC 2308."""
    zone = ".".join(name.rstrip(".").split(".")[-2:]) + "."
    return dns.rrset.from_text(zone, 60, "IN", "SOA", f"ns1.{zone} dns-admin.{zone} 1 900 900 1800 60")
