"""Verdicts over one session, on the time axis of each window."""

from __future__ import annotations

from typing import Any

from pytomo_scrapy.reporting.cause_tables import MAX_SHOWN, verdict_bars


def verdict(place: int, start_s: float, duration_s: float = 1.0) -> dict[str, Any]:
    return {
        "place": place,
        "symptom": "stall",
        "start_s": start_s,
        "duration_s": duration_s,
        "cause": "access_line",
        "second_cause": None,
        "sentence": "The line was full.",
        "evidence": {},
        "startup_parts": {},
    }


def test_bars_of_a_window_are_its_own_and_on_its_own_axis() -> None:
    verdicts = [*(verdict(0, start_s) for start_s in range(40, 40 + MAX_SHOWN + 2)), verdict(1, 5.0)]
    first, second = ({"place": place, "elapsed_s": elapsed_s} for place, elapsed_s in ((0, 100.0), (1, 10.0)))
    assert len(verdict_bars(verdicts, first)) == MAX_SHOWN
    [bar] = verdict_bars(verdicts, second)
    # 5 s of 10 s, though the other window's verdicts reach beyond.
    assert (bar.share_start, bar.share_length) == (50.0, 10.0)


def test_window_of_a_good_session_has_no_bar() -> None:
    assert verdict_bars([], {"place": 0, "elapsed_s": None}) == []
