"""Rows by what people write of them: their number, or their uuid."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table

# That SQLite and PostgreSQL can hold.
_LARGEST = 2**63 - 1
_MOST_DIGITS = 19


def row_number(key: int | str) -> int | None:
    """Return the number that a key is. None where it is none that a row can have."""
    digits = str(key)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        return None
    return int(digits) if int(digits) <= _LARGEST else None


def is_named(table: Table, key: int | str) -> ColumnElement[bool]:
    """Return the condition for the row of a table with `id` and `uuid` that a key names."""
    number = row_number(key)
    return table.c.id == number if number is not None else table.c.uuid == str(key)
