"""What the columns of an export are, for programs: a codebook as CSV, and a JSON schema of each table's rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from pytomo_scrapy.exchange.column_words import column_words
from pytomo_scrapy.exchange.datasets import Dataset, ExportColumn

CODEBOOK_FILE = "codebook.csv"
SCHEMA_VERSION = "https://json-schema.org/draft/2020-12/schema"

# The codebook itself, which is a table too: its columns, each with what it holds.
_CODEBOOK: Mapping[str, str] = {
    "table": "name of the table that has the column",
    "column": "name of the column",
    "kind": "what its values are: text, integer, real, flag, instant, json or blob",
    "unit": "unit of its values; text, none or count where there is no other",
    "definition": "what the column holds",
    "null": "when a row has no value in it",
    "source": "column of the database that it comes from",
}
_TYPES: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "integer": {"type": ["integer", "null"]},
    "real": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "instant": {"type": ["string", "null"], "format": "date-time"},
    "json": {},
    "blob": {"type": ["string", "null"], "contentEncoding": "base64"},
}


def codebook(tables: Iterable[Dataset]) -> str:
    """Return the codebook: a line for each column of each table, and of the codebook."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CODEBOOK)
    for dataset in tables:
        for column in dataset.columns:
            unit, definition, null = column_words(column.source)
            writer.writerow((dataset.name, column.name, column.kind, unit, definition, null, column.source))
    for name, definition in _CODEBOOK.items():
        writer.writerow(("codebook", name, "text", "text", definition, "never", f"codebook.{name}"))
    return out.getvalue()


def json_schema(dataset: Dataset) -> dict[str, Any]:
    """Return the JSON schema of a row, as JSON lines have it. Its other formats have the same names and meanings."""
    return {
        "$schema": SCHEMA_VERSION,
        "title": dataset.name,
        "type": "object",
        "properties": {column.name: _property(column) for column in dataset.columns},
        # JSON lines write NULL as null: a row without a column is a damaged one.
        "required": _names(dataset.columns),
        # A column that nothing describes would be a mistake of ours: whoever validates is to find it.
        "additionalProperties": False,
    }


def _property(column: ExportColumn) -> dict[str, Any]:
    unit, definition, null = column_words(column.source)
    return {**_TYPES[column.kind], "description": definition, "unit": unit, "null_when": null, "source": column.source}


def _names(columns: Sequence[ExportColumn]) -> list[str]:
    return [column.name for column in columns]
