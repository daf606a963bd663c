"""The table of studies, for the page. It shows what was looked at before, and looks at nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytomo_scrapy.analysis.studies.account import status_of
from pytomo_scrapy.reporting.format import NOTHING, number
from pytomo_scrapy.reporting.tables import TableLayout
from pytomo_scrapy.storage.study_store import StoredStudy
from pytomo_scrapy.studies.study_plan import read_back

_COLUMNS = ("study", "question", "status", "plan", "measured", "planned", "looks", "result")
_NOTE = (
    "The result is that of the last look that the plan has; until then there is none. A look out of plan is counted, "
    "and not shown."
)


def studies_table(studies: Sequence[StoredStudy], measured: Mapping[str, int]) -> TableLayout:
    """Lay out studies, one a row; `measured` are their measurements that stand, by name."""
    return TableLayout("Studies", _COLUMNS, tuple(_row(study, measured.get(study.name, 0)) for study in studies), _NOTE)


def _row(study: StoredStudy, measured: int) -> tuple[str, ...]:
    newest = study.newest
    unplanned = sum(not look.is_planned for look in study.looks)
    looks = f"{len(study.looks)}{f' ({unplanned} out of plan)' if unplanned else ''}"
    result = study.outcome.sentence if study.outcome is not None else NOTHING
    return (
        study.name,
        read_back(newest.plan_json).plan.question,
        status_of(study),
        f"version {newest.version}, {newest.plan_hash[:12]}",
        number(measured, 0),
        number(newest.planned_count, 0),
        looks,
        result,
    )
