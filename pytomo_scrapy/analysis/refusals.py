"""The account of refusals: what the service kept from us, how often, and whether what is left is still a fair sample.

Refused videos are not missing at random: a service may distrust a guest more where much is at stake. What a refused
video is like is known from the list that named it, so only listed values are compared, of refused and measured alike.
Definitions: docs/metrics.md, "Refusals".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values, numbers_of
from pytomo_scrapy.analysis.columnar.counts import Counts
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows
from pytomo_scrapy.analysis.columnar.text_codes import TextCodes
from pytomo_scrapy.analysis.figures import DIMENSIONS
from pytomo_scrapy.analysis.selection import CONDITION, Selection
from pytomo_scrapy.analysis.strata_test import LEAST_OF_EACH, LEAST_OF_STRATUM, difference_chance, shown_by_holm
from pytomo_scrapy.analysis.wilson import wilson_interval
from pytomo_scrapy.failures import was_refused
from pytomo_scrapy.items.in_words import counted, number
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.figure_tables import figure

_DAY_S = 86_400.0
# Of each property the column, its name in a sentence, the edges of its strata and the strata. A list's ages are whole
# units, rounded down: the edges are units too, so that no video is in the wrong stratum for that.
_PROPERTIES: Mapping[str, tuple[str, str, tuple[float, ...], tuple[str, ...]]] = {
    "views": (
        "listed_view_count",
        "views",
        (1e5, 1e6, 1e7),
        ("under 100 000", "100 000 to 1 million", "1 to 10 million", "10 million or more"),
    ),
    "age": (
        "listed_age_s",
        "age",
        (_DAY_S, 7 * _DAY_S, 30 * _DAY_S, 365 * _DAY_S),
        ("under a day", "a day to a week", "a week to a month", "a month to a year", "a year or more"),
    ),
    "duration": (
        "listed_duration_s",
        "duration",
        (60.0, 240.0, 1200.0),
        ("under 1 min", "1 to 4 min", "4 to 20 min", "20 min or more"),
    ),
}
_SOURCE = "source"
_UNKNOWN = "not listed"
_TITLES = {name: title for name, (_, title, _, _) in _PROPERTIES.items()} | {_SOURCE: "kind of source"}
# What is known of a measurement whatever its outcome: by anything else no refused video could be found.
_KNOWN_OF_ALL = frozenset(("vantage", "provider", "service", "yt_dlp_version", "run"))
# Rows by outcome: how the service would have answered is not known, media were measured, refused, or something else.
_NOT_ASKED, _MEASURED, _REFUSED, _OTHER = range(4)
_STRATUM_BITS, _KIND_BITS = 3, 20  # of the keys that rows are counted by


@dataclass(frozen=True, slots=True)
class RefusedShare:
    """How many of the videos asked for were refused. `low` and `high` bound the share's 95 % interval (Wilson)."""

    name: str  # a class of failure, a stratum
    asked_count: int
    refused_count: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Strata:
    """The shares by one property. `is_different`: refused and measured videos are shown to differ in it."""

    name: str
    title: str
    strata: tuple[RefusedShare, ...]
    chance: float | None = None  # of a difference as large; None: too few videos to tell
    is_different: bool = False


