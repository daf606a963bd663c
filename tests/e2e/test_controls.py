"""A session that stalls on a slow cache: the second cache that the service names is well, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import database_setting, query, run_scrapy

pytestmark = pytest.mark.alone


def videos_on_a_slow_cache() -> list[str]:
    world = build_world("default")
    return [
        video.video_id
        for video in world.videos.values()
        if video.fault is None and world.hosts[video.host].rate.clip_ratio == 0.5
    ]


def test_stall_on_a_slow_cache_is_followed_by_one_control_an_hour(database: Path) -> None:
    slow = videos_on_a_slow_cache()[:2]
    assert len(slow) == 2
    done = run_scrapy(
        "lab", "crawl", "youtube", "-a", f"urls={','.join(slow)}", "-a", "related=0",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=8", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=0",
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    [control] = query(
        database,
        "SELECT c.role, c.host, d.host, c.sent_name, c.rate_bps, d.delivery_bps, c.failure, c.t_s FROM control_window c"
        " JOIN download d ON d.measurement_id = c.measurement_id",
    )
    role, host, slow_host, sent_name, rate_bps, slow_bps, failure, t_s = control
    assert (role, failure, sent_name) == ("fallback", None, host)
    assert host != slow_host and rate_bps > 5 * slow_bps and t_s > 8
    # No window is one of them: each session has its own alone.
    assert query(database, "SELECT COUNT(*) FROM download") == [(2,)]
