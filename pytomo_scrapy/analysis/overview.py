# ruff: noqa: E501
"""The state of the line in a few figures: each with its interval, its sample and its change since the period before."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis import bootstrap
from pytomo_scrapy.analysis.breaks import Break, breaks_of, last_changes
from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, Counts, SelectedRows, joined_keys, split_key
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.histogram import MAX_STEPS, Histogram, bin_middle, outcomes_of, steps_of
from pytomo_scrapy.analysis.line_outages import LineOutage, outages_in
from pytomo_scrapy.analysis.quality_shares import HEIGHTS_PX
from pytomo_scrapy.analysis.refusals import RefusalAccount, refusals
from pytomo_scrapy.analysis.selection import Selection

DAY_BLOCKS = 28  # a longer period is cut into as many blocks of equal length
VIDEO_GROUPS = 16
CHANGE_BUCKET_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """One headline figure: its column, how it is computed, and which direction is better."""

    name: str
    figure: str  # of the catalogue, whose unit it has
    title: str
    help: str
    is_better_low: bool
    is_median: bool = False  # else a ratio of sums, see `ratios_of`
    decimals: int = 2

    @property
    def unit(self) -> str:
        """Return the unit it is shown in."""
        return PARAMETERS[self.figure].unit

    @property
    def factor(self) -> float:
        """Return what the value is multiplied with to be shown."""
        return PARAMETERS[self.figure].factor

    @property
    def parameter(self) -> str | None:
        """Return the column whose median it is. None for a ratio of sums."""
        return self.figure if self.is_median else None

    @property
    def is_relative(self) -> bool:
        """Return whether its change is shown as a percentage of itself, rather than in points."""
        return self.is_median


KINDS = (
    Kind("never_started", "is_started", "Never started", "sessions without a picture inside their window", True, decimals=1),
    Kind("startup", "startup_delay_s", "Startup delay", "half of all sessions had started by then, those that never did among them", True, True),
    Kind("with_stalls", "has_stall", "With stalls", "of the sessions that started, those that stood still at least once", True, decimals=1),
    Kind("stall_ratio", "stall_ratio", "Stalled ratio", "time stalled over time stalled and played, all sessions together", True),
    Kind("delivery", "delivery_bps", "Delivery rate", "median; what the service delivered, not the line's speed", False, True),
    Kind("rtt", "rtt_min_s", "Round trip", "median of the shortest ping, idle line", True, True, 1),
    *(
        Kind(f"plays_{height}p", f"plays_{height}p", f"Plays {height}p", "sessions whose line plays that quality or more without a stall, of those that can tell", False, decimals=1)
        for height in HEIGHTS_PX
    ),
    Kind("mos", "mos_stalling_hossfeld2011", "Stalling MOS", "mean score of 1 to 5 from stalls alone (Hossfeld 2011)", False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one period, in SI units. `low` and `high` bound its 95 % interval; None: not enough data."""

    kind: Kind
    value: float | None
    low: float | None
    high: float | None
    row_count: int
    before: float | None = None
    change: float | None = None  # relative or in points, see the kind
    change_low: float | None = None
    change_high: float | None = None

    @property
    def is_changed(self) -> bool:
        """Return whether the interval of the change excludes zero."""
        return self.change_low is not None and self.change_high is not None and self.change_low * self.change_high > 0

    @property
    def is_worse(self) -> bool:
        """Return whether the figure became worse."""
        return self.is_changed and ((self.change or 0) > 0) == self.kind.is_better_low


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything of the first page."""

    start_s: int
    end_s: int
    row_count: int
    valid_count: int
    video_count: int
    day_count: int
    vantage_count: int
    failures: Sequence[tuple[str, str, int]]  # class, attribution, rows
    estimates: Sequence[Estimate]
    breaks: Sequence[Break] = field(default_factory=list)
    uncompared: str | None = None  # why no change is shown
    ping_method: str | None = None
    counted_from_s: int | None = None  # where a break made the figures begin later than the period
    refusals: RefusalAccount = field(default_factory=RefusalAccount)  # of the same rows, failed ones too
    outages: Sequence[LineOutage] = ()  # of the line, in the period

    @property
    def has_enough(self) -> bool:
        """Return whether there are enough rows for intervals."""
        return _has_enough({"day_count": self.day_count, "video_count": self.video_count})


def _has_enough(counts: Mapping[str, int]) -> bool:
    return counts["day_count"] >= bootstrap.LEAST_DAYS and counts["video_count"] >= bootstrap.LEAST_VIDEOS


@dataclass(slots=True)
class _Facts:
    """The result of one pass over a period: counts, failures, and a histogram of each figure with a median."""

    counts: dict[str, int]
    failures: list[tuple[str, str, int]]
    ping_methods: dict[str, int]
    method_numbers: dict[str, int]
    steps: dict[str, Counts]

    def histogram(self, name: str, ping_method: str | None) -> Histogram:
        """Return the histogram of a figure; of round trips those by one method."""
        keys, sizes = self.steps[name].merged()
        if name == "rtt":
            first = self.method_numbers.get(ping_method or "", -2) * MAX_STEPS
            begin, end = np.searchsorted(keys, (first, first + MAX_STEPS))
            keys, sizes = keys[begin:end] - first, sizes[begin:end]
        return Histogram(keys, sizes)


@dataclass(slots=True)
class _Sample:
    """One period: numerators and denominators by cell, the quantiles, and what was drawn."""

    cells: dict[str, dict[bootstrap.Cell, tuple[float, float]]]
    quantiles: dict[str, _Quantiles]
    weights: bootstrap.Weights


def overview(connection: Connection, selection: Selection, *, is_across_breaks: bool = False) -> Overview:
    """Sum up the period and compare it with the one of the same length before."""
    before = replace(selection, start_s=selection.start_s - selection.length_s, end_s=selection.start_s)
    both = replace(selection, start_s=before.start_s)
    breaks = breaks_of(connection, both)
    own_breaks = [change for change in breaks if change.at_s >= selection.start_s]
    counted = selection
    if own_breaks and not is_across_breaks:
        counted = replace(selection, not_before=last_changes(own_breaks))
    facts = _facts(connection, counted)
    method = max(facts.ping_methods, key=lambda name: (facts.ping_methods[name], name), default=None)
    sample = _sample(connection, counted, facts, method)
    uncompared = None
    old = old_facts = None
    if breaks and not is_across_breaks:
        last = breaks[-1]
        uncompared = f"{last.what} changed ({last.old} to {last.new}), and figures are not compared across that"
    else:
        old_facts = _facts(connection, before)
        old = _sample(connection, before, old_facts, method)
    found = Overview(
        start_s=selection.start_s,
        end_s=selection.end_s,
        failures=facts.failures if counted is selection else _failures(connection, selection),
        estimates=[],
        refusals=refusals(connection, counted),
        outages=outages_in(connection, selection),
        breaks=own_breaks,
        uncompared=uncompared,
        ping_method=method,
        counted_from_s=min(last_changes(own_breaks).values()) if counted.not_before else None,
        **facts.counts,
    )
    is_comparable = old_facts is not None and _has_enough(old_facts.counts)
    estimates = [_estimate(kind, sample, old if is_comparable else None, found.has_enough) for kind in KINDS]
    return replace(found, estimates=estimates)


def _facts(connection: Connection, selection: Selection) -> _Facts:
    every = ColumnScan(connection, replace(selection, is_valid_only=False), PARAMETERS["startup_delay_s"])
    row_count = valid_count = 0
    seen: dict[str, Counts] = {name: Counts() for name in ("video_row_id", "day", "vantage_id")}
    failures, methods = Counts(), Counts()
    steps = {kind.name: Counts() for kind in KINDS if kind.parameter is not None}
    for rows in every:
        is_valid = rows.plain("is_valid") == 1
        row_count += len(rows)
        valid_count += int(is_valid.sum())
        for name, counts in seen.items():
            counts.add(rows.whole("started_s") // 86400 if name == "day" else rows.whole(name))
        failures.add(_failure_keys(rows))
        valid = rows.masked(is_valid) if selection.is_valid_only else rows
        method = valid.words("ping_method")
        methods.add(method[method >= 0])
        for kind in KINDS:
            if kind.parameter is not None:
                own = steps_of(valid, PARAMETERS[kind.parameter])
                # Round trips are summed up by method: which method is shown is known only at the end.
                prefix = method * MAX_STEPS if kind.name == "rtt" else 0
                is_counted = (own >= 0) & (method >= 0) if kind.name == "rtt" else own >= 0
                steps[kind.name].add((own + prefix)[is_counted])
    by_method = methods.as_dict()
    names = {"video_row_id": "video_count", "day": "day_count", "vantage_id": "vantage_count"}
    counted = {names[name]: len(counts.merged()[0]) for name, counts in seen.items()}
    return _Facts(
        counts={"row_count": row_count, "valid_count": valid_count, **counted},
        failures=_by_class(failures, every),
        ping_methods={every.texts.texts[number]: count for number, count in by_method.items()},
        method_numbers={every.texts.texts[number]: number for number in by_method},
        steps=steps,
    )


def _failures(connection: Connection, selection: Selection) -> list[tuple[str, str, int]]:
    scan = ColumnScan(connection, replace(selection, is_valid_only=False), PARAMETERS["startup_delay_s"])
    counts = Counts()
    for rows in scan:
        counts.add(_failure_keys(rows))
    return _by_class(counts, scan)


def _failure_keys(rows: SelectedRows) -> Integers:
    return joined_keys(rows.words("failure"), rows.words("attribution"))


def _by_class(counts: Counts, scan: ColumnScan) -> list[tuple[str, str, int]]:
    found = []
    for key, count in counts.as_dict().items():
        failure, attribution = map(scan.texts.text, split_key(key))
        if failure:
            found.append((failure, attribution or "unknown", count))
    return sorted(found, key=lambda row: (-row[2], row[0]))


def _sample(connection: Connection, selection: Selection, facts: _Facts, ping_method: str | None) -> _Sample:
    quantiles = {
        kind.name: _Quantiles(facts.histogram(kind.name, ping_method)) for kind in KINDS if kind.parameter is not None
    }
    medians = {name: found.at(0.5) for name, found in quantiles.items()}
    cells = _cells(connection, selection, medians, ping_method)
    return _Sample(cells, quantiles, bootstrap.draw_weights(list(cells["never_started"])))


def _cells(
    connection: Connection, selection: Selection, medians: Mapping[str, float | None], ping_method: str | None
) -> dict[str, dict[bootstrap.Cell, tuple[float, float]]]:
    """Sum numerators and denominators of every figure by day and group of videos, in one pass.

    A median's numerator counts the rows below it: the spread of that share gives the spread of the median.
    """
    # Blocks are days, or longer where the period has many.
    block_s = max(86400, -(-selection.length_s // DAY_BLOCKS))
    size = (selection.length_s // block_s + 1) * VIDEO_GROUPS
    sums = {kind.name: (np.zeros(size), np.zeros(size)) for kind in KINDS}
    is_there = np.zeros(size, dtype=np.bool_)
    scan = ColumnScan(connection, selection, PARAMETERS["startup_delay_s"])
    for rows in scan:
        day = (rows.whole("started_s") - selection.start_s) // block_s
        keys = day * VIDEO_GROUPS + rows.whole("video_row_id") % VIDEO_GROUPS
        is_there[keys] = True
        pairs = ratios_of(rows)
        for kind in KINDS:
            if kind.parameter is not None:
                median = medians[kind.name]
                value = _value_of(scan, rows, kind.parameter, ping_method, median)
                pairs[kind.name] = (value <= (np.nan if median is None else median), ~np.isnan(value))
        for name, pair in pairs.items():
            for total, part in zip(sums[name], pair, strict=True):
                total += np.bincount(keys, weights=part, minlength=size)
    return {
        name: {
            divmod(key, VIDEO_GROUPS): (float(above[key]), float(below[key]))
            for key in np.flatnonzero(is_there).tolist()
        }
        for name, (above, below) in sums.items()
    }


def _value_of(scan: ColumnScan, rows: SelectedRows, name: str, ping_method: str | None, median: float | None) -> Values:
    """Return the values of a median: NaN for rows that do not count for it."""
    value = rows.value(name)
    if name == "rtt_min_s":
        number = -2 if ping_method is None else scan.texts.number(ping_method)
        return np.where(rows.words("ping_method") == number, value, np.nan)
    return censored_values(rows, name, 0.0 if median is None else median) if PARAMETERS[name].is_censored else value


def censored_values(rows: SelectedRows, name: str, at: float) -> Values:
    """Return a censored figure as it compares with `at`: infinite for what had not reached it by then.

    NaN for what is no session, and for windows that were over before: of these it is not known.
    """
    is_reached, is_failed = outcomes_of(rows, PARAMETERS[name])
    is_known = is_failed | (rows.waited(name) >= at)
    later = np.where(is_known, np.inf, np.nan)
    return np.where(rows.plain("is_session") == 1, np.where(is_reached, rows.value(name), later), np.nan)


def ratios_of(rows: SelectedRows) -> dict[str, tuple[Any, Any]]:
    """Return numerator and denominator of each figure that is a ratio of sums, for each row."""
    is_started, is_session = rows.value("is_started") == 1, rows.plain("is_session") == 1
    stalled, played = (np.nan_to_num(rows.value(name)) for name in ("stalled_s", "played_s"))
    mos = rows.value("mos_stalling_hossfeld2011")
    plays = {f"plays_{height}p": rows.value(f"plays_{height}p") for height in HEIGHTS_PX}
    return {
        **{name: (np.nan_to_num(value), ~np.isnan(value)) for name, value in plays.items()},
        # Not known to have started is not known at all: such a session counts below only.
        "never_started": (is_session & (rows.value("is_started") == 0), is_session),
        "with_stalls": (np.where(is_started, np.nan_to_num(rows.value("has_stall")), 0.0), is_started),
        "stall_ratio": (stalled, stalled + played),
        "mos": (np.nan_to_num(mos), ~np.isnan(mos)),
    }


@dataclass(slots=True)
class _Figure:
    value: float | None
    row_count: int
    replicates: list[float]


def _figure(kind: Kind, sample: _Sample) -> _Figure:
    cells = sample.cells[kind.name]
    above, below = (sum(cell[side] for cell in cells.values()) for side in (0, 1))
    shares = bootstrap.ratio_replicates(cells, sample.weights)
    if kind.parameter is None:
        # A ratio of times is over the sessions that were simulated.
        counted = sample.cells["with_stalls"] if kind.name == "stall_ratio" else cells
        count = int(sum(cell[1] for cell in counted.values()))
        return _Figure(above / below if below else None, count, shares)
    quantiles = sample.quantiles[kind.name]
    median = quantiles.at(0.5)
    if median is None or not below:
        return _Figure(None, int(below), [])
    centred = [share - above / below + 0.5 for share in shares]
    return _Figure(median, int(below), bootstrap.quantile_replicates(centred, 0.5, quantiles.at))


class _Quantiles:
    """Quantiles of one histogram, for many calls: the steps of the curve are computed once."""

    def __init__(self, histogram: Histogram) -> None:
        self._shares: list[float] = histogram.shares.tolist()
        self._values = [bin_middle(bin_number) for bin_number in histogram.bins.tolist()]

    def at(self, ratio: float) -> float | None:
        """Return the quantile, between the middles of two bins in proportion. None where too few reached it."""
        bin_index = bisect_left(self._shares, ratio - 1e-12)
        if bin_index == len(self._shares):
            return None
        if bin_index == 0:
            return self._values[0]
        below, above = self._shares[bin_index - 1], self._shares[bin_index]
        part = (ratio - below) / (above - below) if above > below else 1.0
        return self._values[bin_index - 1] + (self._values[bin_index] - self._values[bin_index - 1]) * part


def _estimate(kind: Kind, sample: _Sample, old: _Sample | None, has_enough: bool) -> Estimate:
    new = _figure(kind, sample)
    bounds = bootstrap.interval(new.replicates) if has_enough else None
    low, high = bounds or (None, None)
    if old is None or new.value is None or bounds is None:
        return Estimate(kind, new.value, low, high, new.row_count)
    past = _figure(kind, old)
    if past.value is None or (kind.is_relative and past.value <= 0):
        return Estimate(kind, new.value, low, high, new.row_count, past.value)
    change = new.value / past.value - 1 if kind.is_relative else new.value - past.value
    changes = bootstrap.change_replicates(new.replicates, past.replicates, is_relative=kind.is_relative)
    change_low, change_high = bootstrap.interval(changes) or (None, None)
    return Estimate(kind, new.value, low, high, new.row_count, past.value, change, change_low, change_high)


def change_since(connection: Connection, selection: Selection, estimate: Estimate) -> int | None:
    """Return when a figure changed most, within the period and the period before. None if it is not known."""
    both = replace(selection, start_s=selection.start_s - selection.length_s)
    found: dict[int, list[float]] = {}
    for rows in ColumnScan(connection, both, PARAMETERS["startup_delay_s"]):
        if estimate.kind.parameter is not None and estimate.value is not None and estimate.before is not None:
            # A median changes where the share of rows above the middle of both medians changes.
            middle = (estimate.value + estimate.before) / 2
            value = rows.value(estimate.kind.parameter)
            if PARAMETERS[estimate.kind.parameter].is_censored:
                value = censored_values(rows, estimate.kind.parameter, middle)
            above, below = value > middle, ~np.isnan(value)
        else:
            above, below = ratios_of(rows)[estimate.kind.name]
        keys, inverse = np.unique(rows.whole("started_s") // CHANGE_BUCKET_S, return_inverse=True)
        sums = (np.bincount(inverse, weights=weights, minlength=len(keys)) for weights in (above, below))
        for key, over, under in zip(keys.tolist(), *(bucket_sums.tolist() for bucket_sums in sums), strict=True):
            total = found.setdefault(key, [0.0, 0.0])
            total[0] += over
            total[1] += under
    return bootstrap.change_point([(key * CHANGE_BUCKET_S, found[key][0], found[key][1]) for key in sorted(found)])
