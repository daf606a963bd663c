"""Some blocks of packed rows, column by column, and what is not packed from the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from threading import RLock
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Executable, bindparam, select

from pytomo_scrapy.analysis.columnar.blocks import (
    FIGURE_COLUMNS,
    NULLS,
    Integers,
    Values,
    codes_in,
    codes_of,
    is_text,
    numbers_of,
    read_columns,
    read_together,
    split_texts,
    unpack_numbers,
)
from pytomo_scrapy.analysis.columnar.kept_columns import kept_columns
from pytomo_scrapy.analysis.columnar.text_codes import TextCodes
from pytomo_scrapy.storage.database import kept_while_same
from pytomo_scrapy.storage.schema.figure_tables import figure_column, figure_strip

Mask = NDArray[np.bool_]
UNPACKED = ""  # the kind of a block whose values come from the tables themselves
# How many columns of these are kept while one state of the database is read: of a thousand rows each, so some 16 MB.
# A database that is not packed yet has its own bound, the chunk.
_MOST_KEPT = 2000
_FEW_BLOCKS = 4
# Written once: a page of a year asks a thousand times, and forming the question would take longer than its answer.
_COLUMNS = (
    select(figure_column.c.name, figure_column.c.block, figure_column.c.kind, figure_column.c.content)
    .where(figure_column.c.name.in_(bindparam("names", expanding=True)))
    .order_by(figure_column.c.name, figure_column.c.block)
)
_COLUMNS_BETWEEN = _COLUMNS.where(figure_column.c.block.between(bindparam("first"), bindparam("last")))
_COLUMNS_AMONG = _COLUMNS.where(figure_column.c.block.in_(bindparam("blocks", expanding=True)))
_COLUMNS_OF_STRIP = select(figure_strip.c.name, figure_strip.c.kind, figure_strip.c.content).where(
    figure_strip.c.name.in_(bindparam("names", expanding=True)), figure_strip.c.strip == bindparam("strip")
)
_BEHIND_NAME, _BEHIND_BLOCK = itemgetter(1, 2, 3), itemgetter(1, 2)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the chunks of one scan share: the columns that were asked for, and whose turn it is to read."""

    names: set[str] = field(default_factory=set)
    is_kept: bool = True  # columns are kept for the next scan
    lock: RLock = field(default_factory=RLock)  # one at a time reads from the connection


class ChunkBlocks(NamedTuple):
    """The blocks of a chunk, those of them that are packed, and the strip that they all are, if they are one."""

    numbers: Sequence[int]
    sealed: Set[int]
    strip: int | None = None


