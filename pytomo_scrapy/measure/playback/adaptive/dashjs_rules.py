"""The rules that dash.js 5 chooses the next rung by: of those that speak, the lowest rung counts.

Throughput below 12 s of buffer, BOLA above (off again below 6 s); the insufficient buffer rule and the switch history
rule always; the abandon rule while a request runs. Source: dash.js 5.2.1 `streaming/rules/abr/`, read from its package.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytomo_scrapy.measure.playback.adaptive.bola import Bola, bola_scale
from pytomo_scrapy.measure.playback.adaptive.moving_average import HalvingAverage, LowerAverage


@dataclass(frozen=True, slots=True)
class DashSituation:
    """What a decision is made from. `level_s` is the buffer ahead, `segment_s` the length of the rung's segments."""

    now_s: float
    rung: int
    level_s: float
    segment_s: float
    is_loaded: bool  # more than the stall threshold is buffered
    is_empty: bool  # it was, and is no more
    is_abandoning: bool = False


@dataclass(frozen=True, slots=True)
class DashDecision:
    """The rung to fetch next, None where no rule speaks, and how long to wait with the request."""

    rung: int | None
    wait_s: float = 0.0


def highest_rung(bitrates: Sequence[float], rate_bps: float) -> int:
    """Return the highest rung of at most `rate_bps`, else the lowest."""
    return max((rung for rung, bitrate in enumerate(bitrates) if bitrate <= rate_bps), default=0)


@dataclass(slots=True)
class SwitchHistory:
    """The last decisions, and how often a rung was left downwards (`SwitchRequestHistory`, `SwitchHistoryRule`)."""

    sample_size: int
    drop_ratio: float
    entries: deque[tuple[int, bool]] = field(default_factory=deque)

    def add(self, rung: int, new_rung: int) -> None:
        """Take note of a decision."""
        self.entries.append((rung, new_rung < rung))
        if len(self.entries) > self.sample_size:
            self.entries.popleft()

    def limit(self, rung_count: int) -> int | None:
        """Return the highest rung to take after too many drops. None where there were few."""
        drops = kept = 0
        for rung in range(rung_count):
            of_rung = [is_drop for entry, is_drop in self.entries if entry == rung]
            if not of_rung:
                continue
            drops += sum(of_rung)
            kept += len(of_rung) - sum(of_rung)
            is_unsteady = kept == 0 or drops / kept > self.drop_ratio
            if drops + kept >= self.sample_size and drops and is_unsteady:
                return rung - 1 if rung > 0 and any(of_rung) else rung
        return None


