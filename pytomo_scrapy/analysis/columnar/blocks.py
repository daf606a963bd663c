"""Columns of the flat table packed by blocks of rows, so that a figure of a million measurements is read in a moment.

A block is the measurements with `id // BLOCK_ROWS` in common. A sealed block holds each of its columns as one value of
`figure_column`; whatever changes a row below it unseals it (triggers of the database do, in the same transaction), and
an unsealed one is read from the tables themselves. So what is read never differs from the tables.

Implementation note: sums of rows kept ready could answer the bare page, but not one filtered by host or cut at a change
of method; packed columns answer every question, exactly, from 8 bytes a row and column or less.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Text, and_, delete, func, insert, select, update

from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES
from pytomo_scrapy.storage.schema.figure_tables import (
    BLOCK_ROWS,
    STRIP_BLOCKS,
    figure,
    figure_block,
    figure_column,
    figure_strip,
)
from pytomo_scrapy.storage.schema.measurement_tables import dns_lookup, playback

logger = logging.getLogger(__name__)

PLAYBACK = "playback."
LOOKUP = "lookup."
# The columns of a playback that figures are made of; its other columns are not packed.
PLAYBACK_COLUMNS = (
    *("player", "horizon_s"),
    *(entry.name for entry in FIGURES if entry.is_playback and entry.name in playback.c),
)
LOOKUP_COLUMNS = ("resolver", "elapsed_s")
FIGURE_COLUMNS = tuple(column.name for column in figure.columns)
NO_TEXT = 65_535
NULLS = "null"  # kind of a column that has no value at all; behind it the number of rows
_BLOCKS_AT_ONCE = 20
_FLOATS = (np.float16, np.float32, np.float64)
_INTEGERS = (np.uint8, np.int16, np.int32, np.int64)

Values = NDArray[np.float64]
Integers = NDArray[np.int64]


def seal_blocks(connection: Connection, limit: int) -> int:
    """Pack at most `limit` blocks that are complete and not packed, oldest first. Returns how many.

    To be called in a transaction of its own: a block is held from here to the commit, and nothing else is.
    """
    newest = select(func.max(figure_block.c.block)).scalar_subquery()
    waiting = select(figure_block.c.block).where(figure_block.c.is_sealed == 0, figure_block.c.block < newest)
    blocks = list(connection.execute(waiting.order_by(figure_block.c.block).limit(limit)).scalars())
    for block in blocks:
        _seal(connection, block)
    return len(blocks)


def _seal(connection: Connection, block: int) -> None:
    # A process that stores a row of this block waits for us or we wait for it, so that no row is left out.
    connection.execute(select(figure_block.c.block).where(figure_block.c.block == block).with_for_update())
    columns = read_columns(connection, block, (*FIGURE_COLUMNS, *read_together(PLAYBACK), *read_together(LOOKUP)))
    rows = []
    for name, values in columns.items():
        kind, content = pack_texts(values) if is_text(name) else pack_numbers(values)
        rows.append({"name": name, "block": block, "kind": kind, "content": content})
    started = columns["started_s"]
    facts = {"row_count": len(started), "first_s": min(started, default=None), "last_s": max(started, default=None)}
    connection.execute(delete(figure_column).where(figure_column.c.block == block))
    connection.execute(delete(figure_strip).where(figure_strip.c.strip == block // STRIP_BLOCKS))
    connection.execute(insert(figure_column), rows)
    connection.execute(update(figure_block).where(figure_block.c.block == block).values(is_sealed=1, **facts))


def read_together(name: str) -> Sequence[str]:
    """Return the columns that are read with one: all of the playbacks or look-ups, whose rows have to be joined."""
    for prefix, columns in ((PLAYBACK, PLAYBACK_COLUMNS), (LOOKUP, LOOKUP_COLUMNS)):
        if name.startswith(prefix):
            return [prefix + column for column in ("row", *columns)]
    return [name]


def read_columns(connection: Connection, block: int, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return columns of a block from the tables themselves, in order of the measurements' ids.

    The column `row` of playbacks and look-ups says to which row of the block each belongs.
    """
    found = _read(connection, block, [name for name in names if "." not in name])
    for prefix, read in ((PLAYBACK, _read_playbacks), (LOOKUP, _read_lookups)):
        wanted = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        if wanted:
            found |= {prefix + name: values for name, values in read(connection, block, wanted).items()}
    return found


def _read(connection: Connection, block: int, names: Sequence[str]) -> dict[str, list[Any]]:
    if not names:
        return {}
    query = select(*(figure.c[name] for name in names)).where(*_within(figure.c.measurement_id, block))
    return _transposed(connection.execute(query.order_by(figure.c.measurement_id)).all(), names)


