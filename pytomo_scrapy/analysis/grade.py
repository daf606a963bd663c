"""Whether a line is good, in a word: how many videos start, how soon, and how many stall, against thresholds. Pure.

The grade is that of the worst of the three. Thresholds are settings (`PYTOMO_GRADE_*`); docs/metrics.md, "Good or not",
says where their defaults come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

from pytomo_scrapy.analysis.estimates import Estimate
from pytomo_scrapy.config import GradeConfig

_HIGH_IS_GOOD = "started"  # the one of the three: of startup and stalls, less is better
LEAST_SESSIONS = 20  # below, the words are of single videos


class Mark(IntEnum):
    """How good, the best first."""

    GOOD = 0
    FAIR = 1
    POOR = 2

    @property
    def word(self) -> str:
        """Return it as a person reads it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of the three: its value and interval, its thresholds, and what follows from them."""

    name: str  # started, startup or stalled
    value: float | None  # None: fewer than half of the sessions started, or none
    low: float | None
    high: float | None
    row_count: int
    good: float
    poor: float
    mark: Mark
    best: Mark  # what the interval allows; without one, anything
    worst: Mark

    @property
    def is_high_good(self) -> bool:
        """Return whether more is better."""
        return self.name == _HIGH_IS_GOOD


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of a line, or of what is selected. `mark` None: too few sessions."""

    mark: Mark | None
    best: Mark | None
    worst: Mark | None
    session_count: int
    criteria: tuple[Criterion, ...] = ()

    @property
    def without_interval(self) -> tuple[str, ...]:
        """Return the criteria that have a value and no interval: the data do not tell how sure these are."""
        return tuple(one.name for one in self.criteria if one.value is not None and None in (one.low, one.high))

    @property
    def is_sure(self) -> bool:
        """Return whether the intervals allow no other grade."""
        return self.mark is not None and self.best == self.mark == self.worst

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""

        def word(mark: Mark | None) -> str | None:
            return None if mark is None else mark.word

        criteria = [
            {**asdict(one), **{name: word(getattr(one, name)) for name in ("mark", "best", "worst")}}
            for one in self.criteria
        ]
        marks = {"grade": word(self.mark), "best": word(self.best), "worst": word(self.worst)}
        return {**marks, "is_sure": self.is_sure, "session_count": self.session_count, "criteria": criteria}


def grade_of(estimates: Iterable[Estimate], config: GradeConfig) -> Grade:
    """Grade the headline figures of some sessions."""
    known = {one.kind.name: one for one in estimates}
    never, startup, stalled = (known[name] for name in ("never_started", "startup", "with_stalls"))
    count = never.row_count
    if count < LEAST_SESSIONS:
        return Grade(None, None, None, count)
    started = [None if value is None else 1 - value for value in (never.value, never.high, never.low)]
    found = (
        _criterion("started", started, count, (config.started_good_ratio, config.started_poor_ratio)),
        _criterion("startup", _ends(startup), startup.row_count, (config.startup_good_s, config.startup_poor_s)),
        _criterion(
            "stalled", _ends(stalled), stalled.row_count, (config.stalled_good_ratio, config.stalled_poor_ratio)
        ),
    )
    marks = [max(getattr(one, name) for one in found) for name in ("mark", "best", "worst")]
    return Grade(marks[0], marks[1], marks[2], count, found)


def _ends(one: Estimate) -> list[float | None]:
    return [one.value, one.low, one.high]


def _criterion(name: str, ends: list[float | None], count: int, thresholds: tuple[float, float]) -> Criterion:
    good, poor = thresholds
    value, low, high = ends
    if value is None:
        # Fewer than half started; of sessions that never started nobody knows the stalls.
        mark = Mark.POOR if name == "startup" else Mark.GOOD
        return Criterion(name, None, low, high, count, good, poor, mark, mark, mark)
    is_high_good = name == _HIGH_IS_GOOD
    mark = _mark(value, good, poor, is_high_good)
    best, worst = Mark.GOOD, Mark.POOR
    if low is not None and high is not None:
        best, worst = sorted(_mark(end, good, poor, is_high_good) for end in (low, high))
    return Criterion(name, value, low, high, count, good, poor, mark, best, worst)


def _mark(value: float, good: float, poor: float, is_high_good: bool) -> Mark:
    sign = 1 if is_high_good else -1
    if sign * value < sign * poor:
        return Mark.POOR
    return Mark.GOOD if sign * value >= sign * good else Mark.FAIR
