"""Packed blocks hold what the tables hold: every answer is the same with and without them, whatever changes."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url

from pytomo_scrapy.analysis import distribution, lists, overview, series
from pytomo_scrapy.analysis.columnar import chunk
from pytomo_scrapy.analysis.columnar.blocks import (
    codes_in,
    codes_of,
    pack_numbers,
    pack_texts,
    split_texts,
    texts_of,
    unpack_numbers,
)
from pytomo_scrapy.analysis.columnar.sealing import seal_all, seal_some
from pytomo_scrapy.analysis.figures import DIMENSIONS, PARAMETERS
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.database import Database, open_database

ROWS, APART = 110, 10  # ids up to 1100: two blocks


def leave(database: Database) -> None:
    """Pack nothing."""


@pytest.fixture
def two_blocks(each_copy: Callable[..., Database]) -> Database:
    return each_copy(ROWS, leave, days=6, videos=60, traces=0, apart=APART)


def sealed(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT block FROM figure_block WHERE is_sealed = 1 ORDER BY 1")).scalars())


def answers(connection: Connection, synthetic: ModuleType) -> dict[str, Any]:
    """Ask for something of every kind; on PostgreSQL for every fourth figure, as all columns are read alike."""
    step = 1 if connection.dialect.name == "sqlite" else 4
    selection = Selection(synthetic.END_S - 6 * 86400, synthetic.END_S + 1)
    found: dict[str, Any] = {
        name: asdict(series.series(connection, selection, parameter, buckets=series.Buckets(50)))
        for name, parameter in list(PARAMETERS.items())[::step]
    }
    found["overview"] = asdict(overview.overview(connection, selection))
    found["averages"] = lists.averages(connection, selection)
    found["failures"] = asdict(lists.failures(connection, selection, 40))
    for name in list(DIMENSIONS)[::step]:
        parameter = PARAMETERS["dns_elapsed_s" if name == "resolver" else "startup_delay_s"]
        curves, left_out = distribution.curves(connection, selection, parameter, compare=name)
        found[f"by {name}"] = ([asdict(curve) for curve in curves], left_out)
    of_player = Selection(selection.start_s, selection.end_s, {"player": "classic", "provider": "ISP A"})
    found["player"] = asdict(
        series.series(connection, of_player, PARAMETERS["startup_delay_s"], buckets=series.Buckets(50))
    )
    return json.loads(json.dumps(found))


@pytest.mark.slow
def test_answers_are_the_same_from_blocks_and_from_tables(two_blocks: Database, synthetic: ModuleType) -> None:
    with two_blocks.read() as connection:
        from_tables = answers(connection, synthetic)
    assert sealed(two_blocks) == []
    assert seal_all(two_blocks) == 1
    assert sealed(two_blocks) == [0]
    with two_blocks.read() as connection:
        from_blocks = answers(connection, synthetic)
    assert from_tables.keys() == from_blocks.keys()
    for name, answer in from_tables.items():
        assert from_blocks[name] == answer, name


CHANGES = (
    "UPDATE figure SET delivery_bps = 5e12, is_valid = 1 WHERE measurement_id = 70",
    "DELETE FROM figure WHERE measurement_id = 80",
    "UPDATE playback SET stalled_s = 9 WHERE measurement_id = 70",
    "UPDATE dns_lookup SET elapsed_s = 9 WHERE id = (SELECT MIN(id) FROM dns_lookup WHERE measurement_id < 1024)",
)


@pytest.mark.slow
def test_a_row_that_changes_unseals_its_block(two_blocks: Database, synthetic: ModuleType) -> None:
    selection = Selection(synthetic.END_S - 6 * 86400, synthetic.END_S + 1)
    for change in CHANGES:
        seal_all(two_blocks)
        with two_blocks.write() as connection:
            assert connection.execute(text(change)).rowcount
        assert sealed(two_blocks) == [], change
        # The change is answered at once, and after packing as well.
        for _ in range(2):
            with two_blocks.read() as connection:
                [line] = series.series(
                    connection, selection, PARAMETERS["delivery_bps"], buckets=series.Buckets(5)
                ).lines
            # One row of a hundred: the others are below 2e7.
            assert line.mean is not None and line.mean > 1e9
            assert seal_some(two_blocks) in (0, 1)
        assert sealed(two_blocks) == [0], change


def test_what_is_not_packed_is_read_once_while_one_state_is_read(
    sqlite_url: str, synthetic_file: Callable[..., Path]
) -> None:
    shutil.copy(synthetic_file(50, days=1, videos=10), str(make_url(sqlite_url).database))
    database = open_database(sqlite_url)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    def mean(connection: Connection) -> float:
        [line] = series.series(connection, Selection(0, 2**31), PARAMETERS["delivery_bps"]).lines
        assert line.mean is not None
        return line.mean

    with database.read() as connection:
        before = mean(connection)
        assert mean(connection) == before
    # All columns at once: the next figure of the page asks nothing of this block any more.
    [_] = [statement for statement in asked if "figure.delivery_bps" in statement]
    # Not so where something is written: what follows must see it.
    with database.write() as connection:
        assert mean(connection) == before
        connection.execute(text("UPDATE figure SET delivery_bps = 2 * delivery_bps"))
        assert mean(connection) == pytest.approx(2 * before)
    with database.read() as connection:
        assert mean(connection) == pytest.approx(2 * before)
    database.close()


def test_what_an_overview_needs_of_rows_that_are_not_packed_is_read_at_once(
    sqlite_url: str, synthetic_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of an imported database, which has more such blocks than are kept in memory whole."""
    monkeypatch.setattr(chunk, "_FEW_BLOCKS", 0)
    shutil.copy(synthetic_file(50, days=1, videos=10), str(make_url(sqlite_url).database))
    database = open_database(sqlite_url)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    with database.read() as connection:
        found = overview.overview(connection, Selection(0, 2**31))
    database.close()
    assert found.valid_count > 0
    of_block = [statement for statement in asked if "ORDER BY figure.measurement_id" in statement]
    # Not one after the other; what names of the period are tested by is asked on its own, behind them.
    assert of_block[0].count("figure.") > 20


