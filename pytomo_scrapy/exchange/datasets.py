"""What an export holds: one wide table, the tables as they are, or the 29 columns of Pytomo 3; and which rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Double,
    LargeBinary,
    Select,
    Table,
    TextClause,
    and_,
    false,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy import Text as SqlText
from sqlalchemy import table as bare_table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import JSON, Integer

from pytomo_scrapy.analysis.selection import Condition
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items.near_words import did_you_mean
from pytomo_scrapy.storage.database import Database, reason_of
from pytomo_scrapy.storage.schema.columns import UtcDateTime, metadata
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run, vantage, video
from pytomo_scrapy.storage.schema.legacy_table import OLD_COLUMNS
from pytomo_scrapy.storage.schema.measurement_tables import figure, study

SHAPES = ("wide", "tables", "legacy")
FETCH_ROWS = 500  # held in memory at a time

# No results: a crawl's remaining work and its owners; imported rows are exported with --legacy.
_NOT_EXPORTED = {
    *("owner", "frontier", "open_window", "figure_block", "figure_column", "figure_strip", "page_change"),
    *("legacy_source", "legacy_row"),
}
_OLD_KINDS = {"TIMESTAMP": "text", "text": "text", "real": "real", "int": "integer"}


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """Which measurements: started at `since` or later and before `until`, and where the SQL condition holds."""

    since: datetime | None = None
    until: datetime | None = None
    where: str | None = None
    keeps_formulas: bool = False  # in CSV: texts that a spreadsheet would run stay as they are


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column: `kind` is text, integer, real, flag, instant, json or blob; `source` is its TABLE.COLUMN."""

    name: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table of an export."""

    name: str
    columns: tuple[ExportColumn, ...]
    statement: Select[Any]


def datasets(shape: str, selection: ExportSelection) -> list[Dataset]:
    """Return the tables of an export of that shape."""
    if shape == "legacy":
        return [_legacy(selection)]
    if shape == "wide":
        return [sessions(selection)]
    tables = [table for table in metadata.sorted_tables if table.name not in _NOT_EXPORTED]
    return [_whole_table(table, selection) for table in tables]


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Give a connection that sees one state of the database and can change nothing."""
    with database.read() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield connection
            return
        connection.exec_driver_sql("PRAGMA query_only=ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("PRAGMA query_only=OFF")


def rows_of(connection: Connection, dataset: Dataset) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the rows in batches, in constant memory."""
    result = connection.execution_options(stream_results=True, yield_per=FETCH_ROWS).execute(dataset.statement)
    with result:
        yield from result.partitions()


def check_condition(database: Database, shape: str, selection: ExportSelection) -> None:
    """Raise SettingError if the database refuses the condition, with the database's own words."""
    if selection.where is None:
        return
    with snapshot(database) as connection:
        try:
            # Each with one row: a condition may fit one table and not another.
            for dataset in datasets(shape, selection):
                connection.execute(dataset.statement.limit(1)).close()
        except DBAPIError as error:
            names = "the 29 old columns" if shape == "legacy" else "the columns of the wide export"
            raise SettingError(
                f"--where {selection.where!r} is not usable: {reason_of(error)}. It is SQL over {names}."
            ) from None


def condition_of(shape: str, selection: ExportSelection) -> Condition | None:
    """Return the condition as figures take it. None without one, and of the old form, which has no figures."""
    if selection.where is None or shape == "legacy":
        return None
    return Condition(selection.where, _measurements_where(selection.where))


def checked_condition(database: Database, where: str | None) -> Condition | None:
    """Return the condition of a report, over the columns of the wide export. Raises as `check_condition`."""
    selection = ExportSelection(where=where)
    check_condition(database, "wide", selection)
    return condition_of("wide", selection)


def _measurements_where(where: str) -> Select[tuple[int]]:
    chosen: Any = literal_column("wide.measurement_id", Integer)
    return select(chosen).select_from(_wide()).where(_condition(where))


@cache
def _wide() -> TextClause:
    # Written once: every table of an export asks by it, and its two hundred columns would be written for each.
    return text(f"({_labelled(_named())}) AS wide")


def _condition(where: str) -> ColumnElement[bool]:
    # A colon would otherwise begin a bound parameter.
    return text(f"({where})".replace(":", "\\:"))  # type: ignore[return-value]


def _named() -> dict[str, Any]:
    """Return the columns of the wide table by their names there, which are those that a condition may use."""
    named: dict[str, Any] = {"measurement_id": measurement.c.id}
    named |= {"vantage": vantage.c.name, "provider": vantage.c.provider, "public_address": vantage.c.public_address}
    named |= {name: video.c[name] for name in ("service", "video_id", "url", "title", "duration_s", "uploaded_at")}
    named |= {"run_uuid": run.c.uuid, "python_version": run.c.python_version, "platform": run.c.platform}
    named |= {"is_ad_hoc": run.c.is_ad_hoc}
    for table in (measurement, figure):
        # The table `figure` repeats columns of `measurement` for the web page: those are there already.
        named |= {column.name: column for column in table.columns if column.name not in named and column.name != "id"}
    # But for this one, which is that of the window first: what page and report filter and compare by has their name.
    named["family"] = figure.c.address_family
    return named


def counted_measurements(selection: ExportSelection) -> ColumnElement[bool]:
    """Return the condition for the measurements of the period that count, whatever else the selection leaves out."""
    return and_(~measurement.c.is_superseded, *_conditions(replace(selection, where=None)))


def _labelled(named: Mapping[str, Any]) -> Select[Any]:
    joined = (
        measurement.join(video, video.c.id == measurement.c.video_row_id)
        .join(vantage, vantage.c.id == measurement.c.vantage_id)
        .join(run, run.c.id == measurement.c.run_id)
        .outerjoin(figure, figure.c.measurement_id == measurement.c.id)
    )
    return select(*(column.label(name) for name, column in named.items())).select_from(joined)


def _conditions(selection: ExportSelection) -> list[ColumnElement[bool]]:
    """Return the conditions on `measurement` that make the selection."""
    conditions: list[ColumnElement[bool]] = []
    # A measurement that never began has no start: it counts by when it was stored.
    began_at = func.coalesce(measurement.c.started_at, measurement.c.stored_at, type_=UtcDateTime)
    if selection.since is not None:
        conditions.append(began_at >= selection.since)
    if selection.until is not None:
        conditions.append(began_at < selection.until)
    if selection.where is not None:
        conditions.append(measurement.c.id.in_(_measurements_where(selection.where)))
    return conditions


def sessions(selection: ExportSelection, names: Sequence[str] | None = None) -> Dataset:
    """Return one row for each measurement that is not superseded: itself, its video, vantage, run and figures.

    `names` chooses columns. Raises SettingError for one that there is not.
    """
    every = _named()
    for name in names or ():
        if name not in every:
            meant = did_you_mean(name, every)
            raise SettingError(f"There is no column {name!r}{f': {meant}' if meant else '.'}")
    named = every if names is None else {name: every[name] for name in names}
    current = and_(~measurement.c.is_superseded, *_conditions(selection))
    return Dataset("measurements", _columns(named), _labelled(named).where(current).order_by(measurement.c.id))


def details(table: Table, selection: ExportSelection) -> Dataset:
    """Return the rows of a table below the chosen measurements, each with its measurement's id, video and vantage."""
    named: dict[str, Any] = {"measurement_id": measurement.c.id, "uuid": measurement.c.uuid}
    named |= {"service": video.c.service, "video_id": video.c.video_id, "vantage": vantage.c.name}
    named |= {column.name: column for column in table.columns if column.name not in named}
    statement = (
        select(*(column.label(name) for name, column in named.items()))
        .select_from(table)
        .join(measurement, measurement.c.id == table.c.measurement_id)
        .join(video, video.c.id == measurement.c.video_row_id)
        .join(vantage, vantage.c.id == measurement.c.vantage_id)
        .where(~measurement.c.is_superseded, *_conditions(selection))
        .order_by(measurement.c.id, *table.primary_key.columns)
    )
    return Dataset(table.name, _columns(named), statement)


def _columns(named: Mapping[str, Any]) -> tuple[ExportColumn, ...]:
    return tuple(
        ExportColumn(name, _kind(column), f"{column.table.name}.{column.name}") for name, column in named.items()
    )


def _whole_table(table: Table, selection: ExportSelection) -> Dataset:
    columns = tuple(ExportColumn(column.name, _kind(column), f"{table.name}.{column.name}") for column in table.columns)
    statement = select(table).order_by(*table.primary_key.columns)
    conditions = _conditions(selection)
    if conditions:
        chosen_ids = select(measurement.c.id).where(and_(*conditions))
        statement = statement.where(_belongs(table, chosen_ids))
    return Dataset(table.name, columns, statement)


def _belongs(table: Table, chosen_ids: Select[Any]) -> ColumnElement[bool]:
    """Return the condition that a row belongs to one of the chosen measurements."""
    if table is measurement:
        return measurement.c.id.in_(chosen_ids)
    if table.name.startswith("daily"):
        # Daily aggregates cannot be selected by measurement: they are exported only if everything is.
        return false()
    referring: Mapping[str, Any] = {
        "video": measurement.c.video_row_id,
        "vantage": measurement.c.vantage_id,
        "run": measurement.c.run_id,
        "crawl": measurement.c.crawl_id,
    }
    if table is study:
        return study.c.name.in_(select(measurement.c.study_name).where(measurement.c.id.in_(chosen_ids)))
    if table.name in referring:
        return table.c.id.in_(select(referring[table.name]).where(measurement.c.id.in_(chosen_ids)))
    for key in table.foreign_keys:
        if key.column.table is measurement:
            return key.parent.in_(chosen_ids)
    for key in table.foreign_keys:
        parent = key.column.table
        return key.parent.in_(select(key.column).where(_belongs(parent, chosen_ids)))
    return true()


def _legacy(selection: ExportSelection) -> Dataset:
    columns = tuple(ExportColumn(name, _OLD_KINDS[kind], f"pytomo_crawl.{name}") for name, kind in OLD_COLUMNS)
    # Unquoted, because PostgreSQL keeps the names in small letters.
    names: list[ColumnElement[Any]] = [literal_column(name) for name, _ in OLD_COLUMNS]
    statement: Select[Any] = select(*names).select_from(bare_table("pytomo_crawl"))
    stamp: ColumnElement[str] = literal_column("ID", SqlText)
    if selection.since is not None:
        statement = statement.where(stamp >= _old_stamp(selection.since))
    if selection.until is not None:
        statement = statement.where(stamp < _old_stamp(selection.until))
    if selection.where is not None:
        statement = statement.where(_condition(selection.where))
    return Dataset("pytomo_crawl", columns, statement)


def _old_stamp(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _kind(column: Any) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (UtcDateTime, "instant"),
        (Boolean, "flag"),
        (Integer, "integer"),
        (Double, "real"),
        (LargeBinary, "blob"),
        (JSON, "json"),
    )
    return next((kind for type_, kind in kinds if isinstance(column.type, type_)), "text")
