"""Read the rows of a selection by column, in chunks of bounded size, from packed blocks and from the tables alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, or_, select

from pytomo_scrapy.analysis.columnar.blocks import LOOKUP, PLAYBACK, Integers, Values
from pytomo_scrapy.analysis.columnar.chunk import Asked, BlockChunk, ChunkBlocks, fixed
from pytomo_scrapy.analysis.columnar.counts import Counts
from pytomo_scrapy.analysis.columnar.strips import packed_strips
from pytomo_scrapy.analysis.columnar.text_codes import TextCodes
from pytomo_scrapy.analysis.figures import DIMENSIONS, PARAMETERS, Figure
from pytomo_scrapy.analysis.selection import Condition, Selection
from pytomo_scrapy.failures import is_for_good
from pytomo_scrapy.storage.database import read_once
from pytomo_scrapy.storage.schema.crawl_tables import vantage
from pytomo_scrapy.storage.schema.figure_tables import BLOCK_ROWS, STRIP_BLOCKS, figure, figure_block

Mask = NDArray[np.bool_]
Found = TypeVar("Found")
# Some 65 000 rows: half a megabyte a column.
_CHUNK_BLOCKS = 64


def _near_blocks() -> Select[tuple[int, int]]:
    start_s: BindParameter[int] = bindparam("start_s")
    end_s: BindParameter[int] = bindparam("end_s")
    is_near = (figure_block.c.last_s >= start_s) & (figure_block.c.first_s < end_s)
    has_rows = select(figure.c.measurement_id).where(
        figure.c.measurement_id >= figure_block.c.block * BLOCK_ROWS,
        figure.c.measurement_id < (figure_block.c.block + 1) * BLOCK_ROWS,
        # A sum, so that a database looks at the rows of the block and not at those of the period.
        figure.c.started_s + 0 >= start_s,
        figure.c.started_s + 0 < end_s,
    )
    # Of a block that is not packed each column is read from the table: not where all of it is of another time.
    is_open = and_(figure_block.c.is_sealed == 0, has_rows.exists())
    return _BLOCKS.where(or_(is_open, is_near))


# Written once: a page asks hundreds of times, and forming the question would take longer than its answer.
_BLOCKS = select(figure_block.c.block, figure_block.c.is_sealed).order_by(figure_block.c.block)
_LATER_BLOCKS = _BLOCKS.where(figure_block.c.block >= bindparam("first"))
_NEAR_BLOCKS = _near_blocks()


class SelectedRows:
    """The selected rows of a chunk; a row may occur several times, once for each player or look-up."""

    def __init__(self, chunk: BlockChunk, row_numbers: Integers, detail: Integers | None, prefix: str) -> None:
        self.chunk = chunk
        self._row_numbers = row_numbers
        self._detail = detail  # of playbacks or look-ups, -1: none
        self._prefix = prefix
        self._gathered: dict[str, Any] = {}  # columns of these rows alone: sums ask for the same ones over and over

    def __len__(self) -> int:
        return len(self._row_numbers)

    def masked(self, mask: Mask) -> SelectedRows:
        """Return the rows where the mask is true."""
        if mask.all():
            return self
        detail = None if self._detail is None else self._detail[mask]
        return SelectedRows(self.chunk, self._row_numbers[mask], detail, self._prefix)

    def computed(self, name: str, make: Callable[[], Found]) -> Found:
        """Return what `make` finds of these rows, and the same again to who asks by that name next."""
        key = f"computed {name}"
        if key not in self._gathered:
            self._gathered[key] = make()
        found: Found = self._gathered[key]
        return found

    def plain(self, name: str) -> Values:
        """Return a column of numbers of the flat table."""
        found: Values = self._of_rows(name, self.chunk.numbers)
        return found

    def whole(self, name: str) -> Integers:
        """Return a column of whole numbers that are always known."""
        key = f"whole {name}"
        if key not in self._gathered:
            self._gathered[key] = fixed(self.plain(name).astype(np.int64))
        found: Integers = self._gathered[key]
        return found

    def words(self, name: str) -> Integers:
        """Return the codes of a column of texts; the player or resolver is that of the row's playback or look-up."""
        if self._detail is not None and name == {PLAYBACK: "player", LOOKUP: "resolver"}[self._prefix]:
            codes = self.chunk.words(self._prefix + name)
            return np.where(self._detail >= 0, codes[self._detail], -1) if len(codes) else np.full(len(self), -1)
        found: Integers = self._of_rows(name, self.chunk.words)
        return found

    def text(self, code: int) -> str | None:
        """Return what a code of `words` stands for."""
        return self.chunk.texts.text(code)

    def value(self, name: str) -> Values:
        """Return a figure, from the chosen player's playback if a player is chosen; NaN for unknown values."""
        if self._prefix == LOOKUP and name == "dns_elapsed_s":
            return self._own("elapsed_s")
        if self._prefix != PLAYBACK or (name != "waited_s" and not PARAMETERS[name].is_playback):
            return self.plain(name)
        if name == "has_stall":
            count = self._own("stall_count")
            return np.where(np.isnan(count), np.nan, (count > 0).astype(np.float64))
        if name == "is_started":
            is_started: Values = (self._own("is_started") == 1).astype(np.float64)
            return is_started
        if name == "waited_s":
            return _first_known(self._own("startup_delay_s"), self._own("horizon_s"), self.plain("waited_s"))
        return self._own(name)

    def waited(self, name: str) -> Values:
        """Return the seconds until a censored figure was reached, or until the session was given up."""
        if name == "startup_delay_s":
            return self.value("waited_s")
        before = known_or_0(self.plain("resolve_elapsed_s")) + known_or_0(self.plain("dns_elapsed_s"))
        return _first_known(self.value(name), before + self.plain("waited_s"))

    def is_failed(self) -> Mask:
        """Return which rows have a failure after which no session would ever have started."""
        found: Mask = self._of_rows("failure for good", lambda _: self.chunk.mask_of_words("failure", is_for_good))
        return found

    def failed_after(self, name: str) -> Values:
        """Return how long rows that failed had waited for a censored figure; 0 where no window opened."""
        window_s = known_or_0(self.plain("download_s"))
        if name == "startup_delay_s":
            return window_s
        before = known_or_0(self.plain("resolve_elapsed_s")) + known_or_0(self.plain("dns_elapsed_s"))
        return before + window_s

    def _of_rows(self, name: str, read: Callable[[str], Any]) -> Any:
        if name not in self._gathered:
            column = read(name)
            # Without players and look-ups no row occurs twice: as many rows are all rows.
            is_whole = self._detail is None and len(column) == len(self._row_numbers)
            self._gathered[name] = column if is_whole else fixed(column[self._row_numbers])
        return self._gathered[name]

    def _own(self, name: str) -> Values:
        assert self._detail is not None
        column = self.chunk.numbers(self._prefix + name)
        if not len(column):
            return np.full(len(self), np.nan)
        found: Values = np.where(self._detail >= 0, column[self._detail], np.nan)
        return found


