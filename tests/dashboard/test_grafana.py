"""Every question of the Grafana dashboard is asked of the real tables on PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import Database, open_database

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
BOARD: dict[str, Any] = json.loads((FOLDER / "dashboards" / "pytomo.json").read_text())


@pytest.fixture
def on_postgres(postgres_url: str, synthetic: ModuleType) -> Iterator[Database]:
    database = open_database(postgres_url)
    synthetic.fill(database, 300, days=6, videos=50, traces=2)
    yield database
    database.close()


def with_macros(question: str, synthetic: ModuleType) -> str:
    """Put in what Grafana puts in for its macros and the chosen vantage points."""
    start_s = synthetic.END_S - 7 * 86400
    filled = question.replace("$__unixEpochFrom()", str(start_s)).replace("$__unixEpochTo()", str(synthetic.END_S + 1))
    filled = re.sub(
        r"\$__unixEpochGroup\(([^,]+), \$__interval\)",
        r"floor((\1)/3600)*3600",
        filled.replace("${vantage:csv}", "1,2,3"),
    )
    assert "$" not in filled
    return filled


@pytest.mark.slow
def test_every_panel_of_the_grafana_dashboard_has_rows(on_postgres: Database, synthetic: ModuleType) -> None:
    questions = {panel["title"] + str(panel["id"]): panel["targets"][0]["rawSql"] for panel in BOARD["panels"]}
    questions |= {"yt-dlp": BOARD["annotations"]["list"][0]["rawQuery"]}
    questions |= {"vantage": BOARD["templating"]["list"][0]["query"]}
    with on_postgres.read() as connection:
        for title, question in questions.items():
            rows = connection.execute(text(with_macros(question, synthetic).replace(":", "\\:"))).all()
            assert rows, title
            assert any(value is not None for row in rows for value in row), title


@pytest.mark.slow
def test_grafana_figures_equal_the_page(on_postgres: Database, synthetic: ModuleType, postgres_url: str) -> None:
    shown = {panel["title"]: panel["targets"][0]["rawSql"] for panel in BOARD["panels"] if panel["type"] == "stat"}
    with on_postgres.read() as connection:
        answers = {
            title: connection.execute(text(with_macros(question, synthetic).replace(":", "\\:"))).scalar()
            for title, question in shown.items()
        }
    with TestClient(create_app(DashboardConfig(postgres_url))) as client:
        found = client.get("/api/overview?period=all&eras=all").json()
    estimates = {estimate["name"]: estimate["value"] for estimate in found["estimates"]}
    assert answers["Videos measured"] == found["valid_count"]
    assert answers["Startup delay, median"] == pytest.approx(estimates["startup"], rel=0.02)
    assert float(answers["Never started"]) == pytest.approx(estimates["never_started"])
    assert float(answers["With stalls"]) == pytest.approx(estimates["with_stalls"])
    assert answers["Stalled ratio"] == pytest.approx(estimates["stall_ratio"])
    assert answers["Delivery rate, median"] == pytest.approx(estimates["delivery"], rel=0.02)


@pytest.mark.slow
def test_page_answers_on_postgres_as_on_sqlite(
    on_postgres: Database, postgres_url: str, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = tmp_path / "same.db"
    same = open_database(f"sqlite:///{path}")
    synthetic.fill(same, 300, days=6, videos=50, traces=2)
    same.close()
    addresses = (
        "/api/overview?period=all",
        "/api/series?period=all&parameter=delivery_bps&compare=vantage",
        "/api/series?period=all&parameter=startup_delay_s",
        "/api/series?period=all&parameter=dns_elapsed_s&compare=resolver",
        "/api/series?period=all&parameter=stalled_s&compare=player",
        "/api/distribution?period=all&parameter=startup_delay_s&compare=provider",
        "/api/heatmap?period=all&parameter=rtt_min_s",
        "/api/failures?period=all",
        "/api/videos?period=all&q=VIDEO&sort=delivery_bps",
        "/api/measurement/299/timeline",
    )
    with (
        TestClient(create_app(DashboardConfig(postgres_url))) as postgres,
        TestClient(create_app(DashboardConfig(f"sqlite:///{path}"))) as sqlite,
    ):
        for address in addresses:
            there, here = postgres.get(address), sqlite.get(address)
            assert there.status_code == here.status_code == 200, (address, there.text[:300])
            assert _rounded(there.json()) == _rounded(here.json()), address
        for page in ("/", "/series?group=all", "/videos", "/measurement/299", "/failures", "/runs", "/metrics"):
            assert postgres.get(page).status_code == 200, page
        assert postgres.get("/api/live").json()["windows"] == []


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return value
