"""Round trips to the first hop behind the gateway while the window is open: whether a queue is the access line's.

A datagram that may cross two routers comes back from the second as "time exceeded", as `tracepath` uses it: no
privilege is needed (Linux only). With the round trips to gateway and media host it says where on the path the queue is.
Source: time series of latency probes (Luckie et al., Inferring Internet Interdomain Congestion, IMC 2014).
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from contextlib import suppress

from pytomo_scrapy.measure.window.probes import FIRST_S, TIMEOUT_S, LoadedRoundTrips, stamped_rtt_s

HOPS = 2
# Source: traceroute(8): ports that nobody listens at. The port says which probe a reply is of.
_FIRST_PORT, _PORT_COUNT = 33434, 512
# Source: Linux include/uapi/linux/in.h, in6.h, errqueue.h, icmp.h and icmpv6.h.
_IP_RECVERR, _IPV6_RECVERR, _SO_TIMESTAMPNS = 11, 25, 35
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_TIME_EXCEEDED = {(2, 11), (3, 3)}  # (origin, type): of ICMP, of ICMPv6
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = 256


class HopProbes:
    """Sends `per_s` datagrams a second towards the media host, from the window's own loop."""

    def __init__(self, address: str, probe: socket.socket, per_s: float) -> None:
        self._address = address
        self._probe = probe
        self._interval_s = 1 / per_s
        # A quarter of a step off the probes to media host and gateway, so that none queues behind another.
        self._next_s = FIRST_S + self._interval_s / 4
        self._sequence = 0
        self._open: dict[int, tuple[float, float, float]] = {}  # port -> (from t0, wall clock, monotonic)
        self._sent_count = 0
        self._answered: list[tuple[float, float]] = []

    @classmethod
    def open(cls, address: str, per_s: float, source_address: str | None = None) -> HopProbes | None:
        """Return probes on the way to `address`. None where the system does not give such replies."""
        if not per_s or not sys.platform.startswith("linux"):
            return None
        is_six = ":" in address
        probe = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            probe.setblocking(False)
            if is_six:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, HOPS)
                probe.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            else:
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, HOPS)
                probe.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            probe.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            if source_address:
                probe.bind((source_address, 0))
        except OSError:
            probe.close()
            return None
        return cls(address, probe, per_s)

    def tick(self, now_s: float) -> None:
        """Read what has come back and send what is due."""
        self._receive()
        self._open = {port: sent for port, sent in self._open.items() if now_s - sent[0] < TIMEOUT_S}
        if now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self._send(now_s)

    def close(self) -> LoadedRoundTrips:
        """Close the socket and return the figures; a probe still under way is not lost and does not count."""
        self._receive()
        self._probe.close()
        return LoadedRoundTrips.of(self._sent_count - len(self._open), self._answered)

    def _send(self, now_s: float) -> None:
        port = _FIRST_PORT + self._sequence % _PORT_COUNT
        self._sequence += 1
        self._sent_count += 1
        # An earlier reply is also an error of the socket, which the next call would raise: taking it clears it.
        self._probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        began_s, sent_at_s = time.monotonic(), time.time()  # the kernel's stamps are of the wall clock
        with suppress(OSError):  # no route: lost, as its time-out will say
            self._probe.sendto(b"pytomo", (self._address, port))
            self._open[port] = (now_s, sent_at_s, began_s)

    def _receive(self) -> None:
        while True:
            try:
                _, ancillary, _, asked = self._probe.recvmsg(64, _ANCILLARY_BYTES, socket.MSG_ERRQUEUE)
            except OSError:
                return
            received_at_s, is_hop = time.time(), False
            for level, kind, value in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    whole_s, nanoseconds = _TIMESPEC.unpack_from(value)
                    received_at_s = whole_s + nanoseconds / 1e9
                elif (level, kind) in {(socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)}:
                    _, origin, error_type, *_ = _EXTENDED_ERROR.unpack_from(value)
                    is_hop = (origin, error_type) in _TIME_EXCEEDED
            sent = self._open.pop(asked[1], None) if asked else None
            if sent is None or not is_hop:
                continue
            rtt_s = stamped_rtt_s(sent[1], received_at_s, time.monotonic() - sent[2])
            if rtt_s is not None:
                self._answered.append((sent[0], rtt_s))