class BlockChunk:
    """Some blocks, column by column; a column is read when it is asked for, with those that were before.

    `asked` are the columns that the chunks before this one were asked for: what one needs, the next one does too.
    Thread-safe: two who ask for a column at once may both make it.
    """

    def __init__(
        self,
        connection: Connection,
        of: ChunkBlocks,
        texts: TextCodes,
        asked: Asked | None = None,
    ) -> None:
        self._connection = connection
        self._blocks, self._sealed, self._strip = of
        self.texts = texts
        self._columns: dict[str, Any] = {}
        self._scan = Asked() if asked is None else asked
        self._ahead = set(self._scan.names)  # to be read with the first one
        # Read, and not asked for yet: block, kind and content, in order of the blocks.
        self._packed: dict[str, list[tuple[int, str, bytes]]] = {}
        self._kept, self._key = kept_columns(connection), tuple(self._blocks)
        # One page asks for the same columns dozens of times, and the newest block is never packed.
        kept: dict[tuple[int, str], Any] | None = kept_while_same(connection)
        is_few = len(self._blocks) - len(self._sealed) <= _FEW_BLOCKS
        self._is_kept = kept is not None and len(kept) < _MOST_KEPT and is_few
        self._unpacked = kept if kept is not None and self._is_kept else {}

    def numbers(self, name: str) -> Values:
        """Return a column of numbers, NaN for what is not known."""
        if name not in self._columns:
            parts = [content if kind is None else unpack_numbers(kind, content) for kind, content in self._joined(name)]
            self._columns[name] = fixed(_whole(parts) if parts else np.empty(0))
        found: Values = self._columns[name]
        return found

    def words(self, name: str) -> Integers:
        """Return a column of texts as their numbers, -1 for what is not known."""
        if name not in self._columns:
            parts = [
                self.texts.table(content[1]).take(content[0], mode="clip")
                if head is None
                else self.texts.table_of(head).take(codes_in(content), mode="clip")
                for head, content in self._joined(name)
            ]
            self._columns[name] = fixed(_whole(parts) if parts else np.empty(0, dtype=np.int64))
        found: Integers = self._columns[name]
        return found

    def mask_of_words(self, name: str, is_meant: Callable[[str | None], bool]) -> Mask:
        """Return for each row whether its text of a column is one that is meant; None is what is not known."""
        codes = self.words(name)
        table = np.array([*map(is_meant, self.texts.texts), is_meant(None)], dtype=np.bool_)
        found: Mask = table[codes]
        return found

    def rows_of(self, prefix: str) -> Integers:
        """Return to which row of the chunk each playback or look-up belongs."""
        name = f"{prefix}row"
        if name not in self._columns:
            parts, before = [], 0
            for (kind, content), length in zip(self._contents(name), self._lengths, strict=True):
                rows = content if kind == UNPACKED else unpack_numbers(kind, content)
                parts.append(rows.astype(np.int64) + before)
                before += length
            self._columns[name] = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        found: Integers = self._columns[name]
        return found

    @cached_property
    def _question(self) -> tuple[Executable, dict[str, Any]]:
        first, last = self._blocks[0], self._blocks[-1]
        if last - first < 2 * len(self._blocks):
            return _COLUMNS_BETWEEN, {"first": first, "last": last}
        # Imported measurements of earlier times lie far apart.
        return _COLUMNS_AMONG, {"blocks": list(self._blocks)}

    @cached_property
    def _lengths(self) -> list[int]:
        return [
            len(content if kind == UNPACKED else unpack_numbers(kind, content))
            for kind, content in self._contents("started_s")
        ]

    def _joined(self, name: str) -> list[tuple[Any, Any]]:
        """Return a column with blocks alike joined: of one number format, or with the same distinct texts.

        A year has a thousand blocks, and each step of each would cost microseconds. None: not packed.
        """
        kept = self._kept.get(self._key, name)
        if kept is not None:
            self._scan.names.add(name)
            return cast(list[tuple[Any, Any]], kept)
        has_texts = is_text(name)
        split: list[tuple[Any, Any]] = [
            (None, content) if kind == UNPACKED else split_texts(content) if has_texts else (kind, content)
            for kind, content in self._contents(name)
        ]
        found: list[tuple[Any, Any]] = []
        for kind, blocks in groupby(split, key=itemgetter(0)):
            contents = [content for _, content in blocks]
            is_joined = isinstance(kind, bytes) or (kind is not None and not kind.startswith(NULLS))
            found += [(kind, b"".join(contents))] if is_joined else [(kind, content) for content in contents]
        if self._scan.is_kept:
            self._kept.keep(self._key, name, found, sum(map(_size, found)))
        return found

    def _contents(self, name: str) -> list[tuple[str, Any]]:
        """Return for each block the kind and content of a packed column, or UNPACKED and what the tables hold."""
        with self._scan.lock:
            return self._read(name)

    def _read(self, name: str) -> list[tuple[str, Any]]:
        if self._strip is not None:
            of_strip = self._of_strip(self._strip, name)
            if of_strip:
                return of_strip
        if self._sealed and name not in self._packed:
            names = {name, *(one for one in self._ahead if not self._kept.has(self._key, one))}
            self._ahead = set()
            query, values = self._question
            found = self._connection.execute(query, {"names": sorted(names), **values}).all()
            self._packed |= {one: [] for one in names}
            for column, rows in groupby(found, key=itemgetter(0)):
                self._packed[column] = list(map(_BEHIND_NAME, rows))
        self._scan.names.add(name)
        packed = self._packed.get(name, [])
        # As a rule every block is packed.
        if len(packed) == len(self._sealed) == len(self._blocks):
            return list(map(_BEHIND_BLOCK, packed))
        of_block = {block: (kind, content) for block, kind, content in packed if block in self._sealed}
        return [
            of_block[block] if block in of_block else (UNPACKED, self._of_tables(block, name)) for block in self._blocks
        ]

    def _of_strip(self, strip: int, name: str) -> list[tuple[str, Any]]:
        """Return a column of a strip as that of a single block. Empty where the strip has not got it."""
        if name not in self._packed:
            names = {name, *(one for one in self._ahead if not self._kept.has(self._key, one))}
            self._ahead = set()
            rows = self._connection.execute(_COLUMNS_OF_STRIP, {"names": sorted(names), "strip": strip}).all()
            self._packed |= {row.name: [(strip, row.kind, row.content)] for row in rows}
        self._scan.names.add(name)
        return [(kind, content) for _, kind, content in self._packed.get(name, [])]

    def _of_tables(self, block: int, name: str) -> Any:
        """Return the numbers of a block that is not packed, or the codes of its texts and these."""
        if (block, name) not in self._unpacked:
            names = read_together(name)
            # What one page asks for of the newest block is read at once: a question for each column takes far longer.
            if "." not in name:
                others = (one for one in tuple(self._scan.names) if "." not in one)
                asked = {name, *(one for one in others if (block, one) not in self._unpacked)}
                names = FIGURE_COLUMNS if self._is_kept else sorted(asked)
            for read, values in read_columns(self._connection, block, names).items():
                self._unpacked[block, read] = codes_of(values) if is_text(read) else numbers_of(values)
        return self._unpacked[block, name]


def _whole(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _size(part: tuple[Any, Any]) -> int:
    kind, content = part
    if kind is not None:
        return len(content)
    # Numbers, or the codes of texts.
    return int(content[0].nbytes if isinstance(content, tuple) else content.nbytes)


def fixed(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column that many ask for, and that nobody may write to."""
    column.setflags(write=False)
    return column
