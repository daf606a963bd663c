"""What a figure is of, said beside it: the same object for every page, answer, report and export."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from pytomo_scrapy.analysis.figures import DIMENSIONS
from pytomo_scrapy.analysis.selection import CONDITION, Selection, labels_of

CENSORING = (
    "Quantiles of startup are of all sessions (cumulative incidence): those that failed never start, windows that were "
    "over are right-censored."
)
# Where every figure, share and verdict of an answer is defined.
DEFINITIONS = "docs/metrics.md"


def stated(connection: Connection, selection: Selection) -> dict[str, Any]:
    """Return the selection as JSON values: period, filters, rows, era, censoring, and where figures are defined."""
    return {
        "start_s": selection.start_s,
        "end_s": selection.end_s,
        "filters": _filters(connection, selection),
        "rows": "valid" if selection.is_valid_only else "all",
        "eras": "all" if selection.is_across_breaks else "last",
        "ad_hoc": "with" if selection.has_ad_hoc else "without",
        "left_out_row_count": selection.era.left_out_count,
        "notes": list(selection.era.notes),
        "censoring": CENSORING,
        "definitions": DEFINITIONS,
    }


def sentence_of(connection: Connection, selection: Selection) -> str:
    """Return the selection in a sentence, without what it leaves out (that is in the era's notes)."""
    filters = [f"{name.lower()} {label}" for name, label in _filters(connection, selection).items()]
    words = [
        f"{_moment(selection.start_s)} to {_moment(selection.end_s)} UTC",
        ", ".join(filters) if filters else "no filter",
        "what says something about the line" if selection.is_valid_only else "all rows",
        "averaged across changes of method" if selection.is_across_breaks else "since the last change of method",
        f"{'with' if selection.has_ad_hoc else 'without'} single measurements",
    ]
    return f"{'; '.join(words)}."


def _filters(connection: Connection, selection: Selection) -> dict[str, str]:
    filters = {
        DIMENSIONS[name].title: labels_of(connection, name, [value])[0] for name, value in selection.equals.items()
    }
    return filters if selection.condition is None else filters | {CONDITION: selection.condition.words}


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
