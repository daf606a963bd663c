"""The state of the line in a few figures: each with its interval, its sample and its change since the period before."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.bad_sessions import BadSums
from pytomo_scrapy.analysis.breaks import settled
from pytomo_scrapy.analysis.cause_counts import CauseCount, cause_codes, causes_of
from pytomo_scrapy.analysis.change_point import change_point
from pytomo_scrapy.analysis.clustered import LEAST_DAYS, LEAST_VIDEOS, Spread
from pytomo_scrapy.analysis.columnar.counts import Counts, split_key
from pytomo_scrapy.analysis.columnar.passing import pass_on
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows
from pytomo_scrapy.analysis.differentiation.name_tests import NameTest, name_tests_in
from pytomo_scrapy.analysis.era import Change
from pytomo_scrapy.analysis.estimates import (
    KINDS,
    Computed,
    Estimate,
    Facts,
    Kind,
    Sums,
    censored_values,
    estimate_of,
    figure_of,
    ratios_of,
)
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.line_outages import LineOutage, outages_in
from pytomo_scrapy.analysis.median_rows import KeptRows
from pytomo_scrapy.analysis.refusals import RefusalAccount, RefusalTally, asked_rows, is_of_all, refusals
from pytomo_scrapy.analysis.selection import Selection

CHANGE_BUCKET_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything of the first page.

    Videos, days and vantage points are of the rows that figures count (`valid_count`, or `row_count` where all are
    asked for); failures, refusals and `row_count` are of all rows of the selection.
    """

    start_s: int
    end_s: int
    row_count: int
    valid_count: int
    video_count: int
    day_count: int
    vantage_count: int
    failures: Sequence[tuple[str, str, int]]  # class, attribution, rows
    estimates: Sequence[Estimate]
    breaks: Sequence[Change] = field(default_factory=list)
    notes: Sequence[str] = ()  # what the selection leaves out, and why
    uncompared: str | None = None  # why no change is shown
    ping_method: str | None = None
    refusals: RefusalAccount = field(default_factory=RefusalAccount)  # of the same rows, failed ones too
    outages: Sequence[LineOutage] = ()  # of the line, in the period
    causes: Sequence[CauseCount] = ()  # of the bad sessions
    name_tests: Sequence[NameTest] = ()  # differential tests of the period

    @property
    def has_enough(self) -> bool:
        """Return whether there are enough days and videos for intervals that hold beyond these days."""
        return self.day_count >= LEAST_DAYS and self.video_count >= LEAST_VIDEOS


def overview(connection: Connection, selection: Selection, bad: BadSums | None = None) -> Overview:
    """Sum up a selection whose era is settled, and compare it with the period of the same length before.

    `bad` are sums of the same selection that are to be made of the same rows: to read these again would take as long.
    """
    failures, causes = Counts(), Counts()
    scan = _scan(connection, selection)
    tally = RefusalTally(scan.texts) if is_of_all(selection) else None
    own = _FigureSums(connection, selection)

    def count(rows: _Rows) -> None:
        failures.add(rows.every.words("failure"), rows.every.words("attribution"))
        causes.add(*cause_codes(rows.every))
        if tally is not None:
            tally.add(asked_rows(rows.every))

    def count_bad(rows: _Rows) -> None:
        if bad is not None:
            bad.add(scan, rows.valid)

    _pass_over(scan, selection, [own.add, count, *([] if bad is None else [count_bad])])
    facts, method = own.facts, own.facts.ping_method(scan)
    figures = own.figures(scan, method)
    both = settled(connection, replace(selection, start_s=selection.start_s - selection.length_s))
    uncompared = _uncompared(selection, both)
    found = Overview(
        start_s=selection.start_s,
        end_s=selection.end_s,
        failures=_by_class(failures, scan),
        estimates=[],
        refusals=refusals(connection, selection) if tally is None else tally.account(),
        outages=outages_in(connection, selection),
        causes=causes_of(causes, scan.texts),
        name_tests=name_tests_in(connection, selection),
        breaks=list(selection.era.changes),
        notes=selection.era.notes,
        uncompared=uncompared,
        ping_method=method,
        **facts.counts(),
    )
    old: dict[str, Computed] = {}
    if uncompared is None and found.has_enough:
        before = replace(both, end_s=selection.start_s)
        old_scan, old_sums = _summed(connection, before)
        counts = old_sums.facts.counts()
        if counts["day_count"] >= LEAST_DAYS and counts["video_count"] >= LEAST_VIDEOS:
            old = old_sums.figures(old_scan, method)
    estimates = [
        _changed(estimate_of(kind, figures[kind.name]), figures[kind.name], old.get(kind.name)) for kind in KINDS
    ]
    return replace(found, estimates=estimates)


def headline_estimates(connection: Connection, selection: Selection) -> list[Estimate]:
    """Return the headline figures of a selection whose era is settled, compared with nothing."""
    scan, sums = _summed(connection, selection)
    figures = sums.figures(scan, sums.facts.ping_method(scan))
    return [estimate_of(kind, figures[kind.name]) for kind in KINDS]


def _uncompared(selection: Selection, both: Selection) -> str | None:
    """Say which change keeps the period from being compared with the one before."""
    own = [cut for cut in both.era.cuts if cut.vantage_id in selection.era.vantages]
    if not own:
        return None
    last = own[-1]
    return f"{last.what} of {last.vantage} changed ({last.old} to {last.new}), and figures are not compared across that"


def _scan(connection: Connection, selection: Selection) -> ColumnScan:
    # All that is asked of the rows is asked in one pass: to keep their columns would take the room of the medians.
    every = replace(selection, is_valid_only=False)
    return ColumnScan(connection, every, PARAMETERS["startup_delay_s"], is_kept=False)


