"""A change that was put into a database is found, at its time; a change of method is not averaged across."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.breaks import Break, last_changes
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.measurements.figure_row import write_missing_figures

DAYS = 14


@pytest.fixture
def one_method(tmp_path: Path, synthetic: ModuleType) -> Iterator[Database]:
    """Two weeks measured in one way."""
    database = open_database(f"sqlite:///{tmp_path / 'one.db'}")
    synthetic.fill(database, 1500, days=DAYS, videos=300, traces=0)
    with database.write() as connection:
        connection.execute(text("UPDATE run SET yt_dlp_version = '1'"))
        connection.execute(text("UPDATE measurement SET client = 'WEB'"))
        connection.execute(text("UPDATE figure SET client = 'WEB'"))
    yield database
    database.close()


def overview_of(database: Database, query: str = "?period=7d") -> tuple[dict[str, dict[str, float]], str]:
    with TestClient(create_app(DashboardConfig(database.shown_url))) as client:
        found = client.get(f"/api/overview{query}").json()
        page = client.get(f"/{query}").text
    estimates = {estimate["name"]: estimate for estimate in found["estimates"]}
    return estimates, page.split('aria-label="Verdict"')[1].split("</section>")[0]


@pytest.mark.slow
def test_unchanged_line_is_not_said_to_have_changed(one_method: Database) -> None:
    estimates, verdict = overview_of(one_method)
    assert not estimates["startup"]["is_changed"]
    assert "Startup delay of" not in verdict


@pytest.mark.slow
def test_startup_that_doubled_is_told_with_its_time(one_method: Database, synthetic: ModuleType) -> None:
    # The period shown is the last 7 days; from its second day on, everything starts after twice the time.
    since_s = synthetic.END_S - 6 * 86400
    with one_method.write() as connection:
        connection.execute(
            text(
                "UPDATE figure SET startup_delay_s = 2 * startup_delay_s, waited_s = 2 * waited_s WHERE started_s >= :s"
            ),
            {"s": since_s},
        )
    estimates, verdict = overview_of(one_method)
    assert estimates["startup"]["is_worse"]
    assert estimates["startup"]["change_low"] > 0.5
    assert "Startup delay of all lines together" in verdict and "doubled since Thursday" in verdict


@pytest.mark.slow
def test_method_that_changed_is_not_compared_or_averaged_across(one_method: Database, synthetic: ModuleType) -> None:
    with one_method.write() as connection:
        changed_s = synthetic.END_S - 3 * 86400
        runs = "SELECT run_id FROM figure GROUP BY run_id HAVING MIN(started_s) >= :s"
        connection.execute(text(f"UPDATE run SET yt_dlp_version = '2' WHERE id IN ({runs})"), {"s": changed_s})
        first_s = connection.execute(
            text("SELECT MIN(started_s) FROM figure JOIN run ON run.id = run_id WHERE run.yt_dlp_version = '2'")
        ).scalar_one()
        known = connection.execute(
            text("SELECT SUM(is_session) FROM figure JOIN run ON run.id = run_id WHERE run.yt_dlp_version = '2'")
        ).scalar_one()
    estimates, verdict = overview_of(one_method)
    assert "Not compared with the period before: yt-dlp changed (1 to 2)" in verdict
    assert estimates["startup"]["row_count"] == known
    across, _ = overview_of(one_method, "?period=7d&eras=all")
    assert across["startup"]["row_count"] > known
    with TestClient(create_app(DashboardConfig(one_method.shown_url))) as client:
        answer = client.get("/api/series?period=7d&parameter=delivery_bps&vantage=1&buckets=5").json()
    [told] = answer["breaks"]
    assert (told["what"], told["old"], told["new"]) == ("yt-dlp", "1", "2")
    assert told["at_s"] >= first_s and told["at_s"] in answer["times_s"]


def test_each_vantage_point_counts_from_its_own_last_change() -> None:
    breaks = [Break(10, "yt-dlp", "1", "2", 1), Break(20, "client", "a", "b", 1), Break(15, "yt-dlp", "1", "2", 2)]
    assert last_changes(breaks) == {1: 20, 2: 15}


@pytest.mark.slow
def test_figures_are_written_again_from_the_tables(one_method: Database) -> None:
    with one_method.write() as connection:
        before = connection.execute(text("SELECT * FROM figure ORDER BY measurement_id")).all()
        connection.execute(text("DELETE FROM figure"))
        assert write_missing_figures(connection) == len(before)
        assert connection.execute(text("SELECT * FROM figure ORDER BY measurement_id")).all() == before
        assert write_missing_figures(connection) == 0
