# ruff: noqa: E501
"""The state of the line in a few figures: each with its interval, its sample and its change since the period before."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal

from pytomo_scrapy.storage import overview_bootstrap as bootstrap
from pytomo_scrapy.storage.dashboard_breaks import Break, breaks_of, last_changes
from pytomo_scrapy.storage.dashboard_parameters import PARAMETERS
from pytomo_scrapy.storage.dashboard_schema import figure
from pytomo_scrapy.storage.dashboard_selection import Selection, Source, pieces
from pytomo_scrapy.storage.distribution import bin_middle, log_bin

DAY_BLOCKS = 28  # a longer period is cut into as many blocks of equal length
VIDEO_GROUPS = 16
CHANGE_BUCKET_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """One headline figure: how it is formed, and which way is better."""

    name: str
    title: str
    unit: str
    factor: float
    help: str
    is_better_low: bool
    parameter: str | None = None  # the column whose quantile it is; None: a ratio of sums
    decimals: int = 2

    @property
    def is_relative(self) -> bool:
        """Tell whether its change reads as a percentage of itself, rather than in points."""
        return self.parameter is not None


KINDS = (
    Kind("never_started", "Never started", "%", 100, "sessions without a picture inside their window", True, decimals=1),
    Kind("startup", "Startup delay", "s", 1, "median (Kaplan-Meier: those that never started count as longer)", True, "startup_delay_s"),
    Kind("with_stalls", "With stalls", "%", 100, "of the sessions that started, those that stood still at least once", True, decimals=1),
    Kind("stall_ratio", "Stalled ratio", "%", 100, "time stalled over time stalled and played, all sessions together", True),
    Kind("delivery", "Delivery rate", "Mbit/s", 1e-6, "median; what the service delivered, not the line's speed", False, "delivery_bps"),
    Kind("rtt", "Round trip", "ms", 1e3, "median of the shortest ping, idle line", True, "rtt_min_s", 1),
    Kind("mos", "Stalling MOS", "", 1, "mean score of 1 to 5 from stalls alone (Hossfeld 2011)", False),
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
        """Tell whether the interval of the change excludes none."""
        return self.change_low is not None and self.change_high is not None and self.change_low * self.change_high > 0

    @property
    def is_worse(self) -> bool:
        """Tell whether the change is one for the worse."""
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
    uncompared: str | None = None  # why there is no change to tell
    ping_method: str | None = None
    counted_from_s: int | None = None  # where a break made the figures begin later than the period

    @property
    def has_enough(self) -> bool:
        """Tell whether intervals can be formed."""
        return self.day_count >= bootstrap.LEAST_DAYS and self.video_count >= bootstrap.LEAST_VIDEOS


_Rows = list[tuple[float, bool, int]]  # (middle of the bin, was it reached, rows)


@dataclass(slots=True)
class _Sample:
    """One period: numerators and denominators by cell, the histograms, and what was drawn."""

    cells: dict[str, dict[bootstrap.Cell, tuple[float, float]]]
    quantiles: dict[str, _Quantiles]
    weights: bootstrap.Weights


def overview(connection: Connection, selection: Selection, *, is_across_breaks: bool = False) -> Overview:
    """Sum up the period and compare it with the one of the same length before."""
    before = replace(selection, start_s=selection.start_s - selection.length_s, end_s=selection.start_s)
    both = replace(selection, start_s=before.start_s)
    breaks = breaks_of(connection, both)
    own_breaks = [one for one in breaks if one.at_s >= selection.start_s]
    counted = selection
    if own_breaks and not is_across_breaks:
        counted = replace(selection, not_before=last_changes(own_breaks))
    method = _ping_method(connection, counted)
    facts = _counts(connection, counted)
    sample = _sample(connection, counted, method)
    uncompared = None
    old = None
    if breaks and not is_across_breaks:
        last = breaks[-1]
        uncompared = f"{last.what} changed ({last.old} to {last.new}), and figures are not compared across that"
    else:
        old = _sample(connection, before, method)
    found = Overview(
        start_s=selection.start_s,
        end_s=selection.end_s,
        failures=_failures(connection, selection),
        estimates=[],
        breaks=own_breaks,
        uncompared=uncompared,
        ping_method=method,
        counted_from_s=min(last_changes(own_breaks).values()) if counted.not_before else None,
        **facts,
    )
    old_facts = _counts(connection, before) if old is not None else None
    is_comparable = old_facts is not None and replace(found, **old_facts).has_enough
    estimates = [_estimate(kind, sample, old if is_comparable else None, found.has_enough) for kind in KINDS]
    return replace(found, estimates=estimates)


def _counts(connection: Connection, selection: Selection) -> dict[str, Any]:
    source = Source(replace(selection, is_valid_only=False))
    columns = [func.count(), func.sum(figure.c.is_valid), func.count(figure.c.video_row_id.distinct())]
    columns += [func.count((figure.c.started_s // 86400).distinct()), func.count(figure.c.vantage_id.distinct())]
    row = connection.execute(source.select(*columns)).one()
    names = ("row_count", "valid_count", "video_count", "day_count", "vantage_count")
    return {name: int(value or 0) for name, value in zip(names, row, strict=True)}


def _failures(connection: Connection, selection: Selection) -> list[tuple[str, str, int]]:
    source = Source(replace(selection, is_valid_only=False))
    query = source.select(figure.c.failure, figure.c.attribution, func.count())
    query = query.where(figure.c.failure.is_not(None)).group_by(figure.c.failure, figure.c.attribution)
    rows = connection.execute(query.order_by(func.count().desc(), figure.c.failure))
    return [(row[0], row[1] or "unknown", row[2]) for row in rows]


def _ping_method(connection: Connection, selection: Selection) -> str | None:
    """Return the way to ping that most rows have: round trips of two ways are never mixed."""
    query = Source(selection).select(figure.c.ping_method).where(figure.c.ping_method.is_not(None))
    query = query.group_by(figure.c.ping_method).order_by(func.count().desc()).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found


def _cell_columns(selection: Selection) -> list[ColumnElement[Any]]:
    # Blocks are days, or longer where the period has many.
    block_s = max(86400, -(-selection.length_s // DAY_BLOCKS))
    day = (figure.c.started_s - selection.start_s) // block_s
    return [day.label("day"), (figure.c.video_row_id % VIDEO_GROUPS).label("video_group")]


def _sample(connection: Connection, selection: Selection, ping_method: str | None) -> _Sample:
    quantiles = {
        kind.name: _Quantiles(_histogram(connection, selection, kind.parameter, ping_method))
        for kind in KINDS
        if kind.parameter is not None
    }
    medians = {name: found.at(0.5) for name, found in quantiles.items()}
    cells = _cells(connection, selection, medians, ping_method)
    return _Sample(cells, quantiles, bootstrap.draw_weights(list(cells["never_started"])))


def _value_of(source: Source, name: str, ping_method: str | None) -> ColumnElement[Any]:
    """Return what a median is taken of: NULL where the row does not count for it."""
    if name == "rtt_min_s":
        return case((figure.c.ping_method == ping_method, source.value(name)))
    if PARAMETERS[name].is_censored:
        return case((figure.c.is_session == 1, source.waited(name)))
    return source.value(name)


def _histogram(connection: Connection, selection: Selection, name: str, ping_method: str | None) -> _Rows:
    counts: Counter[tuple[int, bool]] = Counter()
    for piece in pieces(connection, selection):
        source = Source(piece, PARAMETERS[name])
        value = _value_of(source, name, ping_method)
        reached = case((source.value(name).is_not(None), 1), else_=0).label("reached")
        query = source.select(log_bin(value).label("bin"), reached, func.count()).group_by("bin", "reached")
        for place, was_reached, count in connection.execute(query):
            if place is not None:
                counts[(place, bool(was_reached))] += count
    return [(bin_middle(place), reached, count) for (place, reached), count in counts.items()]


def _cells(
    connection: Connection, selection: Selection, medians: Mapping[str, float | None], ping_method: str | None
) -> dict[str, dict[bootstrap.Cell, tuple[float, float]]]:
    """Sum numerators and denominators of every figure by day and group of videos, in one pass.

    A median's numerator counts the rows below it: how that share varies tells how the median does.
    """
    found: dict[str, dict[bootstrap.Cell, tuple[float, float]]] = {kind.name: {} for kind in KINDS}
    for piece in pieces(connection, selection):
        source = Source(piece, PARAMETERS["startup_delay_s"])
        pairs = ratios_of(source)
        for kind in KINDS:
            if kind.parameter is not None:
                value, median = _value_of(source, kind.parameter, ping_method), medians[kind.name]
                below = case((value <= median, 1), else_=0) if median is not None else literal(0)
                pairs[kind.name] = (below, case((value.is_not(None), 1), else_=0))
        sums = [func.sum(one) for pair in pairs.values() for one in pair]
        query = source.select(*_cell_columns(selection), *sums).group_by("day", "video_group")
        for day, group, *values in connection.execute(query):
            for index, name in enumerate(pairs):
                above, under = found[name].get((day, group), (0.0, 0.0))
                sums_here = (float(values[2 * index] or 0), float(values[2 * index + 1] or 0))
                found[name][(day, group)] = (above + sums_here[0], under + sums_here[1])
    return found


def ratios_of(source: Source) -> dict[str, tuple[ColumnElement[Any], ColumnElement[Any]]]:
    """Return numerator and denominator of each figure that is a ratio of sums."""
    started, is_session = source.value("is_started") == 1, figure.c.is_session == 1
    stalled, played = (func.coalesce(source.value(name), 0) for name in ("stalled_s", "played_s"))
    mos = source.value("mos_stalling_hossfeld2011")
    return {
        "never_started": (case((and_(is_session, ~started), 1), else_=0), case((is_session, 1), else_=0)),
        "with_stalls": (case((started, source.value("has_stall")), else_=0), case((started, 1), else_=0)),
        "stall_ratio": (stalled, stalled + played),
        "mos": (func.coalesce(mos, 0), case((mos.is_not(None), 1), else_=0)),
    }


@dataclass(slots=True)
class _Figure:
    value: float | None
    row_count: int
    replicates: list[float]


def _figure(kind: Kind, sample: _Sample) -> _Figure:
    cells = sample.cells[kind.name]
    above, below = (sum(cell[place] for cell in cells.values()) for place in (0, 1))
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
    """The same quantiles many times over: the steps of the curve are computed once."""

    def __init__(self, rows: Sequence[tuple[float, bool, int]]) -> None:
        self._shares: list[float] = []
        self._values: list[float] = []
        waiting, left = sum(count for _, _, count in rows), 1.0
        for value, reached, count in sorted(rows, key=lambda row: (row[0], not row[1])):
            if reached:
                left *= 1 - count / waiting
                self._shares.append(1 - left)
                self._values.append(value)
            waiting -= count

    def at(self, ratio: float) -> float | None:
        """Return the quantile, between the middles of two bins in proportion. None where too few reached it."""
        place = bisect_left(self._shares, ratio - 1e-12)
        if place == len(self._shares):
            return None
        if place == 0:
            return self._values[0]
        below, above = self._shares[place - 1], self._shares[place]
        part = (ratio - below) / (above - below) if above > below else 1.0
        return self._values[place - 1] + (self._values[place] - self._values[place - 1]) * part


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


def change_since(connection: Connection, selection: Selection, one: Estimate) -> int | None:
    """Return when a figure changed most, within the period and the one before. None where that cannot be told."""
    both = replace(selection, start_s=selection.start_s - selection.length_s)
    source = Source(both, PARAMETERS["startup_delay_s"])
    sums = ratios_of(source)
    if one.kind.parameter is not None and one.value is not None and one.before is not None:
        # A median changes where the share of rows above the middle of both medians changes.
        value = source.value(one.kind.parameter)
        if PARAMETERS[one.kind.parameter].is_censored:
            value = case((figure.c.is_session == 1, source.waited(one.kind.parameter)))
        middle = (one.value + one.before) / 2
        sums[one.kind.name] = (case((value > middle, 1), else_=0), case((value.is_not(None), 1), else_=0))
    above, below = sums[one.kind.name]
    bucket = (figure.c.started_s // CHANGE_BUCKET_S).label("bucket")
    query = source.select(bucket, func.sum(above), func.sum(below)).group_by("bucket").order_by("bucket")
    rows = [(row[0] * CHANGE_BUCKET_S, float(row[1] or 0), float(row[2] or 0)) for row in connection.execute(query)]
    return bootstrap.change_point(rows)
