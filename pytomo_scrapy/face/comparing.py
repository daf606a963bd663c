"""Startup quantiles and comparisons of the rows of a frame, with the arithmetic and intervals of the web page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from pytomo_scrapy.analysis.clustered import Spread
from pytomo_scrapy.analysis.columnar.array_rows import ArrayScan
from pytomo_scrapy.analysis.columnar.scan import Mask, SelectedRows
from pytomo_scrapy.analysis.compared import ComparedTable
from pytomo_scrapy.analysis.comparison import Difference, differences, group_spread
from pytomo_scrapy.analysis.estimates import (
    KINDS,
    Estimate,
    Facts,
    Sums,
    censored_values,
    estimate_of,
    figure_of,
)
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.histogram import Histogram, steps_of
from pytomo_scrapy.analysis.selection import MAX_GROUPS, Selection
from pytomo_scrapy.face.frames import FrameColumn, facts_of, make_frame, numbers_of, target_of, texts_of
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items.near_words import did_you_mean

_STARTUP = "startup_delay_s"
_QUARTILES = (0.25, 0.5, 0.75)


def startup_quantiles(frame: Any, ratios: Sequence[float] = _QUARTILES, *, by: str | None = None) -> Any:
    """Return by when these shares of all valid sessions of a frame of `sessions()` had started, for each group of `by`.

    A frame of the same sort: `group`, `ratio`, `startup_delay_s` with the ends `low` and `high` of its 95 % interval,
    and `n`. Sessions that failed never start, those whose window was over are right-censored (docs/metrics.md): NULL
    where too few started, or the data do not tell. Raises SettingError for a column that is not there.
    """
    rows = _Rows(frame, by)
    made = _columns("group text", "ratio real", "startup_delay_s real s", "low real s", "high real s", "n integer")
    for label, mask in rows.groups:
        valid = rows.scan.rows(mask & rows.is_valid)
        steps = steps_of(valid, PARAMETERS[_STARTUP])
        histogram = Histogram(*np.unique(steps[steps >= 0], return_counts=True))
        for ratio in ratios:
            value = histogram.quantile(ratio)
            low, high = _read_back(histogram, ratio, None if value is None else rows.spread_below(valid, value))
            _add(made, label, ratio, value, low, high, histogram.row_count)
    return make_frame(made, target_of(frame))


def compare(frame: Any, by: str, *, first: str | None = None) -> Any:
    """Compare groups of a frame of `sessions()` with the `first` of them, or else with the most frequent one.

    A frame of the same sort with a row for each group and figure: `group`, `figure`, `unit`, `n`, `value` with the ends
    of its 95 % interval, `difference` to the first group with its own, `verdict` (worse, better, cannot tell) and
    `basis`, what like was compared with like by. Differences of medians are relative: 0.2 is a fifth more. All are
    tested together (Holm). As the page "Compare" and `pytomo report --by` say it of the same rows (docs/metrics.md).
    Raises SettingError for a column that is not there, and for a `first` that no row has.
    """
    rows = _Rows(frame, by, first)
    estimates = [rows.estimates(mask) for _, mask in rows.groups]
    found = {(one.group, one.figure): one for one in rows.differences(estimates)} if len(rows.groups) > 1 else {}
    made = _columns(
        *("group text", "figure text", "unit text", "n integer", "value real", "low real", "high real"),
        *("difference real", "difference_low real", "difference_high real", "verdict text", "basis text"),
    )
    for index, ((label, _), own) in enumerate(zip(rows.groups, estimates, strict=True)):
        for one in own:
            apart = found.pop((index, one.kind.name), None)
            _add(made, label, one.kind.name, _si_unit(one.kind.unit), *_valued(one), *_said(apart))
        # Of the best quality that plays the page knows the difference alone.
        for figure in [figure for group, figure in found if group == index]:
            apart = found.pop((index, figure))
            _add(made, label, figure, _si_unit(PARAMETERS[figure].unit), apart.row_count, *(None,) * 3, *_said(apart))
    return make_frame(made, target_of(frame))


class _Rows:
    """The rows of a frame, as the page's sums take them, and the groups among them."""

    def __init__(self, frame: Any, by: str | None, first: str | None = None) -> None:
        known = facts_of(frame)
        for name in (by, "started_s", "is_session", "is_valid"):
            if name is not None and name not in known:
                raise SettingError(f"The frame has no column {name!r}: read it with sessions(), with all its columns.")
        numbers = numbers_of(frame)
        self.scan = ArrayScan(numbers, texts_of(frame))
        self.is_valid: Mask = numbers["is_valid"] == 1
        started = numbers["started_s"]
        # A selection ends before its end.
        begin, end = (int(started.min()), int(started.max())) if len(started) else (0, 0)
        self._sums = Sums(Selection(begin, end + 1))
        self._selection = Selection(begin, end + 1)
        self.groups = self._groups(frame, by, first)

    def _groups(self, frame: Any, by: str | None, first: str | None) -> list[tuple[str, Mask]]:
        every: Mask = np.full(len(self.is_valid), True)
        if by is None:
            return [("all", every)]
        # NULL is no group of its own: who compares providers does not ask about the rows that have none.
        labels = np.array(["" if value is None else str(value) for value in _values(frame, by)], dtype=object)
        # By valid sessions, as on the page: groups of failures alone have nothing to compare.
        names, counts = np.unique(labels[self.is_valid & (labels != "")].astype(str), return_counts=True)
        ordered = sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda one: (one[0] != first, -one[1]))
        if first is not None and ordered and ordered[0][0] != first:
            meant = did_you_mean(first, names.tolist())
            raise SettingError(f"No valid session of the frame has {by} {first!r}{f': {meant}' if meant else '.'}")
        return [(name, labels == name) for name, _ in ordered[:MAX_GROUPS]]

    def spread_below(self, rows: SelectedRows, value: float) -> Spread | None:
        """Return how sure the share of rows is that had started by `value`."""
        found = censored_values(rows, _STARTUP, value)
        return group_spread((found <= value).astype(float), (~np.isnan(found)).astype(float), self._sums.clusters(rows))

    def estimates(self, mask: Mask) -> list[Estimate]:
        """Return every headline figure of a group, with its interval."""
        facts, scan = Facts(), cast(Any, self.scan)
        rows = self.scan.rows(mask & self.is_valid)
        facts.add(np.array([mask.sum()]), rows)
        method = facts.ping_method(scan)
        histograms = {kind.name: facts.histogram(kind.name, scan, method) for kind in KINDS if kind.is_median}
        sums, medians = Sums(self._selection), {name: found.quantile(0.5) for name, found in histograms.items()}
        sums.add_ratios(rows)
        number = None if method is None else self.scan.texts.number(method)
        sums.add_medians(sums.median_rows(rows), [medians], [number])
        return [estimate_of(kind, figure_of(kind, sums, histograms.get(kind.name))) for kind in KINDS]

    def differences(self, estimates: Sequence[Sequence[Estimate]]) -> Sequence[Difference]:
        """Return how each further group differs from the first one."""
        medians = [
            one.value for own in estimates for one in own if one.kind.name == "startup" and one.value is not None
        ]
        table = ComparedTable()
        for index, (_, mask) in enumerate(self.groups):
            rows = self.scan.rows(mask & self.is_valid)
            table.add(rows, np.full(len(rows), index, dtype=np.int64), self._sums.clusters(rows))
        return differences(table.rows(max(medians, default=0.0)), len(self.groups))


