"""Tables of a measurement that neither the page nor the terminal has a layout of its own for, as a new probe's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pytomo_scrapy.storage.schema.child_tables import ROW_TABLES

# The page has a layout for these, and the terminal leaves them out.
_LAID_OUT = {"networks"}


class FurtherTable(NamedTuple):
    """A title, the names of the columns, and the rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]


def further_tables(record: Mapping[str, Any]) -> list[FurtherTable]:
    """Return the tables of a full record that a reader would else see in its JSON only."""
    found = {name: record.get(name) or () for name in ROW_TABLES if name not in _LAID_OUT}
    return [
        FurtherTable(name.replace("_", " ").capitalize(), list(rows[0]), [list(row.values()) for row in rows])
        for name, rows in found.items()
        if rows
    ]
