"""The probes that a ping is made of: ICMP echo on icmplib's sockets, TCP connects, and pythonping one at a time.

Each method stamps the time just before its packet leaves and just after the reply is read, on a monotonic clock: a
round trip is never below the truth, and above it by what the system needs to wake us.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import secrets
import selectors
import socket
import struct
import time
from dataclasses import dataclass, field

import icmplib
import icmplib.sockets
from pythonping.executor import Communicator
from pythonping.payload_provider import Repeat

from pytomo_scrapy.failures import EXHAUSTED
from pytomo_scrapy.measure.net.tcp_struct import parse_tcp_info, read_tcp_info

# The first 8 bytes mark our probes. The rest makes 56 bytes of data, as `ping` sends; some hosts cut longer echoes.
_TOKEN_BYTES = 8
_PAYLOAD_BYTES = 56
_ECHO = {4: (8, 0), 6: (128, 129)}  # request and reply types: RFC 792, RFC 4443 section 4
_REFUSALS = {errno.ECONNREFUSED, errno.ECONNRESET}
# RFC 6298 section 2: the first SYN is sent again after 1 s. Such a connect time is no round trip.
_FIRST_SYN_TIMEOUT_S = 1.0


@dataclass(slots=True, eq=False)
class ProbeTrain:
    """The probes of one method to one address, and the round trips that came back in time."""

    address: str
    method: str
    port: int | None = None
    sent_count: int = 0
    rtts_s: list[float] = field(default_factory=list)
    detail: str | None = None
    is_permitted: bool = True
    role: str = "media"
    is_exhausted: bool = False  # this machine had no socket left


class EchoProber:
    """ICMP echo to any number of addresses of one family through one socket.

    icmplib opens the socket (it knows the platforms' rules); its own `receive` is not used: it waits for one reply at
    a time, on the wall clock, and matches by a 16-bit id that another process may share.
    """

    def __init__(self, family: int, is_privileged: bool, source_address: str | None, timeout_s: float) -> None:
        kind = icmplib.ICMPv4Socket if family == 4 else icmplib.ICMPv6Socket
        self._owner: icmplib.sockets.ICMPSocket = kind(source_address, privileged=is_privileged)
        self.method = "icmp_raw" if is_privileged else "icmp_datagram"
        self.sock: socket.socket = self._owner.sock
        self.sock.setblocking(False)
        self._family = family
        self._timeout_s = timeout_s
        self._token = secrets.token_bytes(_TOKEN_BYTES)
        self._id = secrets.randbelow(0xFFFF) + 1
        self._sequence = secrets.randbelow(0xFFFF)
        self._waiting: dict[tuple[str, int], tuple[ProbeTrain, float]] = {}

    def register(self, selector: selectors.BaseSelector) -> None:
        """Let `selector` call us when replies are there."""
        selector.register(self.sock, selectors.EVENT_READ, self._receive)

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    def send(self, train: ProbeTrain) -> None:
        """Send one probe of `train`. A probe that cannot be sent is no loss; the train's detail says why."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        packet = self.packet(self._sequence)
        sent_s = time.monotonic()
        try:
            self.sock.sendto(packet, (train.address, 0))
        except OSError as error:
            train.detail = error.strerror or str(error)
            return
        train.sent_count += 1
        self._waiting[(_plain(train.address), self._sequence)] = (train, sent_s)

    def packet(self, sequence: int) -> bytes:
        """Return an echo request."""
        request_type = _ECHO[self._family][0]
        payload = self._token.ljust(_PAYLOAD_BYTES, b"\0")
        bare = struct.pack("!BBHHH", request_type, 0, 0, self._id, sequence) + payload
        # ICMPv6's checksum covers the IP header, so the kernel computes it; here zero is overwritten.
        return bare if self._family == 6 else bare[:2] + struct.pack("!H", _checksum(bare)) + bare[4:]

    def _receive(self, sock: socket.socket) -> None:
        while True:
            try:
                packet, source = sock.recvfrom(2048)
            except OSError:
                return  # nothing more, or an ICMP error queued on the socket: its probe stays a loss
            received_s = time.monotonic()
            sequence = self.reply_sequence(packet)
            if sequence is None:
                continue
            train, sent_s = self._waiting.pop((_plain(source[0]), sequence), (None, 0.0))
            if train is not None and received_s - sent_s <= self._timeout_s:
                train.rtts_s.append(received_s - sent_s)

    def reply_sequence(self, packet: bytes) -> int | None:
        """Return the sequence number of a reply to one of our requests. None for anything else."""
        if self._family == 4 and packet[:1] and packet[0] >> 4 == 4:
            packet = packet[(packet[0] & 0xF) * 4 :]  # raw sockets, and macOS always, give the IP header too
        if len(packet) < 8 + _TOKEN_BYTES or packet[0] != _ECHO[self._family][1]:
            return None
        if packet[8 : 8 + _TOKEN_BYTES] != self._token:
            return None
        return int.from_bytes(packet[6:8], "big")

    def close(self) -> None:
        self._owner.close()


class ConnectProber:
    """TCP connects: from SYN to SYN-ACK, or to the refusal, which is a reply of the host as well."""

    method = "tcp_connect"

    def __init__(self, source_address: str | None, timeout_s: float) -> None:
        self._source_address = source_address
        self._timeout_s = timeout_s
        self._waiting: dict[socket.socket, tuple[ProbeTrain, float]] = {}
        self._selector: selectors.BaseSelector | None = None

    def register(self, selector: selectors.BaseSelector) -> None:
        """Let `selector` call us when connects are decided."""
        self._selector = selector

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    def send(self, train: ProbeTrain) -> None:
        """Start one connect of `train`."""
        assert self._selector is not None and train.port is not None
        is_six = ":" in train.address
        try:
            sock = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, socket.SOCK_STREAM)
        except OSError as error:
            train.detail, train.is_exhausted = error.strerror or str(error), error.errno in EXHAUSTED
            return
        sock.setblocking(False)
        sent_s = time.monotonic()
        try:
            if self._source_address and (":" in self._source_address) == is_six:
                sock.bind((self._source_address, 0))
                sent_s = time.monotonic()
            code = sock.connect_ex((train.address, train.port))
        except OSError as error:
            code = error.errno or errno.EINVAL
        if code in {0, *_REFUSALS}:
            train.sent_count += 1
            self._settle(sock, train, sent_s, code)
        elif code in {errno.EINPROGRESS, errno.EWOULDBLOCK}:
            train.sent_count += 1
            self._waiting[sock] = (train, sent_s)
            self._selector.register(sock, selectors.EVENT_WRITE, self._decided)
        else:
            train.detail = os.strerror(code)
            sock.close()

    def _decided(self, sock: socket.socket) -> None:
        received_s = time.monotonic()
        assert self._selector is not None
        self._selector.unregister(sock)
        train, sent_s = self._waiting.pop(sock)
        self._settle(sock, train, sent_s, sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), received_s)

    def _settle(
        self, sock: socket.socket, train: ProbeTrain, sent_s: float, code: int, received_s: float | None = None
    ) -> None:
        rtt_s = (received_s if received_s is not None else time.monotonic()) - sent_s
        is_repeated = rtt_s >= _FIRST_SYN_TIMEOUT_S and _was_sent_again(sock)
        sock.close()
        if code not in {0, *_REFUSALS}:
            train.detail = os.strerror(code)
        elif rtt_s <= self._timeout_s and not is_repeated:
            train.rtts_s.append(rtt_s)

    def close(self) -> None:
        for sock in self._waiting:
            if self._selector is not None:
                self._selector.unregister(sock)
            sock.close()
        self._waiting.clear()


