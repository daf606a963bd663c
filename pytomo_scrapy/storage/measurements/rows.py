"""Turn results into rows: each field goes to the column of its name, without text that must not be stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    insert,
)
from sqlalchemy.sql.dml import ReturningInsert

from pytomo_scrapy.items.stored import leaves_of
from pytomo_scrapy.storage.scrub import MAX_DETAIL_CHARS, scrub, storable

_MAX_INTEGER = 2**63 - 1
# An entry of PostgreSQL's index holds 2.7 kB, and a character has up to 4 bytes.
MAX_INDEXED_CHARS = 400


def values_of(
    result: Any, table: Table, *, prefix: str = "", private_addresses: Iterable[str | None] = ()
) -> dict[str, Any]:
    """Return the values of a result that the table keeps, by the names of their columns (items/stored.py)."""
    values: dict[str, Any] = {}
    for name, column, value_in in _columns_of(result.__class__, table, prefix):
        value = value_in(result)
        if value is None:
            values[name] = None  # two thirds of them
            continue
        is_detail = name.endswith("failure_detail")
        values[name] = kept(column, scrub(value, private_addresses) if is_detail else value)
    return values


@cache
def _columns_of(kind: Any, table: Table, prefix: str) -> tuple[tuple[str, Column[Any], Callable[[Any], Any]], ...]:
    # Found once for each kind of result: a measurement has hundreds of fields, and most tables keep a few of them.
    kept_here = (leaf for leaf in leaves_of(kind, prefix) if leaf.name in table.c)
    return tuple((leaf.name, table.c[leaf.name], attrgetter(leaf.path)) for leaf in kept_here)


def kept(column: Column[Any], value: Any) -> Any:
    """Return what the column can keep of a value of its type: shorter text, and no number beyond its bits."""
    if isinstance(value, str):
        return clean(value[: _max_chars(column)])
    if isinstance(value, int) and abs(value) > _max_integer(column):
        return None
    return clean(value)


@cache
def _max_chars(column: Column[Any]) -> int:
    is_indexed = isinstance(column.type, String) and column.name in _indexed(column.table.metadata)
    return MAX_INDEXED_CHARS if is_indexed else MAX_DETAIL_CHARS


@cache
def _max_integer(column: Column[Any]) -> int:
    if isinstance(column.type, SmallInteger):
        return 2**15 - 1
    is_short = isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)
    return 2**31 - 1 if is_short else _MAX_INTEGER


@cache
def _indexed(metadata: MetaData) -> frozenset[str]:
    """Return the names of the columns that any index holds; the flat table has a copy of some under the same name."""
    names: set[str] = set()
    for table in metadata.tables.values():
        for held in (*table.indexes, *table.constraints):
            if isinstance(held, Index | PrimaryKeyConstraint | UniqueConstraint):
                names.update(column.name for column in held.columns)
    return frozenset(names)


def clean(value: Any) -> Any:
    """Return what both databases can keep: no NUL, no lone surrogate, no infinite number, no number over 64 bits."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool) or value is None or isinstance(value, datetime):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) <= _MAX_INTEGER else None
    if isinstance(value, Mapping):
        return {str(clean(str(key))): clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(part) for part in value]
    return value


def scrub_deeply(value: Any, private_addresses: Iterable[str | None]) -> Any:
    """Return a JSON value whose texts are scrubbed, such as the player configuration that the service declares."""
    addresses = tuple(private_addresses)
    if isinstance(value, str):
        return scrub(value, addresses)
    if isinstance(value, Mapping):
        return {key: scrub_deeply(part, addresses) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_deeply(part, addresses) for part in value]
    return value


def insert_one(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row. Returns its id."""
    return int(connection.execute(_inserting(table), dict(values)).scalar_one())


@cache
def _inserting(table: Table) -> ReturningInsert[Any]:
    return insert(table).returning(table.c.id)


def insert_all(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows of the same columns. Returns their ids in the same order."""
    if not rows:
        return []
    return list(connection.execute(_inserting_in_order(table), rows).scalars())


@cache
def _inserting_in_order(table: Table) -> ReturningInsert[Any]:
    # Else the ids may come in another order than the rows, and children would hang on the wrong one.
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)
