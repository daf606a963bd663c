"""Which rows a page is about: a period and conditions, and the columns that a figure has under them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, case, func, literal, or_, select, true

from pytomo_scrapy.storage.dashboard_parameters import PARAMETERS, Parameter
from pytomo_scrapy.storage.dashboard_schema import figure
from pytomo_scrapy.storage.details import dns_lookup, playback
from pytomo_scrapy.storage.schema import run, vantage

MAX_GROUPS = 8
_ROWS_FOR_CHOICES = 3000
LARGE_ROWS = 60_000
_PIECES = 60


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are filtered and compared by."""

    name: str
    title: str
    column: str
    is_number: bool = False


_DIMENSIONS = (
    Dimension("vantage", "Vantage point", "vantage_id", True),
    Dimension("provider", "Provider", "provider"),
    Dimension("service", "Service", "service"),
    Dimension("host", "Media host", "host"),
    Dimension("cache_site", "Cache site", "cache_site"),
    Dimension("resolver", "Resolver", "resolver"),
    Dimension("family", "Address family", "address_family", True),
    Dimension("http_version", "HTTP version", "http_version"),
    Dimension("format", "Format", "format"),
    Dimension("mode", "Download mode", "mode"),
    Dimension("client", "Client", "client"),
    Dimension("player", "Player", "player"),
    Dimension("ping_method", "Ping method", "ping_method"),
    Dimension("yt_dlp_version", "yt-dlp", "yt_dlp_version"),
    Dimension("run", "Run", "run_id", True),
)
DIMENSIONS: Mapping[str, Dimension] = {dimension.name: dimension for dimension in _DIMENSIONS}


@dataclass(frozen=True, slots=True)
class Selection:
    """A half-open period in seconds since 1970, and what the rows must equal."""

    start_s: int
    end_s: int
    equals: Mapping[str, str | int] = field(default_factory=dict)
    is_valid_only: bool = True
    not_before: Mapping[int, int] = field(default_factory=dict)  # vantage -> first second that counts

    @property
    def length_s(self) -> int:
        """Return the period's length."""
        return self.end_s - self.start_s


class Source:
    """The rows of a selection and the columns to read from them; joins only what the question needs."""

    def __init__(self, selection: Selection, parameter: Parameter | None = None, compare: str | None = None) -> None:
        self.selection = selection
        self._player = selection.equals.get("player")
        wants_player = (self._player is not None or compare == "player") and (
            parameter is None or parameter.is_playback
        )
        wants_lookups = compare == "resolver" and parameter is not None and parameter.name == "dns_elapsed_s"
        self._playback = playback.alias("chosen") if wants_player else None
        self._lookup = dns_lookup.alias("lookup") if wants_lookups else None
        self._vantage = vantage if "provider" in {*selection.equals, compare} else None
        self.tables = self._joined()
        self.where = and_(*self._conditions())
        self.group = self.dimension(compare) if compare else None

    def value(self, name: str) -> ColumnElement[Any]:
        """Return the column of a figure, of the chosen player where one is chosen."""
        if self._lookup is not None and name == "dns_elapsed_s":
            return self._lookup.c.elapsed_s
        chosen = self._playback
        if chosen is None or (name not in {"waited_s"} and not PARAMETERS[name].is_playback):
            return figure.c[name]
        if name == "has_stall":
            return case((chosen.c.stall_count > 0, 1), (chosen.c.stall_count == 0, 0))
        if name == "is_started":
            return case((chosen.c.is_started, 1), else_=0)
        if name == "waited_s":
            return func.coalesce(chosen.c.startup_delay_s, chosen.c.horizon_s, figure.c.waited_s)
        column: ColumnElement[Any] = chosen.c[name]
        return column

    def waited(self, name: str) -> ColumnElement[Any]:
        """Return after how long a censored figure was reached or given up."""
        if name == "startup_delay_s":
            return self.value("waited_s")
        before = func.coalesce(figure.c.resolve_elapsed_s, 0) + func.coalesce(figure.c.dns_elapsed_s, 0)
        return func.coalesce(self.value(name), before + figure.c.waited_s)

    def dimension(self, name: str) -> ColumnElement[Any]:
        """Return the column that rows are compared by."""
        if name == "provider":
            assert self._vantage is not None
            return self._vantage.c.provider
        if name == "player" and self._playback is not None:
            return self._playback.c.player
        if name == "resolver" and self._lookup is not None:
            return self._lookup.c.resolver
        if name == "vantage":
            # The sum keeps SQLite from the index of vantage points, which would read all of time for one week.
            return figure.c.vantage_id + 0
        return figure.c[DIMENSIONS[name].column]

    def select(self, *columns: Any) -> Select[Any]:
        """Return a query of these columns over the selection's rows."""
        return select(*columns).select_from(self.tables).where(self.where)

    def _joined(self) -> FromClause:
        tables: FromClause = figure
        if self._vantage is not None:
            tables = tables.join(self._vantage, self._vantage.c.id == figure.c.vantage_id)
        if self._playback is not None:
            chosen = self._playback.c
            same = and_(chosen.measurement_id == figure.c.measurement_id, chosen.place == figure.c.place)
            if self._player is not None:
                # A session that the network ended before any player ran never started, under every player.
                tables = tables.outerjoin(self._playback, and_(same, chosen.player == self._player))
            else:
                tables = tables.join(self._playback, same)
        if self._lookup is not None:
            looked_up = self._lookup.c
            same = and_(looked_up.measurement_id == figure.c.measurement_id, looked_up.host == figure.c.host)
            tables = tables.join(self._lookup, same)
        return tables

    def _conditions(self) -> list[ColumnElement[bool]]:
        chosen = self.selection
        conditions = [figure.c.started_s >= chosen.start_s, figure.c.started_s < chosen.end_s]
        if chosen.is_valid_only:
            conditions.append(figure.c.is_valid == 1)
        for name, value in chosen.equals.items():
            if name == "player":
                conditions.append(self._of_player())
            elif not (name == "resolver" and self._lookup is not None):
                conditions.append(self.dimension(name) == value)
            else:
                conditions.append(self._lookup.c.resolver == value)
        if chosen.not_before:
            late = [and_(figure.c.vantage_id == key, figure.c.started_s < s) for key, s in chosen.not_before.items()]
            conditions.append(~or_(*late))
        return conditions

    def _of_player(self) -> ColumnElement[bool]:
        if self._playback is None:
            return true()
        return or_(self._playback.c.id.is_not(None), and_(figure.c.player.is_(None), figure.c.is_session == 1))


