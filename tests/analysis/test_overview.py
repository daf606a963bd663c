"""A change that was put into a database is found, at its time; a change of method is not averaged across."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.measurements.figure_row import write_missing_figures

DAYS = 14


@pytest.fixture
def one_method(tmp_path: Path, two_weeks_of_one_method: Path) -> Iterator[Database]:
    """Two weeks measured in one way."""
    shutil.copy(two_weeks_of_one_method, tmp_path / "one.db")
    database = open_database(f"sqlite:///{tmp_path / 'one.db'}")
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
def test_figures_are_written_again_from_the_tables(one_method: Database) -> None:
    with one_method.write() as connection:
        before = connection.execute(text("SELECT * FROM figure ORDER BY measurement_id")).all()
        connection.execute(text("DELETE FROM figure"))
        assert write_missing_figures(connection) == len(before)
        assert connection.execute(text("SELECT * FROM figure ORDER BY measurement_id")).all() == before
        assert write_missing_figures(connection) == 0
