"""Round trips to the first gateway while the window is open: whether the queue is at home or behind (Linux only).

ICMP echoes, since a home router answers hardly any TCP. The kernel stamps each reply as it comes in, so that the figure
does not depend on when we come to read it.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

from pytomo_scrapy.measure.ping.probers import EchoProber, open_echo
from pytomo_scrapy.measure.window.probes import FIRST_S, TIMEOUT_S, LoadedRoundTrips, stamped_rtt_s

# Source: Linux include/uapi/asm-generic/socket.h; the socket module has no name for it.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = 64


class GatewayProbes:
    """Sends `per_s` echoes a second to the gateway, from the window's own loop."""

    def __init__(self, gateway: str, prober: EchoProber, per_s: float) -> None:
        self._gateway = gateway
        self._prober = prober
        self._interval_s = 1 / per_s
        # Half a step off the probes to the media host, so that the two do not queue behind each other.
        self._next_s = FIRST_S + self._interval_s / 2
        self._sequence = 0
        self._open: dict[int, tuple[float, float, float]] = {}  # sequence -> (from t0, wall clock, monotonic)
        self._sent_count = 0
        self._answered: list[tuple[float, float]] = []

    @classmethod
    def open(cls, gateway: str | None, per_s: float, source_address: str | None = None) -> GatewayProbes | None:
        """Return probes to `gateway`. None without one, where echoes are not permitted, or stamps not to be had."""
        if not gateway or not per_s or not sys.platform.startswith("linux"):
            return None
        prober, _ = open_echo(6 if ":" in gateway else 4, source_address, TIMEOUT_S)
        if prober is None:
            return None
        try:
            prober.sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        except OSError:
            prober.close()
            return None
        return cls(gateway, prober, per_s)

    def tick(self, now_s: float) -> None:
        """Read what has been answered and send what is due."""
        self._receive()
        self._open = {key: sent for key, sent in self._open.items() if now_s - sent[0] < TIMEOUT_S}
        if now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self._send(now_s)

    def close(self) -> LoadedRoundTrips:
        """Close the socket and return the figures; a probe still under way is not lost and does not count."""
        self._receive()
        self._prober.close()
        return LoadedRoundTrips.of(self._sent_count - len(self._open), self._answered)

    def _send(self, now_s: float) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        packet = self._prober.packet(self._sequence)
        # The kernel's stamps are of the wall clock, so this one is too; a step of it within 2 s is a loss.
        began_s, sent_at_s = time.monotonic(), time.time()
        self._sent_count += 1
        try:
            self._prober.sock.sendto(packet, (self._gateway, 0))
        except OSError:
            return  # a full queue or no route: lost
        self._open[self._sequence] = (now_s, sent_at_s, began_s)

    def _receive(self) -> None:
        while True:
            try:
                packet, ancillary, _, _ = self._prober.sock.recvmsg(2048, _ANCILLARY_BYTES)
            except OSError:
                return
            sequence = self._prober.reply_sequence(packet)
            received_at_s = next((_seconds(value) for _, kind, value in ancillary if kind == _SO_TIMESTAMPNS), None)
            if sequence is None or received_at_s is None or sequence not in self._open:
                continue
            sent_s, sent_at_s, began_s = self._open.pop(sequence)
            rtt_s = stamped_rtt_s(sent_at_s, received_at_s, time.monotonic() - began_s)
            if rtt_s is not None:
                self._answered.append((sent_s, rtt_s))


def _seconds(value: bytes) -> float:
    whole_s, nanoseconds = _TIMESPEC.unpack_from(value)
    return float(whole_s) + float(nanoseconds) / 1e9