def _read_playbacks(connection: Connection, block: int, names: Sequence[str]) -> dict[str, list[Any]]:
    same = and_(playback.c.measurement_id == figure.c.measurement_id, playback.c.place == figure.c.place)
    columns = [playback.c[name] for name in names if name != "row"]
    query = select(figure.c.measurement_id, *columns).join_from(figure, playback, same)
    query = query.where(*_within(figure.c.measurement_id, block)).order_by(figure.c.measurement_id, playback.c.player)
    return _with_rows(connection, block, connection.execute(query).all(), names)


def _read_lookups(connection: Connection, block: int, names: Sequence[str]) -> dict[str, list[Any]]:
    same = and_(dns_lookup.c.measurement_id == figure.c.measurement_id, dns_lookup.c.host == figure.c.host)
    columns = [dns_lookup.c[name] for name in names if name != "row"]
    query = select(figure.c.measurement_id, *columns).join_from(figure, dns_lookup, same)
    query = query.where(*_within(figure.c.measurement_id, block)).order_by(figure.c.measurement_id, dns_lookup.c.id)
    return _with_rows(connection, block, connection.execute(query).all(), names)


def _with_rows(connection: Connection, block: int, rows: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    ids = _read(connection, block, ["measurement_id"])["measurement_id"]
    row_of = {measurement_id: row_index for row_index, measurement_id in enumerate(ids)}
    columns = [name for name in names if name != "row"]
    # A row that was stored between the two queries appears in the next answer.
    known = [row for row in rows if row[0] in row_of]
    found = _transposed([row[1:] for row in known], columns)
    if "row" in names:
        found["row"] = [row_of[row[0]] for row in known]
    return found


def _within(column: Any, block: int) -> tuple[Any, Any]:
    return column >= block * BLOCK_ROWS, column < (block + 1) * BLOCK_ROWS


def _transposed(rows: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    if not rows:
        return {name: [] for name in names}
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def is_text(name: str) -> bool:
    """Return whether a packed column holds texts rather than numbers."""
    if "." in name:
        return name in {PLAYBACK + "player", LOOKUP + "resolver"}
    return isinstance(figure.c[name].type, Text)


def numbers_of(values: Sequence[Any] | Values) -> Values:
    """Return the numbers, with NaN for unknown values."""
    return np.array(values, dtype=np.float64)


def codes_of(values: Sequence[str | None]) -> tuple[Integers, list[str]]:
    """Return for each text its code, its position among the distinct ones; NO_TEXT for what is not known."""
    words = sorted({value for value in values if value is not None})
    code_of: dict[str | None, int] = {word: code for code, word in enumerate(words)}
    code_of[None] = NO_TEXT
    return np.array([code_of[value] for value in values], dtype=np.int64), words


def pack_numbers(values: Sequence[Any] | Values) -> tuple[str, bytes]:
    """Return the narrowest type that holds every number exactly, and the numbers in it."""
    exact = numbers_of(values)
    if np.isnan(exact).all():
        return f"{NULLS}{len(exact)}", b""
    kinds: Iterable[Any] = _FLOATS
    if not np.isnan(exact).any() and (np.abs(exact) < 2**53).all() and (exact == np.rint(exact)).all():
        kinds = _INTEGERS
    with np.errstate(all="ignore"):
        for kind in kinds:
            narrow = exact.astype(kind)
            if np.array_equal(narrow.astype(np.float64), exact, equal_nan=True):
                break
    little = narrow.dtype.newbyteorder("<")
    return str(little.str), narrow.astype(little).tobytes()


def unpack_numbers(kind: str, content: bytes) -> Values:
    """Return the numbers again."""
    if kind.startswith(NULLS):
        return np.full(int(kind.removeprefix(NULLS)), np.nan)
    return np.frombuffer(content, dtype=kind).astype(np.float64)


def pack_texts(values: Sequence[str | None]) -> tuple[str, bytes]:
    """Return the distinct texts as JSON, and for each row its code, the position among them, in two bytes."""
    codes, words = codes_of(values)
    return pack_codes(words, codes)


def pack_codes(words: Sequence[str], codes: Integers) -> tuple[str, bytes]:
    """Return what `pack_texts` does, of the distinct texts and the code of each row."""
    head = json.dumps(words, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return "text", len(head).to_bytes(4, "little") + head + codes.astype("<u2").tobytes()


def split_texts(content: bytes) -> tuple[bytes, bytes]:
    """Return the distinct texts and the code of each row, its position among them, both still packed."""
    end = 4 + int.from_bytes(content[:4], "little")
    return bytes(content[4:end]), bytes(content[end:])


def codes_in(content: bytes) -> NDArray[np.uint16]:
    """Return the codes of rows again, of one block or of several with the same texts."""
    return np.frombuffer(content, dtype="<u2")


def texts_of(head: bytes) -> list[str]:
    """Return the distinct texts of a block."""
    words: list[str] = json.loads(head.decode("utf-8", "surrogatepass"))
    return words
