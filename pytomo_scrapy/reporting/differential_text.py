"""Differential tests in lines of text."""

from __future__ import annotations

from pytomo_scrapy.items import DifferentialTest, NamedWindow


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
