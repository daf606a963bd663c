# ruff: noqa: E501
"""The headline figures of some rows, each with its interval: the same numbers wherever they are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytomo_scrapy.analysis.clustered import Spread, share_interval
from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.counts import Counts
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows, known_or_0
from pytomo_scrapy.analysis.comparison import Clusters, group_spread
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.histogram import MAX_STEPS, Histogram, outcomes_of, steps_of
from pytomo_scrapy.analysis.median_rows import MedianRows
from pytomo_scrapy.analysis.quality_shares import HEIGHTS_PX
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.items.in_words import number

DAY_BLOCKS = 28  # a longer period is cut into as many blocks of equal length
VIDEO_GROUPS = 64  # a power of 2, see `video_groups`


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
    is_share: bool = False
    is_optional: bool = False  # not shown where nothing is known of it
    bounds: tuple[float, float] = (-math.inf, math.inf)  # what it can be at all, in SI units

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

    def written(self, value: float) -> str:
        """Write a value as it is shown, without its unit."""
        # A median is of bins, the first of which ends at 0.1 ms (`histogram`): on one machine round trips are in it.
        if self.is_median and value == 0 and self.unit == "ms":
            return "under 0.1"
        return number(value * self.factor, self.decimals, self.unit)


KINDS = (
    Kind("never_started", "is_started", "Never started", "sessions without a picture inside their window", True, decimals=1, is_share=True),
    Kind("startup", "startup_delay_s", "Startup delay", "half of all sessions had started by then, counting those that never did", True, True),
    Kind("with_stalls", "has_stall", "With stalls", "of the sessions that started, those that stalled at least once", True, decimals=1, is_share=True),
    Kind("stall_ratio", "stall_ratio", "Stalled ratio", "stalled time over stalled and played time, all sessions together", True, bounds=(0.0, 1.0)),
    Kind("delivery", "delivery_bps", "Delivery rate", "median; what the service delivered, not the line's speed", False, True),
    Kind("rtt", "rtt_min_s", "Round trip", "median of the shortest ping, idle line", True, True, 1),
    Kind("loaded_rtt", "loaded_rtt_s", "Latency under load", "median round trip to the media server while the window was open", True, True, 1, is_optional=True),
    *(
        Kind(f"plays_{height}p", f"plays_{height}p", f"Plays {height}p", "sessions whose line plays that quality or more without a stall, of those that can tell", False, decimals=1, is_share=True, is_optional=True)
        for height in HEIGHTS_PX
    ),
    Kind("mos", "mos_stalling_hossfeld2011", "Stalling MOS", "mean score of 1 to 5 from stalls alone (Hossfeld 2011)", False, is_optional=True, bounds=(1.0, 5.0)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one period, in SI units. `low` and `high` bound its 95 % interval; None: not enough data.

    `is_of_these_days`: the interval is over videos alone, and holds for the days measured only.
    """

    kind: Kind
    value: float | None
    low: float | None
    high: float | None
    row_count: int
    before: float | None = None
    change: float | None = None  # relative or in points, see the kind
    change_low: float | None = None
    change_high: float | None = None
    is_of_these_days: bool = False

    @property
    def is_changed(self) -> bool:
        """Return whether the interval of the change excludes zero."""
        return self.change_low is not None and self.change_high is not None and self.change_low * self.change_high > 0

    @property
    def is_worse(self) -> bool:
        """Return whether the figure became worse."""
        return self.is_changed and ((self.change or 0) > 0) == self.kind.is_better_low


