"""How often the intervals of a comparison hold, and how often a comparison says what is not so: over simulated studies.

    python benchmarks/coverage.py [--studies 500] [--first-seed 20000] [--json]

A study measures two lines for some days. Days differ, videos differ, evenings are slow, the service drifts, a line has
good and bad days of its own, and one session in thirty never starts. In unequal panels the second line measures more in
the evening, later in the study and more of the videos that are slow. The second line is as good as the first, or its
startup takes a fifth longer: the true difference is known, whatever else differs. `coverage` is the share of studies
whose 95 % interval holds it, `false_alarm` the share without any difference of which one was said to be shown.

Then what goes with bad sessions: an exposure that makes them three times as likely, or not at all, beside six that have
nothing to do with them. The seeds are others than those that the methods were chosen on (0 to 499).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.attributable import ExposedCounts, Fraction, fraction_of, shown_among
from pytomo_scrapy.analysis.comparison import (
    Clusters,
    ComparedFigure,
    ComparedRows,
    Difference,
    Way,
    differences,
)

DAY_S = 86_400
FIRST_SEED = 20_000
NEVER_RATIO = 1 / 30
EXPOSED_RATIO = 0.25


@dataclass(frozen=True, slots=True)
class Study:
    """What a simulated study is like. `effect` is how much longer the second line's startup takes."""

    days: int = 14
    videos: int = 60
    rows_a_day: int = 24  # of each line
    line_days: float = 0.15  # how far a line's days differ, in units of the logarithm of the delay
    drift: float = 0.5
    is_equal: bool = False
    is_paired: bool = False
    effect: float = 0.0


SCENARIOS: Mapping[str, Study] = {
    "drift, evenings, unequal panels": Study(),
    "equal panels": Study(is_equal=True),
    "a week, 40 videos": Study(days=7, videos=40, rows_a_day=16),
    "four weeks, 200 videos": Study(days=28, videos=200, rows_a_day=40),
    "lines with days of their own": Study(line_days=0.4),
    "lines without days of their own": Study(line_days=0.0),
    "pairs: a video over both lines at a time": Study(is_paired=True),
}


