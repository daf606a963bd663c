"""What counts together: one era of each line, told where it ends, and the same for every number."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.breaks import LEAST_ROWS, settled
from pytomo_scrapy.analysis.era import Era
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import Database, open_database

pytestmark = pytest.mark.slow

DAY_S = 86_400


@pytest.fixture
def measured(tmp_path: Path, two_weeks_of_one_method: Path) -> Iterator[Database]:
    """Two weeks of three vantage points, measured in one way."""
    shutil.copy(two_weeks_of_one_method, tmp_path / "measured.db")
    database = open_database(f"sqlite:///{tmp_path / 'measured.db'}")
    yield database
    database.close()


def era_of(database: Database, synthetic: ModuleType, **chosen: Any) -> Era:
    selection = Selection(synthetic.END_S - 14 * DAY_S, synthetic.END_S + 1, **chosen)
    with database.read() as connection:
        return settled(connection, selection).era


def change_runs(database: Database, since_s: float, vantage_id: int | None = None, **columns: object) -> None:
    """Let runs that began at `since_s` or later have other settings or versions."""
    where = "started_at >= :at" + ("" if vantage_id is None else f" AND vantage_id = {vantage_id}")
    with database.write() as connection:
        at = connection.execute(
            text("SELECT strftime('%Y-%m-%dT%H:%M:%S', :s, 'unixepoch')"), {"s": int(since_s)}
        ).scalar_one()
        for name, value in columns.items():
            stored = json.dumps(value) if isinstance(value, dict) else value
            connection.execute(text(f"UPDATE run SET {name} = :v WHERE {where}"), {"v": stored, "at": at})


def move_newest_to_a_run_of_its_own(database: Database, count: int, *, is_ad_hoc: bool) -> None:
    """Give the newest rows of the first vantage point to a run with a window of 10 s."""
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO run (id, uuid, vantage_id, crawl_id, spider, arguments, settings, yt_dlp_version,"
                " started_at, software_version, is_ad_hoc) SELECT 9999, 'one', 1, 1, spider, arguments,"
                ' \'{"PYTOMO_DOWNLOAD_WINDOW_S": 10.0, "PYTOMO_DOWNLOAD_MODE": "bulk"}\', \'1\','
                " '2026-11-30T00:00:00.000000+00:00', software_version, :a FROM run WHERE id = 1"
            ),
            {"a": is_ad_hoc},
        )
        newest = f"SELECT measurement_id FROM figure WHERE vantage_id = 1 ORDER BY started_s DESC LIMIT {count}"
        ids = list(connection.execute(text(newest)).scalars())
        for table, key in (("measurement", "id"), ("figure", "measurement_id")):
            chosen = ", ".join(map(str, ids))
            connection.execute(text(f"UPDATE {table} SET run_id = 9999 WHERE {key} IN ({chosen})"))


@pytest.fixture
def client(measured: Database) -> Iterator[TestClient]:
    with TestClient(create_app(DashboardConfig(measured.shown_url))) as found:
        yield found


def overview_of(client: TestClient, query: str = "period=all") -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/overview?{query}").json()
    return found


def answer_of(client: TestClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/{name}?period=all&parameter=startup_delay_s").json()
    return found


def test_single_measurement_leaves_the_history_of_its_line_alone(measured: Database, client: TestClient) -> None:
    before = overview_of(client)
    move_newest_to_a_run_of_its_own(measured, 1, is_ad_hoc=True)
    after = overview_of(client)
    assert before["row_count"] == 1500 and after["row_count"] == 1499
    assert after["notes"] == ["1 single measurement (pytomo measure) is left out."]
    assert overview_of(client, "period=all&ad_hoc=with&eras=all")["row_count"] == 1500


def test_database_of_single_measurements_alone_shows_them(measured: Database, synthetic: ModuleType) -> None:
    change_runs(measured, 0, is_ad_hoc=True)
    era = era_of(measured, synthetic)
    assert not era.left_out_runs and "only single measurements" in era.notes[0]


def test_era_of_few_rows_does_not_count_yet(measured: Database, synthetic: ModuleType) -> None:
    move_newest_to_a_run_of_its_own(measured, LEAST_ROWS - 1, is_ad_hoc=False)
    era = era_of(measured, synthetic)
    assert era.left_out_runs == {9999} and era.left_out_count == LEAST_ROWS - 1
    [note] = era.notes
    assert note.startswith("window of paris is 10.0 instead of 30.0 since ") and "with 29 rows so far" in note


def test_new_era_counts_from_thirty_rows_on(measured: Database, synthetic: ModuleType) -> None:
    move_newest_to_a_run_of_its_own(measured, LEAST_ROWS, is_ad_hoc=False)
    era = era_of(measured, synthetic, equals={"vantage": 1})
    assert 9999 not in era.left_out_runs and len(era.left_out_runs) > 5
    [note] = era.notes
    assert "of paris are left out: window changed from 30.0 to 10.0" in note


def test_vantage_point_with_another_window_is_left_out_and_named(measured: Database, synthetic: ModuleType) -> None:
    change_runs(measured, 0, 3, settings={"PYTOMO_DOWNLOAD_WINDOW_S": 10.0, "PYTOMO_DOWNLOAD_MODE": "bulk"})
    era = era_of(measured, synthetic)
    assert era.vantages == {1, 2}
    [note] = era.notes
    assert "rows of berlin are left out: its window is 10.0 and not 30.0. Choose this vantage point" in note
    assert era_of(measured, synthetic, equals={"vantage": 3}).notes == ()


def test_upgrade_is_a_line_and_no_cut(measured: Database, client: TestClient, synthetic: ModuleType) -> None:
    change_runs(measured, synthetic.END_S - 7 * DAY_S, yt_dlp_version="2")
    changes, overview = answer_of(client, "series")["breaks"], overview_of(client)
    assert {(change["what"], change["vantage"], change["is_cut"]) for change in changes} == {
        ("yt-dlp", name, False) for name in ("berlin", "lyon", "paris")
    }
    assert overview["row_count"] == 1500 and overview["uncompared"] is None


def test_upgrade_after_which_values_are_others_is_a_cut_that_names_its_test(
    measured: Database, synthetic: ModuleType
) -> None:
    change_runs(measured, synthetic.END_S - 7 * DAY_S, 1, yt_dlp_version="2")
    with measured.write() as connection:
        slower = "startup_delay_s = 3 * startup_delay_s, waited_s = 3 * waited_s"
        newer = "run_id IN (SELECT id FROM run WHERE yt_dlp_version = '2')"
        connection.execute(text(f"UPDATE figure SET {slower} WHERE vantage_id = 1 AND {newer}"))
    era = era_of(measured, synthetic)
    [cut] = era.cuts
    assert (cut.what, cut.vantage) == ("yt-dlp", "paris")
    assert "t-test" in cut.why and "startup" in cut.why
    assert any("of paris are left out: yt-dlp changed from 1 to 2" in note for note in era.notes)


def test_change_of_another_vantage_point_is_not_told_of_this_one(
    measured: Database, client: TestClient, synthetic: ModuleType
) -> None:
    since_s = synthetic.END_S - 4 * DAY_S
    change_runs(measured, since_s, 1, settings={"PYTOMO_DOWNLOAD_WINDOW_S": 10.0})
    own, other = (overview_of(client, f"period=7d&vantage={key}")["uncompared"] for key in (1, 2))
    assert own.startswith("download mode of paris") or own.startswith("window of paris changed (30.0 to 10.0)")
    assert other is None


def test_every_number_is_of_the_same_rows(measured: Database, client: TestClient, synthetic: ModuleType) -> None:
    change_runs(measured, synthetic.END_S - 5 * DAY_S, settings={"PYTOMO_DOWNLOAD_WINDOW_S": 20.0})
    overview, distribution, series = overview_of(client), answer_of(client, "distribution"), answer_of(client, "series")
    startup = next(one for one in overview["estimates"] if one["name"] == "startup")
    [curve], [line] = distribution["lines"], series["lines"]
    assert startup["row_count"] == distribution["n"] == series["n"] < 600
    assert startup["value"] == curve["median"] == line["median"]
    assert overview["selection"] == distribution["selection"] == series["selection"]
    assert f"<dd>{overview['n']}</dd>" in client.get("/fragment/averages?period=all").text
    assert "rows of paris are left out" in client.get("/?period=all").text