@dataclass(frozen=True, slots=True)
class RefusalAccount:
    """What the service refused of a selection. Counts are rows; `sentences` say it in words."""

    attempted_count: int = 0
    measured_count: int = 0
    every: RefusedShare = RefusedShare("all", 0, 0, None, None, None)
    classes: tuple[RefusedShare, ...] = ()
    properties: tuple[Strata, ...] = ()
    sentences: tuple[str, ...] = ()
    without_filters: tuple[str, ...] = ()  # of the selection, those that no refused video could meet

    def parts(self) -> list[tuple[str, str, RefusedShare]]:
        """Return every share with what it is by and of which videos it is. Empty where nothing was refused."""
        if not self.every.refused_count:
            return []
        classes = [("class", one.name, one) for one in self.classes]
        strata = [(one.title, part.name, part) for one in self.properties for part in one.strata]
        return [("all", "", self.every), *classes, *strata]

    def to_dict(self) -> dict[str, Any]:
        """Return the account as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AskedRows:
    """Some measurements by column: `failures` and `kinds` are numbers of `texts`, -1 for none; NaN: not listed."""

    videos: Integers
    failures: Integers
    is_valid: Integers
    kinds: Integers
    listed: Mapping[str, Values]  # by the name of the property


def refusals(connection: Connection, selection: Selection) -> RefusalAccount:
    """Account for the refusals of a selection: of all its rows, valid or not, and by the filters that all can meet."""
    left_out = [DIMENSIONS[name].title for name in selection.equals if name not in _KNOWN_OF_ALL]
    left_out += [] if selection.condition is None else [CONDITION]
    equals = {name: value for name, value in selection.equals.items() if name in _KNOWN_OF_ALL}
    scan = ColumnScan(connection, replace(selection, equals=equals, is_valid_only=False, condition=None))
    tally = RefusalTally(scan.texts)
    for rows in scan:
        tally.add(asked_rows(rows))
    return tally.account(left_out)


def is_of_all(selection: Selection) -> bool:
    """Return whether every filter of a selection can be met by a refused video too."""
    return selection.condition is None and selection.equals.keys() <= set(_KNOWN_OF_ALL)


def asked_rows(rows: SelectedRows) -> AskedRows:
    """Return the columns that refusals are accounted for by."""
    return AskedRows(
        videos=rows.whole("video_row_id"),
        failures=rows.words("failure"),
        is_valid=rows.whole("is_valid"),
        kinds=rows.words("source_kind"),
        listed={name: rows.plain(column) for name, (column, *_) in _PROPERTIES.items()},
    )


def refusals_where(connection: Connection, condition: ColumnElement[bool]) -> RefusalAccount:
    """Account for the refusals of the measurements that meet a condition on their table."""
    columns = ("video_row_id", "failure", "is_valid", "source_kind", *(row[0] for row in _PROPERTIES.values()))
    chosen = figure.c.measurement_id.in_(select(measurement.c.id).where(condition))
    query = select(*(figure.c[name] for name in columns)).where(chosen).execution_options(yield_per=10_000)
    tally = RefusalTally(TextCodes())
    for part in connection.execute(query).partitions():
        videos, failures, is_valid, kinds, *listed = zip(*part, strict=True)
        tally.add(
            AskedRows(
                videos=np.array(videos, dtype=np.int64),
                failures=tally.numbers(failures),
                is_valid=np.array(is_valid, dtype=np.int64),
                kinds=tally.numbers(kinds),
                listed=dict(zip(_PROPERTIES, map(numbers_of, listed), strict=True)),
            )
        )
    return tally.account()


class RefusalTally:
    """Counts rows by video, outcome and strata: memory grows with the videos, not with the rows."""

    def __init__(self, texts: TextCodes) -> None:
        self._texts = texts
        self._failures = Counts()
        self._keys: list[Integers] = []
        self._counts: list[Integers] = []

    def numbers(self, words: Sequence[str | None]) -> Integers:
        """Return the numbers that stand for words."""
        return np.array([-1 if word is None else self._texts.number(word) for word in words], dtype=np.int64)

    def add(self, rows: AskedRows) -> None:
        """Count some rows."""
        outcomes = self._outcomes(rows.failures)[rows.failures]
        outcomes = np.where(rows.is_valid == 1, _MEASURED, outcomes)
        self._failures.add(rows.failures[outcomes == _REFUSED])
        # One number a row: video, kind of source, the strata, outcome; 0 stands for what is not known.
        keys = (rows.videos << _KIND_BITS) + rows.kinds + 1
        for name, (_, _, edges, _) in _PROPERTIES.items():
            values = rows.listed[name]
            strata = np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="right") + 1)
            keys = (keys << _STRATUM_BITS) + strata
        distinct, counts = np.unique((keys << 2) + outcomes, return_counts=True)
        self._keys.append(distinct)
        self._counts.append(counts.astype(np.int64))

    def _outcomes(self, failures: Integers) -> Integers:
        """Return the outcome of each class of failure that is known so far; the last is that of none."""
        known = {True: _REFUSED, False: _OTHER, None: _NOT_ASKED}
        return np.array([*(known[was_refused(text)] for text in self._texts.texts), _OTHER], dtype=np.int64)

    def account(self, without_filters: Sequence[str] = ()) -> RefusalAccount:
        """Sum up what was counted."""
        nothing = np.empty(0, dtype=np.int64)
        keys, counts = (np.concatenate([nothing, *parts]) for parts in (self._keys, self._counts))
        outcomes = keys & 3
        of_outcome = np.bincount(outcomes, weights=counts, minlength=4).astype(np.int64).tolist()
        asked = sum(of_outcome[outcome] for outcome in (_MEASURED, _REFUSED, _OTHER))
        classes = sorted(self._failures.as_dict().items(), key=lambda pair: (-pair[1], self._texts.texts[pair[0]]))
        found = RefusalAccount(
            attempted_count=int(counts.sum()),
            measured_count=of_outcome[_MEASURED],
            every=_share("all", asked, of_outcome[_REFUSED]),
            classes=tuple(_share(self._texts.texts[number], asked, count) for number, count in classes),
            without_filters=tuple(without_filters),
        )
        if of_outcome[_REFUSED]:
            found = replace(found, properties=self._properties(keys >> 2, outcomes, counts))
        return replace(found, sentences=tuple(_sentences(found)))

    def _properties(self, keys: Integers, outcomes: Integers, counts: Integers) -> tuple[Strata, ...]:
        found = []
        for name, (_, _, _, labels) in reversed(list(_PROPERTIES.items())):
            strata, keys = keys & ((1 << _STRATUM_BITS) - 1), keys >> _STRATUM_BITS
            found.append((name, dict(enumerate(labels, 1)), strata))
        found.reverse()
        kinds, videos = keys & ((1 << _KIND_BITS) - 1), keys >> _KIND_BITS
        by_name = sorted((self._texts.texts[kind - 1], kind) for kind in np.unique(kinds[kinds > 0]).tolist())
        known_kinds = {kind: word for word, kind in by_name}
        found.append((_SOURCE, known_kinds, kinds))
        tested = {name: _chance(videos, strata, outcomes, counts) for name, _, strata in found}
        shown = shown_by_holm({name: chance for name, chance in tested.items() if chance is not None})
        return tuple(
            Strata(name, _TITLES[name], _shares(labels, strata, outcomes, counts), tested[name], name in shown)
            for name, labels, strata in found
        )


def _share(name: str, asked_count: int, refused_count: int) -> RefusedShare:
    low, high = wilson_interval(refused_count, asked_count) or (None, None)
    share = refused_count / asked_count if asked_count else None
    return RefusedShare(name, asked_count, refused_count, share, low, high)


def _shares(
    labels: Mapping[int, str], strata: Integers, outcomes: Integers, counts: Integers
) -> tuple[RefusedShare, ...]:
    """Return the share of each stratum that something was asked of, and last of what no list told."""
    asked, refused = (
        np.bincount(strata, weights=np.where(is_counted, counts, 0), minlength=max(labels, default=0) + 1)
        for is_counted in (outcomes != _NOT_ASKED, outcomes == _REFUSED)
    )
    named = [*labels.items(), (0, _UNKNOWN)]
    return tuple(_share(label, int(asked[number]), int(refused[number])) for number, label in named if asked[number])


def _chance(videos: Integers, strata: Integers, outcomes: Integers, counts: Integers) -> float | None:
    """Return how probable the difference between refused and measured videos is by chance. None: too few to tell."""
    is_compared = (strata > 0) & ((outcomes == _REFUSED) | (outcomes == _MEASURED))
    # A video that lists describe in two ways counts as two.
    units, unit = np.unique((videos << _KIND_BITS)[is_compared] + strata[is_compared], return_inverse=True)
    refused, measured = (
        np.bincount(unit, weights=counts[is_compared] * (outcomes[is_compared] == outcome), minlength=len(units))
        for outcome in (_REFUSED, _MEASURED)
    )
    return difference_chance(units & ((1 << _KIND_BITS) - 1), refused.astype(np.float64), measured.astype(np.float64))


def _sentences(found: RefusalAccount) -> list[str]:
    every = found.every
    if every.share is None or every.low is None or every.high is None:
        return ["Nothing was asked of the service."] if found.attempted_count else []
    interval = f"95 % interval {_percent(every.low)} to {_percent(every.high)}"
    if every.refused_count:
        share = f"{_percent(every.share)}, {interval}"
        said = [
            f"The service refused {number(every.refused_count, 0)} of {counted(every.asked_count, 'video')} ({share})."
        ]
        different = [one for one in found.properties if one.is_different]
        said += [_difference(one) for one in different]
        said.append(_LEANING if different else _no_difference(found.properties))
    else:
        said = [f"The service refused none of {counted(every.asked_count, 'video')} ({interval})."]
    if found.without_filters:
        names = _listing([name.lower() for name in found.without_filters])
        said.append(f"Counted without the filter by {names}: not every refused video has one.")
    return said


_LEANING = "The figures are those of the measured videos, and say less of the videos that were refused most."


def _difference(one: Strata) -> str:
    known = [part for part in one.strata if part.name != _UNKNOWN and part.asked_count >= LEAST_OF_STRATUM]
    most, least = (choose(known, key=lambda part: part.share or 0.0) for choose in (max, min))
    return (
        f"Refused videos differ from measured ones in {one.title}: the service refused "
        f'{_percent(most.share)} of "{most.name}" and {_percent(least.share)} of "{least.name}".'
    )


def _no_difference(properties: Sequence[Strata]) -> str:
    tested = [one.title for one in properties if one.chance is not None]
    if not tested:
        return f"Whether refused videos differ from measured ones is not known: {LEAST_OF_EACH} of each are needed."
    said = f"No difference between refused and measured videos is shown in {_listing(tested)}"
    untold = [one.title for one in properties if one.chance is None]
    return f"{said}; {_listing(untold)}: too few to tell." if untold else f"{said}."


def _listing(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.1f} %"