class Facts:
    """What one pass over some rows tells of each group: how many of what, and a histogram of each median's figure."""

    def __init__(self, group_count: int = 1) -> None:
        self._group_count = group_count
        self._row_counts = np.zeros(group_count, dtype=np.int64)
        self._valid_counts = np.zeros(group_count, dtype=np.int64)
        names = ("video_row_id", "day", "vantage_id", "ping_method", *(kind.name for kind in KINDS if kind.is_median))
        # Of all groups at once: a pass over the rows of each would take as long as all the rest.
        self._seen = {name: Counts() for name in names}

    def add(self, row_counts: Integers, rows: SelectedRows, groups: Integers | None = None) -> None:
        """Count so many rows of each group, valid or not, and those among them that figures count."""
        self._row_counts += row_counts
        is_valid = rows.plain("is_valid") == 1
        own = is_valid.astype(np.int64) if groups is None else groups[is_valid]
        self._valid_counts += is_valid.sum() if groups is None else np.bincount(own, minlength=self._group_count)
        for name, column in _fact_columns(rows).items():
            is_known = column >= 0
            keys = column if groups is None else column * self._group_count + groups
            self._seen[name].add(keys if is_known.all() else keys[is_known])

    def counts(self, group: int = 0) -> dict[str, int]:
        """Return rows and valid rows, and the videos, days and vantage points of the rows that figures count."""
        names = {"video_row_id": "video_count", "day": "day_count", "vantage_id": "vantage_count"}
        counted = {title: len(self._of(name, group)[0]) for name, title in names.items()}
        return {"row_count": int(self._row_counts[group]), "valid_count": int(self._valid_counts[group]), **counted}

    def ping_method(self, scan: ColumnScan, group: int = 0) -> str | None:
        """Return the way to ping that most rows used. None without pings."""
        numbers, sizes = (part.tolist() for part in self._of("ping_method", group))
        counts = {scan.texts.texts[number]: count for number, count in zip(numbers, sizes, strict=True)}
        return max(counts, key=lambda name: (counts[name], name), default=None)

    def histogram(self, name: str, scan: ColumnScan, ping_method: str | None, group: int = 0) -> Histogram:
        """Return the histogram of a figure; of round trips those by one method."""
        keys, sizes = self._of(name, group)
        if name == "rtt":
            first = (-2 if ping_method is None else scan.texts.number(ping_method)) * MAX_STEPS
            begin, end = np.searchsorted(keys, (first, first + MAX_STEPS))
            keys, sizes = keys[begin:end] - first, sizes[begin:end]
        return Histogram(keys, sizes)

    def _of(self, name: str, group: int) -> tuple[Integers, Integers]:
        keys, sizes = self._seen[name].merged()
        is_own = keys % self._group_count == group
        return keys[is_own] // self._group_count, sizes[is_own]


