"""The browser's end of a connection: what it has, and when it acknowledges. Source: Linux `tcp_input.c`.

It acknowledges at once at first; then every two packets or after 40 ms; and at once what comes out of order.
"""

from __future__ import annotations

from pytomo_scrapy.measure.playback.adaptive.tcp_packet import SEGMENT_BYTES, ActiveTransfer, Hear, Network, Packet

DELAYED_ACK_S = 0.04
QUICK_ACKS = 16


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
        self._last: Packet | None = None
        self._last_sent_s = 0.0
        self._late_s, self._late_turn = 0.0, 0  # when what has come is acknowledged at the latest
        self._is_late_set = False

    def ask(self, now_s: float) -> None:
        """Note that a request goes out. It carries an acknowledgement that was due."""
        if now_s - self._heard_s < DELAYED_ACK_S:
            self._is_interactive = True
        if self._pending_bytes and self._last is not None:
            self._acknowledge(now_s, self._last, self._last_sent_s)

    def arrive(self, now_s: float, packet: Packet, sent_s: float) -> ActiveTransfer | None:
        """Take a packet that was sent at `sent_s`; return its request where bytes of use came, or its first."""
        active = packet.active
        if active.is_closed:
            return None
        self._heard_s, self._last, self._last_sent_s = now_s, packet, sent_s
        if packet.number != self._expected:
            if packet.number > self._expected:
                self._waiting[packet.number] = packet
            self._acknowledge(now_s, packet, sent_s)
            is_first, active.has_begun = not active.has_begun, True
            return active if is_first else None
        active.has_begun = True
        was_waiting = bool(self._waiting)
        self._pending_bytes += packet.size_bytes
        active.usable_bytes += packet.payload_bytes
        self._expected += 1
        while was_waiting and (following := self._waiting.pop(self._expected, None)) is not None:
            active.usable_bytes += following.payload_bytes
            self._expected += 1
        if was_waiting or self._pending_bytes > SEGMENT_BYTES:
            self._acknowledge(now_s, packet, sent_s)
        elif self._quick_acks > 0 and not self._is_interactive:
            self._quick_acks -= 1
            self._acknowledge(now_s, packet, sent_s)
        else:
            self._late_s, self._late_turn = now_s + DELAYED_ACK_S, self._network.take_turn()
            if not self._is_late_set:
                self._set_late()
        return active

    def _set_late(self) -> None:
        self._is_late_set = True
        self._network.at_turn(self._late_s, self._late_turn, self._acknowledge_late)

    def _acknowledge_late(self, now_s: float) -> None:
        self._is_late_set = False
        if not self._pending_bytes or self._last is None:
            return
        if now_s < self._late_s:
            self._set_late()  # more has come since
            return
        self._is_interactive = False
        self._acknowledge(now_s, self._last, self._last_sent_s)

    def _acknowledge(self, now_s: float, packet: Packet, sent_s: float) -> None:
        self._pending_bytes = 0
        network = self._network
        network.answer(now_s + network.round_trip_s, self._hear, self._expected, packet, sent_s)
