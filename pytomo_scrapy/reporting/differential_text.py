"""Differential tests in lines of text, and laid out as a table."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.analysis.differentiation.name_tests import NameTest
from pytomo_scrapy.items import DifferentialTest, NamedWindow
from pytomo_scrapy.reporting.format import readable
from pytomo_scrapy.reporting.tables import TableLayout

NAME_TESTS_TITLE = "Differential tests: is the service treated by its name?"


def differential_lines(number: int, test: DifferentialTest) -> list[str]:
    """Write a test: its verdict, and what each method says."""
    judged = test.judged
    begun = f"{test.started_at:%Y-%m-%d %H:%M} UTC" if test.started_at else "unknown time"
    return [
        f"Test {number} of {begun}: {judged.verdict.replace('_', ' ')}",
        f"  {judged.sentence}",
        f"  {test.host} ({test.address}), neutral name {test.neutral_name}",
        f"  Pairs: {judged.pair_count} whole{_needed(test)}; {_number(judged.difference_ratio, 100, ' %', True)} under "
        f"the service's name, chance {_number(judged.difference_chance)}",
        f"  Wehe's method: {judged.wehe_verdict}; means differ by {_number(judged.wehe_area_ratio, 100, ' %', True)}, "
        f"chance {_number(judged.wehe_chance)}, {_number(judged.wehe_agreeing_count)} of 100 halves agree",
    ]


def name_test_table(tests: Sequence[NameTest]) -> TableLayout:
    """Lay out what differential tests found, the newest first. No row: none was made."""
    rows = tuple(
        (
            str(one.number),
            one.started_at or "unknown",
            one.vantage,
            readable(one.verdict),
            _number(one.difference_ratio, 100, " %", True),
            one.sentence,
        )
        for one in tests
    )
    return TableLayout(NAME_TESTS_TITLE, ("test", "begun", "vantage point", "verdict", "by pairs", "meaning"), rows)


def window_line(window: NamedWindow) -> str:
    """Write one window, as soon as it is over."""
    fetch = window.fetch
    if fetch.failure is not None:
        return f"pair {window.pair_number + 1}, {window.role:7}  {fetch.failure}"
    return f"pair {window.pair_number + 1}, {window.role:7}  {(fetch.rate_bps or 0.0) / 1e6:8.2f} Mbit/s"


def _needed(test: DifferentialTest) -> str:
    return "" if test.needed_pair_count is None else f", {test.needed_pair_count} needed for the planned power"


def _number(value: float | None, times: float = 1, unit: str = "", has_sign: bool = False) -> str:
    if value is None:
        return "unknown"
    shown = times * value
    return f"{shown:+.1f}{unit}" if has_sign else f"{shown:.3g}{unit}"
