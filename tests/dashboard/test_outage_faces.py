"""One account of outages on every face: the overview, its data, the report and the PDF name the same start and end."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.line_outages import outages_in
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.reporting import pdf, pdf_text
from pytomo_scrapy.storage.database import open_database

EVERYTHING = "period=all&eras=all"


@pytest.fixture(scope="module")
def out(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which three sessions met an outage of 90 s, and one met one without an end, each on its vantage."""
    path = tmp_path_factory.mktemp("outages") / "out.db"
    shutil.copy(filled, path)
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT id, started_at, vantage_id FROM measurement ORDER BY started_at LIMIT 400"
        ).fetchall()
        first, vantage = rows[0][1], rows[0][2]
        began = datetime.fromisoformat(first).replace(tzinfo=UTC)
        ended = began + timedelta(seconds=90)
        for key in [row[0] for row in rows if row[2] == vantage][:3]:
            connection.execute(
                "UPDATE measurement SET outage_started_at = ?, outage_ended_at = ? WHERE id = ?",
                (first, f"{ended:%Y-%m-%d %H:%M:%S.%f}", key),
            )
        later = f"{began + timedelta(days=1):%Y-%m-%d %H:%M:%S.%f}"
        connection.execute("UPDATE measurement SET outage_started_at = ? WHERE id = ?", (later, rows[-1][0]))
    connection.close()
    return path


@pytest.fixture
def page(out: Path) -> Iterator[TestClient]:
    with TestClient(create_app(DashboardConfig(f"sqlite:///{out}", out.parent))) as made:
        yield made


@pytest.mark.slow
def test_every_face_names_the_same_outages(
    out: Path, page: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = page.get(f"/api/overview?{EVERYTHING}").json()["outages"]
    assert [(one["duration_s"], one["session_count"]) for one in told] == [(90.0, 3), (None, 1)]
    database = open_database(f"sqlite:///{out}")
    assert [one.started_at for one in summarise(database).outages] == [one["started_at"] for one in told]
    shown = page.get(f"/?{EVERYTHING}").text
    database.close()
    written: list[str] = []
    plain = pdf_text.plain
    monkeypatch.setattr(pdf_text, "plain", lambda text: written.append(plain(text)) or plain(text))
    monkeypatch.setattr(pdf, "contents_of", lambda **_: pdf.Contents())
    pdf.write_pdf_report(out, tmp_path / "report.pdf")
    for one in told:
        for cell in (one["started_at"], one["ended_at"]):
            assert cell is None or (cell in shown and cell in written)
    title = "Outages of the line: what failed meanwhile was measured again"
    assert title in shown and title in written


def test_outages_are_those_of_the_period_and_of_the_vantage_point(out: Path) -> None:
    database = open_database(f"sqlite:///{out}")
    with database.read() as connection:
        every = outages_in(connection, Selection(0, 2**33))
        began_s = int(datetime.fromisoformat(every[0].started_at).timestamp())
        assert outages_in(connection, Selection(began_s, began_s + 1)) == every[:1]
        assert outages_in(connection, Selection(began_s + 1, began_s + 3600)) == []
        assert outages_in(connection, Selection(0, 2**33, {"vantage": -1})) == []
        assert outages_in(connection, Selection(0, 2**33, {"host": "no.such.example"})) == every
    database.close()


def test_page_of_a_line_that_was_never_out_says_nothing_of_outages(client: TestClient) -> None:
    assert "Outages of the line" not in client.get(f"/?{EVERYTHING}").text
