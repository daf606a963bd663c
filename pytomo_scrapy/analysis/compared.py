"""The groups of a selection compared with the first of them: by provider, vantage point, family, or any dimension."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.freed_memory import give_back_freed
from pytomo_scrapy.analysis.columnar.kept_columns import forget_columns
from pytomo_scrapy.analysis.columnar.passing import pass_on
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows, top_groups
from pytomo_scrapy.analysis.comparison import (
    MANY_ROWS,
    Clusters,
    ComparedFigure,
    ComparedRows,
    Difference,
    Way,
    differences,
)
from pytomo_scrapy.analysis.estimates import (
    KINDS,
    Estimate,
    Facts,
    Kind,
    Sums,
    as_compared,
    estimate_of,
    figure_of,
    group_indexes,
    ratios_of,
    reached_or_waited,
)
from pytomo_scrapy.analysis.figures import DIMENSIONS, PARAMETERS
from pytomo_scrapy.analysis.median_rows import KeptRows
from pytomo_scrapy.analysis.selection import MAX_GROUPS, Selection, labels_of
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items.near_words import did_you_mean
from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES
from pytomo_scrapy.storage.schema.figure_catalogue import Kind as ColumnKind
from pytomo_scrapy.storage.schema.study_tables import study

# What differences are shown of, and how each sums up its rows; the best quality that plays where it is measured.
QUALITY = "best_height_px"
_EVERY = sys.maxsize
_WAITED = "waited"  # of a startup that was not reached
_LABELLED = 50  # of the most frequent groups: what may be chosen on the page
# Two measurements of one moment, where a column says so.
_PAIR = next((column for column in FIGURES if column.name == "pair_id"), None)
_WAYS = {"never_started": Way.SHARE, "startup": Way.MEDIAN, "with_stalls": Way.SHARE, "delivery": Way.MEDIAN}
_KINDS = {kind.name: kind for kind in KINDS if kind.name in _WAYS}
if QUALITY in PARAMETERS:
    _WAYS[QUALITY] = Way.MEAN
    _KINDS[QUALITY] = Kind(QUALITY, QUALITY, PARAMETERS[QUALITY].title, "mean over the sessions", False, decimals=0)


@dataclass(frozen=True, slots=True)
class ComparedGroup:
    """One group: its rows, its figures, and how they differ from those of the first group (none of the first).

    `n` are the rows that the figures count: videos and days are of the same ones.
    """

    label: str
    value: str
    n: int
    row_count: int
    valid_count: int
    video_count: int
    day_count: int
    estimates: Sequence[Estimate]
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The groups of a selection, the first first."""

    by: str
    groups: Sequence[ComparedGroup]
    left_out_count: int  # further groups that are not shown
    notes: Sequence[str]

    @property
    def kinds(self) -> Sequence[Kind]:
        """Return the figures that differences are shown of."""
        return tuple(_KINDS.values())

    @property
    def shown_kinds(self) -> Sequence[Kind]:
        """Return the figures that any group has a value of, in the order of the overview."""
        known = {one.kind.name for group in self.groups for one in group.estimates if one.value is not None}
        return tuple(one.kind for one in self.groups[0].estimates if one.kind.name in known) if self.groups else ()