def known_or_0(values: Values) -> Values:
    """Return the values, and 0 for what is not known."""
    return np.where(np.isnan(values), 0.0, values)


def _first_known(*columns: Values) -> Values:
    found = columns[0]
    for column in columns[1:]:
        found = np.where(np.isnan(found), column, found)
    return found


class ColumnScan:
    """The rows of a selection, and the group of each; reads only the columns that the question needs."""

    def __init__(
        self,
        connection: Connection,
        selection: Selection,
        parameter: Figure | None = None,
        compare: str | None = None,
        *,
        is_kept: bool = True,
    ) -> None:
        """Not `is_kept`: the columns of this scan are asked for once, and take no room."""
        self.texts = TextCodes()
        self._is_kept = is_kept
        self._expected: set[str] = set()
        self._connection = connection
        self._selection = selection
        self._compare = compare
        self._player = selection.equals.get("player")
        self._wants_player = (self._player is not None or compare == "player") and (
            parameter is None or parameter.is_playback
        )
        self._wants_lookups = compare == "resolver" and parameter is not None and parameter.name == "dns_elapsed_s"

    def __iter__(self) -> Iterator[SelectedRows]:
        for chunk in self._chunks():
            rows = self._joined(chunk)
            rows = rows.masked(self._is_selected(rows))
            if len(rows):
                yield rows

    def no_rows(self) -> SelectedRows:
        """Return no rows at all. The columns that are asked of them are read together in the next pass.

        Where nothing is packed yet, a question for each column of each block takes far longer.
        """
        asked = Asked(is_kept=False)
        # What is asked of them is noted in the same set.
        self._expected = asked.names
        rows = self._joined(BlockChunk(self._connection, ChunkBlocks([], frozenset()), self.texts, asked))
        return rows.masked(self._is_selected(rows))

    def groups(self, rows: SelectedRows) -> Integers:
        """Return the group of each row as a number that `group_value` turns into a value; -1 if it is not known."""
        assert self._compare is not None
        return self._dimension(rows, self._compare)

    def group_value(self, number: int) -> str | int:
        """Return the value of the compared dimension that a number stands for."""
        assert self._compare is not None
        return number if DIMENSIONS[self._compare].is_number else self.texts.texts[number]

    def group_number(self, value: str | int) -> int:
        """Return the number that stands for a value of the compared dimension."""
        return value if isinstance(value, int) else self.texts.number(value)

    def _chunks(self) -> Iterator[BlockChunk]:
        period = {"start_s": self._selection.start_s, "end_s": self._selection.end_s}
        expected, self._expected = self._expected, set()
        of_scan = Asked(expected, is_kept=self._is_kept)
        yield from _chunks_of(self._connection, (_NEAR_BLOCKS, period), self.texts, of_scan)

    def _joined(self, chunk: BlockChunk) -> SelectedRows:
        count = len(chunk.numbers("started_s"))
        all_rows = np.arange(count)
        if self._wants_lookups:
            own = chunk.rows_of(LOOKUP)
            return SelectedRows(chunk, own, np.arange(len(own)), LOOKUP)
        if not self._wants_player:
            return SelectedRows(chunk, all_rows, None, "")
        own = chunk.rows_of(PLAYBACK)
        if self._player is None:
            return SelectedRows(chunk, own, np.arange(len(own)), PLAYBACK)
        detail = np.full(count, -1, dtype=np.int64)
        of_player = np.flatnonzero(chunk.words(PLAYBACK + "player") == self.texts.number(str(self._player)))
        detail[own[of_player]] = of_player
        # A session that the network ended before any player ran never started, under every player.
        is_lost = (chunk.words("player") == -1) & (chunk.numbers("is_session") == 1)
        is_included = (detail >= 0) | is_lost
        return SelectedRows(chunk, all_rows[is_included], detail[is_included], PLAYBACK)

    def _is_selected(self, rows: SelectedRows) -> Mask:
        selection = self._selection
        started = rows.plain("started_s")
        is_selected: Mask = (started >= selection.start_s) & (started < selection.end_s)
        if selection.is_valid_only:
            is_selected &= rows.plain("is_valid") == 1
        for name, value in selection.equals.items():
            if name == "player":
                continue
            is_selected &= self._dimension(rows, name) == (
                value if isinstance(value, int) else self.texts.number(value)
            )
        if selection.era.left_out_runs:
            is_selected &= ~np.isin(rows.whole("run_id"), self._left_out_runs)
        if selection.condition is not None:
            is_selected &= np.isin(rows.whole("measurement_id"), self._meeting(selection.condition))
        return is_selected

    def _dimension(self, rows: SelectedRows, name: str) -> Integers:
        if name == "provider":
            ids = rows.whole("vantage_id")
            table = np.full(max(self._providers, default=0) + 1, -1, dtype=np.int64)
            for key, number in self._providers.items():
                table[key] = number
            return table[ids] if len(ids) else ids
        if DIMENSIONS[name].is_number:
            numbers = rows.plain(DIMENSIONS[name].column)
            return np.where(np.isnan(numbers), -1, numbers).astype(np.int64)
        return rows.words(DIMENSIONS[name].column)

    def _meeting(self, condition: Condition) -> Integers:
        """Return the measurements that meet a condition."""

        def read() -> Integers:
            found = self._connection.execute(condition.measurement_ids.execution_options(yield_per=10_000))
            return np.fromiter(found.scalars(), dtype=np.int64)

        return read_once(self._connection, ("condition", condition.words), read)

    @cached_property
    def _left_out_runs(self) -> Integers:
        return np.array(sorted(self._selection.era.left_out_runs), dtype=np.int64)

    @cached_property
    def _providers(self) -> dict[int, int]:
        rows = self._connection.execute(select(vantage.c.id, vantage.c.provider))
        return {row.id: self.texts.number(row.provider) for row in rows if row.provider is not None}


