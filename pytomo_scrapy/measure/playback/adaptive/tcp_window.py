"""How much a Linux server sends without an answer: cubic, with HyStart, as its kernel has it.

Sources: RFC 9438 (cubic), RFC 6928 (first window of 10 segments), Linux `tcp_cubic.c` (HyStart by the ack train and by
delays, rounds, the update once a round trip), and packets of a Linux 6.18 kernel on links of a known rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

INFINITE = float("inf")
FIRST_SEGMENTS = 10
NO_THRESHOLD = 1 << 30
LOSS_FACTOR = 717 / 1024  # what is left of a window after a loss
CUBIC = 0.4
LEAST_SEGMENTS = 2
FIRST_STEPS = 20  # acknowledgements a segment at the most, before a loss was seen
RENO_SCALE = 8 * (1024 + 717) / 3 / (1024 - 717) / 8
HYSTART_FROM_SEGMENTS = 16
HYSTART_SAMPLES = 8
HYSTART_TRAIN_S = 0.002  # acknowledgements this near belong to one train
HYSTART_LEAST_S, HYSTART_MOST_S = 0.004, 0.016  # of delay that ends slow start: an eighth of the least round trip
CLOCK_S = 0.001  # the kernel's clock for all that


@dataclass(slots=True)
class Curve:
    """Where cubic is between two losses."""

    began_s: float | None = None
    last_most: float = 0.0  # segments, at the last loss
    to_origin_s: float = 0.0
    origin: float = 0.0
    reno: float = 0.0  # what Reno would have
    acknowledged: float = 0.0


@dataclass(slots=True)
class Round:
    """A round trip, as HyStart sees it."""

    began_s: float = 0.0
    train_s: float = 0.0  # the last acknowledgement of the train
    end_number: int = 0
    least_s: float | None = None
    samples: int = 0


@dataclass(slots=True)
class TcpWindow:
    """The congestion window, in segments."""

    segments: int = FIRST_SEGMENTS
    threshold: int = NO_THRESHOLD
    least_round_trip_s: float | None = None
    has_found_end: bool = False  # of slow start
    curve: Curve = field(default_factory=Curve)
    round: Round = field(default_factory=Round)
    _credit: int = 0

    @property
    def is_slow_start(self) -> bool:
        """Tell whether it doubles with each round trip."""
        return self.segments < self.threshold

    def copy(self) -> TcpWindow:
        """Return what it is now, to go back to."""
        return replace(self, curve=replace(self.curve), round=replace(self.round))

    def sample(self, now_s: float, round_trip_s: float, first_number: int, next_number: int) -> None:
        """Take a round trip: all before `first_number` are acknowledged, `next_number` is to be sent next."""
        if self.curve.began_s is not None and now_s - self.curve.began_s < 1.0:
            return
        if self.least_round_trip_s is None or round_trip_s < self.least_round_trip_s:
            self.least_round_trip_s = round_trip_s
        if self.has_found_end or not self.is_slow_start:
            return
        current = self.round
        if first_number > current.end_number or current.least_s is None:
            current.began_s = current.train_s = now_s
            current.end_number, current.least_s, current.samples = next_number, INFINITE, 0
        if self.segments < HYSTART_FROM_SEGMENTS:
            return
        if now_s - current.train_s <= HYSTART_TRAIN_S:
            current.train_s = now_s
            self.has_found_end = now_s - current.began_s > (self.least_round_trip_s + CLOCK_S) / 2
        current.least_s = min(current.least_s, round_trip_s)
        if current.samples < HYSTART_SAMPLES:
            current.samples += 1
        else:
            rise_s = min(max(self.least_round_trip_s / 8, HYSTART_LEAST_S), HYSTART_MOST_S)
            self.has_found_end = self.has_found_end or current.least_s > self.least_round_trip_s + rise_s
        if self.has_found_end:
            self.threshold = self.segments

    def grow(self, now_s: float, acknowledged: int) -> None:
        """Let it grow for so many segments that were acknowledged."""
        if self.is_slow_start:
            step = min(acknowledged, self.threshold - self.segments)
            self.segments += step
            acknowledged -= step
            if not acknowledged:
                return
        needed = self._needed(now_s, acknowledged)
        if self._credit >= needed:
            self._credit = 0
            self.segments += 1
        self._credit += acknowledged
        if self._credit >= needed:
            self.segments += self._credit // needed
            self._credit %= needed

    def _needed(self, now_s: float, acknowledged: int) -> int:
        """Return how many acknowledged segments one more segment takes."""
        curve, segments = self.curve, self.segments
        curve.acknowledged += acknowledged
        if curve.began_s is None:
            curve.began_s, curve.acknowledged, curve.reno = now_s, acknowledged, segments
            is_over = curve.last_most <= segments
            curve.to_origin_s = 0.0 if is_over else ((curve.last_most - segments) / CUBIC) ** (1 / 3)
            curve.origin = segments if is_over else curve.last_most
        age_s = now_s - curve.began_s + (self.least_round_trip_s or 0.0)
        target = curve.origin + CUBIC * (age_s - curve.to_origin_s) ** 3
        needed = segments / (target - segments) if target > segments else 100.0 * segments
        if not curve.last_most:
            needed = min(needed, FIRST_STEPS)
        a_step = segments * RENO_SCALE
        if curve.acknowledged >= a_step:
            steps = int(curve.acknowledged / a_step)
            curve.acknowledged -= steps * a_step
            curve.reno += steps
        if curve.reno > segments:
            needed = min(needed, segments / (curve.reno - segments))
        return max(int(needed), 2)

    def lose(self) -> None:
        """Note a loss that was seen by what came after it."""
        is_falling = self.segments < self.curve.last_most
        self.curve.last_most = self.segments * (1 + LOSS_FACTOR) / 2 if is_falling else self.segments
        self.threshold = max(LEAST_SEGMENTS, int(self.segments * LOSS_FACTOR))
        self.curve.began_s = None

    def time_out(self, *, is_first: bool) -> None:
        """Begin again with one segment: nothing was heard for long."""
        if is_first:
            self.threshold = max(LEAST_SEGMENTS, int(self.segments * LOSS_FACTOR))
            self.curve.last_most = self.segments
            self.has_found_end, self.least_round_trip_s = False, None
        self.curve.began_s = None
        self.segments = 1

    def rest(self, timeouts: int) -> None:
        """Shrink after a pause of so many timeouts (RFC 2861)."""
        if self.threshold < NO_THRESHOLD:
            self.threshold = max(self.threshold, int(0.75 * self.segments))
        halved = self.segments
        while timeouts > 0 and halved > FIRST_SEGMENTS:
            halved //= 2
            timeouts -= 1
        self.segments = max(halved, min(FIRST_SEGMENTS, self.segments))
