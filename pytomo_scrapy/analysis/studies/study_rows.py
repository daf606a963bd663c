"""The measurements of a study as rows of a comparison: its arms are the groups, and what the plan leaves out is out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows
from pytomo_scrapy.analysis.compared import ComparedTable
from pytomo_scrapy.analysis.comparison import ComparedRows
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.study_store import StoredStudy
from pytomo_scrapy.studies.exclusions import (
    BUSY_MACHINE,
    BUSY_RATIO,
    FAR_APART,
    FAR_APART_S,
    FOREIGN_TRAFFIC,
    INCOMPLETE_PAIRS,
)
from pytomo_scrapy.studies.study_plan import StudyPlan, read_back

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

OTHER_VERSION = "other_version"
_FOREVER_S = 2**40


@dataclass(frozen=True, slots=True)
class StudyRows:
    """The rows that count, and how many are left out for which reason. `far_apart_count`: pairs, left out or not."""

    rows: ComparedRows
    row_count: int
    pair_count: int  # with every arm
    left_out: Mapping[str, int]
    far_apart_count: int


def plan_in_force(study: StoredStudy) -> StudyPlan:
    """Return the newest version of a study's plan."""
    return read_back(study.newest.plan_json).plan


def comparable_versions(study: StoredStudy) -> frozenset[int]:
    """Return the versions whose arms measured as those of the newest do: their rows count with its rows."""
    newest = plan_in_force(study)
    found = set()
    for version in study.plans:
        plan = read_back(version.plan_json).plan
        if plan.arms == newest.arms and plan.settings == newest.settings:
            found.add(version.version)
    return frozenset(found)


def study_rows(connection: Connection, study: StoredStudy) -> StudyRows:
    """Read the valid sessions of a study."""
    plan, versions = plan_in_force(study), comparable_versions(study)
    scan = ColumnScan(connection, Selection(0, _FOREVER_S, {"study": study.name}), PARAMETERS["startup_delay_s"])
    numbers = [scan.texts.number(arm.name) for arm in plan.arms]
    table, left_out = ComparedTable(), Counter[str]()
    for rows in scan:
        groups = np.full(len(rows), -1, dtype=np.int64)
        words = rows.words("arm")
        for group, number in enumerate(numbers):
            groups[words == number] = group
        groups = _without(groups, ~np.isin(rows.plain("plan_version"), sorted(versions)), OTHER_VERSION, left_out)
        for name, is_out in _conditions(rows).items():
            if name in plan.exclusions:
                groups = _without(groups, is_out, name, left_out)
        table.add(rows, groups, None)
    return _by_pairs(table.rows(), plan, left_out)


def _conditions(rows: SelectedRows) -> Mapping[str, Mask]:
    return {
        FOREIGN_TRAFFIC: rows.plain("is_cross_traffic") == 1,
        BUSY_MACHINE: rows.plain("cpu_ratio") > BUSY_RATIO,
    }


def _without(groups: Integers, is_out: Mask, reason: str, left_out: Counter[str]) -> Integers:
    left_out[reason] += int((is_out & (groups >= 0)).sum())
    return np.where(is_out, -1, groups)


def _by_pairs(rows: ComparedRows, plan: StudyPlan, left_out: Counter[str]) -> StudyRows:
    groups = rows.groups
    is_far = _is_far_apart(rows)
    far_apart_count = len(np.unique(rows.pairs[is_far & (groups >= 0)]))
    if FAR_APART in plan.exclusions:
        groups = _without(groups, is_far, FAR_APART, left_out)
    if INCOMPLETE_PAIRS in plan.exclusions:
        groups = _without(groups, ~_is_complete(rows.pairs, groups, len(plan.arms)), INCOMPLETE_PAIRS, left_out)
    complete = _is_complete(rows.pairs, groups, len(plan.arms)) & (groups >= 0)
    return StudyRows(
        replace(rows, groups=groups),
        row_count=int((groups >= 0).sum()),
        pair_count=len(np.unique(rows.pairs[complete])),
        left_out={reason: count for reason, count in left_out.items() if count},
        far_apart_count=far_apart_count,
    )


def _is_far_apart(rows: ComparedRows) -> Mask:
    """Return which rows belong to a pair whose first and last arm began further apart than a pair may."""
    if not len(rows.pairs):
        return np.zeros(0, dtype=np.bool_)
    _, index = np.unique(rows.pairs, return_inverse=True)
    first = np.full(int(index.max()) + 1, np.iinfo(np.int64).max)
    last = np.zeros(len(first), dtype=np.int64)
    np.minimum.at(first, index, rows.started_s)
    np.maximum.at(last, index, rows.started_s)
    apart_s = last - first
    found: Mask = apart_s[index] > FAR_APART_S
    return found


def _is_complete(pairs: Integers, groups: Integers, arm_count: int) -> Mask:
    """Return which rows belong to a pair of which every arm has a row that counts."""
    if not len(pairs):
        return np.zeros(0, dtype=np.bool_)
    _, index = np.unique(pairs, return_inverse=True)
    has_arm = np.zeros((int(index.max()) + 1, arm_count), dtype=np.bool_)
    counted = groups >= 0
    has_arm[index[counted], groups[counted]] = True
    is_complete: Mask = np.all(has_arm, axis=1)
    found: Mask = is_complete[index]
    return found


def arm_names(plan: StudyPlan) -> Sequence[str]:
    """Return the names of the arms, the one that the others are compared with first."""
    return [arm.name for arm in plan.arms]