def compare(connection: Connection, selection: Selection, by: str, first: str | None = None) -> Comparison:
    """Compare the most frequent groups of a settled selection with `first`, or else with the most frequent one.

    `first` is a value or what a person reads for it. Raises SettingError where no row has it.
    """
    delay = PARAMETERS["startup_delay_s"]
    found, _ = top_groups(ColumnScan(connection, selection, delay, by), _EVERY)
    if first is not None and found:
        found.insert(0, found.pop(_place_of(connection, by, found, first)))
    groups, left_out = tuple(found[:MAX_GROUPS]), max(0, len(found) - MAX_GROUPS)
    sums = _GroupSums(connection, selection, by, groups)
    facts, estimates, compared = sums.facts, sums.estimates(), sums.compared()
    # From here on the rows themselves take the memory.
    del sums
    forget_columns(connection)
    if len(compared.groups) >= MANY_ROWS:
        give_back_freed()
    differ = differences(compared, len(groups)) if len(groups) > 1 else []
    labels, counts = labels_of(connection, by, list(groups)), [facts.counts(index) for index in range(len(groups))]
    return Comparison(
        by,
        [
            ComparedGroup(
                label=labels[index],
                value=str(group),
                n=count["valid_count" if selection.is_valid_only else "row_count"],
                **{name: value for name, value in count.items() if name != "vantage_count"},
                estimates=estimates[index],
                differences=[one for one in differ if one.group == index],
            )
            for index, (group, count) in enumerate(zip(groups, counts, strict=True))
        ],
        left_out,
        [*selection.era.notes, *(_of_studies_under_way(connection) if by == "arm" else ())],
    )


def _place_of(connection: Connection, by: str, found: Sequence[str | int], first: str) -> int:
    values = [str(value) for value in found]
    if first in values:
        return values.index(first)
    labels = labels_of(connection, by, list(found[:_LABELLED]))
    if first in labels:
        return labels.index(first)
    meant = did_you_mean(first, labels)
    raise SettingError(f"No {DIMENSIONS[by].title.lower()} {first!r} was measured here{f': {meant}' if meant else '.'}")


def _of_studies_under_way(connection: Connection) -> list[str]:
    """Say of the studies that are not over that nothing keeps this look: who stops by it errs more often than 5 %."""
    open_ones = select(study.c.name).where(study.c.end_reason.is_(None)).order_by(study.c.name)
    names = ", ".join(repr(name) for name in connection.execute(open_ones).scalars())
    if not names:
        return []
    return [
        f"Under way: {names}. Their arms are compared here out of plan, and nobody is told of this look: "
        "`pytomo study report FILE.toml` keeps it, and judges by the plan's rule."
    ]


class _GroupRows(NamedTuple):
    """The rows of a chunk that are of any group and that figures count, and the group of each."""

    counts: Integers  # by group: of all rows, valid or not
    counted: SelectedRows
    groups: Integers


class _GroupSums:
    """The sums of every group, and the rows to be compared, from one pass over the rows of a selection."""

    def __init__(self, connection: Connection, selection: Selection, by: str, groups: tuple[str | int, ...]) -> None:
        self.facts = Facts(len(groups))
        self._groups, self._is_valid_only = groups, selection.is_valid_only
        every = replace(selection, is_valid_only=False)
        self._scan = ColumnScan(connection, every, PARAMETERS["startup_delay_s"], by, is_kept=False)
        self._sums = Sums(selection, len(groups))
        self._table, self._later = ComparedTable(), KeptRows(connection)
        if groups:
            pass_on(self._parts(), [self._add_facts, self._add_ratios, self._add_rows])

    def _parts(self) -> Iterator[_GroupRows]:
        for rows in self._scan:
            groups = group_indexes(self._scan, rows, self._groups)
            is_counted = groups >= 0
            counts = np.bincount(groups[is_counted], minlength=len(self._groups))
            if self._is_valid_only:
                is_counted &= rows.plain("is_valid") == 1
            yield _GroupRows(counts, rows.masked(is_counted), groups[is_counted])

    def _add_facts(self, part: _GroupRows) -> None:
        self.facts.add(part.counts, part.counted, part.groups)

    def _add_ratios(self, part: _GroupRows) -> None:
        self._sums.add_ratios(part.counted, part.groups)

    def _add_rows(self, part: _GroupRows) -> None:
        self._later.keep(self._sums.median_rows(part.counted, part.groups))
        self._table.add(part.counted, part.groups, self._sums.clusters(part.counted))

    def estimates(self) -> list[list[Estimate]]:
        """Return the figures of each group."""
        facts, scan = self.facts, self._scan
        methods = [facts.ping_method(scan, group) for group in range(len(self._groups))]
        histograms = [
            {kind.name: facts.histogram(kind.name, scan, method, group) for kind in KINDS if kind.is_median}
            for group, method in enumerate(methods)
        ]
        self._medians = [{name: found.quantile(0.5) for name, found in own.items()} for own in histograms]
        numbers = [None if method is None else self._scan.texts.number(method) for method in methods]
        again = (self._sums.median_rows(part.counted, part.groups) for part in self._parts())
        for rows in self._later.rows(lambda: again):
            self._sums.add_medians(rows, self._medians, numbers)
        self._later.clear()
        return [
            [estimate_of(kind, figure_of(kind, self._sums, found.get(kind.name), group)) for kind in KINDS]
            for group, found in enumerate(histograms)
        ]

    def compared(self) -> ComparedRows:
        """Return the rows: startup as it compares with the longest median."""
        return self._table.rows(max((own["startup"] or 0.0 for own in self._medians), default=0.0))


