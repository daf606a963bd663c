"""What a newcomer sees of a first, short crawl, and of none at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import open_database
from tests.storage.factories import begin, make_item

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
PAGES = ("/", "/series", "/series/startup_delay_s", "/distributions", "/videos", "/failures")


def client_of(path: Path, *ages: timedelta, note: str | None = None) -> TestClient:
    database = open_database(f"sqlite:///{path}")
    repository, run = begin(database)
    for number, age in enumerate(ages):
        repository.save(make_item(uuid=f"u{number}", started_at=START + age), run)
    database.close()
    return TestClient(create_app(DashboardConfig(f"sqlite:///{path}", note=note)))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[TestClient]:
    with client_of(tmp_path / "my line.db") as client:
        yield client


@pytest.mark.parametrize(
    ("ages", "shown"),
    [
        # Its own twenty minutes, not a week of which it is the last line.
        ((timedelta(), timedelta(minutes=20)), "2026-05-04 10:00 to 2026-05-04 10:20"),
        ((timedelta(),), "2026-05-04 09:59 to 2026-05-04 10:00"),
        ((timedelta(), timedelta(days=30)), "2026-05-27 10:00 to 2026-06-03 10:00"),
    ],
)
def test_period_is_the_span_of_the_measurements_and_a_week_at_most(
    tmp_path: Path, ages: tuple[timedelta, ...], shown: str
) -> None:
    with client_of(tmp_path / "x.db", *ages) as client:
        assert shown in " ".join(client.get("/").text.split())


def test_period_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    with client_of(tmp_path / "x.db", timedelta(), timedelta(minutes=20)) as client:
        assert "2026-04-27 10:20 to 2026-05-04 10:20" in " ".join(client.get("/?period=7d").text.split())


@pytest.mark.parametrize("page", PAGES)
def test_empty_database_says_what_to_do_next_and_tells_no_year(empty: TestClient, page: str) -> None:
    answer = empty.get(page)
    assert answer.status_code == 200
    assert "pytomo crawl -u 20 --database &#39;" in answer.text and "my line.db&#39;</pre>" in answer.text
    assert "1970" not in answer.text and "1969" not in answer.text


def test_program_gets_its_answer_from_an_empty_database(empty: TestClient) -> None:
    assert empty.get("/api/overview").status_code == 200


def test_page_of_another_database_than_the_default_one_says_so(tmp_path: Path) -> None:
    note = "databases/pytomo.db is not there: the newest database beside it is shown, databases/demo.db."
    with client_of(tmp_path / "x.db", timedelta(), note=note) as client:
        assert f'<p class="message">{note}</p>' in client.get("/").text