Prober = EchoProber | ConnectProber


def open_echo(family: int, source_address: str | None, timeout_s: float) -> tuple[EchoProber | None, str | None]:
    """Return the first permitted way to send echo requests, or None and why there is none."""
    own_source = source_address if source_address and ipaddress.ip_address(source_address).version == family else None
    reason = None
    for is_privileged in (True, False):
        try:
            return EchoProber(family, is_privileged, own_source, timeout_s), None
        except icmplib.ICMPLibError as error:
            reason = str(error)
    return None, reason


def run_trains(schedule: list[tuple[float, Prober, ProbeTrain]], timeout_s: float) -> None:
    """Send every probe of `schedule` (due time from now, how, which) and collect replies. One thread, one selector.

    Returns at the last reply, at the latest `timeout_s` after the last probe.
    """
    probers: list[Prober] = list(dict.fromkeys(prober for _, prober, _ in schedule))
    due = sorted(schedule, key=lambda entry: entry[0])
    with selectors.DefaultSelector() as selector:
        for prober in probers:
            prober.register(selector)
        started_s = time.monotonic()
        last_sent_s, position = 0.0, 0
        while True:
            now_s = time.monotonic() - started_s
            wait_s = 0.0
            if position < len(due):
                wait_s = due[position][0] - now_s
            elif sum(prober.waiting_count for prober in probers):
                wait_s = last_sent_s + timeout_s - now_s
                if wait_s <= 0:
                    break
            else:
                break
            if wait_s <= 0:
                _, prober, train = due[position]
                prober.send(train)
                last_sent_s, position = time.monotonic() - started_s, position + 1
            # After a probe too, so that replies never wait for the rest of a burst.
            for key, _ in selector.select(max(0.0, wait_s)):
                key.data(key.fileobj)
        for prober in probers:
            prober.close()


