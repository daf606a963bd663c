"""What a column of an export means: its unit, its definition, and when it is NULL, as docs/data-format.md says."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from pytomo_scrapy.storage.schema.columns import metadata
from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES
from pytomo_scrapy.storage.schema.legacy_table import column_of
from pytomo_scrapy.storage.schema.reference import reference_of

# What stands for a unit where there is none.
WITHOUT_UNIT = ("none", "text", "count")


class ColumnWords(NamedTuple):
    """Unit and meaning, and what NULL says.

    What has no unit says so: `text`, or `none`. Empty only for a column that nothing describes.
    """

    unit: str
    meaning: str
    null: str


@cache
def column_words(source: str) -> ColumnWords:
    """Return what TABLE.COLUMN is. A figure that is copied from a column is what that column is."""
    table, _, column = source.partition(".")
    # The view has the names of Pytomo 3; what they mean stands at the table behind it.
    if table == "pytomo_crawl":
        table, column = "legacy_row", column_of(column)
    if table == "figure" and column in _COPIED:
        from_table, from_column, which = _COPIED[column]
        found = column_words(f"{from_table}.{from_column}")
        own = _in_code(table, column)
        unit = own.unit if own is not None and own.unit not in WITHOUT_UNIT else found.unit
        return ColumnWords(unit, f"{found.meaning} ({which})" if which else found.meaning, found.null)
    return _in_code(table, column) or _documented(table, column)


def column_facts(source: str) -> dict[str, str]:
    """Return what a file says of a column beside its name: unit, meaning, when it is NULL, and where it comes from."""
    words = column_words(source)
    facts = {"unit": words.unit, "meaning": words.meaning, "null": words.null, "source": source}
    return {name: text for name, text in facts.items() if text}


_COPIED = {figure.name: figure.copied_from for figure in FIGURES if figure.copied_from and not figure.meaning}


def _in_code(table: str, column: str) -> ColumnWords | None:
    known = metadata.tables[table].columns.get(column) if table in metadata.tables else None
    reference = reference_of(known) if known is not None else None
    if reference is None:
        return None
    without = "text" if reference.kind == "text" else "count" if column.endswith("_count") else "none"
    return ColumnWords(reference.unit or without, _whole(reference.meaning, table), reference.null)


def _whole(meaning: str, table: str) -> str:
    """Return a meaning as it stands alone: the tables of the documents abbreviate numbers of rows."""
    if meaning == "row number":
        return f"number of the row in the table `{table}`"
    if meaning.startswith("→ "):
        target, _, more = meaning.removeprefix("→ ").partition(" ")
        return f"number of the row in the table `{target}` that this belongs to{' ' + more if more else ''}"
    return meaning


def _documented(table: str, column: str) -> ColumnWords:
    """Return what the document says about a column whose meaning is not in the code."""
    # The views are SQL: only the document describes their columns.
    block = re.search(rf"^### {table}\n.*?(?=^##|\Z)", data_format(), re.MULTILINE | re.DOTALL)
    row = re.search(rf"^\| `{column}` \|(.*)\|$", block.group(0), re.MULTILINE) if block else None
    if row is None:
        return ColumnWords("", "", "")
    cells = [cell.strip() for cell in row.group(1).split("|")]
    return ColumnWords(cells[1], cells[2], cells[3] if len(cells) > 3 else "")


@cache
def data_format() -> str:
    """Return docs/data-format.md from the package, else from the checkout. Empty if there is neither."""
    shipped = resources.files("pytomo_scrapy").joinpath("dashboard", "documents", "data-format.md")
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    beside = Path(__file__).resolve().parents[2] / "docs" / "data-format.md"
    return beside.read_text(encoding="utf-8") if beside.is_file() else ""
