"""Strips hold what their blocks hold, count only while these are packed, and go when one of them is packed again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from benchmarks.synthetic import multiply
from pytomo_scrapy.analysis import distribution, series
from pytomo_scrapy.analysis.columnar import blocks, scan, strips
from pytomo_scrapy.analysis.columnar.blocks import FIGURE_COLUMNS, is_text
from pytomo_scrapy.analysis.columnar.scan import ColumnScan
from pytomo_scrapy.analysis.columnar.sealing import seal_all, seal_some
from pytomo_scrapy.analysis.daily import retention
from pytomo_scrapy.analysis.daily.retention import delete_measurements
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.database import Database

pytestmark = pytest.mark.slow

# Blocks 0 to 2 are complete: a strip of two of them, one beside it, and the newest, which is never packed.
APART = 10  # a tenth of the ids have a row: a hundred rows are a block
FILLED = 1050  # ids, and copied in SQL
TIMES = 3
EVERY = Selection(0, 2**31, is_valid_only=False)


@pytest.fixture(autouse=True)
def two_blocks_a_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (blocks, scan, strips, retention):
        monkeypatch.setattr(module, "STRIP_BLOCKS", 2)


def triple_and_pack(database: Database) -> None:
    multiply(database, FILLED, TIMES, days=6)
    assert seal_all(database) == 3


@pytest.fixture
def packed(each_copy: Callable[..., Database]) -> Database:
    return each_copy(FILLED // APART, triple_and_pack, days=6, videos=60, traces=0, apart=APART)


def strips_of(database: Database) -> set[int]:
    with database.read() as connection:
        return set(connection.execute(text("SELECT DISTINCT strip FROM figure_strip")).scalars())


def everything(connection: Connection) -> dict[str, Any]:
    """Read every column, and figures for which rows of playbacks and look-ups have to be found."""
    found: dict[str, list[Any]] = {name: [] for name in FIGURE_COLUMNS}
    for rows in ColumnScan(connection, EVERY):
        for name, values in found.items():
            values += [rows.text(code) for code in rows.words(name)] if is_text(name) else rows.plain(name).tolist()
    player = Selection(0, 2**31, {"player": "classic"})
    made = series.series(connection, player, PARAMETERS["startup_delay_s"], buckets=series.Buckets(50))
    curves, _ = distribution.curves(connection, EVERY, PARAMETERS["dns_elapsed_s"], compare="resolver")
    # By the words of JSON, since no NaN equals another one.
    return {name: json.dumps(values) for name, values in found.items()} | {
        "player": asdict(made),
        "resolver": [asdict(curve) for curve in curves],
    }


@pytest.mark.slow
def test_strip_holds_what_its_blocks_hold(packed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert strips_of(packed) == {0}
    with packed.read() as connection:
        of_strips = everything(connection)
    monkeypatch.setattr(scan, "packed_strips", lambda _: frozenset())
    with packed.read() as connection:
        of_blocks = everything(connection)
    assert len(json.loads(of_blocks["measurement_id"])) == TIMES * FILLED // APART
    for name, values in of_blocks.items():
        assert of_strips[name] == values, name


@pytest.mark.slow
@pytest.mark.parametrize("each_copy", ["sqlite"], indirect=True)
def test_columns_of_a_strip_are_asked_for_at_once(packed: Database) -> None:
    asked: list[str] = []
    event.listen(packed.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with packed.read() as connection:
        for rows in ColumnScan(connection, EVERY):
            for name in ("delivery_bps", "host"):
                rows.words(name) if is_text(name) else rows.plain(name)
    # The first chunk learns what is asked for: `started_s` for the period, and two figures.
    assert len([one for one in asked if "FROM figure_strip" in one and "content" in one]) == 3
    assert len([one for one in asked if "FROM figure_column" in one]) == 1


@pytest.mark.slow
def test_change_of_a_row_takes_its_strip_out_until_it_is_packed_again(packed: Database) -> None:
    with packed.write() as connection:
        connection.execute(text("UPDATE figure SET delivery_bps = 5e12, host = 'new.test' WHERE measurement_id = 1500"))
    for is_packed in (False, True, True):
        with packed.read() as connection:
            found = everything(connection)
        row = json.loads(found["measurement_id"]).index(1500)
        assert json.loads(found["delivery_bps"])[row] == 5e12
        assert json.loads(found["host"])[row] == "new.test"
        if is_packed:
            assert strips_of(packed) == {0}
        seal_some(packed)


@pytest.mark.slow
def test_block_without_a_row_takes_its_strip_with_it(packed: Database) -> None:
    with packed.write() as connection:
        ids = list(connection.execute(text("SELECT id FROM measurement WHERE id < 1024")).scalars())
        delete_measurements(connection, 0, ids)
    assert strips_of(packed) == set()
    seal_all(packed)
    assert strips_of(packed) == set()
    with packed.read() as connection:
        assert min(json.loads(everything(connection)["measurement_id"])) == 1030


@pytest.mark.parametrize("each_copy", ["sqlite"], indirect=True)
def test_column_of_too_many_texts_is_read_from_its_blocks(packed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "NO_TEXT", 5)  # there are twelve hosts, and three airports
    with packed.write() as connection:
        connection.execute(text("DELETE FROM figure_strip"))
    seal_all(packed)
    with packed.read() as connection:
        of_strip = set(connection.execute(text("SELECT name FROM figure_strip")).scalars())
        found = everything(connection)
    assert "host" not in of_strip
    assert {"cache_airport", "delivery_bps"} <= of_strip
    monkeypatch.setattr(scan, "packed_strips", lambda _: frozenset())
    with packed.read() as connection:
        assert everything(connection) == found