def run_pythonping(train: ProbeTrain, packets: int, interval_s: float, timeout_s: float, budget_s: float) -> None:
    """Probe one IPv4 address with pythonping's sockets and packets, one probe at a time, within `budget_s`.

    Of pythonping itself only the reply is used. Its times miss what passes outside of `select`, so a round trip could
    come out below the truth; its lost probes count as the time-out; and a late reply to an earlier probe is taken for
    the next one's unless, as here, every probe has an id and a payload of its own.
    """
    started_s = time.monotonic()
    for _ in range(packets):
        rest_s = budget_s - (time.monotonic() - started_s)
        if rest_s <= 0:
            break
        probe_s = time.monotonic()
        rtt_s = _pythonping_once(train, min(timeout_s, rest_s))
        if rtt_s is not None and rtt_s <= timeout_s:
            train.rtts_s.append(rtt_s)
        time.sleep(max(0.0, min(interval_s, rest_s) - (time.monotonic() - probe_s)))


def _pythonping_once(train: ProbeTrain, timeout_s: float) -> float | None:
    payload = secrets.token_bytes(_PAYLOAD_BYTES)
    identifier = secrets.randbelow(0xFFFF) + 1
    communicator = Communicator(train.address, Repeat(payload, 1), timeout_s, 0, seed_id=identifier)
    try:
        sent_s = time.monotonic()
        request = communicator.send_ping(identifier, secrets.randbelow(0xFFFF) + 1, payload)
        train.sent_count += 1
        response = communicator.listen_for(identifier, timeout_s, payload, request)
        return time.monotonic() - sent_s if response.success else None
    finally:
        communicator.socket.socket.close()


def _checksum(packet: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of `packet`, whose length is even."""
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _plain(address: str) -> str:
    return address.partition("%")[0]


def _was_sent_again(sock: socket.socket) -> bool:
    """Tell whether the kernel repeated the SYN. Where it does not say, it is taken to have."""
    try:
        return parse_tcp_info(read_tcp_info(sock)).sent_retransmission_count > 0
    except (OSError, ValueError):
        return True
