"""A whole crawl in the lab: limits, rounds, seeds, lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import database_setting, query, run_scrapy

SHORT = [
    "-s", "PYTOMO_DOWNLOAD_WINDOW_S=0.5", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1",
    # What is prepared beside the last video is not measured.
    "-s", "PYTOMO_FRONTIER_AHEAD=1",
]  # fmt: skip
LIMIT = 5
FIRST_ID = next(iter(build_world("clean").videos))
IDS = "SELECT v.video_id FROM measurement m JOIN video v ON v.id = m.video_row_id ORDER BY m.frontier_order"


def crawl(database: Path, *arguments: str) -> None:
    done = run_scrapy("lab", "--world", "clean", "crawl", "youtube", *arguments, *SHORT, *database_setting(database))
    assert done.exit_code == 0, done.errors[-3000:]
    assert "Traceback" not in done.errors


def visited(database: Path) -> list[str]:
    return [row[0] for row in query(database, IDS)]


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three walks from one video: two with one seed, the third with another; all but the first end early."""
    folder = tmp_path_factory.mktemp("walks")
    paths = [folder / name for name in ("one.db", "two.db", "other.db")]
    for path, seed, limit in zip(paths, ("7", "7", "8"), (LIMIT, 3, 2), strict=True):
        crawl(path, "-a", f"seed={seed}", "-a", f"urls={FIRST_ID}", "-a", f"max_crawled_url={limit}",
              "-a", "max_per_page=12", "-a", "max_per_url=2", "-a", "max_rounds=3")  # fmt: skip
    return paths


def test_crawl_measures_exactly_its_limit_over_three_rounds(walks: list[Path]) -> None:
    """One video, its two related ones, and of their four related ones those that the limit leaves room for."""
    assert query(walks[0], "SELECT COUNT(DISTINCT Url) FROM pytomo_crawl") == [(LIMIT,)]
    depths = [row[0] for row in query(walks[0], "SELECT depth FROM measurement ORDER BY frontier_order")]
    assert depths == [1, 2, 2, 3, 3], "breadth first, three rounds deep"


def test_crawls_with_the_same_seed_visit_the_same_videos_in_the_same_order(walks: list[Path]) -> None:
    same, again, other = map(visited, walks)
    assert same[:3] == again
    assert same[:2] != other


def test_crawl_of_a_list_reports_bad_lines_and_measures_the_rest_without_watch_pages(
    database: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"# mine\nhttps://youtu.be/{FIRST_ID}\nnot a video\nhttps://www.youtube.com/shorts/{FIRST_ID}\n")
    done = run_scrapy("lab", "--world", "clean", "crawl", "youtube", "-a", f"input_file={listed}", "-a", "related=0",
                      *SHORT, *database_setting(database))  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    assert "Line 3 of the list is skipped" in done.errors
    assert visited(database) == [FIRST_ID]
    assert query(database, "SELECT related_count, depth FROM measurement") == [(None, 1)]
