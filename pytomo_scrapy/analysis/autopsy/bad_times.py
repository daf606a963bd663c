"""The bad times of a session: its slow or failed start, and its stalls, each with the span in which its cause lies."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.analysis.autopsy.evidence import Evidence
from pytomo_scrapy.analysis.autopsy.limits import Limits
from pytomo_scrapy.failures import Attribution, Stage
from pytomo_scrapy.items import DownloadResult, Interval, Symptom
from pytomo_scrapy.measure.playback.counted_stalls import MIN_STALL_S
from pytomo_scrapy.measure.playback.window_replay import horizon_s

# The longest; a session of more would fill a table and say no more.
MAX_STALLS = 20


@dataclass(frozen=True, slots=True)
class BadTime:
    """A bad time, on the window's clock. `from_s` to `end_s` is where its cause is looked for.

    Before a stall that is the time in which the buffer drained: a line that is slow for ten seconds stalls at the end.
    """

    symptom: Symptom
    start_s: float
    end_s: float
    from_s: float

    @property
    def duration_s(self) -> float:
        """Return how long it was bad."""
        return self.end_s - self.start_s


def bad_times(evidence: Evidence, limits: Limits) -> list[BadTime]:
    """Return the bad times of a session in their order. Empty for a good session, and for one that is none.

    What was refused before a window is in the account of refusals, and no bad time.
    """
    if evidence.failure is not None and evidence.failure_stage not in (Stage.DNS, Stage.DOWNLOAD, None):
        return []
    if evidence.attribution == Attribution.CONTENT:
        return []
    window, playback = evidence.window, evidence.playback
    if playback is None or not playback.is_started:
        return _failed_start(evidence)
    found = []
    delay_s = playback.startup_delay_s or 0.0
    if delay_s + (evidence.dns_elapsed_s or 0.0) > limits.slow_startup_s:
        found.append(BadTime(Symptom.STARTUP, 0.0, delay_s, 0.0))
    stalls = [stall for stall in playback.stalls if stall.duration_s >= MIN_STALL_S and not _is_ours(window, stall)]
    longest = sorted(stalls, key=lambda stall: -stall.duration_s)[:MAX_STALLS]
    before_s = delay_s
    for stall in sorted(longest, key=lambda stall: stall.start_s):
        from_s = max(before_s, stall.start_s - limits.drain_s, _last_demand_s(window, stall.start_s))
        end_s = stall.start_s + stall.duration_s
        found.append(BadTime(Symptom.STALL, stall.start_s, end_s, min(from_s, stall.start_s)))
        before_s = end_s
    return found


def _failed_start(evidence: Evidence) -> list[BadTime]:
    window = evidence.window
    if evidence.playback is None and evidence.attribution in (None, Attribution.UNKNOWN):
        return []  # nothing was played, and nothing failed: no session
    if evidence.playback is not None and evidence.playback.failure is not None and evidence.failure is None:
        return []
    end_s = 0.0
    if window is not None:
        end_s = (window.elapsed_s if evidence.failure else horizon_s(window)) or 0.0
    return [BadTime(Symptom.FAILED_START, 0.0, end_s, 0.0)]


def _is_ours(window: DownloadResult | None, stall: Interval) -> bool:
    """Tell whether we ourselves asked for nothing during most of a stall: then it says nothing."""
    end_s = stall.start_s + stall.duration_s
    return no_demand_s(window, stall.start_s, end_s) > stall.duration_s / 2 if window is not None else False


def no_demand_s(window: DownloadResult, from_s: float, end_s: float) -> float:
    """Return the time of a span in which no stream asked for anything."""
    idle = [
        sum(max(0.0, min(end_s, end) - max(from_s, start)) for start, end in stream.no_demand)
        for stream in window.streams
    ]
    return min(idle, default=0.0)


def _last_demand_s(window: DownloadResult | None, before_s: float) -> float:
    """Return when the window last had enough and asked for nothing: what drained the buffer came after that."""
    ends = [
        end_s for stream in (window.streams if window else ()) for _, end_s in stream.no_demand if end_s <= before_s
    ]
    return max(ends, default=0.0)
