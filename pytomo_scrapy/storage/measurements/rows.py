"""Turn results into rows: each field goes to the column of its name, without text that must not be stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Table, insert

from pytomo_scrapy.items.stored import leaves_of
from pytomo_scrapy.storage.scrub import scrub, storable

_MAX_INTEGER = 2**63 - 1


def values_of(
    result: Any, table: Table, *, prefix: str = "", private_addresses: Iterable[str | None] = ()
) -> dict[str, Any]:
    """Return the values of a result that the table keeps, by the names of their columns (items/stored.py)."""
    values: dict[str, Any] = {}
    for column, value_in in _columns_of(result.__class__, table, prefix):
        value = clean(value_in(result))
        values[column] = scrub(value, private_addresses) if column.endswith("failure_detail") else value
    return values


@cache
def _columns_of(kind: Any, table: Table, prefix: str) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    return tuple((leaf.name, attrgetter(leaf.path)) for leaf in leaves_of(kind, prefix) if leaf.name in table.c)


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
    return int(connection.execute(insert(table).returning(table.c.id), dict(values)).scalar_one())


def insert_all(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows of the same columns. Returns their ids in the same order."""
    if not rows:
        return []
    returning = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(connection.execute(returning, rows).scalars())
