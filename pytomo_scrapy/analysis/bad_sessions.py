"""Bad sessions of a selection: by hour of the day, and what goes with them, ranked by how much it accounts for.

A session is bad that showed no picture inside its window, or stalled. Only sessions count: what the service refused or
failed says nothing of the line. Definitions: docs/metrics.md, "Good or not".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.attributable import ExposedCounts, Fraction, fraction_of, shown_among
from pytomo_scrapy.analysis.clustered import share_interval
from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.analysis.columnar.counts import Counts, counted, parted
from pytomo_scrapy.analysis.columnar.passing import pass_on
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, Mask, SelectedRows
from pytomo_scrapy.analysis.comparison import Clusters, group_spread
from pytomo_scrapy.analysis.estimates import DAY_BLOCKS, VIDEO_GROUPS, video_groups
from pytomo_scrapy.analysis.figures import DIMENSIONS, PARAMETERS
from pytomo_scrapy.analysis.fixed_effects import numbered
from pytomo_scrapy.analysis.histogram import MAX_STEPS, Histogram, steps_of
from pytomo_scrapy.analysis.local_hours import LocalHours
from pytomo_scrapy.analysis.selection import Selection

HOURS = 24
# The evening as the FCC's reports on fixed broadband take it: 7 to 11 pm, local time.
EVENING = (19, 23)
_PART_HOURS = 4  # parts of the day, one of them the evening
_PARTS = (np.arange(HOURS) - EVENING[1]) % HOURS // _PART_HOURS  # of each hour, from the end of the evening on
_MAX_LINES = 8  # of their own; further ones are compared within all of them together
_MAX_VALUES = 48  # of a factor; further ones are among the others of each
# Places of sums: the values that have one of their own stand behind those of the others.
_UNKNOWN, _OTHER, _OWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class HourOfDay:
    """One hour of a typical day. `low` and `high` bound the 95 % interval of the bad share."""

    hour: int
    session_count: int
    bad_count: int
    bad_share: float | None
    low: float | None
    high: float | None
    startup_median_s: float | None  # of all its sessions; None: none, or fewer than half started


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something that sessions were under, and what it accounts for of the bad ones."""

    factor: str  # hour, family, resolver, cache, loaded, machine or traffic
    title: str
    value: str
    fraction: Fraction

    @property
    def bad_share(self) -> float | None:
        """The bad share under it."""
        one = self.fraction
        return one.exposed_bad_count / one.exposed_count if one.exposed_count else None

    @property
    def other_bad_share(self) -> float | None:
        """The bad share of all others of which it is known."""
        one = self.fraction
        return one.other_bad_count / one.other_count if one.other_count else None


@dataclass(frozen=True, slots=True)
class BadSessions:
    """How many sessions were bad, when, and what goes with it."""

    session_count: int = 0
    bad_count: int = 0
    hours: Sequence[HourOfDay] = ()
    utc_count: int = 0  # sessions whose local time is not known: their hours are UTC
    exposures: Sequence[Exposure] = ()  # the one that accounts for most first; what says nothing is left out
    unjudged_count: int = 0  # further ones that too few sessions, or all, were under

    @property
    def bad_share(self) -> float | None:
        """The share of the sessions that was bad."""
        return self.bad_count / self.session_count if self.session_count else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        exposures = [
            {
                "factor": one.factor,
                "title": one.title,
                "which": one.value,
                "bad_share": one.bad_share,
                "other_bad_share": one.other_bad_share,
                "fraction": asdict(one.fraction),
            }
            for one in self.exposures
        ]
        whole = {name: getattr(self, name) for name in ("session_count", "bad_count", "bad_share", "utc_count")}
        return whole | {
            "hours": [asdict(hour) for hour in self.hours],
            "exposures": exposures,
            "unjudged_count": self.unjudged_count,
        }


class _Factor(NamedTuple):
    name: str
    title: str
    column: str | None = None  # None: the local hour
    is_flag: bool = False
    flagged: str = ""


_FACTORS = (
    _Factor("hour", "Hours (local)"),
    _Factor("family", DIMENSIONS["family"].title, DIMENSIONS["family"].column),
    _Factor("resolver", DIMENSIONS["resolver"].title, DIMENSIONS["resolver"].column),
    _Factor("cache", DIMENSIONS["cache_site"].title, DIMENSIONS["cache_site"].column),
    _Factor("loaded", DIMENSIONS["loaded"].title, DIMENSIONS["loaded"].column),
    _Factor("machine", "This machine", "is_machine_limited", True, "processor busy or held back"),
    _Factor("traffic", "This machine", "is_cross_traffic", True, "foreign traffic"),
)


def bad_sessions(connection: Connection, selection: Selection) -> BadSessions:
    """Sum up the sessions of a settled selection."""
    sums = BadSums(connection, selection)
    scan = ColumnScan(connection, replace(selection, is_valid_only=True), PARAMETERS["startup_delay_s"])
    pass_on(scan, [lambda rows: sums.add(scan, rows)])
    return sums.result()


