"""One account of differential tests on every face: the overview, its data, the report and the PDF."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.differentiation.name_tests import name_tests_in
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.items import DifferentialTest, JudgedTest
from pytomo_scrapy.reporting import pdf, pdf_text
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.differential_store import save_test
from pytomo_scrapy.storage.measurements.repository import VantageFacts

pytestmark = pytest.mark.slow

EVERYTHING = "period=all&eras=all"
SENTENCE = "Under the service's name came half of the rate."


def newest_at(path: Path) -> datetime:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT MAX(started_s) FROM figure").fetchone()[0]
    connection.close()
    return datetime.fromtimestamp(found, UTC)


@pytest.fixture(scope="module")
def tested(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two tests of one vantage point: a day before its newest measurement, and an hour after it."""
    path = tmp_path_factory.mktemp("tested") / "tested.db"
    shutil.copy(filled, path)
    newest = newest_at(path)
    database = open_database(f"sqlite:///{path}")
    for name, begun, judged in (
        ("earlier", newest - timedelta(days=1), JudgedTest("not_shown", 20, difference_ratio=0.004, sentence="Alike.")),
        ("later", newest + timedelta(hours=1), JudgedTest("slower", 20, difference_ratio=-0.5, sentence=SENTENCE)),
    ):
        test = DifferentialTest(name, begun, service="youtube", host="rr1---sn-one.googlevideo.com", judged=judged)
        save_test(database, test, (), VantageFacts("attic", "Provider of the attic"))
    database.close()
    return path


@pytest.fixture
def page(tested: Path) -> Iterator[TestClient]:
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tested}", tested.parent))) as made:
        yield made


def test_overview_and_its_data_show_the_tests_newest_first(page: TestClient) -> None:
    told = page.get(f"/api/overview?{EVERYTHING}").json()["name_tests"]
    assert [(one["verdict"], one["difference_ratio"], one["vantage"]) for one in told] == [
        ("slower", -0.5, "attic"),
        ("not_shown", 0.004, "attic"),
    ]
    shown = page.get(f"/?{EVERYTHING}").text
    assert "Differential tests: is the service treated by its name?" in shown
    assert "-50.0 %" in shown and "half of the rate" in shown and "not shown" in shown


def test_report_counts_the_same_tests_but_for_one_crawl(tested: Path) -> None:
    database = open_database(f"sqlite:///{tested}")
    report = summarise(database, eras="all")
    told = json.loads(json.dumps(report.to_dict()))["name_tests"]
    assert [one["sentence"] for one in told] == [SENTENCE, "Alike."]
    assert [one.verdict for one in summarise(database, until=newest_at(tested)).name_tests] == ["not_shown"]
    assert summarise(database, provider="Somebody else").name_tests == []
    assert summarise(database, crawl="none of that name").name_tests == ()
    database.close()


def test_period_that_ends_before_the_newest_measurement_ends_for_tests_too(tested: Path) -> None:
    newest_s, database = int(newest_at(tested).timestamp()), open_database(f"sqlite:///{tested}")
    with database.read() as connection:
        both = name_tests_in(connection, Selection(0, newest_s + 1))
        earlier = name_tests_in(connection, Selection(0, newest_s))
        others = name_tests_in(connection, Selection(0, newest_s + 1, {"service": "dailymotion"}))
    database.close()
    assert [[one.verdict for one in found] for found in (both, earlier, others)] == [
        ["slower", "not_shown"], ["not_shown"], [],
    ]  # fmt: skip


@pytest.mark.slow
def test_printed_report_shows_the_tests(tested: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: list[str] = []
    plain = pdf_text.plain

    def write(text: str) -> str:
        written.append(text)
        return plain(text)

    monkeypatch.setattr(pdf_text, "plain", write)
    monkeypatch.setattr(pdf, "contents_of", lambda **_: pdf.Contents())
    pdf.write_pdf_report(tested, tmp_path / "report.pdf")
    assert SENTENCE in written and "slower" in written


def test_test_that_was_just_made_is_on_a_page_that_was_kept(filled: Path, tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    shutil.copy(filled, path)
    with TestClient(create_app(DashboardConfig(f"sqlite:///{path}", tmp_path))) as page:
        before = page.get(f"/?{EVERYTHING}").text
        database = open_database(f"sqlite:///{path}")
        test = DifferentialTest("new", newest_at(path), host="h", judged=JudgedTest("slower", sentence=SENTENCE))
        save_test(database, test, (), VantageFacts("attic"))
        database.close()
        after = page.get(f"/?{EVERYTHING}").text
    assert ("half of the rate" in before, "half of the rate" in after) == (False, True)
