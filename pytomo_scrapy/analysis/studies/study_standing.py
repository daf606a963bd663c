"""A look at the outcome of a study: the differences of its arms, judged by the rule that its plan has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from pytomo_scrapy.analysis.comparison import Difference, Way, differences
from pytomo_scrapy.analysis.strata_test import shown_by_holm
from pytomo_scrapy.analysis.studies.spending import look_levels
from pytomo_scrapy.analysis.studies.study_rows import (
    StudyRows,
    arm_names,
    comparable_versions,
    plan_in_force,
    study_rows,
)
from pytomo_scrapy.analysis.weighted_values import WeightedValues
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.study_store import Look, StoredStudy, note_look
from pytomo_scrapy.studies.study_plan import OUTCOMES, StudyPlan, read_back


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a study is: rounds that every arm has done, and whether the plan looks now."""

    rounds_done: int
    is_due: bool  # a planned look that nobody has taken yet


def standing_of(connection: Connection, study: StoredStudy) -> Standing:
    """Return how far a study is. Counts rows only: nothing of the outcome is seen."""
    plan, column = plan_in_force(study), measurement.c
    counted: defaultdict[int, Counter[str]] = defaultdict(Counter)
    versions: defaultdict[int, set[int]] = defaultdict(set)
    by_arm = (
        select(column.pass_number, column.arm, column.plan_version, func.count())
        .where(column.study_name == study.name, column.is_superseded.is_(False))
        .group_by(column.pass_number, column.arm, column.plan_version)
    )
    for round_number, arm, version, count in connection.execute(by_arm):
        counted[round_number][arm] += count
        versions[round_number].add(version)
    sizes = {version.version: len(read_back(version.plan_json).videos) for version in study.plans}
    done, before = 0, 1
    while found := versions.get(done + 1):
        # A changed panel holds from the next round on: a round may still have that of the versions since the last one.
        size = min(sizes[version] for version in range(min(before, *found), max(found) + 1))
        if any(counted[done + 1][name] < size for name in arm_names(plan)):
            break
        done, before = done + 1, max(found)
    passed = [look for look in plan.look_rounds if look <= done]
    return Standing(done, bool(passed) and not _is_taken(study, passed[-1]))


def _is_taken(study: StoredStudy, round_number: int) -> bool:
    """Tell whether the look of this round was taken, then or later, at rows that still count."""
    versions = comparable_versions(study)
    looks = (look for look in study.looks if look.is_planned and look.plan_version in versions)
    return any(look.round_count >= round_number for look in looks)


def look_at(database: Database, study: StoredStudy, looked_by: str) -> tuple[Look, StudyRows]:
    """Return what a look at the outcome shows now. The caller stores it: no look is without its row."""
    plan = plan_in_force(study)
    with database.read() as connection:
        standing, rows = standing_of(connection, study), study_rows(connection, study)
    planned_pairs = study.newest.planned_count / len(plan.arms)
    level = _level(plan, standing.rounds_done) if standing.is_due else None
    compared = differences(_of_outcome(rows, plan), len(plan.arms))
    chances = {str(one.group): one.chance for one in compared if one.chance is not None and one.value is not None}
    shown = shown_by_holm(chances, level) if level is not None else frozenset()
    results = [_result(one, rows, plan, str(one.group) in shown) for one in compared]
    look = Look(
        plan_version=study.newest.version,
        looked_at=datetime.now(UTC),
        looked_by=looked_by,
        is_planned=standing.is_due,
        round_count=standing.rounds_done,
        row_count=rows.row_count,
        information_ratio=min(rows.pair_count / planned_pairs, 1.0) if planned_pairs else 0.0,
        level=level,
        results=results,
        is_shown=bool(shown),
        sentence=" ".join(_sentence(result, plan, is_planned=standing.is_due) for result in results),
    )
    return look, rows


def look_again(database: Database, study: StoredStudy, looked_by: str) -> tuple[Look, StudyRows]:
    """Return a look that is kept, and its rows. After the last planned look of a study nothing new can be seen.

    Raises StorageError.
    """
    look, rows = look_at(database, study, looked_by)
    last = study.looks[-1] if study.looks else None
    is_over = study.end_reason is not None and last is not None and last.is_planned
    if is_over and last is not None and last.row_count == look.row_count:
        return last, rows
    return note_look(database, study.id, look), rows


