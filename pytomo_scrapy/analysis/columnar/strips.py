"""The columns of many packed blocks as one value each: a year has a thousand blocks, and a question for each is time.

A strip is the blocks with `block // STRIP_BLOCKS` in common, packed once more when all of them are. It counts while all
of them are packed, and who packs one of them again deletes it: what is read from a strip is what its blocks hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select

from pytomo_scrapy.analysis.columnar.blocks import (
    FIGURE_COLUMNS,
    LOOKUP,
    NO_TEXT,
    PLAYBACK,
    Integers,
    codes_in,
    is_text,
    pack_codes,
    pack_numbers,
    read_together,
    split_texts,
    texts_of,
    unpack_numbers,
)
from pytomo_scrapy.storage.database import read_once
from pytomo_scrapy.storage.schema.figure_tables import STRIP_BLOCKS, figure_block, figure_column, figure_strip

_ALWAYS = "started_s"  # a column that every strip has
_STRIPS = select(figure_strip.c.strip).where(figure_strip.c.name == _ALWAYS)
_ROWS = (f"{PLAYBACK}row", f"{LOOKUP}row")

Part = tuple[str, bytes]  # kind and content of a column of a block


def packed_strips(connection: Connection) -> frozenset[int]:
    """Return the strips that are there; whether one counts, its blocks say."""
    return read_once(connection, ("strips",), lambda: frozenset(connection.execute(_STRIPS).scalars()))


def pack_strips(connection: Connection, limit: int) -> int:
    """Pack at most `limit` strips whose blocks are all packed, oldest first. Returns how many.

    To be called in a transaction of its own, as `seal_blocks`.
    """
    strip = figure_block.c.block // STRIP_BLOCKS
    waiting = (
        select(strip)
        .where(figure_block.c.is_sealed == 1)
        .group_by(strip)
        .having(func.count() == STRIP_BLOCKS, strip.not_in(_STRIPS))
    )
    found = list(connection.execute(waiting.order_by(strip).limit(limit)).scalars())
    for one in found:
        _pack(connection, one)
    return len(found)


def _pack(connection: Connection, strip: int) -> None:
    first, last = strip * STRIP_BLOCKS, (strip + 1) * STRIP_BLOCKS - 1
    # Who changes a row of these blocks waits for us or we wait for it, so that no change is left out.
    held = select(figure_block.c.is_sealed).where(figure_block.c.block.between(first, last)).with_for_update()
    if sum(connection.execute(held).scalars()) != STRIP_BLOCKS:
        return
    lengths = [len(unpack_numbers(*part)) for part in _parts(connection, _ALWAYS, first, last)]
    rows = []
    for name in (*FIGURE_COLUMNS, *read_together(PLAYBACK), *read_together(LOOKUP)):
        parts = _parts(connection, name, first, last)
        # A block that an earlier version packed lacks the columns that came later.
        joined = _joined(name, parts, lengths) if len(parts) == STRIP_BLOCKS else None
        if joined is not None:
            rows.append({"name": name, "strip": strip, "kind": joined[0], "content": joined[1]})
    connection.execute(delete(figure_strip).where(figure_strip.c.strip == strip))
    connection.execute(insert(figure_strip), rows)


def _parts(connection: Connection, name: str, first: int, last: int) -> list[Part]:
    query = select(figure_column.c.kind, figure_column.c.content).where(
        figure_column.c.name == name, figure_column.c.block.between(first, last)
    )
    return [(row.kind, bytes(row.content)) for row in connection.execute(query.order_by(figure_column.c.block))]


def _joined(name: str, parts: Sequence[Part], lengths: Sequence[int]) -> Part | None:
    """Return the columns of blocks as one. None: more texts than codes can tell apart."""
    if is_text(name):
        return _joined_texts([content for _, content in parts])
    values: Sequence[Any] = [unpack_numbers(*part) for part in parts]
    if name in _ROWS:
        # To which row of its block each belongs: now of the strip.
        before = np.cumsum([0, *lengths[:-1]])
        values = [own + begin for own, begin in zip(values, before, strict=True)]
    return pack_numbers(np.concatenate(values))


def _joined_texts(contents: Sequence[bytes]) -> Part | None:
    split = [split_texts(content) for content in contents]
    of_head = {head: texts_of(head) for head, _ in split}
    words = sorted({word for own in of_head.values() for word in own})
    if len(words) >= NO_TEXT:
        return None
    number_of = {word: number for number, word in enumerate(words)}
    # NO_TEXT is beyond every table, whose last entry it gets.
    tables: dict[bytes, Integers] = {
        head: np.array([*(number_of[word] for word in own), NO_TEXT], dtype=np.int64) for head, own in of_head.items()
    }
    codes: list[Any] = [tables[head].take(codes_in(packed), mode="clip") for head, packed in split]
    return pack_codes(words, np.concatenate(codes))
