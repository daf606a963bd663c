"""What a crawl expects to download, and the cap that ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl.data_cap import DataCap, expected_bytes_per_hour, volume_sentence
from pytomo_scrapy.crawl.gate import Gate
from tests.factories import make_item

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def load(**overrides: object) -> config.Config:
    return config.load(overrides.get)


def test_expected_volume_of_bulk_windows_is_the_line_at_work() -> None:
    checked = load(PYTOMO_DOWNLOAD_MODE="bulk", PYTOMO_DOWNLOAD_WINDOW_S="30")
    # 3600 / 32.5 windows of 30 s at 12.5 MB/s: 110.77 x 375 MB.
    assert expected_bytes_per_hour(checked) == pytest.approx(41.54e9, rel=0.001)


def test_expected_volume_of_paced_windows_is_media_time_with_one_bulk_in_ten() -> None:
    # (30 + 25 + 5) s x 312 500 byte/s = 18.75 MB; 0.9 x 18.75 + 0.1 x 375 = 54.4 MB a window.
    assert expected_bytes_per_hour(load()) == pytest.approx(110.77 * 54.38e6, rel=0.001)
    assert expected_bytes_per_hour(load(PYTOMO_DOWNLOAD_BULK_EVERY="0")) == pytest.approx(110.77 * 18.75e6, rel=0.001)


def test_expected_volume_heeds_the_pace_and_the_windows_own_cap() -> None:
    checked = load(PYTOMO_DOWNLOAD_MODE="bulk", PYTOMO_PACE_S="360", PYTOMO_DOWNLOAD_MAX_BYTES="1000")
    assert expected_bytes_per_hour(checked) == 10_000


def test_volume_sentence_names_the_setting_that_bounds_it() -> None:
    assert "PYTOMO_DATA_CAP_BYTES_PER_DAY" in volume_sentence(load())
    assert "at most 2.00 GB a day" in volume_sentence(load(PYTOMO_DATA_CAP_BYTES_PER_DAY="2000000000"))


class Day:
    """A clock of days, and what earlier crawls took."""

    def __init__(self, earlier_bytes: int = 0) -> None:
        self.now, self.earlier_bytes = NOON, earlier_bytes
        self.questions: list[tuple[str, datetime]] = []
        self.gate = Gate(is_quiet=True)

    def bytes_since(self, vantage: str, since: datetime) -> int:
        self.questions.append((vantage, since))
        return self.earlier_bytes

    def cap(self, cap_bytes: int) -> DataCap:
        checked = load(PYTOMO_DATA_CAP_BYTES_PER_DAY=str(cap_bytes), PYTOMO_VANTAGE="home")
        return DataCap(checked, self.gate, self.bytes_since, now=lambda: self.now)


def take(cap: DataCap, received_bytes: int) -> None:
    cap.took(received_bytes)
    cap.stored(make_item())


def test_window_counts_before_it_is_stored_and_ends_the_crawl_after() -> None:
    day = Day()
    cap = day.cap(1000)
    cap.took(600)
    assert cap.room_bytes() == 400
    cap.took(400)
    assert cap.is_reached and not day.gate.is_stopping
    cap.stored(make_item())
    assert day.gate.is_stopping


def test_cap_counts_windows_and_stops_the_gate_when_it_is_reached() -> None:
    day = Day()
    cap = day.cap(1000)
    take(cap, 600)
    assert (cap.is_reached, cap.room_bytes(), day.gate.is_stopping) == (False, 400, False)
    take(cap, 400)
    assert cap.is_reached and day.gate.is_stopping
    assert "PYTOMO_DATA_CAP_BYTES_PER_DAY=1000" in cap.sentence()


def test_crawl_that_waited_over_midnight_has_the_whole_cap_again() -> None:
    day = Day()
    cap = day.cap(1000)
    take(cap, 999)
    day.now += timedelta(days=1)
    assert (cap.is_reached, cap.room_bytes()) == (False, 1000)


def test_crawl_that_the_cap_has_ended_says_so_after_midnight_too() -> None:
    day = Day()
    cap = day.cap(2_000_000)
    take(cap, 2_000_000)
    day.now += timedelta(days=1)
    assert cap.is_reached and "2.0 MB of" in cap.sentence()


def test_cap_counts_what_earlier_crawls_of_the_day_took() -> None:
    day = Day(earlier_bytes=1000)
    cap = day.cap(1000)
    asyncio.run(cap.begin())
    assert day.questions == [("home", datetime(2026, 11, 23, tzinfo=UTC))]
    assert cap.is_reached and day.gate.is_stopping


def test_cap_begins_anew_with_the_day() -> None:
    day = Day()
    cap = day.cap(1000)
    take(cap, 900)
    day.now = NOON + timedelta(days=1)
    take(cap, 50)
    assert (cap.is_reached, cap.room_bytes()) == (False, 950)


def test_without_a_cap_nothing_is_asked_and_nothing_stops() -> None:
    day = Day(earlier_bytes=10**12)
    cap = day.cap(0)
    asyncio.run(cap.begin())
    take(cap, 10**12)
    assert not cap.is_reached and day.questions == []
    assert cap.room_bytes() == 1_000_000_000
