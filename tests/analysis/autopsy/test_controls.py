"""What controls add to the evidence: they tell service, path and access line apart where nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytomo_scrapy.analysis.autopsy.explaining import explain
from pytomo_scrapy.items import Cause, ControlWindow, StreamDownload, TimedFetch
from tests.analysis.autopsy.sessions import ELAPSED_S, Line, make_evidence

FULL = {"gateway": 0.002, "access": 0.300, "host": 0.320}
FAR = {"host": 0.330}
ALONE = Line(past=False)  # half of the needed 1 Mbit/s, without queue and loss, and nothing known of the line
FULL_ALONE = Line(rtt_s=FAR, without=("access",), past=False)
LOSSY_ALONE = Line(late_ratio=0.1, without=("access",), past=False)


def controls(fallback_bps: float | None = None, reference_bps: float | None = None) -> tuple[ControlWindow, ...]:
    rates = {"fallback": fallback_bps, "reference": reference_bps}
    return tuple(
        ControlWindow(role, 20.5, TimedFetch(elapsed_s=3.0, received_bytes=round(rate * 3 / 8), rate_bps=rate))
        for role, rate in rates.items()
        if rate is not None
    )


CASES = {
    # Playback needs 1 Mbit/s: 1.3 is well, below 1 is slow.
    "slow, and another cache is well": (ALONE, controls(4e6), Cause.SERVICE),
    "slow, and the reference is well": (ALONE, controls(None, 4e6), Cause.SERVICE),
    "slow, and another cache is hardly better": (ALONE, controls(1.2e6), Cause.UNKNOWN),
    "a queue, and another cache is well": (FULL_ALONE, controls(4e6), Cause.PATH),
    "loss, and the reference is well": (LOSSY_ALONE, controls(0.4e6, 4e6), Cause.PATH),
    "a queue, and all are slow": (FULL_ALONE, controls(0.5e6, 0.5e6), Cause.ACCESS),
    "a queue, and the reference is slow": (FULL_ALONE, controls(None, 0.5e6), Cause.ACCESS),
    # A slow second cache alone may be the line's or the service's.
    "a queue, and another cache is slow": (FULL_ALONE, controls(0.5e6), Cause.UNKNOWN),
    # The line did more before, but not just now.
    "slow, and every control too": (Line(), controls(0.5e6), Cause.UNKNOWN),
    # The far end shows that the line has room: what is slow everywhere lies behind it.
    "slow everywhere behind a line with room": (Line(past=False), controls(0.5e6, 0.5e6), Cause.UNKNOWN),
    # A line that loses the bursts of a slow server loses them from everywhere.
    "loss, and all are slow": (Line(late_ratio=0.1, past=False), controls(0.5e6, 0.5e6), Cause.UNKNOWN),
    # A queue is seen where it is, whatever else is slow.
    "queue beyond the line, and all are slow": (Line(rtt_s=FAR, past=False), controls(0.5e6, 0.5e6), Cause.PATH),
    "loss, and the second cache is slow": (Line(late_ratio=0.1, past=False), controls(0.5e6), Cause.PATH),
    "full line, and another cache is well": (Line(rtt_s=FULL, past=False), controls(4e6), Cause.ACCESS),
}


@pytest.mark.parametrize("name", CASES)
def test_controls_tell_service_path_and_access_apart(name: str) -> None:
    line, around, cause = CASES[name]
    (verdict,) = explain(make_evidence(line, controls=around))
    assert verdict.cause == cause
    if cause not in (Cause.UNKNOWN, Cause.ACCESS) or name.startswith("a queue"):
        assert cause is Cause.UNKNOWN or {"fallback_bps", "reference_bps"} & set(verdict.evidence or {})


def test_control_of_a_session_that_had_recovered_says_nothing() -> None:
    evidence = make_evidence(ALONE, controls=controls(4e6))
    assert evidence.window is not None
    times = [index / 10 for index in range(1, 201)]
    # Half of the need up to 12 s, and four times it from then on.
    totals, total = [], 0.0
    for t_s in times:
        total += (0.5e6 if t_s <= 12 else 4e6) / 80
        totals.append(round(total))
    stream = StreamDownload("muxed", "18", arrival_s=tuple(times), arrival_bytes=tuple(totals))
    recovered = replace(evidence, window=replace(evidence.window, streams=(stream,)))
    assert explain(evidence)[0].cause is Cause.SERVICE
    assert explain(recovered)[0].cause is Cause.UNKNOWN


def test_control_after_a_window_that_had_enough_says_nothing() -> None:
    evidence = make_evidence(ALONE, controls=controls(4e6))
    assert evidence.window is not None
    [stream] = evidence.window.streams
    full = replace(stream, no_demand=((ELAPSED_S - 4.0, ELAPSED_S),))
    enough = replace(evidence, window=replace(evidence.window, streams=(full,)))
    assert explain(enough)[0].cause is Cause.UNKNOWN


@pytest.mark.parametrize(
    "fetch",
    [
        TimedFetch(failure="connect_timeout"),
        TimedFetch(elapsed_s=3.0, received_bytes=1_500_000, rate_bps=4e6, failure="truncated"),
        TimedFetch(elapsed_s=0.1, received_bytes=50_000, rate_bps=4e6),
    ],
)
def test_control_that_failed_or_was_a_moment_says_nothing(fetch: TimedFetch) -> None:
    evidence = make_evidence(ALONE, controls=(ControlWindow("fallback", 20.5, fetch),))
    assert explain(evidence)[0].cause is Cause.UNKNOWN
