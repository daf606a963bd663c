"""Whether a line is good: on the page, in the report and in the PDF, by the same thresholds."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.config import GradeConfig
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.reporting.pdf import write_pdf_report
from tests.dashboard.test_same_numbers import pdf_text
from tests.running.commands import run_command

ALL = "period=all&eras=all"


def grade_section(page: str) -> str:
    return page.split('aria-label="Good or not"')[1].split("</section>")[0]


def test_page_says_the_grade_and_what_bad_sessions_go_with(client: TestClient) -> None:
    page = client.get(f"/?{ALL}").text
    section = grade_section(page)
    assert "<strong>Poor:</strong> of" in section and "(poor above 5 %)" in section
    assert "of the sessions were bad" in section and "What goes with bad sessions" in section
    assert "Contract rate: " in section and "100 Mbit/s" in section and "50 Mbit/s" in section
    assert f'data-src="/api/day?{ALL.replace("&", "&amp;")}"' in page
    assert "Latency under load" in page


def test_thresholds_of_the_settings_grade_the_page(filled: Path) -> None:
    mild = GradeConfig(0.9, 0.5, 3.0, 9.0, 0.5, 0.6)
    config = DashboardConfig(f"sqlite:///{filled}", filled.parent, grade=mild)
    with TestClient(create_app(config)) as served:
        assert "<strong>Good:</strong>" in grade_section(served.get(f"/?{ALL}").text)
        assert served.get(f"/api/overview?{ALL}").json()["grade"]["grade"] == "good"


def test_answer_of_a_typical_day_equals_the_tables(client: TestClient, raw: sqlite3.Connection) -> None:
    found = client.get(f"/api/day?{ALL}").json()
    query = (
        "SELECT started_s / 3600 % 24, COUNT(*), SUM(is_started = 0 OR has_stall = 1) FROM figure"
        " WHERE is_session = 1 AND is_valid = 1 GROUP BY 1"
    )
    rows = {hour: (count, bad) for hour, count, bad in raw.execute(query)}
    assert {hour["hour"]: (hour["session_count"], hour["bad_count"]) for hour in found["hours"]} == rows
    for hour in found["hours"]:
        assert hour["low"] <= hour["bad_share"] <= hour["high"]
    assert found["utc_count"] == found["n"] and "their hours are UTC" in found["note"]


def test_faults_of_an_answer_are_its_classes_by_attribution(client: TestClient, raw: sqlite3.Connection) -> None:
    found = client.get(f"/api/failures?{ALL}").json()
    rows = raw.execute("SELECT attribution, COUNT(*) FROM figure WHERE failure IS NOT NULL GROUP BY 1")
    assert {fault: sum(counts) for fault, counts in found["faults"].items()} == dict(rows.fetchall())
    # In the order of the vocabulary: the network's, which count, are at the bottom of the stack.
    assert next(iter(found["faults"])) == "network"


@pytest.mark.parametrize(
    ("name", "value"),
    [("contract", "100000000"), ("loaded", "under 30 ms")],
)
def test_contract_and_delay_under_load_filter_and_compare(client: TestClient, name: str, value: str) -> None:
    every = client.get(f"/api/overview?{ALL}").json()["n"]
    some = client.get("/api/overview", params={"period": "all", "eras": "all", name: value}).json()
    assert 0 < some["n"] < every
    groups = client.get(f"/api/compare?{ALL}&by={name}").json()["groups"]
    assert {group["value"]: group["n"] for group in groups}[value] == some["n"]


def test_contract_rate_is_written_as_people_write_it(client: TestClient) -> None:
    groups = client.get(f"/api/compare?{ALL}&by=contract").json()["groups"]
    assert [group["label"] for group in groups] == ["100 Mbit/s", "50 Mbit/s"]


@pytest.mark.slow
def test_pdf_says_the_same(filled: Path, tmp_path: Path, client: TestClient) -> None:
    write_pdf_report(f"sqlite:///{filled}", tmp_path / "report.pdf")
    text = pdf_text((tmp_path / "report.pdf").read_bytes())
    assert "Poor: of" in text and "What goes with bad sessions" in text
    assert "A typical day, local time" in text and "Failures by whose fault" in text


@pytest.mark.slow
def test_report_says_it_as_text_and_as_json(filled: Path, tmp_path: Path, client: TestClient) -> None:
    words = ["report", "--eras", "all", "-s", f"PYTOMO_DATABASE_URL=sqlite:///{filled}"]
    text = run_command("scrapy", *words)
    assert text.exit_code == 0 and "Poor: of" in text.output and "A typical day, local time" in text.output
    mild = run_command("scrapy", *words, "--json", "-s", "PYTOMO_GRADE_STALLED_POOR_RATIO=0.9")
    judged = json.loads(mild.output)["good_or_not"]
    there = client.get(f"/api/overview?{ALL}").json()
    assert there["grade"]["grade"] == "poor" and judged["grade"]["grade"] == "fair"
    assert judged["bad"] == there["bad"]