def _read_back(histogram: Histogram, ratio: float, spread: Spread | None) -> tuple[float | None, float | None]:
    """Return the interval of a quantile: that of the share below it, read back. Source: Woodruff (1952)."""
    if spread is None:
        return None, None
    # A share of 0 or 1 itself has no quantile that could be read back.
    low, high = (histogram.quantile(min(max(ratio + side * spread.reach, 1e-6), 1 - 1e-6)) for side in (-1, 1))
    return (low, high) if low is not None and high is not None else (None, None)


def _values(frame: Any, name: str) -> list[Any]:
    texts = texts_of(frame)
    if name in texts:
        return list(texts[name])
    numbers = numbers_of(frame).get(name)
    if numbers is None:
        raise SettingError(f"{name!r} is nothing to compare by: it must be a column of texts or numbers.")
    return [None if np.isnan(value) else f"{value:g}" for value in numbers]


def _said(apart: Difference | None) -> tuple[float | None, float | None, float | None, str | None, str | None]:
    return (None,) * 5 if apart is None else (apart.value, apart.low, apart.high, apart.verdict, apart.basis)


def _valued(one: Estimate) -> tuple[int, float | None, float | None, float | None]:
    return one.row_count, one.value, one.low, one.high


def _si_unit(shown: str) -> str:
    # Pages show what people read; the values here are those of the columns, which are SI.
    return {"ms": "s", "Mbit/s": "bit/s", "%": "ratio"}.get(shown, shown)


def _columns(*described: str) -> list[FrameColumn]:
    found = []
    for words in described:
        name, kind, *unit = words.split()
        found.append(FrameColumn(name, kind, {"unit": unit[0]} if unit else {}))
    return found


def _add(columns: Sequence[FrameColumn], *values: Any) -> None:
    for column, value in zip(columns, values, strict=True):
        column.values.append(value)
