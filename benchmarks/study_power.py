"""Whether a study finds what its plan promised: the power that is simulated on a database, and the share that finds it.

    python benchmarks/study_power.py [--studies 1000] [--pilots 12] [--json]

A database holds two lines of a made-up world: days differ, videos differ, evenings are slow, the service drifts, a line
has good and bad days of its own (`coverage.py` says how). From its rows a plan promises a power. Then studies are made
in that world, whose second line has a fifth more sessions with stalls, and each is analysed as its plan says. The world
is no model of the product's: its chances are exponential, and its days are not normal in what is measured; in both a
fifth more is a fifth more on every day. `promised` and `found` are shares; with 1000 studies `found` has a standard
error of 1.6 points. `deviation` is how far the promises of several databases of that world lie apart: one database is
luck, and where it is 7 points the mean of eight is still 2.5 points from that of all. `alarms` are studies of two lines
that are alike of which one said that they differ.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.comparison import Clusters, ComparedFigure, ComparedRows, Way, differences
from pytomo_scrapy.analysis.strata_test import shown_by_holm
from pytomo_scrapy.analysis.studies.likeness import Likeness, likeness_of
from pytomo_scrapy.analysis.studies.power import Design, power_of
from pytomo_scrapy.analysis.studies.spending import look_levels

DAY_S = 86_400
HOUR_S = 3600
EFFECT_RATIO = 0.2
NEVER_RATIO = 1 / 30
PILOT_DAYS, PILOT_ROWS_A_DAY, PILOT_VIDEOS = 60, 480, 300  # rows of each line

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class World:
    """How much videos, days, and the days of one line differ, in units of the logarithm of the load."""

    videos: float = 0.5
    days: float = 0.2
    line_days: float = 0.15
    stall_share: float = 0.15


@dataclass(frozen=True, slots=True)
class Case:
    """A world, and a study in it."""

    world: World
    videos: int
    rounds: int
    every_h: float
    looks: Sequence[int] = ()

    @property
    def design(self) -> Design:
        """The study as its plan has it."""
        return Design(self.videos, self.rounds, self.every_h * HOUR_S, 2, EFFECT_RATIO, self.looks)


CASES: Mapping[str, Case] = {
    "40 videos, 4 rounds a day, 3 weeks": Case(World(), 40, 84, 6),
    "the same, looks after 1 and 2 weeks": Case(World(), 40, 84, 6, (28, 56)),
    "the same, lines with days of their own": Case(World(line_days=0.4), 40, 84, 6),
    "the same, lines without days of their own": Case(World(line_days=0.0), 40, 84, 6),
    "lines with days of their own, 8 weeks": Case(World(line_days=0.4), 40, 224, 6),
    "videos that differ much": Case(World(videos=1.0), 40, 84, 6),
    "few stalls, 100 videos, 4 weeks": Case(World(stall_share=0.06), 100, 112, 6),
    "many stalls, one round a day, 4 weeks": Case(World(stall_share=0.35), 60, 28, 24),
}


def rows_of(world: World, who: tuple[Integers, Integers, Integers], effect_ratio: float, seed: int) -> ComparedRows:
    """Simulate who measured what when: of each row its line, its start and its video."""
    chance = np.random.default_rng(seed)
    lines, started_s, videos = who
    days = started_s // DAY_S
    day_count = int(days.max()) + 1
    load = chance.normal(0, world.videos, int(videos.max()) + 1)[videos]
    load += chance.normal(0, world.days, day_count)[days]
    load += chance.normal(0, world.line_days, (2, day_count))[lines, days]
    load += 0.5 * days / day_count + 0.5 * (started_s % DAY_S >= 18 * HOUR_S)
    share = np.clip(world.stall_share * np.exp(0.6 * (load - 0.5)), 0, 0.75) * (1 + effect_ratio * lines)
    has_stall = (chance.random(len(lines)) < share).astype(np.float64)
    has_stall[chance.random(len(lines)) < NEVER_RATIO] = np.nan
    _, pairs = np.unique(started_s, return_inverse=True)
    figure = ComparedFigure("with_stalls", Way.SHARE, True, has_stall)
    return ComparedRows(lines, started_s, videos, pairs.astype(np.int64), Clusters(days, videos), [figure])


def pilot_of(world: World, seed: int) -> Likeness:
    """Return what a plan reads out of the rows of a database without any study."""
    chance = np.random.default_rng(seed)
    count = 2 * PILOT_DAYS * PILOT_ROWS_A_DAY
    lines = np.repeat([0, 1], count // 2)
    started_s = chance.integers(0, PILOT_DAYS * DAY_S, count)
    rows = rows_of(world, (lines, started_s, chance.integers(0, PILOT_VIDEOS, count)), 0.0, seed)
    found = likeness_of(rows, rows.figures[0])
    if isinstance(found, str):
        raise SystemExit(found)
    return found


def schedule_of(case: Case, seed: int) -> tuple[Integers, Integers, Integers]:
    """Return line, start and video of each row of a study: both lines measure a video in one minute and a half."""
    chance = np.random.default_rng(seed)
    shape = (2, case.rounds, case.videos)
    lines, rounds, places = (index.ravel() for index in np.indices(shape))
    order = np.array([chance.permutation(case.videos) for _ in range(case.rounds)])
    return lines, (rounds * case.every_h * HOUR_S + places * 90).astype(np.int64), order[rounds, places]


def is_found(case: Case, effect_ratio: float, seed: int) -> bool:
    """Make a study and analyse it as its plan says: look by look, and it ends where a difference is shown."""
    who = schedule_of(case, seed)
    rows = rows_of(case.world, who, effect_ratio, seed)
    rounds = case.design.look_rounds
    levels = look_levels([one / case.rounds for one in rounds])
    for round_number, level in zip(rounds, levels, strict=True):
        is_done = who[1] < round_number * case.every_h * HOUR_S
        [one] = differences(_until(rows, is_done), 2)
        if one.chance is not None and shown_by_holm({"1": one.chance}, level):
            return effect_ratio == 0 or (one.value or 0.0) * effect_ratio > 0
    return False


def _until(rows: ComparedRows, is_done: NDArray[np.bool_]) -> ComparedRows:
    return ComparedRows(
        np.where(is_done, rows.groups, -1), rows.started_s, rows.videos, rows.pairs, rows.clusters, rows.figures
    )


def run(case: Case, studies: int, pilots: int) -> dict[str, float]:
    """Return what the plans of several databases promise, how many studies find it, and false alarms."""
    promised = [power_of(case.design, pilot_of(case.world, 1_000_000 + seed), seed=seed) for seed in range(pilots)]
    found = [is_found(case, EFFECT_RATIO, seed) for seed in range(studies)]
    alarms = [is_found(case, 0.0, 500_000 + seed) for seed in range(studies)]
    return {
        "promised": float(np.mean(promised)),
        "least_promised": min(promised),
        "most_promised": max(promised),
        "deviation": float(np.std(promised, ddof=1)) if pilots > 1 else 0.0,
        "found": float(np.mean(found)),
        "alarms": float(np.mean(alarms)),
    }


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--pilots", type=int, default=12)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {}
    for name, case in CASES.items():
        if options.only not in name:
            continue
        found[name] = run(case, options.studies, options.pilots)
        if not options.json:
            print(f"{name:40} " + " ".join(f"{key} {value:.3f}" for key, value in found[name].items()), flush=True)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
