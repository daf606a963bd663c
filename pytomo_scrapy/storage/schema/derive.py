"""Tables that follow from the result classes: a stored field is a column of its name, its type by its annotation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Table, Text, UniqueConstraint

from pytomo_scrapy.items.stored import Leaf, Rows, leaves_of
from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime, id_column, key, metadata, reference

_TYPES: dict[str, Any] = {
    "str": Text,
    # Bytes of a window pass 31 bits; which other counts never will, nobody should have to know at each field.
    "int": BigInteger,
    "float": Double,
    "bool": Boolean,
    "datetime": UtcDateTime,
    "tuple": Json,
    "Mapping": Json,
}

_ORDER = (Boolean, Double, BigInteger, Text, type(Json))


def table_of(
    name: str,
    *kinds: type[Any] | tuple[type[Any], str],
    parent: str,
    lead: Sequence[Column[Any]] = (),
    keys: str = "",
    unique: Sequence[str] = (),
    after: Mapping[str, Sequence[Column[Any]]] | None = None,
    is_by_type: bool = False,
) -> Table:
    """Return the table that keeps results of these classes (each with its prefix), a row a result, below the parent.

    `lead` are columns of the table's own that come first, `after` those that follow a derived one, as blobs do. Fields
    named in `keys` are never NULL. `is_by_type` puts flags first, then numbers, counts, texts and lists. Rows are found
    by their parent: through `unique` where it is given, else an index.
    """
    own = {column.name for column in lead}
    derived = [column for column in columns_of(*kinds, keys=keys, after=after) if column.name not in own]
    if is_by_type:
        derived.sort(key=lambda column: _ORDER.index(type(column.type)) if column.nullable else -1)
    owner = reference(f"{parent}_id", parent, is_index=not unique)
    constraints = [UniqueConstraint(owner.name, *unique)] if unique else []
    return Table(name, metadata, id_column(), owner, *lead, *derived, *constraints)


def table_of_rows(rows: Rows) -> Table:
    """Return the table of a field of the item whose results are rows: a row is found by measurement and key."""
    [first, *others] = sorted(columns_of(rows.kind, keys=rows.key), key=lambda column: column.name != rows.key)
    owner = key("measurement_id", BigId, "→ measurement", "measurement")
    return Table(rows.table, metadata, owner, key(first.name, first.type, first.info["about"].meaning), *others)


def columns_of(
    *kinds: type[Any] | tuple[type[Any], str],
    keys: str = "",
    after: Mapping[str, Sequence[Column[Any]]] | None = None,
    integer: Any = BigInteger,
) -> list[Column[Any]]:
    """Return the columns of the stored fields of these classes; of two of one name, the first."""
    found: dict[str, Column[Any]] = {}
    for leaf in _leaves(kinds):
        if leaf.about is not None and leaf.name not in found:
            found[leaf.name] = _column(leaf, leaf.name in keys.split(), integer)
            found |= {column.name: column for column in (after or {}).get(leaf.name, ())}
    return list(found.values())


def _leaves(kinds: tuple[type[Any] | tuple[type[Any], str], ...]) -> Iterator[Leaf]:
    for kind in kinds:
        yield from leaves_of(*kind) if isinstance(kind, tuple) else leaves_of(kind)


def _column(leaf: Leaf, is_key: bool, integer: Any) -> Column[Any]:
    annotation = leaf.annotation.removesuffix(" | None").partition("[")[0]
    if annotation not in _TYPES:
        raise TypeError(f"{leaf.path}: no column keeps a {leaf.annotation}; name its type in storage/schema/derive.py.")
    kind = _TYPES[annotation]
    # Keys count streams, windows and hops: small numbers.
    kind = (Integer if is_key else integer) if kind is BigInteger else kind
    return Column(leaf.name, kind, nullable=not is_key, info={"about": leaf.about})
