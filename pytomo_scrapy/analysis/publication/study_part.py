"""What of a selection was ordered by the plans of studies: each version with its hash, its rows, and what deviated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from pytomo_scrapy.analysis.selection import Selection, conditions
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.storage.schema.figure_tables import figure
from pytomo_scrapy.storage.study_store import PlanVersion, StoredStudy, read_study


@dataclass(frozen=True, slots=True)
class StudyPart:
    """A study with rows in the selection. `row_counts` are those by the version of the plan that ordered them."""

    study: StoredStudy
    row_counts: Mapping[int, int]

    @property
    def deviations(self) -> list[str]:
        """Return what did not go as the first plan said, a sentence each."""
        return [*_deviations(self.study)]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.study.name,
            "status": self.study.end_reason or ("running" if self.study.started_at else "planned"),
            "plans": [
                {
                    "version": plan.version,
                    "plan_hash": plan.plan_hash,
                    "frozen_at": plan.frozen_at.isoformat(),
                    "frozen_by": plan.frozen_by,
                    "planned_count": plan.planned_count,
                    "n": self.row_counts.get(plan.version, 0),
                    "changes": list(plan.changes),
                    "change_reason": plan.change_reason,
                    "measured_before_count": plan.measured_before_count,
                    "power_ratio": plan.power_ratio,
                }
                for plan in self.study.plans
            ],
            "look_count": len(self.study.looks),
            "deviations": self.deviations,
        }


def studies_of(connection: Connection, selection: Selection) -> list[StudyPart]:
    """Return the studies that ordered rows of a selection whose era is settled."""
    found: dict[str, dict[int, int]] = {}
    rows = connection.execute(
        select(figure.c.study_name, figure.c.plan_version, func.count())
        .where(and_(*conditions(selection)), figure.c.study_name.is_not(None))
        .group_by(figure.c.study_name, figure.c.plan_version)
        .order_by(figure.c.study_name, figure.c.plan_version)
    )
    for name, version, count in rows:
        found.setdefault(name, {})[version] = count
    parts = ((read_study(connection, name), counts) for name, counts in found.items())
    return [StudyPart(study, counts) for study, counts in parts if study is not None]


def study_rows(parts: Sequence[StudyPart]) -> Iterator[tuple[str, str]]:
    """Give what a reader needs to know of the studies, by its name."""
    for part in parts:
        for plan in part.study.plans:
            yield f"study {part.study.name}", _plan_words(plan, len(part.study.plans), part.row_counts)
        for deviation in part.deviations or ["nothing: it was done as planned"]:
            yield "deviated from the plan", deviation


def _plan_words(plan: PlanVersion, version_count: int, row_counts: Mapping[int, int]) -> str:
    power = "power not simulated" if plan.power_ratio is None else f"power {100 * plan.power_ratio:.0f} %"
    return (
        f"plan version {plan.version} of {version_count}, SHA-256 {plan.plan_hash}, frozen {_at(plan.frozen_at)} by "
        f"{plan.frozen_by}: orders {counted(plan.planned_count, 'measurement')}, {power}; "
        f"{counted(row_counts.get(plan.version, 0), 'row')} here"
    )


def _deviations(study: StoredStudy) -> Iterator[str]:
    for plan in study.plans[1:]:
        yield (
            f"The plan was changed {_at(plan.frozen_at)} (version {plan.version}, after "
            f"{counted(plan.measured_before_count, 'measurement')}; reason: {plan.change_reason or 'none given'}): "
            f"{' '.join(plan.changes)}"
        )
    unplanned = [look for look in study.looks if not look.is_planned]
    if unplanned:
        times = ", ".join(_at(look.looked_at) for look in unplanned)
        yield f"The outcome was looked at {counted(len(unplanned), 'time')} out of plan ({times})."
    if study.end_reason == "stopped":
        yield f"It was stopped by its rule {_at(study.ended_at)}."


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "at an unknown time"
