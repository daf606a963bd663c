"""What medians are summed up from, kept from the first look at the rows for the second one. Bounded."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
from pytomo_scrapy.storage.database import ROOM
from pytomo_scrapy.storage.room import Room


@dataclass(frozen=True, slots=True)
class MedianRows:
    """Some rows by what medians are of: which of them are below is known when all rows were seen."""

    cells: Integers  # of the sums that they belong to
    values: Mapping[str, tuple[Values, Values | None]]  # by kind, see `estimates.reached_or_waited`; None: not censored
    methods: Integers  # the codes of the ways to ping

    @property
    def size(self) -> int:
        """Return how many bytes it holds."""
        parts = [one for pair in self.values.values() for one in pair if one is not None]
        return sum(one.nbytes for one in (self.cells, self.methods, *parts))


class KeptRows:
    """The rows of one answer. Where they find no room, the database is read again."""

    def __init__(self, connection: Connection) -> None:
        self._room: Room = connection.get_execution_options().get(ROOM) or Room(0)
        self._found: list[MedianRows] = []
        self._held: list[int] = []
        self._is_full = False
        weakref.finalize(self, self._room.give_back, self._held)

    def keep(self, rows: MedianRows) -> None:
        """Keep some rows, where there is room for all so far."""
        if self._is_full:
            return
        if self._room.take(rows.size):
            self._held.append(rows.size)
            self._found.append(rows)
            return
        self._is_full = True
        self.clear()

    def rows(self, read: Callable[[], Iterable[MedianRows]]) -> Iterator[MedianRows]:
        """Give all rows; `read` reads them again."""
        yield from read() if self._is_full else self._found

    def clear(self) -> None:
        """Give up what is kept: what comes next needs the memory."""
        self._found.clear()
        self._room.give_back(self._held)
