"""The rule that `classic` and `progressive` share: one buffer, filled by the download and drained by playing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytomo_scrapy.items import Interval
from pytomo_scrapy.measure.playback.player_model import MediaSteps, PlaybackTrace

LEAST_S = 1e-6  # media that a player needs at the very least to move on: keeps rounding from standing still


@dataclass(frozen=True, slots=True)
class BufferRule:
    """Thresholds in media seconds, lags in seconds. `resume_s` is asked with the number of stalls before this one."""

    start_s: float
    stall_s: float
    resume_s: Callable[[int], float]
    start_lag_s: float = 0.0
    resume_lag_s: float = 0.0


def play(steps: MediaSteps, rule: BufferRule, horizon_s: float) -> PlaybackTrace:
    """Play `steps` up to `horizon_s`: start, stall, resume, end.

    The playhead moves at the speed of the clock; between two steps of the buffer everything is linear, so the times
    are exact.
    """
    trace = PlaybackTrace()
    playhead_s, t_s, step = 0.0, 0.0, 0
    while True:
        wanted_s = rule.resume_s(len(trace.stalls)) if trace.started_s is not None else rule.start_s
        step = _step_filled(steps, step, playhead_s, max(wanted_s, LEAST_S))
        lag_s = rule.start_lag_s if trace.started_s is None else rule.resume_lag_s
        ready_s = max(t_s, steps.at_s[step]) + lag_s if step < len(steps.at_s) else horizon_s
        if ready_s >= horizon_s:
            _close(trace, t_s, horizon_s)
            break
        if trace.started_s is None:
            trace.started_s = ready_s
            trace.initial_buffer_s = steps.complete_at(ready_s)
        else:
            trace.stalls.append(Interval(t_s, ready_s - t_s))
        dry_s, step = _dry(steps, step, ready_s, playhead_s, rule.stall_s)
        has_all = steps.end_s is not None and playhead_s + dry_s - ready_s >= steps.end_s - 1e-9
        is_over = has_all and dry_s <= horizon_s
        dry_s = max(ready_s, min(dry_s, horizon_s))
        playhead_s += dry_s - ready_s
        t_s = dry_s
        if t_s >= horizon_s or is_over:
            trace.end_s = t_s if is_over else None
            break
    trace.played_s = playhead_s
    trace.buffer_end_s = max(0.0, steps.complete_at(horizon_s) - playhead_s)
    return trace


def _step_filled(steps: MediaSteps, step: int, playhead_s: float, wanted_s: float) -> int:
    """Return the first step from `step` on whose buffer suffices, or that holds the video's end."""
    while step < len(steps.at_s):
        complete_s = steps.complete_s[step]
        if complete_s - playhead_s > wanted_s:
            break
        if steps.end_s is not None and complete_s >= steps.end_s:
            break
        step += 1
    return step


def _dry(steps: MediaSteps, step: int, t_s: float, playhead_s: float, stall_s: float) -> tuple[float, int]:
    """Return when playing from `t_s` on the buffer is down to `stall_s` (at the end: to nothing), and the step then."""
    last = len(steps.at_s) - 1
    while True:
        complete_s = steps.complete_s[step]
        floor_s = 0.0 if steps.end_s is not None and complete_s >= steps.end_s else stall_s
        dry_s = t_s + max(0.0, complete_s - floor_s - playhead_s)
        if step == last or steps.at_s[step + 1] > dry_s:
            return dry_s, step
        step += 1


def _close(trace: PlaybackTrace, t_s: float, horizon_s: float) -> None:
    """End the window in mid-stall, or before the start."""
    if trace.started_s is not None and horizon_s > t_s:
        trace.stalls.append(Interval(t_s, horizon_s - t_s, is_open=True))
