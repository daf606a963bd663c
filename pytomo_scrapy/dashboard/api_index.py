"""The documentation of the JSON answers, itself JSON; docs/dashboard.md says the same in words."""

from __future__ import annotations

from typing import Any

from pytomo_scrapy.analysis.figures import DIMENSIONS, LIST_COLUMNS, PARAMETERS
from pytomo_scrapy.analysis.series import CHOSEN_WIDTHS, LEAST_ROWS, MAX_BUCKETS
from pytomo_scrapy.dashboard.query import PERIODS

_COMMON = {
    "db": "id of a database, from /api/databases; default: the one that the server was started with",
    "period": f"one of {', '.join(PERIODS)}; it ends at `to`, or with the newest measurement; "
    "default: the span of the measurements, 7d at most",
    "from": "start: 2026-11-20, 2026-11-20T18:00 (UTC) or seconds since 1970",
    "to": "end, not included; the same forms",
    "rows": "valid (default): without a failure, or with one that the network is charged with; all",
    "eras": "last (default): no average across a change of window, mode or format, or of other tools where values "
    "changed with them; all",
    "ad_hoc": "without (default) or with single measurements (pytomo measure)",
    # From the catalogue of figures, as what reads them is: a new dimension needs no word here.
    **{name: f"only rows whose {dimension.title.lower()} is this" for name, dimension in DIMENSIONS.items()},
}
_SORTS = [name for name, column in LIST_COLUMNS.items() if column.is_sortable]
_COMPARE = f"one line for each value of one of {', '.join(DIMENSIONS)}; the eight most frequent"
_LIST = {
    "q": "text to be found in titles and video ids",
    "sort": f"{', '.join(_SORTS[:-1])} or {_SORTS[-1]}",
    "order": "down (default) or up",
    "page": "page of 50 rows, from 1",
    "failure": "any, none or a class of the failure vocabulary",
}
_SERIES = {
    "parameter": "name of a figure, from /api/parameters; the names of Pytomo 3 work too",
    "compare": _COMPARE,
    "buckets": f"most buckets of time, 2 to {MAX_BUCKETS}",
    "width": f"of the buckets: auto (default: so wide that they hold {LEAST_ROWS} rows), {', '.join(CHOSEN_WIDTHS)}",
}
_DISTRIBUTION = {"parameter": _SERIES["parameter"], "compare": _COMPARE}

ANSWERS: dict[str, tuple[str, dict[str, str]]] = {
    "/api/parameters": ("every figure with its title, unit, factor and sentence", {}),
    "/api/databases": ("the databases, newest first", {}),
    "/api/overview": (
        "the state of the line: its grade, figures with intervals and changes, what goes with bad sessions, and what "
        "the service refused, in SI units",
        {},
    ),
    "/api/compare": (
        "the groups of a dimension, their figures, and their differences to the first group with intervals",
        {"by": f"one of {', '.join(DIMENSIONS)}; default provider", "first": "the value that others are compared with"},
    ),
    "/api/series": ("one figure over time, in the unit shown", _SERIES),
    "/api/series.csv": ("the same as CSV", _SERIES),
    "/api/distribution": ("CDF of one figure; of censored ones of all sessions (Aalen-Johansen)", _DISTRIBUTION),
    "/api/distribution.csv": ("the same as CSV, with the CCDF", _DISTRIBUTION),
    "/api/scatter": ("one figure against another, at most about 3000 points", {"x": "a figure", "y": "a figure"}),
    "/api/heatmap": (
        "a figure by hour of the week, Monday 0 h first",
        {"parameter": "a figure", "utc_offset_min": "minutes that the clock is ahead of UTC, plus 720"},
    ),
    "/api/failures": ("rows by class of failure, and by whose fault, over time", {"buckets": _SERIES["buckets"]}),
    "/api/causes": ("bad sessions by cause over time (docs/autopsy.md)", {"buckets": _SERIES["buckets"]}),
    "/api/day": ("sessions, bad ones and startup by hour of the day, in local time", {}),
    "/api/videos": ("a page of measurements", _LIST),
    "/api/videos.csv": ("the same as CSV", _LIST),
    "/api/measurement/NUMBER": ("everything that is stored of one measurement", {}),
    "/api/measurement/NUMBER/timeline": ("one window second by second", {"place": "which window, from 0"}),
    "/api/lines": ("every measured line as it is now: last seen, versions, today, shares of its newest sessions", {}),
    "/api/studies": ("every study: number, status, version and hash of the plan, what its last planned look found", {}),
    "/api/studies/NUMBER": ("what a study planned, did and found, and what deviated, as its report says it", {}),
    "/api/live": ("windows in progress, crawls under way, newest measurements", {}),
}


def describe() -> dict[str, Any]:
    """Return every answer of /api with its parameters."""
    return {
        "common": _COMMON,
        "answers": {path: {"gives": gives, "parameters": own} for path, (gives, own) in ANSWERS.items()},
        "figures": list(PARAMETERS),
        "errors": "4xx with {error: a sentence}",
    }