class _Rows(NamedTuple):
    """Some rows of a selection, valid or not."""

    every: SelectedRows
    valid: SelectedRows
    counted: SelectedRows  # by the figures: the valid ones, or all where all are asked for


def _pass_over(scan: ColumnScan, selection: Selection, takers: Sequence[Callable[[_Rows], None]]) -> None:
    for rows in _parted([scan.no_rows()], selection):
        for take in takers:
            take(rows)
    pass_on(_parted(scan, selection), takers)


def _parted(scan: Iterable[SelectedRows], selection: Selection) -> Iterator[_Rows]:
    for rows in scan:
        valid = rows.masked(rows.plain("is_valid") == 1)
        yield _Rows(rows, valid, valid if selection.is_valid_only else rows)


def _summed(connection: Connection, selection: Selection) -> tuple[ColumnScan, _FigureSums]:
    scan, sums = _scan(connection, selection), _FigureSums(connection, selection)
    _pass_over(scan, selection, [sums.add])
    return scan, sums


def _by_class(counts: Counts, scan: ColumnScan) -> list[tuple[str, str, int]]:
    found = []
    for key, count in counts.as_dict().items():
        failure, attribution = map(scan.texts.text, split_key(key))
        if failure:
            found.append((failure, attribution or "unknown", count))
    return sorted(found, key=lambda row: (-row[2], row[0]))


class _FigureSums:
    """The sums of the headline figures of a selection, from one pass over its rows where there is room."""

    def __init__(self, connection: Connection, selection: Selection) -> None:
        self.facts = Facts()
        self._sums = Sums(selection)
        self._later = KeptRows(connection)
        self._selection = selection

    def add(self, rows: _Rows) -> None:
        """Sum up some rows."""
        self.facts.add(np.array([len(rows.every)]), rows.counted)
        self._sums.add_ratios(rows.counted)
        self._later.keep(self._sums.median_rows(rows.counted))

    def figures(self, scan: ColumnScan, ping_method: str | None) -> dict[str, Computed]:
        """Return every figure of the rows that were summed up; of round trips those by one way to ping."""
        histograms = {kind.name: self.facts.histogram(kind.name, scan, ping_method) for kind in KINDS if kind.is_median}
        medians = {name: found.quantile(0.5) for name, found in histograms.items()}
        number = None if ping_method is None else scan.texts.number(ping_method)
        again = (self._sums.median_rows(rows.counted) for rows in _parted(scan, self._selection))
        for rows in self._later.rows(lambda: again):
            self._sums.add_medians(rows, [medians], [number])
        return {kind.name: figure_of(kind, self._sums, histograms.get(kind.name)) for kind in KINDS}


def _changed(estimate: Estimate, new: Computed, old: Computed | None) -> Estimate:
    """Add how the figure changed since the period before: both are taken for independent, which is careful."""
    kind = estimate.kind
    if old is None or old.value is None or new.value is None or (kind.is_relative and old.value <= 0):
        return estimate if old is None else replace(estimate, before=old.value)
    change = new.value / old.value - 1 if kind.is_relative else new.value - old.value
    estimate = replace(estimate, before=old.value, change=change)
    if new.spread is None or old.spread is None or not (new.spread.error or old.spread.error):
        return estimate
    reach = _of_both(new.spread, old.spread).reach
    if not kind.is_relative:
        return replace(estimate, change_low=change - reach, change_high=change + reach)
    low, high = (new.quantile_beside(side * reach) for side in (-1, 1))
    if low is None or high is None:
        return estimate
    return replace(estimate, change_low=low / old.value - 1, change_high=high / old.value - 1)


def _of_both(new: Spread, old: Spread) -> Spread:
    """Return the spread of a difference. **Source**: Welch, Biometrika 34 (1947)."""
    variance = new.error**2 + old.error**2
    noise = new.error**4 / new.degrees + old.error**4 / old.degrees
    return Spread(math.sqrt(variance), variance**2 / noise, new.is_of_these_days or old.is_of_these_days)


def change_since(
    connection: Connection, selection: Selection, estimate: Estimate, ping_method: str | None = None
) -> int | None:
    """Return when a figure changed most, within the period and the period before. None if it is not known.

    Round trips are those of one way to ping, as the figure is.
    """
    both = settled(connection, replace(selection, start_s=selection.start_s - selection.length_s))
    found: dict[int, list[float]] = {}
    kind: Kind = estimate.kind
    scan = ColumnScan(connection, both, PARAMETERS["startup_delay_s"])
    for rows in scan:
        if kind.parameter is not None and estimate.value is not None and estimate.before is not None:
            # A median changes where the share of rows above the middle of both medians changes.
            middle = (estimate.value + estimate.before) / 2
            value = rows.value(kind.parameter)
            if PARAMETERS[kind.parameter].is_censored:
                value = censored_values(rows, kind.parameter, middle)
            if kind.name == "rtt" and ping_method is not None:
                value = np.where(rows.words("ping_method") == scan.texts.number(ping_method), value, np.nan)
            above, below = value > middle, ~np.isnan(value)
        else:
            above, below = ratios_of(rows)[kind.name]
        keys, inverse = np.unique(rows.whole("started_s") // CHANGE_BUCKET_S, return_inverse=True)
        sums = (np.bincount(inverse, weights=weights, minlength=len(keys)) for weights in (above, below))
        for key, over, under in zip(keys.tolist(), *(bucket_sums.tolist() for bucket_sums in sums), strict=True):
            total = found.setdefault(key, [0.0, 0.0])
            total[0] += over
            total[1] += under
    return change_point([(key * CHANGE_BUCKET_S, found[key][0], found[key][1]) for key in sorted(found)])
