"""What every column is: for docs/data-format.md and the codebook of an export."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Double, Integer, LargeBinary, String, Table
from sqlalchemy.types import JSON

from pytomo_scrapy.storage.schema.columns import UtcDateTime, about_of

_KINDS: tuple[tuple[Any, str, str], ...] = (
    # type, its word, the unit where the name has none
    (UtcDateTime, "instant", "UTC"),
    (Boolean, "flag", ""),
    (Double, "real", ""),
    (Integer, "integer", ""),
    (LargeBinary, "bytes", "blob"),
    (JSON, "JSON", "JSON"),
    (String, "text", ""),
)
_UNITS = {
    "_s": "s",
    "_bytes": "bytes",
    "_bps": "bit/s",
    "_ratio": "ratio",
    "_px": "px",
    "_fps": "1/s",
    "_dbm": "dBm",
}


class ColumnReference(NamedTuple):
    """A row of docs/data-format.md."""

    name: str
    kind: str
    unit: str
    meaning: str
    null: str


def reference_of(column: Column[Any]) -> ColumnReference | None:
    """Return what a column is. None where its meaning is written in the documents alone."""
    about = about_of(column)
    if about is None:
        return None
    kind, unit = next((word, unit) for of_type, word, unit in _KINDS if isinstance(column.type, of_type))
    unit = next((unit for suffix, unit in _UNITS.items() if column.name.endswith(suffix)), unit)
    return ColumnReference(column.name, kind, unit if about.unit is None else about.unit, about.meaning, about.null)


def references_of(table: Table) -> list[ColumnReference]:
    """Return what each column of a table is; empty where the documents alone say it of any."""
    found = [reference_of(column) for column in table.columns]
    known = [reference for reference in found if reference is not None]
    return known if len(known) == len(found) else []