@pytest.mark.slow
@pytest.mark.parametrize("each_copy", ["postgres"], indirect=True)
def test_a_row_that_is_being_stored_is_waited_for(two_blocks: Database) -> None:
    """Two crawlers at one PostgreSQL: one packs the block in which the other has a row that is not committed."""
    packing = threading.Thread(target=seal_all, args=(two_blocks,))
    with two_blocks.write() as connection:
        connection.execute(text("DELETE FROM figure WHERE measurement_id = 70"))
        packing.start()
        packing.join(0.5)
        assert packing.is_alive()
    packing.join(120)
    assert sealed(two_blocks) == [0]
    with two_blocks.read() as connection:
        counted = connection.execute(text("SELECT row_count FROM figure_block WHERE block = 0")).scalar_one()
        assert counted == connection.execute(text("SELECT COUNT(*) FROM figure WHERE measurement_id < 1024")).scalar()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1, 255], "|u1"),
        ([1, -2], "<i2"),
        ([70_000, 2], "<i4"),
        ([2**40, 1], "<i8"),
        ([1, None, 0], "<f2"),
        ([4096.5, None], "<f4"),
        ([0.1, 0.2], "<f8"),
        ([1e300, None], "<f8"),
        ([None, None], "null2"),
        ([True, None, False], "<f2"),
        ([], "null0"),
    ],
)
def test_numbers_are_packed_as_narrowly_as_is_exact(values: list[float | None], kind: str) -> None:
    packed = pack_numbers(values)
    assert packed[0] == kind
    expected = [np.nan if value is None else float(value) for value in values]
    np.testing.assert_array_equal(unpack_numbers(*packed), expected)


def test_texts_are_packed_whatever_they_hold() -> None:
    values = ["b", None, "a", "", "\u202e\U0001f525", "b"]
    head, places = split_texts(pack_texts(values)[1])
    words = texts_of(head)
    assert [None if row_index >= len(words) else words[row_index] for row_index in codes_in(places).tolist()] == values
    assert codes_of(values)[1] == words
