"""How a plan is frozen: its panel drawn, its power promised, and what differs from the version before."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pytomo_scrapy.analysis.compared import compared_rows
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.analysis.studies.likeness import Likeness, likeness_of
from pytomo_scrapy.analysis.studies.panel_drawing import panel_of
from pytomo_scrapy.analysis.studies.power import STUDIES, Design, power_and_need
from pytomo_scrapy.failures import SettingError, StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.study_store import NewVersion, PlanVersion, StoredStudy, freeze, read_study
from pytomo_scrapy.studies.plan_changes import changes_between
from pytomo_scrapy.studies.study_plan import FrozenPlan, StudyPlan, read_back, written

_ATTEMPTS = 3
_FOREVER_S = 2**40
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Promise:
    """The power that a plan promises, and what it was simulated with; a sentence where it cannot be."""

    power_ratio: float | None
    basis: Mapping[str, Any]


def freeze_plan(
    database: Database, plan: StudyPlan, plan_text: str, vantage: str, change_reason: str | None = None
) -> StoredStudy:
    """Freeze a plan as the newest version of its study, or return the study where that is its newest already.

    Raises SettingError for a plan that differs from the version in force, without a reason for the change, and for a
    reason where no version is in force. Raises StorageError where other machines change the plan each time that this
    one is about to.
    """
    for _ in range(_ATTEMPTS):
        with database.read() as connection:
            study = read_study(connection, plan.name)
            if study is None and change_reason:
                raise SettingError(
                    f"No plan of {plan.name!r} is frozen in {database.shown_url}: there is none to --change."
                )
            before = read_back(study.newest.plan_json) if study is not None else None
            if study is not None and before is not None and written(before.plan) == written(plan):
                return study
            is_same_panel = before is not None and before.plan.panel == plan.panel
            videos = before.videos if before is not None and is_same_panel else panel_of(connection, plan)
        frozen = FrozenPlan(plan, videos)
        new = NewVersion(plan.name, frozen.plan_hash, plan_text, frozen.plan_json, vantage, frozen.planned_count)
        if study is not None:
            new = _changed(study.newest, new, change_reason)
        promise = promise_of(database, frozen)
        found = freeze(database, replace(new, power_ratio=promise.power_ratio, power_basis=promise.basis))
        if found.newest.plan_hash == frozen.plan_hash:
            return found
        # Another machine was faster. It may have drawn another panel of the same plan, which is in force then.
    raise StorageError(f"The plan of {plan.name!r} is being changed by other machines: try again in a moment.")


def _changed(before: PlanVersion, new: NewVersion, change_reason: str | None) -> NewVersion:
    """Return the version with what it changes. Raises SettingError for a change that nobody explains."""
    changes = changes_between(json.loads(before.plan_json), json.loads(new.plan_json))
    if not change_reason:
        raise SettingError(
            f"The plan of {new.name!r} differs from version {before.version}, which is in force. {' '.join(changes)} "
            f"To go on with it as version {before.version + 1}, say why: --change 'REASON'."
        )
    return replace(new, after_version=before.version, changes=changes, change_reason=change_reason)


def promise_of(database: Database, frozen: FrozenPlan) -> Promise:
    """Simulate studies like the planned one with what the database's sessions have in common."""
    plan = frozen.plan
    with database.read() as connection:
        rows = compared_rows(connection, Selection(0, _FOREVER_S), lambda chunk: chunk.whole("vantage_id"))
    figure = next((one for one in rows.figures if one.name == plan.outcome.figure), None)
    if figure is None:
        return Promise(None, {"why_not": "this database does not keep the figure"})
    # A median takes sessions that never started as beyond every delay; simulated ones are read off the others.
    figure.values[np.isinf(figure.values)] = np.nan
    likeness = likeness_of(rows, figure)
    if isinstance(likeness, str):
        return Promise(None, {"why_not": likeness})
    outcome = plan.outcome
    design = Design(
        videos=len(frozen.videos),
        rounds=plan.schedule.rounds,
        every_s=plan.schedule.every_s,
        arms=len(plan.arms),
        effect_ratio=outcome.smallest_effect_ratio,
        looks=plan.looks,
    )
    power = power_and_need(design, likeness, outcome.power_ratio)
    needed = power.needed_rounds
    return Promise(
        power.power_ratio,
        {
            **_facts(likeness),
            "studies": STUDIES,
            "needed_rounds": needed,
            "needed_days": None if needed is None else math.ceil(needed * plan.schedule.every_s / _DAY_S),
            "needed_count": None if needed is None else needed * design.videos * design.arms,
        },
    )


def _facts(likeness: Likeness) -> dict[str, Any]:
    names = ("of_video", "of_day", "of_hour", "of_line_day", "unknown_ratio", "row_count", "video_count", "day_count",
             "is_line_known")  # fmt: skip
    return {name: getattr(likeness, name) for name in names}


def power_sentence(version: PlanVersion) -> str:
    """Say which power a version promises, and what would have the power that it asks for."""
    outcome = read_back(version.plan_json).plan.outcome
    effect = f"a difference of {100 * outcome.smallest_effect_ratio:+.0f} %"
    basis = version.power_basis or {}
    if version.power_ratio is None:
        return f"Not promised: {basis.get('why_not', 'not simulated')}."
    said = f"{100 * version.power_ratio:.0f} % of such studies find {effect}, where there is one"
    said += f" (simulated on {basis['row_count']} sessions of {basis['day_count']} days)."
    if not basis["is_line_known"]:
        said += " No two lines were measured on the same days: all of what days differ is taken for the arms' own."
    if version.power_ratio >= outcome.power_ratio:
        return said
    if basis.get("needed_rounds") is None:
        return f"{said} The {100 * outcome.power_ratio:.0f} % that the plan asks for are out of reach."
    return (
        f"{said} For the {100 * outcome.power_ratio:.0f} % that the plan asks for, {basis['needed_rounds']} rounds are "
        f"needed: {basis['needed_days']} days, {basis['needed_count']} measurements."
    )
