"""What a stored field means, written where the field is; tables, rows, exports and docs/data-format.md follow from it.

A field with a meaning is a column; a field without is never stored, or packed into bytes. The column has the field's
name behind the prefix of the part that it lies in, or the name given as `column`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")
_KEY = "stored"
_ROWS = "rows"


class About(NamedTuple):
    """The meaning of a column, when it is NULL, and its unit where the name's suffix does not say it."""

    meaning: str
    null: str = "never"
    unit: str | None = None
    column: str | None = None


def about_failure(which: str) -> About:
    """Return the meaning of a failure class, such as of which stage."""
    return About(f"class of the failure vocabulary (docs/failures.md) {which}", "the stage did not fail")


def about_detail(which: str) -> About:
    """Return the meaning of what was said of a failure, such as of which stage."""
    return About(
        f"what was said of the failure {which}, with URL queries, credentials, cookies and the client's address "
        "removed",
        "no failure, or nothing more to say",
    )


class Leaf(NamedTuple):
    """A value of a result and its flat name; `path` leads to it, through the parts that the result is made of.

    The flat name is the column's where there is one. `about` is None for a value not stored, or packed into bytes.
    """

    name: str
    path: str
    annotation: str
    about: About | None


class Rows(NamedTuple):
    """A field of the item whose results are rows of a table of their own; no two of a measurement share their key."""

    field: str
    table: str
    kind: type[Any]
    key: str


class _Part(NamedTuple):
    kind: type[Any]
    prefix: str
    meanings: Mapping[str, str]


def about(
    meaning: str, *, null: str = "never", unit: str | None = None, column: str | None = None
) -> Mapping[str, About]:
    """Return the metadata of a stored field without a default: `field(metadata=about(...))`."""
    return {_KEY: About(meaning, null, unit, column)}


def stored(
    default: _T,
    meaning: str,
    *,
    null: str = "never",
    unit: str | None = None,
    column: str | None = None,
    repr: bool = True,
) -> _T:
    """Declare a stored field with its default, its meaning and when it is NULL."""
    return field(default=default, repr=repr, metadata=about(meaning, null=null, unit=unit, column=column))


def failure_of(what: str, *, column: str | None = None) -> str | None:
    """Declare the failure of a result."""
    return field(default=None, metadata={_KEY: about_failure(f"of {what}")._replace(column=column)})


def failure_detail(what: str = "this row", *, column: str | None = None) -> str | None:
    """Declare the detail of a result's failure."""
    return field(default=None, metadata={_KEY: about_detail(f"of {what}")._replace(column=column)})


def part(default: _T, prefix: str = "", **meanings: str) -> _T:
    """Declare a part of a result: a result itself, whose fields are columns of the same row behind the prefix.

    `meanings` replace the meanings of its fields where they mean something else here.
    """
    return field(default=default, metadata={_KEY: _Part(type(default), prefix, meanings)})


def rows(kind: type[_T], table: str, *, key: str) -> tuple[_T, ...]:
    """Declare a field of the item that holds results which are rows: the table follows from their class."""
    return field(default=(), metadata={_ROWS: (table, kind, key)})


def rows_of(item: type[Any]) -> Iterator[Rows]:
    """Yield the fields of an item's class that are rows of a table of their own."""
    for item_field in fields(item):
        if _ROWS in item_field.metadata:
            yield Rows(item_field.name, *item_field.metadata[_ROWS])


def leaves_of(kind: type[Any], prefix: str = "") -> Iterator[Leaf]:
    """Yield the values of a result class in the order of its fields, those of its parts in their place."""
    for result_field in fields(kind):
        declared = result_field.metadata.get(_KEY)
        if isinstance(declared, _Part):
            for inner in leaves_of(declared.kind, prefix + declared.prefix):
                meaning = declared.meanings.get(inner.path)
                about = inner.about._replace(meaning=meaning) if meaning and inner.about else inner.about
                yield inner._replace(path=f"{result_field.name}.{inner.path}", about=about)
        else:
            name = declared.column if declared and declared.column else prefix + result_field.name
            yield Leaf(name, result_field.name, str(result_field.type), declared)


def flat(result: Any) -> dict[str, Any]:
    """Return the values of a result by their flat names."""
    return {leaf.name: attrgetter(leaf.path)(result) for leaf in leaves_of(type(result))}


def from_flat(kind: type[_T], values: Mapping[str, Any], prefix: str = "") -> _T:
    """Return the result that has these values by their flat names; a missing value has its default."""
    arguments: dict[str, Any] = {}
    for result_field in fields(kind):  # type: ignore[arg-type]  # every kind is a result class
        declared = result_field.metadata.get(_KEY)
        name = declared.column if isinstance(declared, About) and declared.column else prefix + result_field.name
        if isinstance(declared, _Part):
            arguments[result_field.name] = from_flat(declared.kind, values, prefix + declared.prefix)
        elif name in values:
            arguments[result_field.name] = values[name]
    return kind(**arguments)
