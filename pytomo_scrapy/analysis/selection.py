"""The rows that a page shows: a period and conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from pytomo_scrapy.analysis.era import EVERY_RUN, Era
from pytomo_scrapy.analysis.figures import DIMENSIONS
from pytomo_scrapy.items.in_words import short_host
from pytomo_scrapy.storage.schema.crawl_tables import run, vantage
from pytomo_scrapy.storage.schema.daily_tables import daily
from pytomo_scrapy.storage.schema.figure_tables import BLOCK_ROWS, figure, figure_block
from pytomo_scrapy.storage.schema.measurement_tables import playback

MAX_GROUPS = 8
_ROWS_FOR_CHOICES = 3000
_ROWS_FOR_HOLDER = 20_000
LARGE_ROWS = 250_000
CONDITION = "Condition"  # what it is called beside the titles of the dimensions


@dataclass(frozen=True, slots=True)
class Condition:
    """What a user asks of rows besides, in words of SQL, and the ids of the measurements that meet it."""

    words: str
    measurement_ids: Select[tuple[int]] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Selection:
    """A half-open period in seconds since 1970, what the rows must equal, and which runs count together.

    Every figure, page, report and export is of one of these. `breaks.settled` finds its era.
    """

    start_s: int
    end_s: int
    equals: Mapping[str, str | int] = field(default_factory=dict)
    is_valid_only: bool = True
    is_across_breaks: bool = False  # averaged across changes of method too
    has_ad_hoc: bool = False  # single measurements (`pytomo measure`) count too
    era: Era = EVERY_RUN
    condition: Condition | None = None

    @property
    def length_s(self) -> int:
        """Return the period's length."""
        return self.end_s - self.start_s


def conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """Return what a row of the flat table must meet to be one of the selection."""
    found = [figure.c.started_s >= selection.start_s, figure.c.started_s < selection.end_s]
    if selection.is_valid_only:
        found.append(figure.c.is_valid == 1)
    for name, value in selection.equals.items():
        if name == "provider":
            found.append(figure.c.vantage_id.in_(select(vantage.c.id).where(vantage.c.provider == value)))
        elif name == "player":
            same = (playback.c.measurement_id == figure.c.measurement_id) & (playback.c.place == figure.c.place)
            played = select(playback.c.id).where(same, playback.c.player == value).exists()
            # A session that the network ended before any player ran never started, under every player.
            found.append(or_(played, and_(figure.c.player.is_(None), figure.c.is_session == 1)))
        else:
            found.append(figure.c[DIMENSIONS[name].column] == value)
    if selection.era.left_out_runs:
        found.append(figure.c.run_id.not_in(sorted(selection.era.left_out_runs)))
    if selection.condition is not None:
        found.append(figure.c.measurement_id.in_(selection.condition.measurement_ids))
    return found


def period_of(connection: Connection) -> tuple[int, int] | None:
    """Return the first and the last second that anything was measured in. None for an empty database."""
    # A question each: SQLite answers only a lone minimum or maximum from the index.
    ends = [
        connection.execute(select(end)).scalar()
        for end in (func.min(figure.c.started_s), func.max(figure.c.started_s), func.min(daily.c.day_s))
    ]
    # Of measurements that were deleted, the day is known.
    ends.append(connection.execute(select(func.max(daily.c.day_s) + 86399)).scalar())
    known = [int(end) for end in ends if end is not None]
    return (min(known), max(known)) if known else None


def is_large(connection: Connection, selection: Selection, limit: int = LARGE_ROWS) -> bool:
    """Return whether the period may have more than `limit` rows, without reading them."""
    is_near = (figure_block.c.last_s >= selection.start_s) & (figure_block.c.first_s < selection.end_s)
    near = select(func.count()).where(or_(figure_block.c.is_sealed == 0, is_near))
    return int(connection.execute(near).scalar_one()) * BLOCK_ROWS > limit


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
    if name == "contract":
        return [f"{value / 1e6:g} Mbit/s" for value in values]
    if name == "host":
        shown = [short_host(value) for value in values]
        return shown if len(set(shown)) == len(values) else list(values)
    if name == "as_number":
        return [f"AS{value} {_holder_of(connection, value)}".strip() for value in values]
    return [str(value) for value in values]


def _holder_of(connection: Connection, as_number: int) -> str:
    """Return the holder of an autonomous system from one of the newest rows, "" if none of them names it."""
    newest = select(func.max(figure.c.measurement_id)).scalar_subquery()
    said = select(figure.c.as_holder).where(figure.c.as_number == as_number, figure.c.as_holder.is_not(None))
    recent = said.where(figure.c.measurement_id > newest - _ROWS_FOR_HOLDER)
    return connection.execute(recent.order_by(figure.c.measurement_id.desc()).limit(1)).scalar() or ""


def choices(connection: Connection, start_s: int, end_s: int) -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen for each dimension, (value, label), most frequent first, at most 50 of each.

    All vantage points and providers are returned; for other dimensions, the values of the newest rows of the period.
    """
    columns = {name: dimension.column for name, dimension in DIMENSIONS.items() if name not in {"vantage", "provider"}}
    newest = (
        select(*(figure.c[column].label(name) for name, column in columns.items()))
        .where(figure.c.started_s >= start_s, figure.c.started_s < end_s)
        .order_by(figure.c.started_s.desc())
        .limit(_ROWS_FOR_CHOICES)
    )
    # Column by column: a counter counts a whole one at once.
    by_column = zip(*connection.execute(newest).all(), strict=True)
    counters: dict[str, Counter[Any]] = {name: Counter() for name in columns}
    for name, values in zip(columns, by_column, strict=False):  # none at all without rows
        counters[name] = Counter(value for value in values if value is not None)
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
