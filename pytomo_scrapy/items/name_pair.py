"""A differential test and its windows: the same bytes from the same address, under one TLS name or the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pytomo_scrapy.items.stored import about, part, stored
from pytomo_scrapy.items.timed_fetch import TimedFetch

SERVICE, NEUTRAL = "service", "neutral"
_FEW = "too few pairs"


@dataclass(frozen=True, slots=True)
class NamedWindow:
    """A window of a differential test."""

    pair_number: int = field(metadata=about("pair that it is half of, from 0"))
    role: str = field(metadata=about("service: TLS named the media host itself; neutral: the neutral name"))
    turn: int = stored(0, "order within its pair, as it was drawn: 0 came first", unit="")
    t_s: float = stored(0.0, "when it began", unit="s from the test's start")
    fetch: TimedFetch = part(TimedFetch())


@dataclass(frozen=True, slots=True)
class JudgedTest:
    """What the windows of a test say: follows from them, and can be found anew."""

    verdict: str = stored(
        "inconclusive",
        "slower or faster under the service's name, not_shown, inconclusive, cannot_be_tested (docs/differential.md)",
    )
    pair_count: int = stored(0, "pairs of which both windows brought media", unit="pairs")
    refused_count: int = stored(0, "windows whose neutral name the server did not take", unit="windows")
    wehe_verdict: str = stored("inconclusive", "by Wehe's method: differentiation, none or inconclusive")
    wehe_area_ratio: float | None = stored(
        None, "difference of the mean samples by the larger one; above 0: the service's name was slower", null=_FEW
    )
    wehe_chance: float | None = stored(
        None, "chance of the Kolmogorov-Smirnov distance, if there were no difference", null=_FEW, unit=""
    )
    wehe_agreeing_count: int | None = stored(
        None,
        "halves of the samples, out of 100, whose test says the same as that of all samples",
        null=_FEW,
        unit="halves",
    )
    difference_ratio: float | None = stored(
        None, "by pairs, how much faster (above 0) or slower the service's name was", null=_FEW
    )
    difference_low_ratio: float | None = stored(None, "lower bound of its 95 % interval", null=_FEW)
    difference_high_ratio: float | None = stored(None, "upper bound of its 95 % interval", null=_FEW)
    difference_chance: float | None = stored(
        None, "chance of a difference as large, if there were none", null=_FEW, unit=""
    )
    sentence: str = stored("", "the verdict in a sentence")
    method_version: int = stored(0, "version of the method that judged", unit="")


@dataclass(frozen=True, slots=True)
class DifferentialTest:
    """A test of whether a line treats a service by its name: what was planned, and what its windows say."""

    uuid: str = field(metadata=about("name of the test, the same wherever it is stored"))
    started_at: datetime | None = stored(None, "when its first window began")
    software_version: str = stored("", "pytomo-scrapy that measured it")
    service: str = stored("", "service of the video")
    video_id: str = stored("", "the service's id of the video whose media were fetched")
    host: str = stored("", "media host, and the name that TLS sent for the service's half")
    address: str = stored("", "address of all windows")
    neutral_name: str = stored("", "name that TLS sent for the neutral half, as it is")
    window_s: float = stored(0.0, "allowed length of each window")
    max_bytes: int = stored(0, "largest volume of each window")
    effect_ratio: float = stored(0.0, "smallest slow-down that it was planned to find")
    needed_pair_count: int | None = stored(
        None, "pairs that find it, by the spread of the first ones", null="too few pairs", unit="pairs"
    )
    judged: JudgedTest = part(JudgedTest())
