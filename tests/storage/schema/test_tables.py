"""The tables hold every column, key and index that they held before they were derived from the result classes.

Stored fields are append-only: a new column joins a table, and each line of the committed definitions stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from pytomo_scrapy.storage.schema import measurement_tables

FOLDER = Path(__file__).parent
DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}


def definition(table: Table, dialect: ModuleType) -> list[str]:
    """Return the statements that make the table and its indexes, a line a column or constraint."""
    return list(_lines(table, dialect))


def _lines(table: Table, dialect: ModuleType) -> Iterator[str]:
    for line in str(CreateTable(table).compile(dialect=dialect.dialect())).splitlines():
        if line.strip():
            yield line.strip().rstrip(",")
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield str(CreateIndex(index).compile(dialect=dialect.dialect()))


@pytest.mark.parametrize("name", DIALECTS)
def test_tables_hold_what_they_held(name: str) -> None:
    blocks = (FOLDER / f"tables_{name}.sql").read_text(encoding="utf-8").strip().split("\n\n")
    former = {block.split()[2]: block.splitlines() for block in blocks}
    assert set(former) <= set(measurement_tables.metadata.tables)
    for table, lines in former.items():
        present = iter(definition(measurement_tables.metadata.tables[table], DIALECTS[name]))
        # Each in its turn: a search goes on where the one before it ended.
        assert [line for line in lines if line not in present] == []
