"""The line that a stored trace shows, and how it would have served a player's requests.

What arrived of a window's downloads together, over time, is what the line carries: nobody asked for less. A request is
answered after a round trip; its connection begins slowly and takes its share of the line by its window; what of an
aborted request is on its way still comes first. Sources: RFC 6928 (first window of 10 segments), RFC 5681 (slow start,
restart after idle time), RFC 9438 (window x 0.7 after a loss).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Transfer

SEGMENT_BYTES = 1448  # payload of a TCP segment on Ethernet
FIRST_WINDOW_BYTES = 10 * SEGMENT_BYTES
LEAST_WINDOW_BYTES = 2 * SEGMENT_BYTES
LOSS_FACTOR = 0.7
IDLE_LEAST_S = 0.2  # Linux: least retransmission timeout, after which a window shrinks
MAX_CONNECTIONS = 6  # of a browser to one host
INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class LineTrace:
    """Bytes that the line had carried by `at_s`, cumulative; between two points evenly. `round_trip_s` without load."""

    at_s: Sequence[float]
    total_bytes: Sequence[float]
    round_trip_s: float
    queue_bytes: float
    unknown_s: Sequence[tuple[float, float]] = ()

    def carried_by(self, t_s: float) -> float:
        """Return the bytes carried up to `t_s`."""
        index = bisect_right(self.at_s, t_s)
        if index == 0:
            return 0.0
        if index == len(self.at_s):
            return self.total_bytes[-1]
        before_s, after_s = self.at_s[index - 1], self.at_s[index]
        before, after = self.total_bytes[index - 1], self.total_bytes[index]
        return before + (after - before) * (t_s - before_s) / (after_s - before_s)

    def time_of(self, total_bytes: float) -> float:
        """Return when `total_bytes` had been carried; infinite where they never were."""
        index = bisect_left(self.total_bytes, total_bytes)
        if index == len(self.at_s):
            return INFINITE
        if index == 0:
            return self.at_s[0]
        before, after = self.total_bytes[index - 1], self.total_bytes[index]
        before_s, after_s = self.at_s[index - 1], self.at_s[index]
        return before_s + (after_s - before_s) * (total_bytes - before) / (after - before)


@dataclass(slots=True)
class Connection:
    """A connection that is kept open from request to request."""

    window_bytes: float = FIRST_WINDOW_BYTES
    threshold_bytes: float = INFINITE  # slow start ends here
    free_since_s: float = 0.0
    delivered: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class ActiveTransfer:
    """A request on its way. `begins_s` is when its first byte may come."""

    transfer: Transfer
    connection: Connection
    begins_s: float
    received_bytes: float = 0.0
    has_begun: bool = False
    hole_from_s: float = INFINITE  # what comes after a lost piece is of no use before that piece comes again
    hole_until_s: float = 0.0
    usable_bytes: float = 0.0

    @property
    def missing_bytes(self) -> float:
        """Return what is still to come."""
        return self.transfer.size_bytes - self.received_bytes

    def is_held_up(self, t_s: float) -> bool:
        """Tell whether a lost piece holds up what comes at `t_s`."""
        return self.hole_from_s < t_s < self.hole_until_s - 1e-9


class Line:
    """Serves requests from a trace: which bytes of which request arrive when."""

    def __init__(self, trace: LineTrace) -> None:
        self._trace = trace
        self._free: list[Connection] = []
        self._flushing_bytes = 0.0  # of aborted requests, still on their way
        self._is_overflowing = False  # since the windows were last small enough
        self._foreseen: tuple[float, list[float]] | None = None  # rates of the step that begins at a time
        self.active: list[ActiveTransfer] = []
        self.touched_unknown = False

    def start(self, transfer: Transfer, now_s: float) -> None:
        """Ask for `transfer`: on the connection that was used last, else on a new one."""
        round_trip_s = self._trace.round_trip_s
        self._foreseen = None
        ahead = self._queued_bytes(now_s)
        drained_s = self._trace.time_of(self._trace.carried_by(now_s) + ahead) if ahead > 0 else now_s
        wait_s = round_trip_s + max(0.0, drained_s - now_s)
        if self._free:
            connection = self._free.pop()
            self._shrink(connection, now_s - connection.free_since_s)
            wait_s += max(0.0, connection.free_since_s - now_s)
        else:
            connection = Connection()
            wait_s += round_trip_s
        self.active.append(ActiveTransfer(transfer, connection, now_s + wait_s))

    def open_ahead(self, now_s: float) -> None:
        """Open a connection for a request that is to come: it is there a round trip later."""
        if len(self._free) + len(self.active) < MAX_CONNECTIONS:
            self._free.insert(0, Connection(free_since_s=now_s + self._trace.round_trip_s))

    def abort(self, transfer: Transfer, now_s: float) -> None:
        """Give up `transfer`: its connection is closed, and what is on its way still takes the line."""
        self._foreseen = None
        for active in self.active:
            if active.transfer == transfer:
                self.active.remove(active)
                if active.has_begun:
                    self._flushing_bytes += min(active.connection.window_bytes, active.missing_bytes)
                return

    def next_s(self, now_s: float, tick_s: float) -> float:
        """Return when something happens next: an answer begins, a request is whole, or a tick is over."""
        if not self.active:
            return INFINITE
        next_s = now_s + tick_s
        for active in self.active:
            if not active.has_begun:
                next_s = min(next_s, max(now_s, active.begins_s))
        rates = self._rates(now_s, tick_s)
        self._foreseen = (now_s, rates)
        for active, rate in zip(self.active, rates, strict=True):
            if rate > 0 or active.missing_bytes <= 0:
                whole_s = now_s + (active.missing_bytes / rate if rate > 0 else 0.0)
                next_s = min(next_s, active.hole_until_s if active.is_held_up(whole_s) else whole_s)
        return next_s

    def advance(self, now_s: float, until_s: float, tick_s: float) -> None:
        """Let the bytes of a step arrive, and begin the answers that are due at its end."""
        if (
            until_s > now_s
            and self.active
            and any(start_s < until_s and now_s < end_s for start_s, end_s in self._trace.unknown_s)
        ):
            self.touched_unknown = True
        step_s = until_s - now_s
        for active, rate in zip(self.active, self._foreseen_rates(now_s, tick_s), strict=True):
            arrived = min(active.missing_bytes, rate * step_s)
            active.received_bytes += arrived
            if active.missing_bytes < 0.5:
                active.received_bytes = active.transfer.size_bytes
            self._grow(active.connection, arrived)
        if self._flushing_bytes:
            self._flushing_bytes = max(0.0, self._flushing_bytes - self._rate(now_s) * step_s)
        self._lose(until_s)
        for active in self.active:
            active.has_begun = active.has_begun or active.begins_s <= until_s + 1e-9
            if not active.is_held_up(until_s):
                active.usable_bytes = active.received_bytes

    def finished(self, now_s: float) -> list[ActiveTransfer]:
        """Take out the requests that are whole; their connections are free for others."""
        whole = [
            active
            for active in self.active
            if active.has_begun and active.missing_bytes <= 0 and not active.is_held_up(now_s)
        ]
        for active in whole:
            self.active.remove(active)
            active.connection.free_since_s = now_s
            if len(self._free) < MAX_CONNECTIONS:
                self._free.append(active.connection)
        return whole

    def _rate(self, now_s: float) -> float:
        """Return what the line carries about now, bytes a second."""
        carried = self._trace.carried_by(now_s + 0.1) - self._trace.carried_by(now_s - 0.1)
        return max(carried / 0.2, 1.0)

    def _rates(self, now_s: float, tick_s: float) -> list[float]:
        """Return the bytes a second of each active request over the next tick."""
        carried = self._trace.carried_by(now_s + tick_s) - self._trace.carried_by(now_s)
        carried = max(0.0, carried - self._flushing_bytes) / tick_s
        windows = [active.connection.window_bytes if active.has_begun else 0.0 for active in self.active]
        total = sum(windows)
        if not total:
            return [0.0] * len(windows)
        speed = min(1.0 / self._trace.round_trip_s, carried / total)
        return [window * speed for window in windows]

    def _foreseen_rates(self, now_s: float, tick_s: float) -> list[float]:
        """Return the rates that the step's end was reckoned with, where nobody has asked or given up since."""
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is not None and foreseen[0] == now_s and len(foreseen[1]) == len(self.active):
            return foreseen[1]
        return self._rates(now_s, tick_s)

    def _queued_bytes(self, now_s: float) -> float:
        on_way = sum(
            min(active.connection.window_bytes, active.missing_bytes) for active in self.active if active.has_begun
        )
        return max(0.0, on_way - self._rate(now_s) * self._trace.round_trip_s) + self._flushing_bytes

    def _grow(self, connection: Connection, arrived: float) -> None:
        if connection.window_bytes < connection.threshold_bytes:
            connection.window_bytes += arrived
        else:
            connection.window_bytes += SEGMENT_BYTES * arrived / connection.window_bytes

    def _lose(self, now_s: float) -> None:
        """Shrink the windows once the queue is full."""
        begun = [active for active in self.active if active.has_begun and active.missing_bytes > 0]
        # The smallest windows, counted in whole segments, wait for each other's bytes and lose none.
        is_small = all(active.connection.window_bytes < LEAST_WINDOW_BYTES + SEGMENT_BYTES for active in begun)
        if is_small or self._fits(begun, now_s):
            self._is_overflowing = False
            return
        if not self._is_overflowing and all(active.hole_until_s > now_s for active in begun):
            return  # all wait for a lost piece already: TCP shrinks a window once until that has come
        self._is_overflowing = True
        ahead = self._trace.carried_by(now_s) + self._trace.queue_bytes
        from_s = self._trace.time_of(ahead)
        again_s = self._trace.time_of(ahead + LOSS_FACTOR * self._trace.queue_bytes) + self._trace.round_trip_s
        for active in begun:
            if active.hole_until_s <= now_s:
                active.hole_from_s = from_s
            active.hole_until_s = max(active.hole_until_s, again_s)
            connection = active.connection
            connection.window_bytes = max(LEAST_WINDOW_BYTES, connection.window_bytes * LOSS_FACTOR)
            connection.threshold_bytes = connection.window_bytes

    def _fits(self, begun: Sequence[ActiveTransfer], now_s: float) -> bool:
        on_way = sum(min(active.connection.window_bytes, active.missing_bytes) for active in begun)
        if on_way <= self._trace.queue_bytes:
            return True  # whatever the line itself holds
        return on_way <= self._rate(now_s) * self._trace.round_trip_s + self._trace.queue_bytes

    def _shrink(self, connection: Connection, idle_s: float) -> None:
        timeout_s = IDLE_LEAST_S + self._trace.round_trip_s
        halvings = int(idle_s / timeout_s)
        if halvings:
            connection.threshold_bytes = max(connection.threshold_bytes, 0.75 * connection.window_bytes)
            connection.window_bytes = max(FIRST_WINDOW_BYTES, connection.window_bytes / 2.0 ** min(halvings, 50))
