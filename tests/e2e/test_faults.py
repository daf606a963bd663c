"""A fault of the lab gives a row with its own class, and the crawl goes on.

Of each kind those are crawled that a crawl treats in its own way; that the others have their class too is shown without
one (`test_resolution_lab.py`, `test_manifests.py`, `lab/media/test_windows.py`). PYTOMO_TEST_ALL_FAULTS=1 crawls all.
"""

from __future__ import annotations

import os

import pytest

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.lab.faults import FAULTS, PageFault
from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import Finished, database_setting, query, run_scrapy

WINDOW_S = 2.0
WORLD = build_world("faults").videos
BROKEN_PAGES = [name for name, fault in FAULTS.items() if isinstance(fault, PageFault)]
IS_WHOLE = bool(os.environ.get("PYTOMO_TEST_ALL_FAULTS"))
CRAWLED = list(FAULTS) if IS_WHOLE else [
    # Of the service's answers: what is asked for once more, and what is not.
    "private", "bot_check", "rate_limited", "http_429", "url_expired", "url_other_address",
    *BROKEN_PAGES,
    "dns_nxdomain", "dns_silence", "refused", "tls_expired",
    # Resolved once more, left as it is, in the middle, silent; and what only the player finds.
    "http_403", "media_429", "http_403_middle", "http_503_middle", "reset", "stall", "truncated", "corrupt",
    "segment_missing", "playlist_damaged", "playlist_live",
]  # fmt: skip


def video_with(fault: str) -> str:
    (video_id,) = [video.video_id for video in WORLD.values() if video.fault == fault]
    return video_id


HEALTHY = [video.video_id for video in WORLD.values() if video.fault is None][:2]
# Broken pages come first, as pages are read until there are videos enough; what refuses all that follows, last.
VIDEOS = sorted(
    [*HEALTHY, *map(video_with, CRAWLED)],
    key=lambda video_id: (video_id not in map(video_with, BROKEN_PAGES), list(WORLD).index(video_id)),
)


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, dict[str, tuple[str | None, ...]]]:
    database = tmp_path_factory.mktemp("faults") / "x.db"
    done = run_scrapy(
        "lab", "--world", "faults", "crawl", "youtube", "-a", f"urls={','.join(VIDEOS)}", "-a", "max_rounds=2",
        "-a", f"max_crawled_url={len(VIDEOS) + 1}",
        "-s", f"PYTOMO_DOWNLOAD_WINDOW_S={WINDOW_S}", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=2",
        "-s", "PYTOMO_BACKOFF_RETRY_S=0.2", "-s", "PYTOMO_BACKOFF_PAUSE_S=0",
        "-s", "PYTOMO_BOT_CHECK_PAUSE_S=0.1",
        *database_setting(database),
    )  # fmt: skip
    rows = query(
        database,
        "SELECT v.video_id, m.failure, m.page_failure, m.failure_stage, d.elapsed_s FROM measurement m"
        " JOIN video v ON v.id = m.video_row_id LEFT JOIN download d ON d.measurement_id = m.id",
    )
    return done, {row[0]: row[1:] for row in rows}


def test_crawl_over_every_fault_ends_in_order(crawled: tuple[Finished, dict[str, tuple[str | None, ...]]]) -> None:
    done, rows = crawled
    assert done.exit_code == 0, done.errors[-3000:]
    assert "Traceback" not in done.errors
    assert len(rows) == len(VIDEOS) + 1 and set(rows) > set(VIDEOS), "and one that a page told of"


@pytest.mark.parametrize("fault", CRAWLED)
def test_fault_gives_a_row_with_its_own_class(
    crawled: tuple[Finished, dict[str, tuple[str | None, ...]]], fault: str
) -> None:
    video_id = video_with(fault)
    failure, page_failure, _, elapsed_s = crawled[1][video_id]
    expected = FAULTS[fault].failure
    assert expected in FAILURES
    if isinstance(FAULTS[fault], PageFault):
        assert (failure, page_failure) == (None, expected), "the video of a broken page is measured"
    else:
        assert failure == expected
    assert elapsed_s is None or float(elapsed_s) <= WINDOW_S + 0.5


def test_healthy_videos_among_faults_have_none(crawled: tuple[Finished, dict[str, tuple[str | None, ...]]]) -> None:
    assert [crawled[1][video_id][0] for video_id in HEALTHY] == [None, None]


@pytest.mark.parametrize("fault", ["bot_check", "rate_limited", "http_429", "private", "media_429"])
def test_video_that_the_service_refused_is_tried_once_more_and_no_other(
    crawled: tuple[Finished, dict[str, tuple[str | None, ...]]], fault: str
) -> None:
    video_id = video_with(fault)
    tries = crawled[0].errors.count(f"youtube {video_id}: {FAULTS[fault].failure}")
    assert tries == (1 if fault in {"private", "media_429"} else 2)
