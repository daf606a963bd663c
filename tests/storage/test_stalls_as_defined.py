"""Stalled times that an earlier version stored are brought to their definition: docs/metrics.md, `stalled_s`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from pytomo_scrapy.measure.playback.mos import mos_stalling_hossfeld2011
from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.schema.revisions import FOLDER
from tests.running.postgres import PostgresServer

pytestmark = pytest.mark.migrates

AT = "2026-05-04T10:20:30.000000+00:00"
# measurement, player, its halts (start, length, still open), what was stored: stalled_s, stall_ratio, played_s, score
BEFORE: tuple[tuple[int, str, tuple[tuple[float, float, bool], ...], float, float, float, Any], ...] = (
    (1, "dashjs", ((2.0, 0.05, False), (5.0, 2.0, False)), 2.05, 2.05 / 27.05, 25.0, 3.644),
    (1, "classic", ((3.0, 0.04, False),), 0.04, 0.04 / 1.04, 1.0, None),
    (2, "dashjs", ((1.0, 0.1, False), (4.0, 1.5, True)), 1.6, 1.6 / 21.6, 20.0, None),  # all of them count
    (3, "dashjs", (), 0.07, 0.07 / 28.07, 28.0, 5.0),  # its events were pruned
    (2000, "dashjs", ((1.0, 0.09, False),), 0.09, 0.09 / 35.05, 34.96, None),  # 35.05 s were outside of the study
    (2001, "dashjs", ((1.0, 0.06, False), (2.0, 0.03, True)), 0.09, 1.0, 0.0, None),
    (5000, "dashjs", ((1.0, 0.5, False),), 0.5, 0.5 / 30.5, 30.0, None),
)  # fmt: skip
AFTER = {
    (1, "dashjs"): (2.0, 2.0 / 27.0),
    (1, "classic"): (0.0, 0.0),
    (2, "dashjs"): (1.6, 1.6 / 21.6),
    (3, "dashjs"): (0.07, 0.07 / 28.07),
    (2000, "dashjs"): (0.0, 0.0),
    (2001, "dashjs"): (0.0, None),
    (5000, "dashjs"): (0.5, 0.5 / 30.5),
}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def mended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Return a connection to a database with the rows of the version before, brought to this one. Nobody changes it."""
    folder = tmp_path_factory.mktemp("mended")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'x.db'}"
    else:
        cluster: PostgresServer = request.getfixturevalue("postgres_cluster")
        url = cluster.new_database().replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate.apply_scripts(connection, scripts_until("0003", folder / "before"))
        store_before(connection)
        migrate.apply_scripts(connection, scripts_until("0004", folder / "after"))
        yield connection
    engine.dispose()


def scripts_until(newest: str, folder: Path) -> str:
    """Return a folder with the migrations until this one."""
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "versions").glob("*.py"):
        if path.name[:4] > newest:
            path.unlink()
    return str(folder)


def store_before(connection: Connection) -> None:
    """Write the rows as they were, every block of the flat table packed."""
    write(connection, "vantage", id=1, name="here", provider="")
    write(
        connection, "run", id=1, uuid="r", vantage_id=1, spider="youtube", arguments="{}", settings="{}", started_at=AT
    )
    write(connection, "video", id=1, service="youtube", video_id="v", url="https://x.test/v", first_seen_at=AT)
    for number in sorted({row[0] for row in BEFORE}):
        write(
            connection, "measurement", id=number, uuid=f"m{number}", run_id=1, vantage_id=1, video_row_id=1,
            pass_number=number, is_superseded=False, stored_at=AT,
        )  # fmt: skip
    event_id = 0
    for playback_id, (number, player, halts, stalled_s, ratio, played_s, score) in enumerate(BEFORE, start=1):
        figures = {
            "stalled_s": stalled_s,
            "stall_ratio": ratio,
            "mos_stalling_hossfeld2011": score,
            "played_s": played_s,
        }
        write(
            connection,
            "playback",
            id=playback_id,
            measurement_id=number,
            place=0,
            player=player,
            parameters="{}",
            **figures,
        )
        if player == "dashjs":
            write(
                connection, "figure", measurement_id=number, started_s=0, vantage_id=1, run_id=1, video_row_id=1,
                place=0, is_valid=1, is_session=1, player=player, **figures,
            )  # fmt: skip
        for start_s, duration_s, is_open in halts:
            event_id += 1
            write(
                connection, "playback_event", id=event_id, playback_id=playback_id, kind="stall", start_s=start_s,
                duration_s=duration_s, is_open=is_open,
            )  # fmt: skip
    # A picture that stands still is no halt of playback.
    write(
        connection,
        "playback_event",
        id=event_id + 1,
        playback_id=3,
        kind="freeze",
        start_s=0.0,
        duration_s=0.05,
        is_open=False,
    )
    connection.execute(text("UPDATE figure_block SET is_sealed = 1"))


def write(connection: Connection, table: str, **values: object) -> None:
    """Insert a row."""
    names = ", ".join(values)
    connection.execute(
        text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in values)})"), values
    )


def test_rows_of_an_earlier_version_get_stalled_times_as_defined(mended: Connection) -> None:
    rows = mended.execute(text("SELECT measurement_id, player, stalled_s, stall_ratio FROM playback")).all()
    assert {(row[0], row[1]): (row[2], row[3]) for row in rows} == AFTER
    flat = mended.execute(text("SELECT measurement_id, player, stalled_s, stall_ratio FROM figure")).all()
    assert {(row[0], row[1]): (row[2], row[3]) for row in flat} == {
        key: AFTER[key] for key in AFTER if key[1] == "dashjs"
    }


def test_opinion_score_follows_the_exposure(mended: Connection) -> None:
    query = "SELECT measurement_id, mos_stalling_hossfeld2011 FROM {} WHERE player = 'dashjs'"
    for table in ("playback", "figure"):
        scores = {row[0]: row[1] for row in mended.execute(text(query.format(table)))}
        assert scores[2000] == mos_stalling_hossfeld2011([], 34.96) == 5.0
        assert scores[1] == pytest.approx(3.50 * 2.718281828459045 ** -(0.15 * 2.0 + 0.19) + 1.50)
        assert scores[3] == 5.0
        assert scores[2] is None


def test_only_blocks_with_a_mended_row_are_packed_again(mended: Connection) -> None:
    blocks = {row[0]: row[1] for row in mended.execute(text("SELECT block, is_sealed FROM figure_block"))}
    assert blocks == {0: 0, 1: 0, 4: 1}


def test_database_of_an_earlier_version_opens_with_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate.apply_scripts(connection, scripts_until("0003", tmp_path / "before"))
        store_before(connection)
    engine.dispose()
    database = open_database(url)
    with database.read() as connection:
        found = connection.execute(text("SELECT stalled_s FROM figure WHERE measurement_id = 1")).scalar_one()
    database.close()
    assert found == 2.0
