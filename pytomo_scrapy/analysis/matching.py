"""What two groups of rows have in common to be compared by: pairs, videos, days and hours of the day. Pure.

The difference of two groups is that of like with like: an effect of each video, of each day and of each hour of the day
is taken out, so that neither drift, nor the evening, nor other videos make a difference of their own. What is taken out
is chosen by who measured what when, never by the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytomo_scrapy.analysis.clustered import NOTHING_LOST, Lost
from pytomo_scrapy.analysis.fixed_effects import Effects, numbered

LEAST_LEFT = 0.2  # of what two groups tell about each other must be left, or less is taken out
_DAY_S = 86_400

Integers = NDArray[np.int64]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

PAIRS = "pairs"
VIDEOS_AND_TIMES = "the same videos, days and hours"
TIMES = "the same days and hours"
VIDEOS_AND_DAYS = "the same videos and days"
DAYS = "the same days"
VIDEOS_AND_HOURS = "the same videos and hours of the day"
HOURS = "the same hours of the day"
VIDEOS = "the same videos"
NOTHING = "neither videos nor days in common"


@dataclass(frozen=True, slots=True)
class Design:
    """Who measured what when: an entry of each array for every row, days, hours and videos as numbers from 0.

    `pairs` is -1 for rows of no pair.
    """

    is_second: Mask
    days: Integers
    hours: Integers
    videos: Integers
    pairs: Integers
    has_pairs: bool = True  # False: every pair is -1

    def taken(self, places: Integers) -> Design:
        """Return the rows at these places."""
        days, hours, videos = (part[places] for part in (self.days, self.hours, self.videos))
        # Mostly there is no pair at all.
        pairs = self.pairs[places] if self.has_pairs else self.pairs[: len(places)]
        return Design(self.is_second[places], days, hours, videos, pairs, self.has_pairs)


def design_of(is_second: Mask, started_s: Integers, videos: Integers, pairs: Integers) -> Design:
    """Return the design of rows by when they started and the numbers that their videos have anywhere."""
    days = started_s // _DAY_S
    hours = (started_s - days * _DAY_S) // 3600
    return Design(is_second, numbered(days), numbered(hours), numbered(videos), pairs, bool((pairs >= 0).any()))


@dataclass(frozen=True, slots=True)
class Match:
    """What is taken out of the rows. `weights` of the second group sum to 1, of the first to -1."""

    basis: str
    is_used: Mask  # of all rows
    effects: Effects
    group: Values  # of the rows used: what the effects leave of being of the second group
    weights: Values  # of the rows used
    lost: Lost

    @property
    def is_comparable(self) -> bool:
        """Return whether the groups were measured at the same times: else a drift is as good a reason as any."""
        return self.basis not in {VIDEOS, NOTHING}


def match(design: Design, *, is_of_times: bool = True) -> Match | None:
    """Choose what the groups are matched by, the most that leaves enough. None where a group has no row.

    Not `is_of_times`: one group is of the time before the other, so that no day can be in both.
    """
    whole = _told(design.is_second.astype(np.float64) - design.is_second.mean()) if len(design.videos) else 0.0
    if not whole:
        return None
    for basis, is_used, factors in _ways(design) if is_of_times else _ways_apart(design):
        effects = Effects(factors)
        column = effects.left_of(design.is_second[is_used].astype(np.float64))
        told = _told(column)
        if told >= LEAST_LEFT * whole or basis == NOTHING:
            of_videos = basis in {PAIRS, VIDEOS, VIDEOS_AND_TIMES, VIDEOS_AND_DAYS, VIDEOS_AND_HOURS}
            times = effects.level_count - (int(np.count_nonzero(np.bincount(factors[0]))) if of_videos else 0)
            lost = Lost(*(min(count / len(column), 0.5) for count in (effects.level_count, times)))
            # What both rows of a pair have in common is taken out of their difference, which loses nothing by it.
            return Match(basis, is_used, effects, column, column / told, NOTHING_LOST if basis == PAIRS else lost)
    return None


def _told(column: Values) -> float:
    return float(column @ column)


def _ways(design: Design) -> Iterator[tuple[str, Mask, list[Integers]]]:
    every = np.full(len(design.videos), True)
    if design.has_pairs:
        is_paired = design.pairs >= 0
        is_paired[is_paired] = _in_both(design.pairs[is_paired], design.is_second[is_paired])
        if is_paired.any():
            yield PAIRS, is_paired, [numbered(design.pairs[is_paired])]
    days, hours, videos = design.days, design.hours, design.videos
    yield VIDEOS_AND_TIMES, every, [videos, days, hours]
    yield TIMES, every, [days, hours]
    yield VIDEOS_AND_DAYS, every, [videos, days]
    yield DAYS, every, [days]
    yield VIDEOS, every, [videos]
    yield NOTHING, every, []


def _ways_apart(design: Design) -> Iterator[tuple[str, Mask, list[Integers]]]:
    every = np.full(len(design.videos), True)
    hours, videos = design.hours, design.videos
    yield VIDEOS_AND_HOURS, every, [videos, hours]
    yield HOURS, every, [hours]
    yield NOTHING, every, []


def _in_both(keys: Integers, is_second: Mask) -> Mask:
    shared = np.intersect1d(keys[is_second], keys[~is_second])
    found: Mask = np.isin(keys, shared)
    return found