def period_of(connection: Connection) -> tuple[int, int] | None:
    """Return the first and the last second that anything was measured in. None for an empty database."""
    # Two questions: SQLite answers only a lone minimum or maximum from the index.
    first = connection.execute(select(func.min(figure.c.started_s))).scalar()
    last = connection.execute(select(func.max(figure.c.started_s))).scalar()
    return None if first is None or last is None else (int(first), int(last))


def is_large(connection: Connection, selection: Selection) -> bool:
    """Tell whether the period has more than LARGE_ROWS rows, without counting them all."""
    some = (
        select(literal(1))
        .select_from(figure)
        .where(figure.c.started_s >= selection.start_s, figure.c.started_s < selection.end_s)
        .limit(LARGE_ROWS + 1)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one()) > LARGE_ROWS


def pieces(connection: Connection, selection: Selection, width_s: int = 1) -> list[Selection]:
    """Cut a large selection in time, at multiples of `width_s`, into pieces to be asked one after the other.

    SQLite groups by sorting: many short sorts take half the time of a long one, and none runs into the time limit.
    """
    if not is_large(connection, selection):
        return [selection]
    each_s = max(width_s, -(-selection.length_s // _PIECES) // width_s * width_s)
    first_s = selection.start_s - selection.start_s % width_s
    starts = range(first_s, selection.end_s, each_s)
    return [
        replace(selection, start_s=max(start_s, selection.start_s), end_s=min(start_s + each_s, selection.end_s))
        for start_s in starts
    ]


def top_groups(connection: Connection, source: Source) -> tuple[list[Any], int]:
    """Return the values of the compared dimension with most rows, and how many further ones are left out."""
    assert source.group is not None
    counts = source.select(source.group, func.count()).where(source.group.is_not(None)).group_by(source.group)
    rows = connection.execute(counts.order_by(func.count().desc(), source.group).limit(200)).all()
    return [row[0] for row in rows[:MAX_GROUPS]], max(0, len(rows) - MAX_GROUPS)


def labels_of(connection: Connection, name: str, values: list[Any]) -> list[str]:
    """Return what a person reads for the values of a dimension."""
    if name == "vantage":
        rows = connection.execute(
            select(vantage.c.id, vantage.c.name, vantage.c.provider).where(vantage.c.id.in_(values))
        )
        known = {row.id: f"{row.name} ({row.provider})" if row.provider else row.name for row in rows}
        return [known.get(value, str(value)) for value in values]
    if name == "run":
        rows = connection.execute(select(run.c.id, run.c.started_at).where(run.c.id.in_(values)))
        known = {row.id: f"run {row.id}, {row.started_at:%Y-%m-%d %H:%M}" for row in rows}
        return [known.get(value, str(value)) for value in values]
    if name == "family":
        return [f"IPv{value}" for value in values]
    return [str(value) for value in values]


def choices(connection: Connection, start_s: int, end_s: int) -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen for each dimension, (value, label), most frequent first, at most 50 of each.

    Vantage points and providers are all there; of the rest, what the newest rows of the period have.
    """
    columns = {name: one.column for name, one in DIMENSIONS.items() if name not in {"vantage", "provider"}}
    newest = (
        select(*(figure.c[column].label(name) for name, column in columns.items()))
        .where(figure.c.started_s >= start_s, figure.c.started_s < end_s)
        .order_by(figure.c.started_s.desc())
        .limit(_ROWS_FOR_CHOICES)
    )
    counters: dict[str, Counter[Any]] = {name: Counter() for name in columns}
    for row in connection.execute(newest):
        for name, value in zip(columns, row, strict=True):
            if value is not None:
                counters[name][value] += 1
    for value in connection.execute(select(playback.c.player).order_by(playback.c.id.desc()).limit(100)).scalars():
        counters["player"][value] += 1
    found = {name: [value for value, _ in counter.most_common(50)] for name, counter in counters.items()}
    rows = connection.execute(select(vantage.c.id, vantage.c.provider).order_by(vantage.c.name).limit(200)).all()
    found["vantage"] = [row.id for row in rows]
    found["provider"] = sorted({row.provider for row in rows if row.provider})
    return {
        name: list(zip(map(str, found[name]), labels_of(connection, name, found[name]), strict=True))
        for name in DIMENSIONS
    }
