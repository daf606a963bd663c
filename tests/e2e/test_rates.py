"""What the rows say of hosts whose rate is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.lab.clips.clip import CLIPS
from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import database_setting, query, run_scrapy

pytestmark = pytest.mark.alone

FITTING = {"separate": "dashjs", "muxed": "progressive"}
WINDOW_S = 22  # a segment player at half the rate first stalls after about 16 s


def video_on(ratio: float, kind: str) -> str:
    """Return a healthy video on a host at this share of its clip's rate."""
    world = build_world("default")
    return next(
        video.video_id
        for video in world.videos.values()
        if video.fault is None and video.clip.startswith(kind) and world.hosts[video.host].rate.clip_ratio == ratio
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crawl of videos on a slow and a fast host, each with sound apart and in one stream."""
    path = tmp_path_factory.mktemp("rates") / "x.db"
    videos = [video_on(ratio, kind) for kind in FITTING for ratio in (0.5, 10)]
    done = run_scrapy(
        "lab", "crawl", "youtube", "-a", f"urls={','.join(videos)}", "-a", "related=0", "-s",
        f"PYTOMO_DOWNLOAD_WINDOW_S={WINDOW_S}", "-s", "PYTOMO_PACE_S=0", "-s",
        "PYTOMO_DOWNLOAD_MODE=bulk", *database_setting(path),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    return path


@pytest.mark.parametrize("kind", FITTING)
def test_rate_of_the_host_shows_in_throughput_startup_and_stalls(database: Path, kind: str) -> None:
    slow, fast = video_on(0.5, kind), video_on(10, kind)
    rows = {
        (video_id, player): figures
        for video_id, player, *figures in query(
            database,
            "SELECT v.video_id, p.player, p.startup_delay_s, p.stall_count, p.stalled_s, d.delivery_bps"
            " FROM playback p JOIN measurement m ON m.id = p.measurement_id JOIN video v ON v.id = m.video_row_id"
            " JOIN download d ON d.measurement_id = m.id",
        )
    }
    world = build_world("default")
    for ratio, video_id in ((0.5, slow), (10, fast)):
        clip = CLIPS[world.videos[video_id].clip]
        sizes, duration_s = rate_of(database, video_id), clip.duration_s
        limit_bps = ratio * sizes * 8 / duration_s
        # No host is faster than it is set; a busy machine may be slower than a host of some Mbit/s.
        assert (0.95 if ratio < 1 else 0.7) * limit_bps < rows[video_id, "classic"][3] < 1.05 * limit_bps
    for player in ("classic", FITTING[kind]):
        startup_s, stall_count, stalled_s, _ = rows[slow, player]
        assert startup_s > 0.5
        assert stall_count > 0 and stalled_s > 0.5
        startup_s, stall_count, stalled_s, _ = rows[fast, player]
        assert (stall_count, stalled_s) == (0, 0.0)
        assert startup_s < 3


@pytest.mark.parametrize("kind", FITTING)
def test_session_of_a_fast_host_counts_as_validated(database: Path, kind: str) -> None:
    found = query(
        database,
        "SELECT p.is_validated FROM playback p JOIN measurement m ON m.id = p.measurement_id"
        " JOIN video v ON v.id = m.video_row_id WHERE v.video_id = ? AND p.player = ?",
        video_on(10, kind),
        FITTING[kind],
    )
    assert found == [(1,)]


def rate_of(database: Path, video_id: str) -> int:
    """Bytes of all the streams of a clip, as the service announced them."""
    return int(
        query(
            database,
            "SELECT SUM(declared_size_bytes) FROM stream s JOIN measurement m ON m.id = s.measurement_id"
            " JOIN video v ON v.id = m.video_row_id WHERE v.video_id = ?",
            video_id,
        )[0][0]
    )
