"""One account of causes on every face: overview, its data, list, report, /metrics and PDF count the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.reporting import pdf, pdf_text
from pytomo_scrapy.storage.database import open_database

EVERYTHING = "period=all&eras=all"
SENTENCE = "The access line was full at 0.33 Mbit/s."


@pytest.fixture(scope="module")
def causes(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which of the sessions that stalled every second was bad for the access line, the rest for nothing
    that is known; the first of them is judged with its evidence. The newest of all was spoiled by its own machine.
    """
    path = tmp_path_factory.mktemp("causes") / "causes.db"
    shutil.copy(filled, path)
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT measurement_id FROM figure WHERE stall_count > 0 AND is_valid = 1 ORDER BY measurement_id"
        ).fetchall()
        for index, (key,) in enumerate(rows):
            cause = "access" if index % 2 == 0 else "unknown"
            connection.execute("UPDATE figure SET cause = ?, symptom = 'stall' WHERE measurement_id = ?", (cause, key))
        connection.execute(
            "UPDATE figure SET cause = 'probe', symptom = 'stall', is_valid = 0, is_session = 0"
            " WHERE measurement_id = (SELECT MAX(measurement_id) FROM figure)"
        )
        connection.execute(
            "INSERT INTO autopsy (measurement_id, number, place, symptom, start_s, duration_s, cause, second_cause,"
            " share_ratio, startup_parts, sentence, evidence, rules_version)"
            " VALUES (?, 0, 0, 'stall', 8.0, 4.0, 'access', 'path', 0.9, NULL, ?, ?, 1)",
            (rows[0][0], SENTENCE, json.dumps({"access_rtt_s": 0.3})),
        )
    connection.close()
    return path


@pytest.fixture
def page(causes: Path) -> Iterator[TestClient]:
    with TestClient(create_app(DashboardConfig(f"sqlite:///{causes}", causes.parent))) as made:
        yield made


def counted(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        found = dict(connection.execute("SELECT cause, COUNT(*) FROM figure WHERE cause IS NOT NULL GROUP BY cause"))
    connection.close()
    return found


@pytest.mark.slow
def test_every_face_counts_the_same_causes(
    causes: Path, page: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = counted(causes)
    assert set(expected) == {"access", "unknown", "probe"}
    told = page.get(f"/api/overview?{EVERYTHING}").json()["causes"]
    assert {one["cause"]: one["stall_count"] for one in told} == expected
    series = page.get(f"/api/causes?{EVERYTHING}").json()
    assert {name: sum(counts) for name, counts in series["counts"].items()} == expected
    assert all(max(counts) <= rows for counts in series["counts"].values() for rows in [max(series["row_counts"])])
    database = open_database(f"sqlite:///{causes}")
    reported = summarise(database, eras="all").causes
    database.close()
    assert {one.cause: one.session_count for one in reported} == expected
    shown = page.get(f"/?{EVERYTHING}").text
    assert "Bad sessions by cause" in shown
    written: list[str] = []
    plain = pdf.plain
    plain = pdf_text.plain
    monkeypatch.setattr(pdf_text, "plain", lambda text: written.append(plain(text)) or plain(text))
    monkeypatch.setattr(pdf, "contents_of", lambda **_: pdf.Contents())
    pdf.write_pdf_report(causes, tmp_path / "report.pdf")
    assert "access" in written


def test_sessions_are_filtered_and_compared_by_their_cause(causes: Path, page: TestClient) -> None:
    expected = counted(causes)
    assert page.get(f"/api/videos?{EVERYTHING}&cause=access").json()["count"] == expected["access"]
    groups = page.get(f"/api/compare?{EVERYTHING}&by=cause").json()["groups"]
    assert {"access", "unknown"} <= {group["value"] for group in groups}


def test_metrics_give_the_share_of_each_cause(page: TestClient) -> None:
    lines = [line for line in page.get("/metrics").text.splitlines() if line.startswith("pytomo_bad_session_share")]
    assert lines and all('cause="' in line for line in lines)
    for cause in ("access", "probe"):
        assert any(f'cause="{cause}"' in line and float(line.split("} ")[1].split()[0]) > 0 for line in lines)


def test_measurement_shows_its_verdict_under_its_window(causes: Path, page: TestClient) -> None:
    with sqlite3.connect(causes) as connection:
        key = connection.execute("SELECT measurement_id FROM autopsy").fetchone()[0]
    connection.close()
    shown = page.get(f"/measurement/{key}").text
    assert SENTENCE in shown
    assert "Stall of 4.00 s at 8.00 s: access, perhaps path" in shown
    assert "far end 300 ms" in shown and "access_rtt_s 0.3" not in shown
