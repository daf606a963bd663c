"""A connection of a browser to a Linux server, packet by packet: what is sent when, lost, found lost, and sent again.

Sources: RFC 8985 (losses by what was sent later, RACK; a probe at the tail, TLP), RFC 6937 (sending while losses are
repaired, PRR), RFC 6298 and RFC 5682 (timeouts, and ones that were for nothing), Linux `tcp_input.c` (acknowledgements
at once at first, then of two packets or after 40 ms), and packets of a Linux 6.18 kernel on links of a known rate.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.measure.playback.adaptive.tcp_packet import SEGMENT_BYTES, ActiveTransfer, Network, Packet
from pytomo_scrapy.measure.playback.adaptive.tcp_receiver import TcpReceiver
from pytomo_scrapy.measure.playback.adaptive.tcp_window import INFINITE, TcpWindow

HEAD_BYTES = 300  # of an answer, a packet of its own
HANDSHAKE_BYTES = 60
LEAST_TIMEOUT_S = 0.2
FIRST_ROUND_TRIP_S = 1.0  # before one was measured
PROBE_LONE_S, PROBE_S = 0.2, 0.004  # beyond two round trips: a lone packet's answer may be delayed
MOST_BACKOFF = 64


@dataclass(slots=True)
class Repair:
    """Losses that are being repaired, until everything sent before them was heard of."""

    until_number: int
    window: int
    delivered: int = 0
    sent: int = 0


@dataclass(slots=True)
class Timer:
    """The one timer of a sender: for a probe at the tail, else for a timeout."""

    due_s: float = INFINITE
    armed_s: float = INFINITE
    is_probed: bool = False
    backoff: int = 1
    timed_out_s: float = 0.0
    before: TcpWindow | None = None  # the window before the timeout, should that have been for nothing


class TcpConnection:
    """A connection that is kept open from request to request."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.window = TcpWindow()
        self.is_open = False
        self.free_since_s = 0.0
        self.closed_s = INFINITE
        self.active: ActiveTransfer | None = None
        self._packets: dict[int, Packet] = {}  # sent, and not acknowledged
        self._lost: list[int] = []
        self._first = self._next = 0  # numbers of the first without an acknowledgement, and of the next to be sent
        self._out = 0  # segments on their way
        self._reported = 0
        self._repair: Repair | None = None
        self._timer = Timer()
        self._smoothed_s: float | None = None
        self._deviation_s = 0.0
        self._last_sent_s = -1e9
        self._is_limited = False  # by its window, and not by what there is to send
        self._most_out = self._limit_number = 0
        self._is_waiting = self._has_turn = False  # before a line that holds back
        self._receiver = TcpReceiver(network, self._hear)
        self._arrive = self._receiver.arrive

    def request(self, active: ActiveTransfer, now_s: float) -> None:
        """Ask for `active`."""
        self.active = active
        self._receiver.ask(now_s)
        asked_s = max(now_s, self.free_since_s) + self._network.round_trip_s
        self._network.at(asked_s, self._answer if self.is_open else self._open, active)

    def free(self, now_s: float) -> None:
        """Wait for the next request."""
        self.active, self.free_since_s = None, now_s

    # --- the server

    def _open(self, now_s: float, active: ActiveTransfer) -> None:
        opened_s = self._network.carry(HANDSHAKE_BYTES, now_s)
        if opened_s == INFINITE:
            self._network.at(now_s + FIRST_ROUND_TRIP_S, self._open, active)
            return
        self.is_open = True
        self._network.at(opened_s + self._network.round_trip_s, self._answer, active)

    def _answer(self, now_s: float, active: ActiveTransfer) -> None:
        if now_s >= self.closed_s:
            return
        if self._smoothed_s is not None and self._out == 0:
            self.window.rest(int((now_s - self._last_sent_s) / self._timeout_s()))
        active.unsent_bytes = active.transfer.size_bytes
        head = self._packets[self._next] = Packet(self._next, active, 0, HEAD_BYTES, 1, now_s)
        self._next += 1
        self._out += 1
        self._last_sent_s = now_s
        self._network.deliver(head, self._arrive)
        self._send(now_s, active)

    def _send(self, now_s: float, active: ActiveTransfer) -> None:
        """Send what the window allows: first what was lost."""
        if now_s >= self.closed_s:
            return
        repair, window, network = self._repair, self.window.segments, self._network
        has_sent = False
        if not self._out and not self._lost:
            self._lost = [number for number, packet in self._packets.items() if not packet.is_reported]
        while self._out < window and not (network.holds_back and self._is_held_back(now_s, active)):
            if self._lost:
                packet = self._packets.get(self._lost.pop(0))
                if packet is None or packet.is_reported:
                    continue
                packet.sent_s, packet.is_again, packet.is_out = now_s, True, True
            elif active.unsent_bytes > 0:
                segments = min(network.piece_segments, window - self._out)
                size_bytes = segments * SEGMENT_BYTES
                if active.unsent_bytes < size_bytes:
                    size_bytes = active.unsent_bytes
                    segments = -(-size_bytes // SEGMENT_BYTES)
                active.unsent_bytes -= size_bytes
                number = self._next
                packet = self._packets[number] = Packet(number, active, size_bytes, size_bytes, segments, now_s)
                self._next = number + 1
            else:
                break
            self._out += packet.segments
            network.deliver(packet, self._arrive)
            has_sent, self._last_sent_s = True, now_s
            if repair is not None:
                repair.sent += packet.segments
        is_limited = self._out >= window and (active.unsent_bytes > 0 or bool(self._lost))
        is_new_most = not self._is_limited and self._out > self._most_out
        if (has_sent or is_limited) and (self._first >= self._limit_number or is_limited or is_new_most):
            self._is_limited, self._most_out, self._limit_number = is_limited, self._out, self._next
        self._arm(now_s)

    def _is_held_back(self, now_s: float, active: ActiveTransfer) -> bool:
        """Tell whether a line that loses nothing takes no packet now; in its turn, sending goes on."""
        if self._has_turn or self._network.is_free(now_s):
            self._has_turn = False
            return False
        if not self._is_waiting and (active.unsent_bytes > 0 or self._lost):
            self._is_waiting = True
            self._network.wait(now_s, self._send_in_turn)
        return True

    def _send_in_turn(self, now_s: float) -> None:
        self._is_waiting, self._has_turn = False, True
        if self.active is not None:
            self._send(now_s, self.active)
        self._has_turn = False

    def _timeout_s(self) -> float:
        smoothed_s = FIRST_ROUND_TRIP_S if self._smoothed_s is None else self._smoothed_s
        return smoothed_s + max(LEAST_TIMEOUT_S, 4 * self._deviation_s)

    def _arm(self, now_s: float) -> None:
        timer = self._timer
        if self._out <= 0 and not self._lost:
            timer.due_s = INFINITE
            return
        smoothed_s = FIRST_ROUND_TRIP_S if self._smoothed_s is None else self._smoothed_s
        wait_s = (smoothed_s + max(LEAST_TIMEOUT_S, 4 * self._deviation_s)) * timer.backoff
        if not timer.is_probed and self._repair is None and timer.backoff == 1:
            wait_s = min(wait_s, 2 * smoothed_s + (PROBE_LONE_S if self._out <= 1 else PROBE_S))
        timer.due_s = now_s + wait_s
        if timer.due_s < timer.armed_s:
            self._set_timer()

    def _set_timer(self) -> None:
        timer = self._timer
        if timer.due_s < timer.armed_s - 1e-9:
            timer.armed_s = timer.due_s
            self._network.at(timer.due_s, self._expire)

    def _expire(self, now_s: float) -> None:
        timer, active = self._timer, self.active
        if now_s < timer.armed_s - 1e-9:
            return  # it was set anew
        timer.armed_s = INFINITE
        if timer.due_s == INFINITE or now_s >= self.closed_s or active is None:
            return
        if timer.due_s > now_s + 1e-6:
            self._set_timer()
        elif not timer.is_probed and self._repair is None and timer.backoff == 1:
            self._probe(now_s, active)
        else:
            self._time_out(now_s, active)

    def _probe(self, now_s: float, active: ActiveTransfer) -> None:
        """Send one packet beyond the window: a new one, else the last once more."""
        self._timer.is_probed = True
        window = self.window.segments
        if active.unsent_bytes <= 0:
            last = max((number for number, packet in self._packets.items() if not packet.is_reported), default=None)
            if last is None:
                return
            self._hold_for_lost(self._packets[last])
        self.window.segments = self._out + 1 if active.unsent_bytes > 0 else max(window, self._out + 1)
        self._send(now_s, active)
        self.window.segments = window

    def _time_out(self, now_s: float, active: ActiveTransfer) -> None:
        timer = self._timer
        is_first = timer.backoff == 1
        timer.backoff = min(MOST_BACKOFF, timer.backoff * 2)
        timer.before = timer.before or self.window.copy()
        timer.timed_out_s, timer.is_probed = now_s, False
        self.window.time_out(is_first=is_first)
        self._out, self._repair = 0, None
        for packet in self._packets.values():
            packet.is_out = False
        self._lost = [number for number, packet in self._packets.items() if not packet.is_reported]
        self._send(now_s, active)

    def _hold_for_lost(self, packet: Packet) -> None:
        if packet.is_out:
            self._out -= packet.segments
            packet.is_out = False
        self._lost = sorted({*self._lost, packet.number})

    # --- what it hears

    def _hear(self, now_s: float, expected: int, packet: Packet, sent_s: float) -> None:
        """Take an acknowledgement of all before `expected`, which the arrival of `packet`, sent at `sent_s`, gave."""
        if now_s >= self.closed_s:
            return
        timer, is_again = self._timer, packet.is_again
        timer.is_probed, timer.backoff = False, 1
        acknowledged, heard = self._take_away(expected) if expected > self._first else (0, 0)
        if packet.number >= self._first and not packet.is_reported:
            packet.is_reported = True
            self._reported += 1
            heard += packet.segments
            if packet.is_out:
                packet.is_out = False
                self._out -= packet.segments
        if not heard and not acknowledged:
            return
        if timer.before is not None and acknowledged:
            self._judge_timeout(timer.before, is_for_nothing=not is_again and sent_s < timer.timed_out_s)
        if not is_again:
            self._see_round_trip(now_s, now_s - sent_s, is_sample=acknowledged > 0)
        has_losses = self._reported or self._lost or self._repair is not None
        lost = self._find_lost(packet.number, sent_s) if has_losses else 0
        if lost and self._repair is None:
            self._repair = Repair(self._next, self.window.segments)
            self.window.lose()
        if self._repair is not None:
            self._repair_on(self._repair, heard, is_forward=acknowledged > 0 and not lost)
        elif acknowledged and (
            self._is_limited or (self.window.is_slow_start and self.window.segments < 2 * self._most_out)
        ):
            self.window.grow(now_s, acknowledged)
        self._send(now_s, packet.active)

    def _take_away(self, expected: int) -> tuple[int, int]:
        """Return the segments before `expected` that were not acknowledged yet, and those not even heard of."""
        acknowledged = heard = 0
        for number in range(self._first, expected):
            packet = self._packets.pop(number)
            segments = packet.segments
            acknowledged += segments
            if packet.is_reported:
                self._reported -= 1
            else:
                heard += segments
            if packet.is_out:
                self._out -= segments
        self._first = expected
        return acknowledged, heard

    def _judge_timeout(self, before: TcpWindow, *, is_for_nothing: bool) -> None:
        self._timer.before = None
        if not is_for_nothing:
            return
        self.window = before
        for number in self._lost:
            packet = self._packets.get(number)
            if packet is not None and not packet.is_reported:
                packet.is_out = True
                self._out += packet.segments
        self._lost = []

    def _see_round_trip(self, now_s: float, round_trip_s: float, *, is_sample: bool) -> None:
        if self._smoothed_s is None:
            self._smoothed_s, self._deviation_s = round_trip_s, round_trip_s / 2
        else:
            self._deviation_s += (abs(round_trip_s - self._smoothed_s) - self._deviation_s) / 4
            self._smoothed_s += (round_trip_s - self._smoothed_s) / 8
        if is_sample:
            self.window.sample(now_s, round_trip_s, self._first, self._next)

    def _find_lost(self, number: int, sent_s: float) -> int:
        """Hold for lost what was sent before a packet that arrived, and return the segments of it."""
        found = 0
        for other, packet in self._packets.items():
            if packet.sent_s > sent_s and not packet.is_again:
                break  # and all that follow it
            if packet.is_out and (packet.sent_s < sent_s - 1e-12 or (other < number and packet.sent_s == sent_s)):
                self._lost.append(other)
                packet.is_out = False
                found += packet.segments
        if found:
            self._out -= found
            self._lost.sort()
        return found

    def _repair_on(self, repair: Repair, heard: int, *, is_forward: bool) -> None:
        """Send while losses are repaired: in proportion to what is heard of (RFC 6937)."""
        if self._first >= repair.until_number:
            self._repair = None
            self.window.segments = self.window.threshold
            return
        repair.delivered += heard
        room = self.window.threshold - self._out
        if room < 0:
            count = -(-self.window.threshold * repair.delivered // repair.window) - repair.sent
        else:
            count = min(room, max(repair.delivered - repair.sent, heard) + (1 if is_forward else 0))
        count = max(count, 0 if repair.sent else 1)
        self.window.segments = max(self._out + count, 1)
