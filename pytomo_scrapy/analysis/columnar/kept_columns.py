"""Packed columns that one answer reads several times, kept while it reads one state of the database. Bounded."""

from __future__ import annotations

import weakref
from typing import Any

from sqlalchemy import Connection

from pytomo_scrapy.storage.database import READ_ONCE, ROOM
from pytomo_scrapy.storage.room import Room

_COLUMNS = "packed columns"


class KeptColumns:
    """Columns of chunks by chunk and name. What finds no room is read again."""

    def __init__(self, room: Room) -> None:
        self._found: dict[tuple[Any, str], Any] = {}
        self._room = room
        self._held: list[int] = []
        # The room is one for all databases: with the state that these columns are of, their bytes go back.
        weakref.finalize(self, room.give_back, self._held)

    def has(self, chunk: Any, name: str) -> bool:
        """Tell whether a column of a chunk is kept."""
        return (chunk, name) in self._found

    def get(self, chunk: Any, name: str) -> Any:
        """Return a column of a chunk, None where it is not kept."""
        return self._found.get((chunk, name))

    def keep(self, chunk: Any, name: str, column: Any, size: int) -> None:
        """Keep a column of so many bytes, where there is room for it."""
        if self._room.take(size):
            self._held.append(size)
            self._found[chunk, name] = column

    def clear(self) -> None:
        """Keep nothing any more: what comes next needs the memory."""
        self._found.clear()
        self._room.give_back(self._held)


def kept_columns(connection: Connection) -> KeptColumns:
    """Return the columns that are kept for a connection. For one that writes none are: what they are of changes."""
    options = connection.get_execution_options()
    kept: dict[Any, Any] | None = options.get(READ_ONCE)
    if kept is None:
        return KeptColumns(Room(0))
    if _COLUMNS not in kept:
        kept[_COLUMNS] = KeptColumns(options[ROOM])
    found: KeptColumns = kept[_COLUMNS]
    return found


def forget_columns(connection: Connection) -> None:
    """Give up what is kept for a connection."""
    kept_columns(connection).clear()
