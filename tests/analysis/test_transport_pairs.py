"""Pairs of both transports: differences worked out by hand, and intervals where there are enough videos."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DownloadResult, PlaybackResult, VideoItem
from pytomo_scrapy.reporting.tables import report_tables
from pytomo_scrapy.storage.database import Database
from tests.storage.factories import begin, make_download, make_item, make_playback

START = datetime(2026, 11, 1, tzinfo=UTC)


def window(place: int, transport: str, rate_bps: float, failure: str | None = None) -> DownloadResult:
    return make_download(
        place=place, transport=transport, pair_id="p", delivery_bps=rate_bps,
        received_bytes=100, failure=failure,
    )  # fmt: skip


def played(place: int, startup_s: float, stalls: int) -> PlaybackResult:
    return make_playback(
        player="dashjs", place=place, startup_delay_s=startup_s, stall_count=stalls, stalled_s=2.0 * stalls
    )


def pair(number: int, *, gated: bool = False) -> VideoItem:
    """Return a video over both transports, SABR 0.5 s later to start, by 2 Mbit/s faster, in a random order."""
    plain_place = number % 2
    windows = [
        window(plain_place, "plain", 8e6),
        window(1 - plain_place, "sabr", 10e6, "media_gated" if gated else None),
    ]
    item = make_item(
        uuid=f"{number:08}-0000-0000-0000-000000000000", video_id=f"video{number:06}", crawl="c",
        started_at=START + timedelta(days=number % 4),
    )  # fmt: skip
    item.downloads = tuple(sorted(windows, key=lambda one: one.place))
    item.downloads = tuple(replace(one, streams=()) for one in item.downloads)
    item.timelines = ((), ())
    item.playbacks = (played(plain_place, 1.0 + number / 10, 1), played(1 - plain_place, 1.5 + number / 10, 0))
    return item


@pytest.mark.parametrize("count", [3, 12])
def test_report_gives_the_paired_difference_with_its_interval(database: Database, count: int) -> None:
    repository, run = begin(database)
    for number in range(count):
        repository.save(pair(number, gated=number == 0), run)
    pairs = summarise(database).transports
    assert pairs is not None and (pairs.pair_count, pairs.video_count) == (count, count)
    assert (pairs.plain_gated_count, pairs.sabr_gated_count) == (0, 1)
    found = {one.figure: one for one in pairs.differences}
    assert found["startup_delay_s"].difference == pytest.approx(0.5)
    assert found["stall_count"].difference == -1 and found["stalled_s"].difference == -2
    assert found["delivery_bps"].difference == pytest.approx(2e6)
    # Before the service cut it off a window may have started; of its stalls and its rate it tells nothing.
    assert {name: one.pair_count for name, one in found.items()} == {
        "startup_delay_s": count, "stall_count": count - 1, "stalled_s": count - 1, "delivery_bps": count - 1,
    }  # fmt: skip
    assert found["startup_delay_s"].plain_mean == pytest.approx(1.0 + sum(range(count)) / count / 10)
    # Every pair differs by the same: the interval has no width.
    ends = (found["startup_delay_s"].low, found["startup_delay_s"].high)
    assert ends == (None, None) if count < 10 else ends == pytest.approx((0.5, 0.5))
    (table,) = [one for one in report_tables(summarise(database)) if one.title.startswith("Both transports")]
    assert ("+0.50 s" in table.rows[0][2]) and f"{count} pairs" in table.note


def test_pair_that_this_tool_spoiled_is_none(database: Database) -> None:
    repository, run = begin(database)
    for number in range(3):
        item = pair(number)
        if number == 0:
            item.fail(Stage.DOWNLOAD, "worker_died")
        repository.save(item, run)
    pairs = summarise(database).transports
    assert pairs is not None and pairs.pair_count == 2
