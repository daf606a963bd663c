"""The verdict over a differential test, from its windows alone: by Wehe's method, by pairs, and by both. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from pytomo_scrapy.analysis.differentiation import wehe
from pytomo_scrapy.analysis.differentiation.paired import (
    LEAST_PAIRS,
    PairedDifference,
    compare_pairs,
    pairs_for,
    spread_of_pairs,
)
from pytomo_scrapy.analysis.differentiation.wehe import WeheVerdict
from pytomo_scrapy.items import SAMPLE_S, JudgedTest, NamedWindow, TimedFetch
from pytomo_scrapy.items.name_pair import NEUTRAL, SERVICE

# One more whenever the verdict of the same windows may change.
METHOD_VERSION = 1
REFUSED = "neutral_name_refused"


class Verdict(StrEnum):
    """What a differential test says."""

    SLOWER = "slower"  # the service's name
    FASTER = "faster"
    NOT_SHOWN = "not_shown"
    INCONCLUSIVE = "inconclusive"
    CANNOT_BE_TESTED = "cannot_be_tested"


def judge_windows(windows: Iterable[NamedWindow], effect_ratio: float) -> JudgedTest:
    """Judge the windows of a test. The same windows give the same answer.

    The names are treated differently where both methods say so in the same direction. `not_shown` needs the paired
    interval to exclude a slow-down of `effect_ratio`. A pair counts where both of its windows brought media.
    """
    known = list(windows)
    refused_count = sum(window.fetch.failure == REFUSED for window in known)
    whole = _whole_pairs(known)
    paired = compare_pairs(_rates(whole))
    samples = [[bps for pair in whole for bps in sample_rates_bps(pair[role])] for role in (SERVICE, NEUTRAL)]
    found = wehe.judge(samples[0], samples[1])
    verdict = _verdict(found, paired, refused_count, len(whole), effect_ratio)
    return JudgedTest(
        verdict=verdict.value,
        pair_count=len(whole),
        refused_count=refused_count,
        wehe_verdict=found.verdict,
        wehe_area_ratio=found.area_ratio,
        wehe_chance=found.chance,
        wehe_agreeing_count=found.agreeing_count,
        difference_ratio=paired.value,
        difference_low_ratio=paired.low,
        difference_high_ratio=paired.high,
        difference_chance=paired.chance,
        sentence=_sentence(verdict, paired, effect_ratio),
        method_version=METHOD_VERSION,
    )


def sample_rates_bps(fetch: TimedFetch) -> list[float]:
    """Return the throughput samples of a window: a hundred in 5 s, as Wehe cuts a replay."""
    return [8 * count / SAMPLE_S for count in fetch.sample_bytes]


def needed_pairs(windows: Iterable[NamedWindow], effect_ratio: float) -> int:
    """Return how many pairs find a slow-down of `effect_ratio`, by the spread of those that are there."""
    spread = spread_of_pairs(_rates(_whole_pairs(windows)))
    return LEAST_PAIRS if spread is None else pairs_for(spread, effect_ratio)


def _whole_pairs(windows: Iterable[NamedWindow]) -> list[Mapping[str, TimedFetch]]:
    by_pair: dict[int, dict[str, TimedFetch]] = {}
    for window in windows:
        by_pair.setdefault(window.pair_number, {})[window.role] = window.fetch
    return [pair for _, pair in sorted(by_pair.items()) if _is_whole(pair)]


def _rates(pairs: Sequence[Mapping[str, TimedFetch]]) -> list[tuple[float, float]]:
    return [(_rate_bps(pair[SERVICE]), _rate_bps(pair[NEUTRAL])) for pair in pairs]


def _is_whole(pair: Mapping[str, TimedFetch]) -> bool:
    return all(role in pair and pair[role].failure is None and _rate_bps(pair[role]) > 0 for role in (SERVICE, NEUTRAL))


def _rate_bps(fetch: TimedFetch) -> float:
    """Return the rate from the first byte on: the server's wait before it is no part of how fast the way is."""
    active_s = (fetch.elapsed_s or 0.0) - (fetch.first_byte_s or 0.0)
    return 8 * fetch.received_bytes / active_s if active_s > 0 else 0.0


def _verdict(
    found: WeheVerdict, paired: PairedDifference, refused_count: int, whole_count: int, effect_ratio: float
) -> Verdict:
    if refused_count > whole_count:
        return Verdict.CANNOT_BE_TESTED
    value, is_slower = paired.value, (found.area_ratio or 0.0) > 0
    if found.verdict == wehe.DIFFERENTIATION and paired.is_shown and value is not None and (value < 0) == is_slower:
        return Verdict.SLOWER if is_slower else Verdict.FASTER
    is_excluded = paired.low is not None and paired.low > -effect_ratio and not paired.is_shown
    return Verdict.NOT_SHOWN if is_excluded and found.verdict != wehe.DIFFERENTIATION else Verdict.INCONCLUSIVE


def _sentence(verdict: Verdict, paired: PairedDifference, effect_ratio: float) -> str:
    if verdict is Verdict.CANNOT_BE_TESTED:
        return "Cannot be tested here: the server does not take the neutral name. That is nobody's fault."
    interval = ""
    if paired.value is not None and paired.low is not None and paired.high is not None:
        interval = (
            f" ({100 * paired.value:+.0f} %, 95 % interval {100 * paired.low:+.0f} to {100 * paired.high:+.0f} %)"
        )
    if verdict in (Verdict.SLOWER, Verdict.FASTER):
        return (
            f"Over {paired.pair_count} pairs the same bytes from the same address came {verdict.value} under the "
            f"service's name than under the neutral one{interval}: something on the way treats them by the name."
        )
    if verdict is Verdict.NOT_SHOWN:
        return f"No difference by name was shown, and one of {100 * effect_ratio:.0f} % is excluded{interval}."
    shown = f"neither a difference by name nor its absence is shown{interval}"
    return f"Inconclusive after {paired.pair_count} pairs: {shown}."
