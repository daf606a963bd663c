"""Rows as a pandas DataFrame or an Arrow table, each column with its unit and meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Target = Literal["pandas", "arrow"]
# Under this name a DataFrame's `attrs` hold what each column is.
COLUMNS = "columns"
_INSTALL = "needs {0}, which is not here: pip install 'pytomo-scrapy[notebook]'"


@dataclass(slots=True)
class FrameColumn:
    """A column and its values. `kind` is one of an export's, or numbers (a sequence a row) or spans."""

    name: str
    kind: str
    facts: Mapping[str, str]
    values: list[Any] = field(default_factory=list)


class _Facts(dict[str, dict[str, str]]):
    """What the columns of a frame are. All frames that are made of it share this.

    pandas copies `attrs` in depth with every column that it takes: a hundred columns' facts, each time.
    """

    def __deepcopy__(self, memo: object) -> _Facts:
        return self


def collect(columns: Sequence[FrameColumn], batches: Iterable[Sequence[Sequence[Any]]]) -> None:
    """Add the rows of all batches to the columns."""
    for rows in batches:
        for column, values in zip(columns, zip(*rows, strict=True), strict=False):
            column.values.extend(values)


def make_frame(columns: Sequence[FrameColumn], to: Target) -> Any:
    """Return a DataFrame or an Arrow table. Raises ImportError with what to install."""
    if to == "pandas":
        return _to_pandas(columns)
    if to == "arrow":
        return _to_arrow(columns)
    raise ValueError(f"to={to!r} is not known: it must be 'pandas' or 'arrow'.")


def _to_pandas(columns: Sequence[FrameColumn]) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(f"to='pandas' {_INSTALL.format('pandas')}") from None
    # Types that keep NULL apart: one value that is missing would turn plain counts into floats and flags into objects.
    kinds = {"text": "string", "integer": "Int64", "flag": "boolean", "real": "float64"}
    made = {}
    for column in columns:
        if column.kind == "instant":
            made[column.name] = pd.Series(pd.to_datetime(column.values, utc=True)).astype("datetime64[us, UTC]")
        else:
            made[column.name] = pd.Series(column.values, dtype=kinds.get(column.kind, "object"))
    frame = pd.DataFrame(made)
    frame.attrs[COLUMNS] = _Facts({column.name: dict(column.facts) for column in columns})
    return frame


def _to_arrow(columns: Sequence[FrameColumn]) -> pa.Table:
    try:
        import pyarrow as pa
    except ImportError:
        raise ImportError(f"to='arrow' {_INSTALL.format('pyarrow')}") from None
    from pytomo_scrapy.exchange.writers import arrow_kinds

    span = pa.struct([("start_s", pa.float64()), ("duration_s", pa.float64()), ("is_open", pa.bool_())])
    kinds = {**arrow_kinds(pa), "numbers": pa.list_(pa.float64()), "spans": pa.list_(span)}
    fields = [pa.field(column.name, kinds[column.kind], metadata=dict(column.facts)) for column in columns]
    arrays = [pa.array(_plain(column), type=kinds[column.kind]) for column in columns]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _plain(column: FrameColumn) -> list[Any]:
    # Arrow has no type for it; pandas keeps the objects as they are.
    if column.kind != "json":
        return column.values
    import json

    return [None if value is None else json.dumps(value, ensure_ascii=False) for value in column.values]


def facts_of(frame: Any) -> dict[str, dict[str, str]]:
    """Return what each column of a frame is: {name: {"unit": ..., "meaning": ..., "null": ...}}, as it is known."""
    if hasattr(frame, "attrs"):
        return {str(name): dict(frame.attrs.get(COLUMNS, {}).get(name, {})) for name in frame.columns}
    return {
        one.name: {key.decode(): value.decode() for key, value in (one.metadata or {}).items()} for one in frame.schema
    }


def target_of(frame: Any) -> Target:
    """Return of which sort a frame is."""
    return "pandas" if hasattr(frame, "attrs") else "arrow"


def numbers_of(frame: Any) -> dict[str, NDArray[np.float64]]:
    """Return the columns of numbers and flags, NaN for what is NULL."""
    if target_of(frame) == "pandas":
        kinds = {name: kind.kind for name, kind in frame.dtypes.items() if hasattr(kind, "kind")}
        named = [name for name, kind in kinds.items() if kind in "iufb"]
        return {name: frame[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan) for name in named}
    import pyarrow as pa
    from pyarrow import types

    found = {}
    for one in frame.schema:
        if types.is_floating(one.type) or types.is_integer(one.type) or types.is_boolean(one.type):
            values = frame.column(one.name).combine_chunks()
            # A flag is compared with 1, as a column of the database is.
            whole = values.cast(pa.int8()) if types.is_boolean(one.type) else values
            found[one.name] = np.array([np.nan if value is None else value for value in whole.to_pylist()], dtype=float)
    return found


def texts_of(frame: Any) -> dict[str, list[str | None]]:
    """Return the columns of texts, None for what is NULL."""
    if target_of(frame) == "pandas":
        named = [name for name, kind in frame.dtypes.items() if str(kind) in {"string", "str"}]
        return {name: frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in named}
    from pyarrow import types

    return {one.name: frame.column(one.name).to_pylist() for one in frame.schema if types.is_string(one.type)}
