"""Bot checks are drawn for each guest: a crawl goes on where two guests in five meet one, and stops where all do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Finished, database_setting, query, run_scrapy

# Every video in a moment: what is counted here are resolutions.
QUICK = {
    "PYTOMO_DOWNLOAD_WINDOW_S": 0.5,
    "PYTOMO_DOWNLOAD_BULK_EVERY": 0,
    "PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S": 0,
    "PYTOMO_PING_PACKETS": 0,
    "PYTOMO_PACE_S": 0,
    "PYTOMO_BOT_CHECK_PAUSE_S": 0.05,
    "PYTOMO_BACKOFF_RETRY_S": 0.3,
    "PYTOMO_BACKOFF_PAUSE_S": 0.3,
    "PYTOMO_BACKOFF_MAX_PAUSES": 2,
}


def crawl(database: Path, share: str, videos: int) -> Finished:
    chosen = [word for name, value in QUICK.items() for word in ("-s", f"{name}={value}")]
    return run_scrapy(
        "lab", "--world", "autumn2026", "--gated-share", "0", "--bot-check-share", share,
        "crawl", "youtube", "-a", f"max_crawled_url={videos}", "-a", "seed=1", *chosen, *database_setting(database),
    )  # fmt: skip


@pytest.mark.slow
def test_crawl_goes_on_where_two_guests_in_five_meet_a_bot_check(database: Path) -> None:
    done = crawl(database, "0.4", 8)
    assert done.exit_code == 0, done.errors[-3000:]
    rows = query(
        database,
        "SELECT failure, bot_check_count, identity_hash, identity_age_s, join_time_s FROM measurement"
        " WHERE NOT is_superseded",
    )
    assert len(rows) == 8
    assert [row[0] for row in rows].count("bot_check") <= 3
    assert "it is asked again in" not in done.errors, "no pause"
    # Three of the first eleven guests meet one; another asks for their videos, and every one has a guest of its own.
    assert 3 <= sum(row[1] for row in rows) <= 16
    every_row = query(database, "SELECT identity_hash FROM measurement WHERE identity_hash IS NOT NULL")
    assert len(every_row) == len(set(every_row)) >= 8
    measured = [row for row in rows if row[0] is None]
    assert measured and all(0 < row[3] < 30 for row in measured)


@pytest.mark.slow
def test_crawl_pauses_and_stops_where_every_guest_meets_a_bot_check(database: Path) -> None:
    done = crawl(database, "1", 12)
    assert done.exit_code == 3, done.errors[-3000:]
    assert "The service refused again after 2 pauses" in done.errors
    assert done.errors.count("The service refuses (bot_check") >= 3, "a first wait and two pauses"
    rows = query(database, "SELECT failure, bot_check_count FROM measurement")
    # Three videos, each by three guests, before the first wait; then one more after each wait.
    assert set(rows) == {("bot_check", 2)} and 6 <= len(rows) <= 12, "and what was under way at each wait"
    assert query(database, "SELECT COUNT(*) FROM frontier WHERE state = 1") == [(0,)], "claims went back"
