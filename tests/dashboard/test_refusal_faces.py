"""One account of refusals on every face: the page, /api, the report, the PDF, /metrics and an export say the same."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.wilson import wilson_interval
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import export
from pytomo_scrapy.items.in_words import number
from pytomo_scrapy.reporting import pdf, pdf_text
from pytomo_scrapy.storage.database import Database, open_database

EVERYTHING = "period=all&eras=all"


@pytest.fixture
def database(filled: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{filled}")
    yield opened
    opened.close()


@pytest.fixture
def account(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/overview?{EVERYTHING}").json()["refusals"]
    return found


def count(raw: sqlite3.Connection, condition: str) -> int:
    return int(raw.execute(f"SELECT COUNT(*) FROM measurement m WHERE {condition}").fetchone()[0])


def test_account_equals_the_tables(account: dict[str, Any], raw: sqlite3.Connection) -> None:
    asked = count(raw, "attribution IS NULL OR attribution NOT IN ('tool', 'unknown')")
    refused = count(raw, "failure = 'bot_check'")
    assert 0 < refused < asked
    assert (account["attempted_count"], account["every"]["asked_count"]) == (count(raw, "1"), asked)
    assert account["measured_count"] == count(raw, "failure IS NULL OR attribution = 'network'")
    assert [(one["name"], one["refused_count"]) for one in account["classes"]] == [("bot_check", refused)]
    low, high = wilson_interval(refused, asked) or (None, None)
    assert [account["every"][name] for name in ("share", "low", "high")] == pytest.approx([refused / asked, low, high])


@pytest.mark.parametrize(
    ("name", "group", "condition"),
    [
        ("views", "under 100 000", "listed_view_count < 100000"),
        ("views", "10 million or more", "listed_view_count >= 10000000"),
        ("views", "not listed", "listed_view_count IS NULL"),
        ("age", "a day to a week", "listed_age_s >= 86400 AND listed_age_s < 604800"),
        ("duration", "1 to 4 min", "listed_duration_s >= 60 AND listed_duration_s < 240"),
        ("source", "charts", "source LIKE 'charts%'"),
    ],
)
def test_stratum_equals_the_tables(
    account: dict[str, Any], raw: sqlite3.Connection, name: str, group: str, condition: str
) -> None:
    [strata] = [one["strata"] for one in account["properties"] if one["name"] == name]
    [found] = [one for one in strata if one["name"] == group]
    assert found["asked_count"] == count(raw, condition) > 0
    assert found["refused_count"] == count(raw, f"{condition} AND failure = 'bot_check'")


@pytest.mark.slow
def test_report_says_what_the_page_says(account: dict[str, Any], database: Database) -> None:
    report = summarise(database)
    assert report.refusals is not None
    assert json.loads(json.dumps(report.to_dict()["refusals"])) == account


def test_page_shows_the_sentences_and_the_table(client: TestClient, account: dict[str, Any]) -> None:
    text = client.get(f"/?{EVERYTHING}").text
    assert all(sentence.replace('"', "&#34;") in text for sentence in account["sentences"])
    assert "<td>10 million or more</td>" in text and "<h2>Refused by the service</h2>" in text


def test_page_of_a_period_without_refusals_is_one_line(client: TestClient, raw: sqlite3.Connection) -> None:
    [run_id] = raw.execute(
        "SELECT run_id FROM measurement GROUP BY run_id"
        " HAVING SUM(failure = 'bot_check') IS NULL OR SUM(failure = 'bot_check') = 0 LIMIT 1"
    ).fetchone()
    found = client.get(f"/?{EVERYTHING}&run={run_id}").text
    assert "The service refused none of" in found and "<h2>Refused by the service</h2>" not in found


def test_filter_that_no_refused_video_could_meet_is_left_out_and_named(
    client: TestClient, account: dict[str, Any]
) -> None:
    filtered = client.get(f"/api/overview?{EVERYTHING}&player=dashjs&family=4").json()["refusals"]
    assert filtered["every"] == account["every"]
    assert filtered["without_filters"] == ["Address family", "Player"]
    said = "Counted without the filter by address family and player: not every refused video has one."
    assert filtered["sentences"] == [*account["sentences"], said]


def test_pdf_has_the_sentences_and_the_table(
    filled: Path, tmp_path: Path, account: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    plain = pdf_text.plain
    monkeypatch.setattr(pdf_text, "plain", lambda text: written.append(plain(text)) or plain(text))
    monkeypatch.setattr(pdf, "contents_of", lambda **_: pdf.Contents())
    pdf.write_pdf_report(filled, tmp_path / "report.pdf")
    assert "Refused by the service" in written and "10 million or more" in written
    assert any(text.startswith("The service refused ") for text in written)


def test_gauge_is_the_share_of_the_last_measurements_of_a_vantage_point(
    client: TestClient, raw: sqlite3.Connection
) -> None:
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("pytomo_refusal_share{")]
    shown = {line.partition('vantage="')[2].partition('"')[0]: float(line.split()[-2]) for line in lines}
    for key, name in raw.execute("SELECT id, name FROM vantage"):
        last = raw.execute(
            "SELECT failure, attribution FROM measurement WHERE vantage_id = ? ORDER BY id DESC LIMIT 200", (key,)
        ).fetchall()
        asked = [failure for failure, attribution in last if attribution not in {"tool", "unknown"}]
        assert shown[name] == pytest.approx(asked.count("bot_check") / len(asked))


def test_export_has_the_account_whatever_its_condition_leaves_out(
    database: Database, tmp_path: Path, account: dict[str, Any]
) -> None:
    export(database, tmp_path / "out", "csv", "wide", ExportSelection(where="failure IS NULL"))
    about = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert about["refusals"] == account
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert all(sentence in readme for sentence in account["sentences"])
    every = account["every"]
    shares = " | ".join(f"{every[name]:.4f}" for name in ("share", "low", "high"))
    counts = [number(every[f"{name}_count"], 0) for name in ("asked", "refused")]
    assert f"| all |  | {' | '.join(counts)} | {shares} |" in readme
