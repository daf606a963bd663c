"""One pass over the rows, on several threads and for all groups at once, gives what plain passes give."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copy
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, text

from pytomo_scrapy.analysis import bad_sessions as bad
from pytomo_scrapy.analysis import compared, comparison, overview
from pytomo_scrapy.analysis.bad_sessions import BadSums, bad_sessions
from pytomo_scrapy.analysis.breaks import settled
from pytomo_scrapy.analysis.columnar import scan
from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.analysis.figures import DIMENSIONS
from pytomo_scrapy.analysis.median_rows import KeptRows
from pytomo_scrapy.analysis.overview import headline_estimates
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.database import Database, open_database

pytestmark = pytest.mark.slow

DAYS = 6
COUNT, QUICK_COUNT = 6, 3
BY = ("vantage", "provider", "family", "host", "mode", "cache_site")
FILTERS: tuple[dict[str, str | int], ...] = ({}, {"provider": "ISP A"}, {"vantage": 3}, {"family": 4})
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= QUICK_COUNT else []) for seed in range(COUNT)]


@pytest.fixture(scope="module")
def measured(synthetic_file: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Four blocks: windows of two lengths, two ways to ping, single measurements, and a vantage point hardly there."""
    path = tmp_path_factory.mktemp("one-pass") / "measured.db"
    copy(synthetic_file(620, days=DAYS, videos=60, traces=0, apart=5), path)
    database = open_database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.execute(text("UPDATE run SET is_ad_hoc = 1 WHERE id % 7 = 0"))
        connection.execute(
            text("UPDATE run SET settings = :new WHERE vantage_id = 2 AND id < 12"),
            {"new": json.dumps({"PYTOMO_DOWNLOAD_WINDOW_S": 10.0, "PYTOMO_DOWNLOAD_MODE": "bulk"})},
        )
        connection.execute(text("UPDATE figure SET ping_method = 'tcp' WHERE measurement_id % 3 = 0"))
        connection.execute(text("UPDATE figure SET startup_delay_s = NULL WHERE measurement_id % 11 = 0"))
        # Of one host no row is valid, and of another one only ten are.
        connection.execute(text("UPDATE figure SET is_valid = 0 WHERE host LIKE 'rr1---sn-4%'"))
        connection.execute(
            text("UPDATE figure SET is_valid = 0 WHERE host LIKE 'rr2---sn-4%' AND measurement_id > 500")
        )
    seal_all(database)
    yield database
    database.close()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four chunks, so that threads pass them on."""
    monkeypatch.setattr(scan, "_CHUNK_BLOCKS", 1)
    monkeypatch.setattr(comparison, "MANY_ROWS", 0)


def in_turn(chunks: Any, takers: Any) -> None:
    for chunk in chunks:
        for take in takers:
            take(chunk)


def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on everything is done in one thread, one block after the other, and rows are read twice."""
    for module in (bad, compared, overview):
        monkeypatch.setattr(module, "pass_on", in_turn)
    monkeypatch.setattr(comparison, "MANY_ROWS", 10**9)
    monkeypatch.setattr(KeptRows, "keep", lambda self, _: setattr(self, "_is_full", True))


def chosen(connection: Connection, synthetic: ModuleType, seed: int) -> tuple[Selection, str]:
    """Return a selection and what to compare by: each of these, and each filter, has its turn."""
    chance = random.Random(seed)
    start = synthetic.END_S - DAYS * 86400 + chance.randrange(2 * 86400)
    found = Selection(
        start,
        start + chance.randrange(20 * 3600, 4 * 86400),
        FILTERS[seed % len(FILTERS)],
        is_valid_only=chance.random() < 0.7,
        is_across_breaks=chance.random() < 0.5,
        has_ad_hoc=chance.random() < 0.5,
    )
    return settled(connection, found), BY[seed % len(BY)]


def answers(connection: Connection, selection: Selection, by: str) -> dict[str, Any]:
    sums = BadSums(connection, selection)
    found = {"overview": asdict(overview.overview(connection, selection, sums)), "bad": asdict(sums.result())}
    return found | {"compared": asdict(compared.compare(connection, selection, by))}


@pytest.mark.parametrize("seed", SEEDS)
def test_threads_and_kept_rows_change_no_figure(
    measured: Database, synthetic: ModuleType, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with measured.read() as connection:
        selection, by = chosen(connection, synthetic, seed)
        found = answers(connection, selection, by)
    assert found["overview"]["row_count"] > 20
    plain(monkeypatch)
    with measured.read() as connection:
        expected = answers(connection, selection, by)
        expected["bad"] = asdict(bad_sessions(connection, selection))
    assert found == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_together_have_the_figures_of_each_alone(measured: Database, synthetic: ModuleType, seed: int) -> None:
    with measured.read() as connection:
        selection, by = chosen(connection, synthetic, seed)
        groups = compared.compare(connection, selection, by).groups
        assert groups
        for group in groups:
            value = int(group.value) if DIMENSIONS[by].is_number else group.value
            own = replace(selection, equals={**selection.equals, by: value})
            counted = overview.overview(connection, own)
            assert (group.row_count, group.valid_count) == (counted.row_count, counted.valid_count)
            assert (group.video_count, group.day_count) == (counted.video_count, counted.day_count)
            # Of the same era: without its own question which rows count.
            assert [*group.estimates] == headline_estimates(connection, own), group.label


def test_selection_without_a_row_has_no_group_and_no_figure(measured: Database, synthetic: ModuleType) -> None:
    later = Selection(synthetic.END_S + 1000, synthetic.END_S + 2000)
    invalid = Selection(0, 2**31, {"host": "rr1---sn-4g5lznez.media.test"})
    for nothing in (later, invalid):
        with measured.read() as connection:
            assert not compared.compare(connection, nothing, "vantage").groups
            sums = BadSums(connection, nothing)
            found = overview.overview(connection, nothing, sums)
        assert found.valid_count == 0
        assert (found.row_count > 0) is (nothing is invalid)
        assert sums.result().session_count == 0
        assert all(one.value is None for one in found.estimates)


def test_rows_that_find_no_room_are_read_again(measured: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bool] = []
    rows = KeptRows.rows
    monkeypatch.setattr(KeptRows, "rows", lambda self, again: read.append(self._is_full) or rows(self, again))
    every = Selection(0, 2**31, is_across_breaks=True)
    with measured.read() as connection:
        kept = headline_estimates(connection, every)
    monkeypatch.setattr("pytomo_scrapy.storage.room.Room.take", lambda *_: False)
    with measured.read() as connection:
        assert headline_estimates(connection, every) == kept
    assert read == [False, True]