def _fact_columns(rows: SelectedRows) -> dict[str, Integers]:
    method = rows.words("ping_method")
    found = {name: rows.whole(name) for name in ("video_row_id", "vantage_id")}
    found |= {"day": rows.whole("started_s") // 86400, "ping_method": method}
    found |= {kind.name: steps_of(rows, PARAMETERS[kind.figure]) for kind in KINDS if kind.is_median}
    # Round trips are summed up by method: which method is shown is known only at the end.
    found["rtt"] = np.where((found["rtt"] >= 0) & (method >= 0), method * MAX_STEPS + found["rtt"], -1)
    return found


def video_groups(rows: SelectedRows) -> Integers:
    """Return the group of each row's video."""
    # The remainder by its bits: a division takes fifteen times as long.
    return rows.whole("video_row_id") & (VIDEO_GROUPS - 1)


class Sums:
    """Numerators and denominators of every figure by day and group of videos, of one group of rows or of several.

    A median's numerator counts the rows below it: the spread of that share gives the spread of the median.
    """

    def __init__(self, selection: Selection, group_count: int = 1) -> None:
        # Blocks are days, or longer where the period has many.
        self._block_s = max(86400, -(-selection.length_s // DAY_BLOCKS))
        self._start_s = selection.start_s
        self._size = (selection.length_s // self._block_s + 1) * VIDEO_GROUPS
        shape = (group_count, self._size)
        self._sums = {kind.name: (np.zeros(shape), np.zeros(shape)) for kind in KINDS}
        self._clusters = Clusters(*(part.astype(np.int64) for part in divmod(np.arange(self._size), VIDEO_GROUPS)))

    def clusters(self, rows: SelectedRows) -> Clusters:
        """Return the day and the group of videos of each row."""
        day = (rows.whole("started_s") - self._start_s) // self._block_s
        return Clusters(day, video_groups(rows))

    def add_ratios(self, rows: SelectedRows, groups: Integers | None = None) -> None:
        """Sum up the ratios of some rows, each of them of a group."""
        cells = self._cells(rows, groups)
        for name, pair in ratios_of(rows).items():
            self._add(name, cells, *pair)

    def median_rows(self, rows: SelectedRows, groups: Integers | None = None) -> MedianRows:
        """Return what `add_medians` is to be given, when all rows were seen."""
        values = {kind.name: _median_columns(rows, kind.parameter) for kind in KINDS if kind.parameter is not None}
        cells, methods = self._cells(rows, groups), rows.words("ping_method")
        return MedianRows(cells.astype(np.int32), values, methods.astype(np.int32))

    def _cells(self, rows: SelectedRows, groups: Integers | None) -> Integers:
        clusters = self.clusters(rows)
        cells = clusters.days * VIDEO_GROUPS + clusters.videos
        return cells if groups is None else cells + groups * self._size

    def add_medians(
        self, rows: MedianRows, medians: Sequence[Mapping[str, float | None]], methods: Sequence[int | None]
    ) -> None:
        """Sum up the medians of some rows: those of each group, and the code of its way to ping."""
        cells: Integers = rows.cells.astype(np.int64)
        groups = cells // self._size
        numbers = np.array([-2 if method is None else method for method in methods], dtype=np.int64)
        is_pinged = rows.methods == numbers[groups]
        for name, (value, until) in rows.values.items():
            own = [of_group[name] for of_group in medians]
            median = np.array([np.nan if one is None else one for one in own])[groups]
            if until is not None:
                value = as_compared(value, until, known_or_0(median))
            is_known = ~np.isnan(value)
            if name == "rtt":
                is_known &= is_pinged
            self._add(name, cells, is_known & (value <= median), is_known)

    def _add(self, name: str, cells: Integers, above: Any, below: Any) -> None:
        for total, part in zip(self._sums[name], (above, below), strict=True):
            total += np.bincount(cells, weights=part, minlength=total.size).reshape(total.shape)

    def of(self, name: str, group: int = 0) -> tuple[float, float]:
        """Return numerator and denominator of a figure."""
        above, below = self._sums[name]
        return float(above[group].sum()), float(below[group].sum())

    def spread(self, name: str, group: int = 0) -> Spread | None:
        """Return how sure the ratio is."""
        above, below = self._sums[name]
        return group_spread(above[group], below[group], self._clusters)


@dataclass(frozen=True, slots=True)
class Computed:
    """One figure of some rows: its value, its rows, how sure it is, and of a median its curve."""

    value: float | None
    row_count: int
    spread: Spread | None
    histogram: Histogram | None = None

    def quantile_beside(self, reach: float) -> float | None:
        """Return the quantile that lies so far, as a share, from the median."""
        return None if self.histogram is None else self.histogram.quantile(min(max(0.5 + reach, 1e-6), 1 - 1e-6))


def figure_of(kind: Kind, sums: Sums, histogram: Histogram | None, group: int = 0) -> Computed:
    """Return a figure of the rows of a group that were summed up."""
    above, below = sums.of(kind.name, group)
    if histogram is not None:
        median = histogram.quantile(0.5)
        return Computed(median, int(below), sums.spread(kind.name, group) if median is not None else None, histogram)
    # A ratio of times is over the sessions that were simulated.
    count = int(sums.of("with_stalls", group)[1] if kind.name == "stall_ratio" else below)
    return Computed(above / below if below else None, count, sums.spread(kind.name, group))


def interval_of(kind: Kind, found: Computed) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a figure. None, or None for one of its ends, where the data do not tell."""
    spread = found.spread
    if spread is None or found.value is None:
        return None, None
    if found.histogram is not None:
        # Woodruff, J. Amer. Statist. Assoc. 47 (1952): the interval of the share below, read back.
        low, high = (found.quantile_beside(side * spread.reach) for side in (-1, 1))
        return (low, high) if low is not None and high is not None else (None, None)
    if kind.is_share:
        return share_interval(found.value, found.row_count, spread)
    if not spread.error:
        return None, None
    # Of few rows it would reach beyond what there is, such as below no stalled time at all.
    least, most = kind.bounds
    return max(found.value - spread.reach, least), min(found.value + spread.reach, most)


def estimate_of(kind: Kind, found: Computed) -> Estimate:
    """Return a figure with its interval."""
    low, high = interval_of(kind, found)
    is_of_these_days = low is not None and found.spread is not None and found.spread.is_of_these_days
    return Estimate(kind, found.value, low, high, found.row_count, is_of_these_days=is_of_these_days)


def _median_columns(rows: SelectedRows, name: str) -> tuple[Values, Values | None]:
    return reached_or_waited(rows, name) if PARAMETERS[name].is_censored else (rows.value(name), None)


def censored_values(rows: SelectedRows, name: str, at: float) -> Values:
    """Return a censored figure as it compares with `at`: infinite for what had not reached it by then.

    NaN for what is no session, and for windows that were over before: of these it is not known.
    """
    return as_compared(*reached_or_waited(rows, name), at)


def reached_or_waited(rows: SelectedRows, name: str) -> tuple[Values, Values]:
    """Return a censored figure where it was reached, and for how long it is known not to have been where it was not.

    That is for ever after a failure. NaN elsewhere: both are NaN for what is no session.
    """

    def made() -> tuple[Values, Values]:
        is_reached, is_failed = outcomes_of(rows, PARAMETERS[name])
        is_session = rows.plain("is_session") == 1
        waited = np.where(is_failed, np.inf, rows.waited(name))
        reached = np.where(is_session & is_reached, rows.value(name), np.nan)
        return reached, np.where(is_session & ~is_reached, waited, np.nan)

    return rows.computed(f"reached or waited {name}", made)


def as_compared(reached: Values, waited: Values, at: float | Values) -> Values:
    """Return what `reached_or_waited` found as it compares with `at`, see `censored_values`."""
    return np.where(waited >= at, np.inf, reached)


def ratios_of(rows: SelectedRows) -> dict[str, tuple[Any, Any]]:
    """Return numerator and denominator of each figure that is a ratio of sums, for each row."""
    is_started, is_session = rows.value("is_started") == 1, rows.plain("is_session") == 1
    stalled, played = (known_or_0(rows.value(name)) for name in ("stalled_s", "played_s"))
    mos = rows.value("mos_stalling_hossfeld2011")
    plays = {f"plays_{height}p": rows.value(f"plays_{height}p") for height in HEIGHTS_PX}
    return {
        # Flags are 0, 1 or not known.
        **{name: (value == 1, ~np.isnan(value)) for name, value in plays.items()},
        # Not known to have started is not known at all: such a session counts below only.
        "never_started": (is_session & (rows.value("is_started") == 0), is_session),
        "with_stalls": (is_started & (rows.value("has_stall") == 1), is_started),
        "stall_ratio": (stalled, stalled + played),
        "mos": (known_or_0(mos), ~np.isnan(mos)),
    }


def group_indexes(scan: ColumnScan, rows: SelectedRows, groups: tuple[str | int, ...]) -> Integers:
    """Return the position of each row's group among the groups, -1 for another one."""
    numbers = scan.groups(rows)
    found = np.full(len(rows), -1, dtype=np.int64)
    for index, group in enumerate(groups):
        found[numbers == scan.group_number(group)] = index
    return found
