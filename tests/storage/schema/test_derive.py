"""Columns out of result classes, and the list of the tables below a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from sqlalchemy import Table

from pytomo_scrapy.items.stored import about, part, stored
from pytomo_scrapy.storage.schema.child_tables import CHILD_TABLES, packed_columns
from pytomo_scrapy.storage.schema.columns import optional
from pytomo_scrapy.storage.schema.derive import columns_of
from pytomo_scrapy.storage.schema.measurement_tables import download, metadata, ping


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a result."""

    share_ratio: float | None = stored(None, "of all")


@dataclass(frozen=True, slots=True)
class Result:
    """A result with a field of each kind."""

    index: int = field(metadata=about("which"))
    name: str = stored("", "its name")
    count: int | None = stored(None, "how many")
    is_right: bool = stored(False, "whether")
    begun_at: datetime | None = stored(None, "when")
    names: tuple[str, ...] = stored((), "all of them")
    options: Mapping[str, float] = field(default_factory=dict, metadata=about("of each"))
    near: Part = part(Part(), "near_")
    secret: str = ""  # not stored


@dataclass(frozen=True, slots=True)
class Unknown:
    """A field that no column can keep."""

    value: complex | None = stored(None, "both parts")


def test_columns_follow_from_names_annotations_and_parts() -> None:
    after = {"count": [optional("blob", ping.c.method.type, "beside it")]}
    columns = columns_of(Result, keys="index", after=after)
    assert [(column.name, repr(column.type).partition("(")[0], column.nullable) for column in columns] == [
        ("index", "Integer", False),
        ("name", "Text", True),
        ("count", "BigInteger", True),
        ("blob", "Text", True),
        ("is_right", "Boolean", True),
        ("begun_at", "UtcDateTime", True),
        ("names", "JSON", True),
        ("options", "JSON", True),
        ("near_share_ratio", "Double", True),
    ]


def test_field_that_no_column_keeps_is_named() -> None:
    with pytest.raises(TypeError, match="value: no column keeps a complex"):
        columns_of(Unknown)


def test_list_has_every_table_below_a_measurement() -> None:
    below = {"measurement"}
    for table in metadata.sorted_tables:
        if any(key.column.table.name in below for key in table.foreign_keys):
            below.add(table.name)
    # The flat row is written from all of them, by SQL.
    assert {child.table.name for child in CHILD_TABLES} == below - {"measurement", "figure"}


def test_list_has_what_hangs_on_a_table_before_it() -> None:
    seen: set[Table] = set()
    for child in CHILD_TABLES:
        assert not any(key.column.table in seen for key in child.table.foreign_keys)
        seen.add(child.table)


def test_samples_are_what_is_packed_into_bytes() -> None:
    assert packed_columns(download) == [
        "loaded_samples",
        "loaded_gateway_samples",
        "host_samples",
        "loaded_access_samples",
    ]
    assert packed_columns(ping) == []
