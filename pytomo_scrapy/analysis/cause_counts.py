"""Bad sessions by their cause: all of a selection, and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, Connection, func, select

from pytomo_scrapy.analysis.columnar.blocks import Integers
from pytomo_scrapy.analysis.columnar.counts import Counts, split_key
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows
from pytomo_scrapy.analysis.columnar.text_codes import TextCodes
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.analysis.series import width_for
from pytomo_scrapy.items import Cause
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.figure_tables import figure


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How many sessions were bad for one cause, by what cost the viewer most, and how."""

    cause: str
    session_count: int
    startup_count: int = 0
    stall_count: int = 0
    failed_start_count: int = 0


@dataclass(frozen=True, slots=True)
class CauseSeries:
    """Bad sessions by cause in each bucket: `counts[cause][i]` belongs to `times_s[i]`; `row_counts` are all rows."""

    width_s: int
    times_s: list[int]
    row_counts: list[int]
    counts: dict[str, list[int]] = field(default_factory=dict)


def causes_over_time(connection: Connection, selection: Selection, buckets: int) -> CauseSeries:
    """Count the selection's rows and its bad ones by cause over time, in the order of the causes.

    Of all rows: a session that this machine spoiled is no valid one, and has a cause.
    """
    width_s = width_for(selection.length_s, buckets)
    first_s = selection.start_s - selection.start_s % width_s
    scan, counted = ColumnScan(connection, replace(selection, is_valid_only=False)), Counts()
    for found in scan:
        counted.add((found.whole("started_s") - first_s) // width_s, found.words("cause"))
    rows = [(*split_key(key), count) for key, count in counted.as_dict().items()]
    index_of = {bucket: index for index, bucket in enumerate(sorted({row[0] for row in rows}))}
    row_counts, counts = [0] * len(index_of), {str(cause): [0] * len(index_of) for cause in Cause}
    for bucket, cause, count in rows:
        row_counts[index_of[bucket]] += count
        name = scan.texts.text(cause)
        if name is not None:
            # A cause that only another version names gets a line of its own, behind the known ones.
            counts.setdefault(name, [0] * len(index_of))[index_of[bucket]] += count
    seen = {name: per_bucket for name, per_bucket in counts.items() if any(per_bucket)}
    return CauseSeries(width_s, [first_s + bucket * width_s for bucket in index_of], row_counts, seen)


def cause_codes(rows: SelectedRows) -> tuple[Integers, Integers]:
    """Return the columns that bad sessions are counted by, valid or not."""
    return rows.words("cause"), rows.words("symptom")


def causes_of(counted: Counts, texts: TextCodes) -> Sequence[CauseCount]:
    """Return the bad sessions whose `cause_codes` were counted, the most frequent cause first."""
    found: dict[str, dict[str, int]] = {}
    for key, count in counted.as_dict().items():
        cause, symptom = map(texts.text, split_key(key))
        if cause is not None and symptom is not None:
            found.setdefault(cause, {})[symptom] = count
    return _in_order(found)


def cause_counts(connection: Connection, condition: ColumnElement[bool]) -> Sequence[CauseCount]:
    """Count the bad sessions of the measurements asked for by cause, the most frequent first."""
    query = (
        select(figure.c.cause, figure.c.symptom, func.count())
        .select_from(figure.join(measurement, measurement.c.id == figure.c.measurement_id))
        .where(condition, figure.c.cause.is_not(None))
        .group_by(figure.c.cause, figure.c.symptom)
    )
    found: dict[str, dict[str, int]] = {}
    for cause, symptom, count in connection.execute(query):
        found.setdefault(cause, {})[symptom] = count
    return _in_order(found)


def _in_order(found: Mapping[str, Mapping[str, int]]) -> list[CauseCount]:
    counts = [
        CauseCount(cause, sum(of.values()), *(of.get(name, 0) for name in ("startup", "stall", "failed_start")))
        for cause, of in found.items()
    ]
    return sorted(counts, key=lambda row: (-row.session_count, row.cause))
