"""Round trips to the media host while the window is open: what its queue adds to the idle ones (Linux only).

Each probe is a TCP connection that is opened and dropped again, three small packets. The kernel times the handshake
(`tcpi_rtt`), so that the figure does not depend on when we come to read it.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pytomo_scrapy.measure.net.tcp_struct import parse_tcp_info, read_tcp_info

# The first probe waits until the transfer has left its own handshakes behind.
FIRST_S = 0.5
# A round trip of more than this is a loss, as for the idle pings.
TIMEOUT_S = 2.0
# RFC 6298 section 2: a SYN is sent again after 1 s. A shorter round trip then says that the first one was lost.
_SYN_AGAIN_S = 1.0
CLOCK_NOISE_S = 0.001  # that two readings of two clocks may lie apart
_DROP = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST, no farewell packets


@dataclass(frozen=True, slots=True)
class LoadedRoundTrips:
    """The probes of one window that were answered, and how many were sent; those cut off by its end do not count."""

    sent_count: int = 0
    sample_s: tuple[float, ...] = ()  # when each was sent, from t0
    rtt_s: tuple[float, ...] = ()

    @classmethod
    def of(cls, sent_count: int, answered: Iterable[tuple[float, float]]) -> LoadedRoundTrips:
        """Return the figures of (sent_s, rtt_s) pairs in whatever order they were answered."""
        in_order = sorted(answered)
        return cls(sent_count, tuple(sent_s for sent_s, _ in in_order), tuple(rtt_s for _, rtt_s in in_order))


def stamped_rtt_s(sent_at_s: float, received_at_s: float, waited_s: float) -> float | None:
    """Return the round trip between two stamps of the wall clock, of a reply that was read after `waited_s`.

    None where it took too long, and where the clock was set meanwhile: nothing comes before it was sent, or later than
    it is read.
    """
    rtt_s = received_at_s - sent_at_s
    return rtt_s if 0 <= rtt_s <= min(TIMEOUT_S, waited_s + CLOCK_NOISE_S) else None


class LoadedProbes:
    """Sends `per_s` probes a second to one address, from the window's own loop."""

    def __init__(self, address: str, port: int, per_s: float, source_address: str | None = None) -> None:
        self._target = (address, port)
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._interval_s = 1 / per_s
        self._next_s = FIRST_S
        self._source_address = source_address
        self._open: list[tuple[float, socket.socket]] = []
        self._sent_count = 0
        self._answered: list[tuple[float, float]] = []

    def tick(self, now_s: float) -> None:
        """Read what has been answered and send what is due."""
        still_open = []
        for sent_s, probe in self._open:
            rtt_s = _handshake_rtt_s(probe)
            if rtt_s is None and now_s - sent_s < TIMEOUT_S:
                still_open.append((sent_s, probe))
                continue
            if rtt_s is not None and (rtt_s >= _SYN_AGAIN_S or now_s - sent_s < _SYN_AGAIN_S):
                self._answered.append((sent_s, rtt_s))
            _drop(probe)
        self._open = still_open
        if now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self._send(now_s)

    def close(self) -> LoadedRoundTrips:
        """Drop what is open and return the figures."""
        for _, probe in self._open:
            _drop(probe)
        return LoadedRoundTrips.of(self._sent_count - len(self._open), self._answered)

    def _send(self, now_s: float) -> None:
        probe = socket.socket(self._family, socket.SOCK_STREAM)
        probe.setblocking(False)
        self._sent_count += 1
        try:
            if self._source_address:
                probe.bind((self._source_address, 0))
            probe.connect_ex(self._target)
        except OSError:
            pass  # no route: the probe is lost, as its time-out will say
        self._open.append((now_s, probe))


def _handshake_rtt_s(probe: socket.socket) -> float | None:
    """Return the round trip of the handshake. None while it is not complete."""
    try:
        probe.getpeername()  # raises until the connection is there
        return parse_tcp_info(read_tcp_info(probe)).rtt_s
    except (OSError, ValueError):
        return None


def _drop(probe: socket.socket) -> None:
    with suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP)
    probe.close()
