"""Columns are read once while one state is read, as far as there is room, and never while something is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url

from pytomo_scrapy.analysis.columnar.kept_columns import KeptColumns, forget_columns
from pytomo_scrapy.analysis.columnar.scan import ColumnScan
from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.read_only import ReadDatabase
from pytomo_scrapy.storage.room import MOST_BYTES, Room

NAMES = ("delivery_bps", "video_row_id", "host", "client")


@pytest.fixture
def packed(tmp_path: Path, synthetic_template: Callable[..., str]) -> Any:
    """A database whose first block is packed and whose second one is not."""
    path = tmp_path / "packed.db"
    template = synthetic_template(None, 110, seal_all, days=6, videos=60, traces=0, apart=10)
    shutil.copy(str(make_url(template).database), path)
    database = open_database(f"sqlite:///{path}")
    yield database
    database.close()


def columns(connection: Connection) -> dict[str, list[Any]]:
    """Read columns of numbers and of texts as every figure does."""
    found: dict[str, list[Any]] = {name: [] for name in NAMES}
    for rows in ColumnScan(connection, Selection(0, 2**31, is_valid_only=False)):
        for name in NAMES:
            is_text = name in {"host", "client"}
            found[name] += [rows.text(code) for code in rows.words(name)] if is_text else rows.plain(name).tolist()
    return found


def asked_of(database: Database) -> list[str]:
    """Return where the names of the columns that are read of packed blocks will be noted."""
    asked: list[str] = []

    def note(*given: Any) -> None:
        if "FROM figure_column" in given[2]:
            asked.extend(name for name in given[3] if isinstance(name, str))

    event.listen(database.engine, "before_cursor_execute", note)
    return asked


def test_packed_columns_are_read_once_while_one_state_is_read(packed: Database) -> None:
    asked = asked_of(packed)
    with packed.read() as connection:
        first = columns(connection)
        count = len(asked)
        np.testing.assert_equal(columns(connection), first)
        assert len(asked) == count > 0 and {*NAMES} <= {*asked}
        # What is given up for others is read again, and is the same.
        forget_columns(connection)
        np.testing.assert_equal(columns(connection), first)
        assert len(asked) > count
    with packed.read() as connection:
        connection.execute(text("SELECT 1"))
    assert packed._room.take(MOST_BYTES), "what was kept must go with its connection"


def test_nothing_is_kept_where_something_is_written(packed: Database) -> None:
    with packed.write() as connection:
        before = columns(connection)["delivery_bps"]
        connection.execute(text("UPDATE figure SET delivery_bps = 2 * delivery_bps"))
        np.testing.assert_equal(columns(connection)["delivery_bps"], [2 * one for one in before])


def test_what_finds_no_room_is_read_again(packed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with packed.read() as connection:
        exact = columns(connection)
    monkeypatch.setattr(packed, "_room", Room(500))
    with packed.read() as connection:
        for _ in range(3):
            np.testing.assert_equal(columns(connection), exact)


def test_room_is_shared_and_given_back() -> None:
    room = Room(100)
    one, other = KeptColumns(room), KeptColumns(room)
    one.keep(0, "a", b"a", 60)
    other.keep(0, "b", b"b", 60)
    assert (one.get(0, "a"), other.get(0, "b"), other.has(0, "b")) == (b"a", None, False)
    other.keep(0, "c", b"c", 40)
    assert other.get(0, "c") == b"c"
    del one
    other.keep(0, "b", b"b", 60)
    assert other.get(0, "b") == b"b" and not room.take(1)
    other.clear()
    assert other.get(0, "b") is None and room.take(100)


def test_newest_rows_are_read_once_for_all_who_see_the_same_state(packed: Database, tmp_path: Path) -> None:
    reader = ReadDatabase(tmp_path / "packed.db")
    asked: list[str] = []
    seen = []
    for change in (None, None, "UPDATE figure SET delivery_bps = 2 * delivery_bps", None):
        if change is not None:
            with packed.write() as connection:
                connection.execute(text(change))
        with reader.read() as connection:
            connection.execute(text("SELECT 1"))
            if not seen:
                event.listen(connection.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
            asked.clear()
            found = columns(connection)
        seen.append((found["delivery_bps"], sum("figure.delivery_bps" in sql for sql in asked)))
    reader.close()
    (first, questions), (again, none), (changed, further), (last, no_more) = seen
    np.testing.assert_equal(again, first)
    np.testing.assert_equal(changed, [2 * one for one in first])
    np.testing.assert_equal(last, changed)
    assert questions > 0 and further > 0, "what was not read before, or has changed"
    assert none == no_more == 0
