"""The browser's end of a connection: what it has, and when it acknowledges. Source: Linux `tcp_input.c`.

It acknowledges at once at first; then every two packets or after 40 ms; and at once what comes out of order.
"""

from __future__ import annotations

from collections.abc import Callable

from pytomo_scrapy.measure.playback.adaptive.tcp_packet import SEGMENT_BYTES, Network, Packet

DELAYED_ACK_S = 0.04
QUICK_ACKS = 16
Hear = Callable[[float, int, Packet, float], None]


class TcpReceiver:
    """Puts packets in order, and tells the server's end by `hear` what has come."""

    def __init__(self, network: Network, hear: Hear) -> None:
        self._network, self._hear = network, hear
        self._expected = 0
        self._waiting: dict[int, Packet] = {}
        self._pending_bytes = 0  # without an acknowledgement
        self._quick_acks = QUICK_ACKS
        self._is_interactive = False
        self._heard_s = -1e9
        self._last: tuple[Packet, float] | None = None

    def ask(self, now_s: float) -> None:
        """Note that a request goes out. It carries an acknowledgement that was due."""
        if now_s - self._heard_s < DELAYED_ACK_S:
            self._is_interactive = True
        if self._pending_bytes and self._last is not None:
            self._acknowledge(now_s, *self._last)

    def arrive(self, now_s: float, packet: Packet, sent_s: float) -> None:
        """Take a packet that was sent at `sent_s`."""
        active = packet.active
        if active.is_closed:
            return
        if not active.has_begun:
            active.has_begun = True
            self._network.tell(active)
        self._heard_s, self._last = now_s, (packet, sent_s)
        if packet.number != self._expected:
            if packet.number > self._expected:
                self._waiting[packet.number] = packet
            self._acknowledge(now_s, packet, sent_s)
            return
        was_waiting = bool(self._waiting)
        self._pending_bytes += packet.size_bytes
        following: Packet | None = packet
        while following is not None:
            active.usable_bytes += following.payload_bytes
            self._expected += 1
            following = self._waiting.pop(self._expected, None) if was_waiting else None
        self._network.tell(active)
        if was_waiting or self._pending_bytes > SEGMENT_BYTES:
            self._acknowledge(now_s, packet, sent_s)
        elif self._quick_acks > 0 and not self._is_interactive:
            self._quick_acks -= 1
            self._acknowledge(now_s, packet, sent_s)
        else:
            self._network.at(now_s + DELAYED_ACK_S, self._acknowledge_late, packet, sent_s, self._expected)

    def _acknowledge_late(self, now_s: float, packet: Packet, sent_s: float, expected: int) -> None:
        if self._pending_bytes and self._expected == expected:
            self._is_interactive = False
            self._acknowledge(now_s, packet, sent_s)

    def _acknowledge(self, now_s: float, packet: Packet, sent_s: float) -> None:
        self._pending_bytes = 0
        self._network.at(now_s + self._network.round_trip_s, self._hear, self._expected, packet, sent_s)
