"""What of a selection was ordered by the plans of studies: each version with its hash, its rows, and what deviated."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select

from pytomo_scrapy.analysis.selection import Selection, conditions
from pytomo_scrapy.analysis.studies.account import Account, account_of, look_words
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.storage.schema.figure_tables import figure
from pytomo_scrapy.storage.study_store import PlanVersion, StoredStudy, read_study

_OF_THE_VERSION = frozenset({"Plan", "Measurements", "Power"})  # that stand with each version


@dataclass(frozen=True, slots=True)
class StudyPart:
    """A study with rows in the selection. `row_counts` are those by the version of the plan that ordered them.

    The account is that of the whole study, whatever the selection: `pytomo study report` prints the same.
    """

    study: StoredStudy
    row_counts: Mapping[int, int]
    account: Account

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.study.name,
            "status": self.account.status,
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
            "planned": self.account.planned,
            "done": self.account.done,
            "arms": [asdict(arm) for arm in self.account.arms],
            "deviations": self.account.deviations,
            "looks": [{**asdict(look), "looked_at": look.looked_at.isoformat()} for look in self.study.looks],
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
    studies = ((read_study(connection, name), counts) for name, counts in found.items())
    return [StudyPart(study, counts, account_of(connection, study)) for study, counts in studies if study is not None]


def study_rows(parts: Sequence[StudyPart]) -> Iterator[tuple[str, str]]:
    """Give what a reader needs to know of the studies, by its name."""
    for part in parts:
        for plan in part.study.plans:
            yield f"study {part.study.name}", _plan_words(plan, len(part.study.plans), part.row_counts)
        yield "planned", _joined(part.account.planned, _OF_THE_VERSION)
        arms = [(f"Arm {arm.arm}", arm.words) for arm in part.account.arms]
        yield "done", _joined([*part.account.done, *arms])
        for deviation in part.account.deviations_said:
            yield "deviated from the plan", deviation
        if (look := part.study.outcome) is not None:
            yield "found", f"{look_words(look)}: {look.sentence}"


def _joined(values: Sequence[tuple[str, str]], but: Collection[str] = ()) -> str:
    return "; ".join(f"{name[0].lower()}{name[1:]}: {text}" for name, text in values if name not in but)


def _plan_words(plan: PlanVersion, version_count: int, row_counts: Mapping[int, int]) -> str:
    power = "power not simulated" if plan.power_ratio is None else f"power {100 * plan.power_ratio:.0f} %"
    return (
        f"plan version {plan.version} of {version_count}, SHA-256 {plan.plan_hash}, frozen "
        f"{plan.frozen_at:%Y-%m-%d %H:%M} UTC by {plan.frozen_by}: orders "
        f"{counted(plan.planned_count, 'measurement')}, {power}; "
        f"{counted(row_counts.get(plan.version, 0), 'row')} here"
    )
