"""docs/data-format.md names every table, column and unit that the database has, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytomo_scrapy.storage.measurements import blobs
from pytomo_scrapy.storage.schema import measurement_tables

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "data-format.md"


def documented() -> dict[str, dict[str, list[str]]]:
    """Return the cells behind each column of each table in the document."""
    tables: dict[str, dict[str, list[str]]] = {}
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Tables")[2].partition("\n## ")[0]
    for block in section.split("\n### ")[1:]:
        rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", block, re.MULTILINE)
        tables[block.split()[0]] = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    return tables


def test_document_lists_every_table() -> None:
    assert set(documented()) == set(measurement_tables.metadata.tables)


@pytest.mark.parametrize("name", sorted(measurement_tables.metadata.tables))
def test_document_lists_every_column_with_its_meaning(name: str) -> None:
    described = documented()[name]
    assert set(described) == set(measurement_tables.metadata.tables[name].columns.keys())
    for kind, _unit, meaning, when_null in described.values():
        assert kind and meaning and when_null


@pytest.mark.parametrize("name", sorted(measurement_tables.metadata.tables))
def test_document_says_never_null_where_the_table_does(name: str) -> None:
    described = documented()[name]
    for column in measurement_tables.metadata.tables[name].columns:
        if not column.nullable:
            assert described[column.name][3].startswith("never"), column.name


def test_document_names_the_blobs_magic() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for magic in (blobs._TRACE_MAGIC, blobs._TIMELINE_MAGIC, blobs._TCP_MAGIC, blobs._LOADED_MAGIC):
        assert f"| `{magic[:2].decode()}` {magic[2]} |" in text
