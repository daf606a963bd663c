"""The page of a failed session: what failed first, how far it came, and no chart of a window that had nothing."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.items import DownloadResult, PingResult
from pytomo_scrapy.storage.database import open_database
from tests.factories import make_dns, make_download, make_resolve
from tests.storage.factories import begin, make_item


def page_of(path: Path, **overrides: Any) -> str:
    database = open_database(f"sqlite:///{path}")
    repository, run = begin(database)
    repository.save(make_item(**overrides), run)
    database.close()
    with TestClient(create_app(DashboardConfig(f"sqlite:///{path}"))) as client:
        return unescape(client.get("/measurement/1").text)


def steps_of(page: str) -> list[tuple[str, str, str]]:
    return re.findall(r'<li class="([^"]*)"><strong>([^<]*)</strong> <span>([^<]*)</span></li>', page)


def test_look_up_that_failed_is_first_and_no_window_is_shown(tmp_path: Path) -> None:
    page = page_of(
        tmp_path / "a.db",
        resolve=make_resolve(elapsed_s=0.5),
        dns=make_dns(lookups=(), chosen={}, elapsed_s=5.0, failure="dns_timeout"),
        ping=PingResult(failure="skipped_after_dns"),
        downloads=(DownloadResult(failure="skipped_after_dns"),),
        failure="dns_timeout",
        failure_stage="dns",
    )
    assert "First to fail: name look-up (dns timeout)." in page
    assert steps_of(page) == [
        ("done", "Media URLs", "0.50 s"),
        ("failed", "Name look-up", "dns timeout, no answer from the resolver in time (5\u202f000 ms)"),
        ("not-reached", "Ping", "not reached"),
        ("not-reached", "Window", "not reached"),
    ]
    assert "data-chart" not in page and "Requests of window" not in page


def test_window_that_broke_off_is_shown_with_where_it_did(tmp_path: Path) -> None:
    window = make_download(elapsed_s=2.0, ended_by="failure", received_bytes=100, failure="reset")
    page = page_of(
        tmp_path / "b.db",
        resolve=make_resolve(),
        dns=make_dns(),
        downloads=(window,),
        failure="reset",
        failure_stage="download",
    )
    (_, name, words) = steps_of(page)[-1]
    assert name == "Window" and words.startswith("reset, the connection was reset in mid-download (100 B in 2.00 s")
    assert page.count('data-chart="timeline"') == 1


def test_session_without_a_failure_has_no_course(tmp_path: Path) -> None:
    page = page_of(tmp_path / "c.db", resolve=make_resolve(), dns=make_dns(), downloads=(make_download(),))
    assert "First to fail" not in page and steps_of(page) == []