def compared_rows(
    connection: Connection, selection: Selection, group_of: Callable[[SelectedRows], Integers]
) -> ComparedRows:
    """Read the rows of a selection to be compared; `group_of` says the group of each, -1 for none."""
    table = ComparedTable()
    for rows in ColumnScan(connection, selection, PARAMETERS["startup_delay_s"]):
        table.add(rows, group_of(rows), None)
    return table.rows()


class ComparedTable:
    """Gathers the columns of a comparison from the chunks of a scan."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}

    def add(self, rows: SelectedRows, groups: Integers, clusters: Clusters | None) -> None:
        started, videos = rows.whole("started_s"), rows.whole("video_row_id")
        own = clusters or Clusters(started // 86_400, videos)
        # Narrow where that is exact: all rows of a selection are held at once.
        columns: dict[str, Any] = {"group": groups.astype(np.int32), "started_s": started, "video": videos}
        columns |= {"pair": _pairs(rows), "day": own.days.astype(np.int32), "video_group": own.videos.astype(np.int32)}
        ratios = ratios_of(rows)
        for name in ("never_started", "with_stalls"):
            above, below = ratios[name]
            columns[name] = np.where(below, np.asarray(above, dtype=np.float64), np.nan)
        columns["startup"], columns[_WAITED] = reached_or_waited(rows, "startup_delay_s")
        columns["delivery"] = rows.value("delivery_bps")
        if QUALITY in PARAMETERS:
            columns[QUALITY] = rows.value(QUALITY)
        for name, column in columns.items():
            self._columns.setdefault(name, []).append(column)

    def rows(self, startup_at: float = 0.0) -> ComparedRows:
        """Return all rows, with the startup as it compares with that delay.

        What was gathered is given up for them, column by column.
        """
        if self._columns:
            parts = zip(self._columns.pop("startup"), self._columns.pop(_WAITED), strict=True)
            self._columns["startup"] = [as_compared(reached, waited, startup_at) for reached, waited in parts]
        whole: dict[str, Any] = {name: np.concatenate(self._columns.pop(name)) for name in list(self._columns)}
        nothing: Values = np.empty(0)
        empty: Integers = np.empty(0, dtype=np.int64)
        return ComparedRows(
            whole.get("group", empty),
            whole.get("started_s", empty),
            whole.get("video", empty),
            whole.get("pair", empty),
            Clusters(whole.get("day", empty), whole.get("video_group", empty)),
            [
                ComparedFigure(name, way, _KINDS[name].is_better_low, whole.get(name, nothing))
                for name, way in _WAYS.items()
            ],
        )


def _pairs(rows: SelectedRows) -> Integers:
    """Return the pair of each row, -1 for none, or where no column says it."""
    if _PAIR is None:
        return np.full(len(rows), -1, dtype=np.int64)
    if _PAIR.kind is ColumnKind.TEXT:
        return rows.words(_PAIR.name)
    numbers = rows.plain(_PAIR.name)
    return np.where(np.isnan(numbers), -1, numbers).astype(np.int64)
