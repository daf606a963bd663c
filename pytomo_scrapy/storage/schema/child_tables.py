"""Every table below a measurement, once: what is written, read, thinned out and deleted goes through this list.

A probe whose results are rows of their own and nothing else declares them in the item: its table is here then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, LargeBinary, Table, select

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.measurement_tables import (
    ROW_TABLES,
    arrival_trace,
    dns_address,
    dns_lookup,
    download,
    http_request,
    ladder,
    media_timeline,
    ping,
    playback,
    playback_event,
    stream,
    tcp_connection,
)


class ChildTable(NamedTuple):
    """A table below a measurement.

    `is_bulk`: its rows are deleted from old measurements, whose figures all stay. `results` gives those
    that an item has for it, a row each, and `record` is the name of the rows in a full record; without them the table
    has functions of its own in save_details.py and read.py.
    """

    table: Table
    is_bulk: bool = False
    record: str = ""
    results: Callable[[VideoItem], Sequence[Any]] | None = None


# What hangs on another comes before it: deleted in this order, written in the other.
CHILD_TABLES = (
    ChildTable(arrival_trace, is_bulk=True),
    ChildTable(media_timeline, is_bulk=True),
    ChildTable(http_request, is_bulk=True),
    ChildTable(tcp_connection),
    ChildTable(playback_event, is_bulk=True),
    ChildTable(dns_address),
    ChildTable(stream),
    ChildTable(download),
    ChildTable(playback),
    ChildTable(ladder),
    ChildTable(dns_lookup),
    ChildTable(ping, record="pings", results=lambda item: item.ping.pings if item.ping else ()),
    *(ChildTable(table, record=name, results=attrgetter(name)) for name, table in ROW_TABLES.items()),
)


def below(table: Table, measurement_ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition for the rows of a table below these measurements."""
    column = _owner(table)
    [reference] = column.foreign_keys
    owner = reference.column.table
    if owner is measurement:
        return column.in_(measurement_ids)
    return column.in_(select(reference.column).where(below(owner, measurement_ids)))


def packed_columns(table: Table) -> list[str]:
    """Return the columns of samples: taken out of old rows that stay."""
    return [column.name for column in table.columns if isinstance(column.type, LargeBinary)]


def _owner(table: Table) -> Column[Any]:
    """Return the column that points to what a row hangs on: the first that points anywhere."""
    return next(column for column in table.columns if column.foreign_keys)