def rows_from(connection: Connection, first_block: int) -> Iterator[SelectedRows]:
    """Return every row from a block on, chunk by chunk."""
    for chunk in _chunks_of(connection, (_LATER_BLOCKS, {"first": first_block}), TextCodes(), Asked()):
        yield SelectedRows(chunk, np.arange(len(chunk.numbers("started_s"))), None, "")


def _chunks_of(
    connection: Connection, blocks: tuple[Select[tuple[int, int]], dict[str, int]], texts: TextCodes, of_scan: Asked
) -> Iterator[BlockChunk]:
    found = connection.execute(*blocks).all()
    for part, strip in _parts_of(found, packed_strips(connection)):
        sealed = {row.block for row in part if row.is_sealed}
        yield BlockChunk(connection, ChunkBlocks([row.block for row in part], sealed, strip), texts, of_scan)


def _parts_of(found: Sequence[Any], strips: frozenset[int]) -> Iterator[tuple[Sequence[Any], int | None]]:
    """Give blocks in order, those of a strip that counts with its number, and others a bounded number at a time."""
    others: list[Any] = []
    for strip, of_strip in groupby(found, key=lambda row: int(row.block // STRIP_BLOCKS)):
        part = list(of_strip)
        is_strip = strip in strips and len(part) == STRIP_BLOCKS and all(row.is_sealed for row in part)
        if is_strip:
            yield from ((one, None) for one in _bounded(others))
            others = []
            yield part, strip
        else:
            others += part
    yield from ((one, None) for one in _bounded(others))


def _bounded(blocks: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(blocks), _CHUNK_BLOCKS):
        yield blocks[first : first + _CHUNK_BLOCKS]


def top_groups(scan: ColumnScan, limit: int) -> tuple[list[str | int], int]:
    """Return the values of the compared dimension with most rows, and how many further ones are left out."""
    counts = Counts()
    for rows in scan:
        groups = scan.groups(rows)
        counts.add(groups[groups >= 0])
    found = [(-count, scan.group_value(number)) for number, count in counts.as_dict().items()]
    values = [value for _, value in sorted(found)]
    return values[:limit], max(0, len(values) - limit)