def is_bad(rows: SelectedRows) -> Mask:
    """Return which sessions showed no picture, or stalled."""
    found: Mask = (rows.value("is_started") == 0) | (rows.value("has_stall") == 1)
    return found


class _Cells:
    """Sums by day, line, evening or not, and group of videos. A stratum is all but the last."""

    def __init__(self, selection: Selection) -> None:
        self._block_s = max(86_400, -(-selection.length_s // DAY_BLOCKS))
        self._start_s = selection.start_s
        self._lines: dict[int, int] = {}
        self.day_count = selection.length_s // self._block_s + 1
        self.count = self.day_count * (_MAX_LINES + 1) * 2 * VIDEO_GROUPS
        self.shape = (self.count // VIDEO_GROUPS, VIDEO_GROUPS)
        self.day_of: Integers = np.arange(self.shape[0]) // (2 * (_MAX_LINES + 1))

    def days(self, rows: SelectedRows) -> Integers:
        return (rows.whole("started_s") - self._start_s) // self._block_s

    def of(self, rows: SelectedRows, days: Integers, hours: Integers) -> dict[bool, Integers]:
        """Return the cell of each row, with evenings told apart and without."""
        vantages = rows.whole("vantage_id")
        present = counted(vantages)[0].tolist()
        for number in present:
            self._lines.setdefault(number, min(len(self._lines), _MAX_LINES))
        line = np.array([self._lines[number] for number in present], dtype=np.int64)[numbered(vantages)]
        # Days first: the rows of a chunk are of a few, so that their cells lie side by side.
        first = (days * (_MAX_LINES + 1) + line) * 2 * VIDEO_GROUPS + video_groups(rows)
        is_evening = (hours >= EVENING[0]) & (hours < EVENING[1])
        return {False: first, True: first + VIDEO_GROUPS * is_evening}


class _FactorSums:
    """Sessions and bad sessions of one factor: of each value, of further values together, and of those not known."""

    def __init__(self, cell_count: int) -> None:
        self._place_of = {-1: _UNKNOWN}  # of each code that was seen
        self._values: list[int] = []  # codes with a place of their own, in the order of their places
        self._sums = np.zeros((cell_count, _OWN, 2), dtype=np.int64)  # by cell and place: not bad, and bad

    def add(self, codes: Integers, cells: Integers, bad: Mask) -> None:
        """Sum up some sessions: all values and both outcomes at once, since a pass for each would take far longer."""
        if not len(codes):
            return
        places, first = self._places(codes), int(cells.min())
        height, width = int(cells.max()) - first + 1, self._sums.shape[1]
        keys = ((cells - first) * width + places) * 2 + bad
        found = np.bincount(keys, minlength=height * width * 2)
        self._sums[first : first + height] += found.reshape(height, width, 2)

    def counts(self, shape: tuple[int, int]) -> Iterator[tuple[int, ExposedCounts]]:
        """Give each value's code, and the counts of the sessions under it and of all whose value is known."""
        known, known_bad = (part.reshape(shape) for part in _all_and_bad(self._sums[:, _OTHER:].sum(axis=1)))
        for code, place in sorted((code, _OWN + index) for index, code in enumerate(self._values)):
            exposed, exposed_bad = (part.reshape(shape) for part in _all_and_bad(self._sums[:, place]))
            yield code, ExposedCounts(exposed, exposed_bad, known, known_bad)

    def _places(self, codes: Integers) -> Integers:
        places = self._table(codes)[codes]
        is_new = places < 0
        if not is_new.any():
            return places
        found, counts = counted(codes[is_new])
        for code in found[np.argsort(-counts, kind="stable")].tolist():
            has_room = len(self._values) < _MAX_VALUES
            self._place_of[code] = _OWN + len(self._values) if has_room else _OTHER
            self._values += [code] if has_room else []
        more = _OWN + len(self._values) - self._sums.shape[1]
        wider = np.zeros((len(self._sums), more, 2), dtype=np.int64)
        self._sums = np.concatenate([self._sums, wider], axis=1)
        return self._table(codes)[codes]

    def _table(self, codes: Integers) -> Integers:
        """Return the place of each code, -1 for one that is new; the last one is that of -1: not known."""
        table = np.full(max(int(codes.max()), *self._place_of) + 2, -1, dtype=np.int64)
        table[[*self._place_of]] = [*self._place_of.values()]
        return table


def _all_and_bad(sums: Integers) -> tuple[Values, Values]:
    return sums.sum(axis=-1).astype(np.float64), sums[..., 1].astype(np.float64)


class BadSums:
    """The sums that bad sessions of a selection are told by."""

    def __init__(self, connection: Connection, selection: Selection) -> None:
        self._hours = LocalHours(connection)
        self._cells = _Cells(selection)
        self._factors = {factor: _FactorSums(self._cells.count) for factor in _FACTORS}
        self._bad = {has_evening: np.zeros(self._cells.count) for has_evening in (False, True)}
        # Sessions by day, hour and group of videos: not bad, and bad.
        self._by_hour = np.zeros((self._cells.day_count, HOURS, VIDEO_GROUPS, 2), dtype=np.int64)
        self._steps = Counts()
        self._texts: list[str] = []

    def add(self, scan: ColumnScan, rows: SelectedRows) -> None:
        """Sum up the sessions among some valid rows."""
        rows = rows.masked(rows.plain("is_session") == 1)
        if not len(rows):
            return
        bad, hours, days = is_bad(rows), self._hours.of(rows), self._cells.days(rows)
        cells = self._cells.of(rows, days, hours)
        for has_evening, total in self._bad.items():
            total += np.bincount(cells[has_evening][bad], minlength=self._cells.count)
        for factor, sums in self._factors.items():
            sums.add(_codes(rows, factor, hours), cells[factor.column is not None], bad)
        self._add_hours(rows, bad, hours, days)
        self._texts = scan.texts.texts

    def _add_hours(self, rows: SelectedRows, bad: Mask, hours: Integers, days: Integers) -> None:
        first = int(days.min())
        video = video_groups(rows)
        keys = (((days - first) * HOURS + hours) * VIDEO_GROUPS + video) * 2 + bad
        part = self._by_hour[first : int(days.max()) + 1]
        part += np.bincount(keys, minlength=part.size).reshape(part.shape)
        steps = steps_of(rows, PARAMETERS["startup_delay_s"])
        if not (steps >= 0).all():
            hours, steps = hours[steps >= 0], steps[steps >= 0]
        # Of the many steps that there can be few occur: these are numbered, so that each hour has as few.
        present = counted(steps)[0]
        keys, sizes = counted(hours, numbered(steps))
        hours, places = parted(keys)
        self._steps.add_counted(hours * MAX_STEPS + present[places], sizes)

    def result(self) -> BadSessions:
        """Return what was summed up."""
        exposures = self._exposures()
        judged = [one for one in exposures if one.fraction.value is not None]
        return BadSessions(
            session_count=int(self._by_hour.sum()),
            bad_count=int(self._by_hour[..., 1].sum()),
            hours=[self._hour(hour) for hour in range(HOURS)],
            utc_count=self._hours.utc_count,
            exposures=sorted(judged, key=lambda one: -(one.fraction.value or 0.0)),
            unjudged_count=len(exposures) - len(judged),
        )

    def _hour(self, hour: int) -> HourOfDay:
        count, bad = (part.ravel() for part in _all_and_bad(self._by_hour[:, hour]))
        day, video = divmod(np.arange(len(count)), VIDEO_GROUPS)
        spread = group_spread(bad, count, Clusters(day, video))
        of, total = int(bad.sum()), int(count.sum())
        low, high = share_interval(of / total, total, spread) if spread is not None and total else (None, None)
        keys, sizes = self._steps.merged()
        begin, end = np.searchsorted(keys, (hour * MAX_STEPS, (hour + 1) * MAX_STEPS))
        median = Histogram(keys[begin:end] - hour * MAX_STEPS, sizes[begin:end]).quantile(0.5) if end > begin else None
        return HourOfDay(hour, total, of, of / total if total else None, low, high, median)

    def _exposures(self) -> list[Exposure]:
        """Return every value of every factor; of two values the worse one, since the other says the same again."""
        found: list[tuple[_Factor, int, Fraction]] = []
        for factor, sums in self._factors.items():
            # Hours are compared within line and day, everything else within the evening or not, too.
            bad = self._bad[factor.column is not None].reshape(self._cells.shape)
            own = [
                (factor, code, fraction_of(counts, bad, self._cells.day_of))
                for code, counts in sums.counts(self._cells.shape)
                if not (factor.is_flag and code == 0)
            ]
            found += own if len(own) != 2 else [max(own, key=lambda one: one[2].value or 0.0)]
        fractions = shown_among([fraction for _, _, fraction in found])
        return [
            Exposure(factor.name, factor.title, self._words(factor, code), fraction)
            for (factor, code, _), fraction in zip(found, fractions, strict=True)
        ]

    def _words(self, factor: _Factor, code: int) -> str:
        if factor.column is None:
            first = (EVENING[1] + code * _PART_HOURS) % HOURS
            return f"{first} to {(first + _PART_HOURS) % HOURS or HOURS} h"
        if factor.is_flag:
            return factor.flagged
        return f"IPv{code}" if factor.name == "family" else self._texts[code]


def _codes(rows: SelectedRows, factor: _Factor, hours: Integers) -> Integers:
    if factor.column is None:
        return _PARTS[hours]
    if factor.is_flag or factor.name == "family":
        numbers = rows.plain(factor.column)
        return np.where(np.isnan(numbers), -1, numbers).astype(np.int64)
    return rows.words(factor.column)
