"""All that is said of whether a line is good: its grade, its bad sessions, and whose fault failures were over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from pytomo_scrapy.analysis.bad_sessions import BadSessions, bad_sessions
from pytomo_scrapy.analysis.grade import Grade, grade_of
from pytomo_scrapy.analysis.lists import FailureSeries, failures
from pytomo_scrapy.analysis.overview import headline_estimates
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.config import GradeConfig
from pytomo_scrapy.failures import Attribution

_FAULTS = tuple(str(one) for one in Attribution)
_PARTS = 12  # of the period, at most


@dataclass(frozen=True, slots=True)
class FaultShares:
    """Measurements by part of the period, and how many failed by whose fault: `counts[fault][i]` of `row_counts[i]`."""

    width_s: int = 0
    times_s: Sequence[int] = ()
    row_counts: Sequence[int] = ()
    counts: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GoodOrNot:
    """What a report says of a selection."""

    grade: Grade
    bad: BadSessions
    faults: FaultShares

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        faults = {name: getattr(self.faults, name) for name in ("width_s", "times_s", "row_counts", "counts")}
        return {"grade": self.grade.to_dict(), "bad": self.bad.to_dict(), "faults": faults}


def good_or_not(connection: Connection, selection: Selection, config: GradeConfig) -> GoodOrNot:
    """Judge a selection whose era is settled."""
    return GoodOrNot(
        grade_of(headline_estimates(connection, selection), config),
        bad_sessions(connection, selection),
        by_fault(failures(connection, selection, _PARTS)),
    )


def by_fault(found: FailureSeries) -> FaultShares:
    """Return failures by whose fault they are, those that never occurred left out."""
    counts: dict[str, list[int]] = {}
    for name, own in found.counts.items():
        total = counts.setdefault(found.attributions[name], [0] * len(own))
        counts[found.attributions[name]] = [a + b for a, b in zip(total, own, strict=True)]
    known = {fault: counts[fault] for fault in (*_FAULTS, *sorted(counts)) if fault in counts}
    return FaultShares(found.width_s, found.times_s, found.row_counts, known)
