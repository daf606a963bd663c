"""A crawl over watch pages of every shape: each gives its related videos, and lists that go on are followed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytomo_scrapy.lab.model import PageShape
from pytomo_scrapy.lab.servers import LabOptions
from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import Finished, database_setting, query, run_scrapy
from tests.running.labs import own_lab

Crawl = Callable[..., Finished]

# Nobody is cut off or asked to prove anything: this is about pages.
OPTIONS = LabOptions("autumn2026", gated_share=0.0, bot_check_share=0.0)
QUICK = (
    *("-s", "PYTOMO_DOWNLOAD_WINDOW_S=0.5", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=0"),
    *("-s", "LOG_LEVEL=DEBUG"),
)


def one_of_each_shape() -> dict[PageShape, str]:
    healthy = [video for video in build_world("autumn2026").videos.values() if video.fault is None]
    return {video.page_shape: video.video_id for video in reversed(healthy)}


@pytest.fixture(scope="module")
def crawl() -> Iterator[Crawl]:
    """Measure these videos in a lab that all tests share, which draws no guests; theirs are found, and not measured."""
    with own_lab(OPTIONS) as lab:

        def run(database: Path, ids: list[str], *more: str) -> Finished:
            done = run_scrapy(
                "crawl", "youtube", "-a", f"urls={','.join(ids)}", "-a", "max_rounds=2", "-a", "max_per_url=1",
                "-s", f"CLOSESPIDER_ITEMCOUNT={len(ids)}", *QUICK, *more, *database_setting(database),
                **lab.endpoints.environment(),
            )  # fmt: skip
            assert done.exit_code == 0, done.errors[-3000:]
            assert "Traceback" not in done.errors
            return done

        yield run


def next_requests(done: Finished) -> int:
    return len(re.findall(r"Crawled \(200\) <POST https://www\.youtube\.com/youtubei/v1/next", done.errors))


def test_pages_of_every_shape_list_their_related_videos_and_are_followed_where_they_go_on(
    database: Path, crawl: Crawl
) -> None:
    shapes = one_of_each_shape()
    assert set(shapes) == set(PageShape)
    done = crawl(database, list(shapes.values()), "-a", "max_per_page=21")
    rows = query(
        database,
        "SELECT v.video_id, m.related_count, m.page_failure FROM measurement m"
        " JOIN video v ON v.id = m.video_row_id WHERE m.depth = 1",
    )
    assert {row[0] for row in rows} == set(shapes.values())
    # Of a page's twenty, some are no videos.
    assert all(10 <= related_count <= 20 and failure is None for _, related_count, failure in rows), rows
    found = query(database, "SELECT parent_id, COUNT(*) FROM frontier WHERE depth = 2 GROUP BY parent_id")
    assert len(found) == len(shapes) and {count for _, count in found} == {1}
    assert next_requests(done) == 1 + len(shapes), "the bare page, and each list is followed once for its 21st"


def test_bare_page_and_the_rest_of_a_list_obey_robots_txt(database: Path, crawl: Crawl) -> None:
    shapes = one_of_each_shape()
    ids = [shapes[PageShape.NEITHER], shapes[PageShape.ELEMENT]]
    done = crawl(database, ids, "-s", "ROBOTSTXT_OBEY=1", "-a", "max_per_page=30")
    failures = dict(
        query(
            database,
            "SELECT v.video_id, m.page_failure FROM measurement m JOIN video v ON v.id = m.video_row_id"
            " WHERE m.depth = 1",
        )
    )
    assert failures == {ids[0]: "robots_disallowed", ids[1]: None}
    assert next_requests(done) == 0
