"""Imported rows of Pytomo 3 are seen: in the report, in its JSON, and on the page, and in no figure of ours."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.exchange.legacy_import import import_legacy
from pytomo_scrapy.reporting.terminal import print_report
from pytomo_scrapy.storage.database import Database, open_database
from tests.exchange.test_legacy_import import ROW, make_file

# Two rows: no stall and 9 575 411 B in 8.99... s, then a stall and 1 MB in 8 s; pings of 9.2 and 10.8 ms.
SECOND = ROW | {
    "ID": "2011-05-06 16:00:00.000000", "DownloadInterruptions": 2, "DownloadBytes": 1_000_000, "DownloadTime": 8.0,
    "PingAvg": 10.8,
}  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Database:
    opened = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    list(import_legacy(opened, make_file(tmp_path / "old.db", [ROW, SECOND])))
    opened.close()
    return opened


def test_report_counts_imported_rows_apart(database: Database) -> None:
    report = summarise(database)
    (table,) = report.imported
    assert (table.row_count, table.video_count, table.stall_share) == (2, 1, 0.5)
    first = 9_575_411 * 8 / 8.9944229125976562
    assert table.rate_mean_bps == pytest.approx((first + 1_000_000) / 2)
    assert table.ping_mean_s == pytest.approx(0.010)
    assert report.attempted_count == 0 and report.to_dict()["imported"][0]["file_name"] == "old.db"
    out = io.StringIO()
    print_report(Console(file=out, width=300), report, "sqlite:///new.db")
    line = next(line for line in out.getvalue().splitlines() if "old.db" in line)
    assert line.split()[:4] == ["old.db", table.table_name, "2", "1"] and "50.0 %" in line and "10.0 ms" in line


def test_page_of_runs_leads_to_the_rows(database: Database, tmp_path: Path) -> None:
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'new.db'}"))) as client:
        assert "/runs" in client.get("/").text
        runs = client.get("/runs").text
        assert "Imported from Pytomo 3" in runs and 'href="/legacy/1"' in runs
        rows = client.get("/legacy/1").text
        assert rows.count("RcmKbTR--iA") == 4 and "2011-05-06 16:00:00" in rows  # shown and as a title, of two rows
        assert rows.index("16:00:00") < rows.index("15:30:50")
        assert client.get("/legacy/2").status_code == 404


def test_deepest_page_of_an_imported_table_has_no_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Pages beyond the deepest one would all show its rows, without an end.
    rows = [ROW | {"ID": f"2011-05-06 16:{number // 60:02}:{number % 60:02}.000000"} for number in range(151)]
    opened = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    list(import_legacy(opened, make_file(tmp_path / "old.db", rows)))
    opened.close()
    monkeypatch.setattr("pytomo_scrapy.analysis.legacy_rows.MAX_OFFSET", 100)
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'new.db'}"))) as client:
        assert "page=3" in client.get("/legacy/1?page=2").text
        deepest = client.get("/legacy/1?page=3").text
    assert "page=2" in deepest and "page=4" not in deepest
