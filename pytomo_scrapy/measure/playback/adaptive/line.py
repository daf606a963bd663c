"""The line that a stored trace shows, and how it would have served a player's requests, packet by packet.

What arrived of a window's downloads together, over time, is what the line carries: nobody asked for less. Before it
lies a queue: what finds it full is lost. A request is answered after a round trip; what of an aborted request is on its
way still comes first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Any

from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Transfer
from pytomo_scrapy.measure.playback.adaptive.tcp_connection import TcpConnection
from pytomo_scrapy.measure.playback.adaptive.tcp_packet import SEGMENT_BYTES, Act, ActiveTransfer, Hear, Packet
from pytomo_scrapy.measure.playback.adaptive.tcp_window import FIRST_SEGMENTS

PAYLOAD_SHARE = SEGMENT_BYTES / 1500  # of a queue's bytes: the rest are headers
PIECE_S = 0.001  # packets that a fast line carries in less go together, to reckon less
MAX_CONNECTIONS = 6  # of a browser to one host
INFINITE = float("inf")
NEVER: tuple[Any, ...] = (INFINITE, 0)
IsEnough = Callable[[ActiveTransfer, float], bool]  # bytes of a request that came at that time


@dataclass(frozen=True, slots=True)
class LineTrace:
    """Bytes that the line had carried by `at_s`, cumulative; between two points evenly. `round_trip_s` without load.

    `loss_share`: of packets that the line loses by itself, others with each `seed`.
    """

    at_s: Sequence[float]
    total_bytes: Sequence[float]
    round_trip_s: float
    queue_bytes: float
    unknown_s: Sequence[tuple[float, float]] = ()
    loss_share: float = 0.0
    seed: int = 0


class Curve:
    """Reads a curve that only rises, at places that only rise: evenly between two points, `beyond` behind the last."""

    def __init__(self, places: Sequence[float], values: Sequence[float], beyond: float) -> None:
        self._places, self._values, self._beyond = places, values, beyond
        self._index, self._last = 1, len(places) - 1
        self._before, self._after, self._start, self._rise = places[0], places[1], values[0], values[1] - values[0]

    def value(self, place: float) -> float:
        """Return the value at `place`, which lies nowhere before the last one that was asked for."""
        if place > self._after and self._index < self._last:
            self._move(place)
        before, after = self._before, self._after
        if place > after:
            return self._beyond
        if place <= before:
            return self._start
        return self._start + self._rise * (place - before) / (after - before)

    def _move(self, place: float) -> None:
        places, index = self._places, self._index
        while index < self._last and places[index] < place:
            index += 1
        self._index = index
        self._before, self._after, self._start = places[index - 1], places[index], self._values[index - 1]
        self._rise = self._values[index] - self._start


def _any_news(_active: ActiveTransfer, _now_s: float) -> bool:
    return True


class Line:
    """Serves requests from a trace: which bytes of which request arrive when. It is the network of its connections."""

    def __init__(self, trace: LineTrace) -> None:
        self.round_trip_s = trace.round_trip_s
        span_s = trace.at_s[-1] - trace.at_s[0]
        rate = (trace.total_bytes[-1] - trace.total_bytes[0]) / span_s if span_s > 0 else 0.0  # bytes a second
        self.piece_segments = max(1, int(rate * PIECE_S / SEGMENT_BYTES))
        self.active: list[ActiveTransfer] = []
        self.news: ActiveTransfer | None = None  # the request of which bytes have just arrived
        self.touched_unknown = False
        self._trace = trace
        self._connections: dict[int, TcpConnection] = {}  # of the active transfers
        self._free: list[TcpConnection] = []
        # A queue that takes no first window would lose of every answer, and no download would fill the line, as one
        # did. So something before it (a pacer, a fair queue, the server itself) holds back what it has no room for.
        self.holds_back = trace.queue_bytes < FIRST_SEGMENTS * SEGMENT_BYTES
        self._queue_bytes = max(trace.queue_bytes * PAYLOAD_SHARE, SEGMENT_BYTES)
        self._queued = 0.0  # of the trace's bytes, those that everything in the queue takes
        self._looked_s, self._carried = -INFINITE, 0.0  # when a packet came last, and what had left the queue by then
        self._loss_share, self._chance = trace.loss_share, Random(trace.seed)
        self._clock = Curve(trace.at_s, trace.total_bytes, trace.total_bytes[-1])
        self._exit = Curve(trace.total_bytes, trace.at_s, INFINITE)
        self._turns: list[Callable[[float], None]] = []  # of those that wait
        self._room = Curve(trace.total_bytes, trace.at_s, INFINITE)
        # What happens, by time; at one time in the order in which it was put there. Packets and acknowledgements come
        # in the order in which they were sent, and need no sorting.
        self._arrivals: deque[tuple[float, int, Act, Packet, float]] = deque()
        self._answers: deque[tuple[float, int, Hear, int, Packet, float]] = deque()
        self._events: list[tuple[float, int, Act, tuple[object, ...]]] = []
        self._event_count = 0

    # --- driven by a replay

    def start(self, transfer: Transfer, now_s: float) -> None:
        """Ask for `transfer`: on the connection that was used last, else on a new one."""
        connection = self._free.pop() if self._free else TcpConnection(self)
        active = ActiveTransfer(transfer)
        self.active.append(active)
        self._connections[transfer.transfer_id] = connection
        connection.request(active, now_s)

    def open_ahead(self, now_s: float) -> None:
        """Open a connection for a request that is to come: it is there a round trip later."""
        if len(self._free) + len(self.active) < MAX_CONNECTIONS:
            connection = TcpConnection(self)
            connection.is_open = True
            connection.free(now_s + self.round_trip_s)
            self._free.insert(0, connection)

    def abort(self, transfer: Transfer, now_s: float) -> None:
        """Give up `transfer`: its connection is closed, and what is on its way still takes the line."""
        for active in self.active:
            if active.transfer == transfer:
                self.active.remove(active)
                active.is_closed = True
                self._connections.pop(transfer.transfer_id).closed_s = now_s + self.round_trip_s
                return

    def advance(self, now_s: float, until_s: float, is_enough: IsEnough = _any_news) -> float:
        """Let happen what happens up to `until_s`, or to bytes that arrive before and are enough; return that time."""
        arrivals, answers, events = self._arrivals, self._answers, self._events
        is_asked, began_s, latest_s = bool(self.active), now_s, until_s + 1e-9
        while True:
            arrival: tuple[Any, ...] = arrivals[0] if arrivals else NEVER
            answer: tuple[Any, ...] = answers[0] if answers else NEVER
            first = answer if answer < arrival else arrival
            if events and events[0] < first:
                first = events[0]
            if first[0] > latest_s:
                self.news, now_s = None, until_s
                break
            if first is answer:
                at_s, _, hear, expected, packet, sent_s = answers.popleft()
                hear(at_s, expected, packet, sent_s)
                continue
            if first is arrival:
                at_s, _, arrive, packet, sent_s = arrivals.popleft()
                news = arrive(at_s, packet, sent_s)
            else:
                at_s, _, act, about = heappop(events)
                news = act(at_s, *about)
            if news is not None:
                now_s = max(now_s, at_s)
                if is_enough(news, now_s) or now_s >= until_s:
                    self.news = news
                    break
        if is_asked and now_s > began_s and not self.touched_unknown:
            self.touched_unknown = any(start_s < now_s and began_s < end_s for start_s, end_s in self._trace.unknown_s)
        return now_s

    def finish(self, active: ActiveTransfer, now_s: float) -> None:
        """Take out a request that is whole; its connection is free for others."""
        self.active.remove(active)
        connection = self._connections.pop(active.transfer.transfer_id)
        connection.free(now_s)
        if len(self._free) < MAX_CONNECTIONS:
            self._free.append(connection)

    # --- the network of its connections

    def at(self, t_s: float, act: Act, *about: object) -> None:
        """Let `act` happen at `t_s`."""
        if t_s < INFINITE:
            self._event_count += 1
            heappush(self._events, (t_s, self._event_count, act, about))

    def take_turn(self) -> int:
        """Return a number: what happens at one time does so in the order of these."""
        self._event_count += 1
        return self._event_count

    def at_turn(self, t_s: float, turn: int, act: Act) -> None:
        """Let `act` happen at `t_s`, in a turn that was taken before."""
        heappush(self._events, (t_s, turn, act, ()))

    def carry(self, size_bytes: int, now_s: float) -> float:
        """Put a packet into the queue, and return when it arrives: never (infinite) where it is lost."""
        if now_s != self._looked_s:
            self._looked_s, self._carried = now_s, self._clock.value(now_s)
        waiting = self._queued - self._carried
        if waiting <= 0:
            self._queued = self._carried  # an empty queue takes any packet
        elif waiting + size_bytes > self._queue_bytes and not self.holds_back:
            return INFINITE
        self._queued += size_bytes
        if self._loss_share and self._chance.random() < self._loss_share:
            return INFINITE
        return max(now_s, self._exit.value(self._queued))

    def deliver(self, packet: Packet, arrive: Act) -> None:
        """Put a packet into the queue, and let it `arrive` where it is not lost."""
        sent_s, arrivals = packet.sent_s, self._arrivals
        arrival_s = self.carry(packet.size_bytes, sent_s)
        if arrivals and arrival_s < arrivals[-1][0]:
            self.at(arrival_s, arrive, packet, sent_s)
        elif arrival_s < INFINITE:
            self._event_count += 1
            arrivals.append((arrival_s, self._event_count, arrive, packet, sent_s))

    def answer(self, t_s: float, hear: Hear, expected: int, packet: Packet, sent_s: float) -> None:
        """Let an acknowledgement arrive at `t_s`."""
        answers = self._answers
        if answers and t_s < answers[-1][0]:
            self.at(t_s, hear, expected, packet, sent_s)
        else:
            self._event_count += 1
            answers.append((t_s, self._event_count, hear, expected, packet, sent_s))

    def is_free(self, now_s: float) -> bool:
        """Tell whether a line that holds back takes a packet."""
        return not self._turns and self._room_s(now_s) <= now_s

    def wait(self, now_s: float, send: Callable[[float], None]) -> None:
        """Let `send` happen in its turn, one packet each, once the line takes a packet."""
        self._turns.append(send)
        if len(self._turns) == 1:
            self.at(self._room_s(now_s), self._give_turn)

    def _give_turn(self, now_s: float) -> None:
        send = self._turns[0]
        send(now_s)
        del self._turns[0]
        if self._turns:
            self.at(self._room_s(now_s), self._give_turn)

    def _room_s(self, now_s: float) -> float:
        return max(now_s, self._room.value(self._queued + SEGMENT_BYTES - self._queue_bytes))