def _level(plan: StudyPlan, rounds_done: int) -> float:
    """Return the level of the newest planned look that these rounds have passed."""
    rounds = plan.look_rounds
    levels = look_levels([one / plan.schedule.rounds for one in rounds])
    return next(level for one, level in reversed([*zip(rounds, levels, strict=True)]) if one <= rounds_done)


def _of_outcome(rows: StudyRows, plan: StudyPlan) -> Any:
    """Return the rows with the planned outcome alone: it is what the whole error is kept for."""
    chosen = [figure for figure in rows.rows.figures if figure.name == plan.outcome.figure]
    return replace(rows.rows, figures=chosen)


def _result(one: Difference, rows: StudyRows, plan: StudyPlan, is_shown: bool) -> Mapping[str, Any]:
    [figure] = [figure for figure in rows.rows.figures if figure.name == one.figure]
    known = ~np.isnan(figure.values)
    values = [figure.values[(rows.rows.groups == group) & known] for group in (0, one.group)]
    levels = [_level_of(own, figure.way) for own in values]
    # Of a share or a mean the difference is absolute: relative to the first arm it says what the plan asks.
    base = 1.0 if figure.way is Way.MEDIAN else levels[0]
    relative = {name: _ratio(getattr(one, name), base) for name in ("value", "low", "high")}
    return {
        "arm": arm_names(plan)[one.group],
        "against": arm_names(plan)[0],
        "figure": one.figure,
        "n": len(values[1]),
        "n_against": len(values[0]),
        "level": levels[1],
        "level_against": levels[0],
        **{f"difference_{name}": getattr(one, name) for name in ("value", "low", "high")},
        **{f"relative_{name}": value for name, value in relative.items()},
        "chance": one.chance,
        "basis": one.basis,
        "is_of_these_days": one.is_of_these_days,
        "is_shown": is_shown,
        "is_worse": one.is_worse,
    }


def _level_of(values: Any, way: Way) -> float | None:
    if not len(values):
        return None
    return WeightedValues(values, np.ones(len(values))).quantile(0.5) if way is Way.MEDIAN else float(values.mean())


def _ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def _sentence(result: Mapping[str, Any], plan: StudyPlan, *, is_planned: bool) -> str:
    what = f"{result['arm']} against {result['against']}, {OUTCOMES[plan.outcome.figure]}"
    if result["difference_value"] is None:
        return f"{what}: cannot tell, too few sessions ({result['n']} and {result['n_against']})."
    if result["relative_value"] is None:
        levels = " and ".join(f"{100 * result[name]:.1f} %" for name in ("level", "level_against"))
        return f"{what}: {levels}; {_verdict(result) if is_planned else 'nothing is decided by it'}."
    moved = f"{100 * result['relative_value']:+.0f} %"
    if result["relative_low"] is not None and result["relative_high"] is not None:
        moved += f", 95 % {100 * result['relative_low']:+.0f} to {100 * result['relative_high']:+.0f} %"
        moved += ", of these days only" if result["is_of_these_days"] else ""
    if not is_planned:
        return f"{what}: {moved}. Nothing is decided by it: the plan has no look here."
    return f"{what}: {_verdict(result)} ({moved}).{_about_chance(result)}{_about_interest(result, plan)}"


def _verdict(result: Mapping[str, Any]) -> str:
    return ("worse" if result["is_worse"] else "better") if result["is_shown"] else "cannot tell"


def _about_chance(result: Mapping[str, Any]) -> str:
    """Say by what is decided, where the interval alone would read otherwise."""
    low, high, chance = result["relative_low"], result["relative_high"], result["chance"]
    if None in {low, high, chance}:
        return ""
    has_zero = low <= 0 <= high
    if result["is_shown"] != has_zero:
        return ""
    if result["is_shown"]:
        return (
            " The interval reaches 0, which values that lie in lumps can make, but the test of this look rules out"
            f" chance (p {chance:.2g}), and the plan decides by the test. How large the difference is cannot be told."
        )
    return (
        f" The interval leaves out 0, but the test of this look does not rule out chance (p {chance:.2g}), and the plan"
        " decides by the test."
    )


def _about_interest(result: Mapping[str, Any], plan: StudyPlan) -> str:
    """Say where the interval leaves no room for a difference as large as the one of interest."""
    low, high, effect = result["relative_low"], result["relative_high"], plan.outcome.smallest_effect_ratio
    if low is None or high is None or not (high < abs(effect) and low > -abs(effect)):
        return ""
    return f" A difference of {100 * abs(effect):.0f} % to either side is ruled out."