def rows_of(study: Study, seed: int) -> ComparedRows:
    """Simulate the rows of a study."""
    chance = np.random.default_rng(seed)
    of_video, of_day = np.sort(chance.normal(0, 0.5, study.videos)), chance.normal(0, 0.2, study.days)
    count = study.days * study.rows_a_day
    columns: defaultdict[str, list[NDArray[np.float64]]] = defaultdict(list)
    shared = _when_and_what(study, chance, count, is_second=False)
    for line in (0, 1):
        is_own = line == 1 and not study.is_paired
        day, hour, video = _when_and_what(study, chance, count, is_second=True) if is_own else shared
        own_days = chance.normal(0, study.line_days, study.days)
        load = of_day[day] + own_days[day] + of_video[video] + study.drift * day / study.days + 0.5 * (hour >= 18)
        delay_s = np.exp(-0.5 + load + chance.normal(0, 0.5, count)) * (1 + study.effect * line)
        # As many stalls whatever the startup: how busy the line is decides.
        has_stall = (chance.random(count) < np.clip(0.15 * np.exp(0.6 * (load - 0.5)), 0, 0.95)).astype(np.float64)
        is_never = chance.random(count) < NEVER_RATIO
        columns["group"].append(np.full(count, float(line)))
        columns["started_s"].append(day * DAY_S + hour * 3600.0 + chance.integers(0, 3600, count))
        columns["video"].append(video.astype(np.float64))
        columns["never_started"].append(is_never.astype(np.float64))
        columns["startup"].append(np.where(is_never, np.inf, delay_s))
        columns["with_stalls"].append(np.where(is_never, np.nan, has_stall))
        columns["pair"].append(np.arange(count) if study.is_paired else np.full(count, -1.0))
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    group, started, video, pair = (whole[n].astype(np.int64) for n in ("group", "started_s", "video", "pair"))
    ways = {"never_started": Way.SHARE, "startup": Way.MEDIAN, "with_stalls": Way.SHARE}
    figures = [ComparedFigure(name, way, True, whole[name]) for name, way in ways.items()]
    return ComparedRows(group, started, video, pair, Clusters(started // DAY_S, video), figures)


def _when_and_what(
    study: Study, chance: np.random.Generator, count: int, *, is_second: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return day, hour and video of each row: by chance, or where panels are unequal, later, slower and of others."""
    is_even = study.is_equal or not is_second
    days, hours, videos = np.ones(study.days), np.ones(24), np.ones(study.videos)
    if not is_even:
        days, hours[18:], videos[study.videos // 2 :] = np.linspace(1, 3, study.days), 3.0, 3.0
    day, hour, video = (chance.choice(len(one), count, p=one / one.sum()) for one in (days, hours, videos))
    return day, hour, video


def truth_of(study: Study, name: str) -> float:
    """Return the true difference of a figure."""
    return study.effect if name == "startup" else 0.0


def covers(one: Difference, truth: float) -> bool:
    """Tell whether the interval holds the true difference; it has no upper end where too few ever started."""
    return one.low is not None and one.low <= truth and (one.high is None or truth <= one.high)


def run(study: Study, seeds: range) -> dict[str, float]:
    """Simulate studies, and return coverage by figure, false alarms and how often the effect was found."""
    held: defaultdict[str, list[bool]] = defaultdict(list)
    alarms, found = [], []
    for seed in seeds:
        compared = differences(rows_of(study, seed), 2)
        for one in compared:
            if one.low is not None:
                held[one.figure].append(covers(one, truth_of(study, one.figure)))
        alarms.append(any(one.is_shown and not truth_of(study, one.figure) for one in compared))
        found.append(any(one.is_shown and truth_of(study, one.figure) for one in compared))
    coverage = {f"coverage_{name}": float(np.mean(values)) for name, values in held.items()}
    return {**coverage, "false_alarm": float(np.mean(alarms)), "found": float(np.mean(found))}


def exposures_of(risk: float, seed: int, count: int = 1200) -> tuple[list[Fraction], float]:
    """Simulate ten days of sixty videos, each with luck of its own; return the fractions, the true one of the first."""
    chance = np.random.default_rng(seed)
    days, videos = chance.integers(0, 10, count), chance.integers(0, 60, count)
    luck = chance.normal(0, 0.4, 10)[days] + chance.normal(0, 0.4, 60)[videos]
    is_exposed = chance.random(count) < EXPOSED_RATIO
    is_bad = chance.random(count) < np.minimum(0.06 * np.exp(luck) * np.where(is_exposed, risk, 1.0), 0.95)
    cells = days * 64 + videos

    def summed(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(cells[mask], minlength=640).reshape(10, 64).astype(np.float64)

    masks = [is_exposed, *(chance.random(count) < 0.3 for _ in range(6))]
    every = summed(np.full(count, True))
    found = [
        fraction_of(
            ExposedCounts(summed(mask), summed(mask & is_bad), every, summed(is_bad)), summed(is_bad), np.arange(10)
        )
        for mask in masks
    ]
    return shown_among(found), EXPOSED_RATIO * (risk - 1) / (1 + EXPOSED_RATIO * (risk - 1))


def run_exposures(risk: float, seeds: range) -> dict[str, float]:
    """Return coverage, false alarms, and how often what the first exposure accounts for was found."""
    held, alarms, found = [], [], []
    for seed in seeds:
        (one, *others), truth = exposures_of(risk, seed)
        if one.low is not None and one.high is not None:
            held.append(one.low <= truth <= one.high)
        alarms.append(any(other.is_shown for other in (others if truth else (one, *others))))
        found.append(bool(truth) and one.is_shown)
    return {"coverage": float(np.mean(held)), "false_alarm": float(np.mean(alarms)), "found": float(np.mean(found))}


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.studies)
    found = {}
    for risk in () if options.only else (1.0, 3.0):
        words = f"what goes with bad sessions, {'nothing' if risk == 1 else 'three times the risk'}"
        found[words] = run_exposures(risk, seeds)
        if not options.json:
            print(f"{words:70} " + " ".join(f"{key} {value:.3f}" for key, value in found[words].items()), flush=True)
    for name, study in SCENARIOS.items():
        if options.only not in name:
            continue
        for effect in (0.0, 0.2):
            words = f"{name}, {'no difference' if not effect else 'startup a fifth longer'}"
            found[words] = run(replace(study, effect=effect), seeds)
            if not options.json:
                print(
                    f"{words:70} " + " ".join(f"{key} {value:.3f}" for key, value in found[words].items()), flush=True
                )
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
