"""The second service, from its listing to stored rows."""

from __future__ import annotations

from pathlib import Path

from pytomo_scrapy.lab.servers import LabOptions, make_world
from pytomo_scrapy.lab.service.dailymotion_service import dailymotion_id
from tests.e2e.conftest import database_setting, query, run_scrapy


def test_crawl_of_dailymotion_measures_its_popular_videos_and_their_related_ones(database: Path) -> None:
    done = run_scrapy(
        "lab", "--world", "clean", "crawl", "dailymotion", "-a", "max_crawled_url=2", "-a", "max_rounds=2",
        "-a", "max_per_page=1",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=0.5",
        "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1", *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    rows = query(
        database,
        "SELECT v.service, m.depth, m.source, m.failure, m.page_failure, d.received_bytes > 0 FROM measurement m"
        " JOIN video v ON v.id = m.video_row_id JOIN download d ON d.measurement_id = m.id ORDER BY m.frontier_order",
    )
    popular = ("dailymotion", 1, "dailymotion:visited-week", None, None, 1)
    assert rows == [popular, ("dailymotion", 2, "related", None, None, 1)]
    ((parent, first),) = query(
        database,
        "SELECT m.parent_id, (SELECT v.video_id FROM measurement n JOIN video v ON v.id = n.video_row_id"
        " ORDER BY n.frontier_order LIMIT 1) FROM measurement m WHERE m.depth = 2",
    )
    assert parent == first


def test_list_may_name_videos_of_any_site_that_the_resolver_knows(database: Path) -> None:
    muxed = (one for one in make_world(LabOptions("clean")).videos.values() if one.clip.startswith("muxed"))
    link = f"https://www.dailymotion.com/video/{dailymotion_id(next(muxed).video_id)}"
    done = run_scrapy(
        "lab", "--world", "clean", "crawl", "youtube", "-a", f"urls={link},https://www.dailymotion.com/nothing",
        "-a", "related=0", "-s", "PYTOMO_DOWNLOAD_WINDOW_S=0.5", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1",
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    rows = query(
        database,
        "SELECT v.service, v.url, m.failure_stage, d.received_bytes > 0 FROM measurement m"
        " JOIN video v ON v.id = m.video_row_id LEFT JOIN download d ON d.measurement_id = m.id ORDER BY v.url = ?",
        link,
    )
    assert [row[0::2] for row in rows] == [("other", "resolve"), ("other", None)]
    assert rows[1] == ("other", link, None, 1)
