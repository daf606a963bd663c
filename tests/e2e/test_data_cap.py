"""A metered line: the crawl stops in order at the day's cap, and does not go on before midnight."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import database_setting, query, run_scrapy

CAP_BYTES = 600_000
CRAWL = (
    *("lab", "--world", "clean", "--clip-ratio", "3", "crawl", "youtube", "-a", "crawl=metered"),
    *("-a", "max_crawled_url=6"),
    *("-s", "PYTOMO_DOWNLOAD_WINDOW_S=1", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=2"),
    *("-s", f"PYTOMO_DATA_CAP_BYTES_PER_DAY={CAP_BYTES}", "-s", "PYTOMO_CONTROL=off"),
)


def test_crawl_at_the_days_cap_stops_in_order_and_stays_stopped(database: Path) -> None:
    first = run_scrapy(*CRAWL, *database_setting(database))
    assert first.exit_code == 0, first.errors[-3000:]
    assert "GB in a whole day" in first.errors and "The data cap of the day is reached" in first.errors
    ((count, received),) = query(database, "SELECT COUNT(*), SUM(received_bytes) FROM download")
    assert 0 < count < 6
    # The last window may overshoot by one piece that curl hands over, for video and for audio.
    assert CAP_BYTES <= received < CAP_BYTES + 2 * 16_384
    assert query(database, "SELECT ended_by FROM download ORDER BY id DESC LIMIT 1") == [("byte_cap",)]
    assert query(database, "SELECT end_reason FROM run") == [("data_cap",)]
    again = run_scrapy(*CRAWL, *database_setting(database))
    assert again.exit_code == 0, again.errors[-3000:]
    assert query(database, "SELECT COUNT(*) FROM download") == [(count,)]
