"""The tables of docs/data-format.md: every column, as its field or its table says."""

from __future__ import annotations

from docs.generators.markdown import table
from pytomo_scrapy.storage.schema.measurement_tables import metadata
from pytomo_scrapy.storage.schema.reference import references_of

_HEAD = ("column", "type", "unit", "meaning, formula, source", "NULL when")


def regions() -> dict[str, str]:
    """Return the columns of each table whose meanings are in the code."""
    references = {f"columns of {name}": references_of(one) for name, one in metadata.tables.items()}
    return {
        name: table(_HEAD, [(f"`{row.name}`", *row[1:]) for row in rows]) for name, rows in references.items() if rows
    }