class DashRules:
    """The rules of one kind, with what they remember. Pure: the same calls give the same answers."""

    def __init__(self, bitrates: Sequence[float], parameters: Mapping[str, float]) -> None:
        self.bitrates = bitrates
        self._parameters = parameters
        self._average = LowerAverage(
            HalvingAverage(parameters["fast_half_life_s"]), HalvingAverage(parameters["slow_half_life_s"])
        )
        self.history = SwitchHistory(int(parameters["history_size"]), parameters["history_drop_ratio"])
        self.bola: Bola | None = None  # it remembers nothing of the time before it is asked first
        self._is_by_buffer = False
        self.appended = 0

    def add_sample(self, size_bytes: int, duration_s: float) -> None:
        """Take note of a segment's bytes and the time from its first byte to its last."""
        if duration_s > 0:
            kbit_s = round(8 * size_bytes / (duration_s * 1000))
            self.add_rate(kbit_s, duration_s)

    def add_rate(self, kbit_s: float, duration_s: float) -> None:
        """Take a rate that was seen for `duration_s`; a request that is given up leaves one too."""
        self._average.add(self._parameters["sample_weight"] * duration_s, kbit_s)

    def throughput_bps(self) -> float | None:
        """Return the estimate, in whole kbit/s as the player has it. None before the first segment."""
        value = self._average.value()
        return None if value is None else round(value) * 1000.0

    def safe_rung(self) -> int | None:
        """Return the highest rung that the estimate carries with the safety factor."""
        rate_bps = self.throughput_bps()
        return None if rate_bps is None else highest_rung(self.bitrates, rate_bps * self._parameters["safety_factor"])

    def see_level(self, level_s: float) -> None:
        """Choose between throughput and BOLA by the buffer, with hysteresis."""
        switch_s = self._parameters["bola_from_s"]
        self._is_by_buffer = level_s >= (0.5 * switch_s if self._is_by_buffer else switch_s)

    def decide(self, situation: DashSituation) -> DashDecision:
        """Return what comes next."""
        wait_s = 0.0
        candidates: list[int] = []
        safe_rung = self.safe_rung()
        if self._is_by_buffer:
            bola = self._bola()
            if bola is not None and safe_rung is not None:
                rung, wait_s = bola.choose(situation.now_s, situation.level_s, safe_rung)
                candidates.append(rung)
        elif safe_rung is not None and situation.is_loaded and not situation.is_abandoning:
            candidates.append(safe_rung)
        limits = (self._sufficient_rung(situation), self.history.limit(len(self.bitrates)))
        candidates += [rung for rung in limits if rung is not None]
        if not candidates:
            return DashDecision(None)
        chosen = min(candidates)
        self.history.add(situation.rung, chosen)
        return DashDecision(chosen, wait_s)

    def _bola(self) -> Bola | None:
        if self.bola is None and (scale := bola_scale(self.bitrates, self._parameters["buffer_goal_s"])):
            self.bola = Bola(scale)
        return self.bola

    def _sufficient_rung(self, situation: DashSituation) -> int | None:
        """Return the highest rung of which a segment comes before the buffer is dry (`InsufficientBufferRule`)."""
        if self.appended < self._parameters["insufficient_ignored_segments"]:
            return None
        if situation.is_empty:
            return 0
        rate_bps = self.throughput_bps()
        if rate_bps is None or situation.level_s <= 0:
            return None
        safe_bps = rate_bps * self._parameters["insufficient_safety_factor"]
        return highest_rung(self.bitrates, safe_bps * situation.level_s / situation.segment_s)


@dataclass(slots=True)
class AbandonWatch:
    """Watches one request, and says when it is better given up (`AbandonRequestsRule`)."""

    first_byte_s: float
    traces: int = 0
    first_trace: tuple[float, int] | None = None
    last_trace_s: float = 0.0
    last_trace_bytes: int = 0
    received_bytes: int = 0
    rate_bps: float = 0.0

    def is_due(self, now_s: float, progress_s: float) -> bool:
        """Tell whether bytes that come now are looked at."""
        return self.first_trace is None or now_s - self.last_trace_s >= progress_s

    def better_rung(
        self,
        received: tuple[float, int, int],
        segment_s: float,
        rung: int,
        bitrates: Sequence[float],
        parameters: Mapping[str, float],
    ) -> int | None:
        """Return the rung to fetch instead, None to go on. `received` is (time, bytes that came, bytes in all)."""
        now_s, received_bytes, size_bytes = received
        if self.first_trace is None:
            self.first_trace, self.last_trace_s, self.traces = (now_s, received_bytes), now_s, 1
            self.last_trace_bytes = received_bytes
            return None
        is_new = received_bytes - self.last_trace_bytes >= parameters["progress_bytes"]
        if now_s - self.last_trace_s < parameters["progress_s"] or not is_new:
            return None
        self.traces, self.last_trace_s, self.last_trace_bytes = self.traces + 1, now_s, received_bytes
        is_early = now_s - self.first_byte_s <= parameters["abandon_after_s"]
        if self.traces < parameters["abandon_samples"] or is_early or received_bytes >= size_bytes:
            return None
        rate_bps = 8 * (received_bytes - self.first_trace[1]) / max(now_s - self.first_trace[0], 0.001)
        self.rate_bps = rate_bps
        if rate_bps > 0 and size_bytes * 8 / rate_bps < segment_s * parameters["abandon_multiplier"]:
            return None
        if rung == 0:
            return None
        better = highest_rung(bitrates, rate_bps)
        is_worth_it = size_bytes - received_bytes > size_bytes * bitrates[better] / bitrates[rung]
        return better if is_worth_it else None
