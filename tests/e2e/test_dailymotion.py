"""The second service, from its listing to stored rows."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import database_setting, query, run_scrapy


def test_crawl_of_dailymotion_measures_its_popular_videos(database: Path) -> None:
    done = run_scrapy(
        "lab", "--world", "clean", "crawl", "dailymotion", "-a", "max_crawled_url=3",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=1",
        "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1", *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    rows = query(
        database,
        "SELECT v.service, m.source, m.failure, d.received_bytes > 0 FROM measurement m"
        " JOIN video v ON v.id = m.video_row_id JOIN download d ON d.measurement_id = m.id",
    )
    assert rows == [("dailymotion", "dailymotion:visited-week", None, 1)] * 3
