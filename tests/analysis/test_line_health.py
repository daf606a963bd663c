"""Lines as they are now, and what of them raises an alert."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from pytomo_scrapy.analysis.line_alerts import LEAST_SESSIONS, alerts_of_lines, changes
from pytomo_scrapy.analysis.line_health import Line, lines_of
from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.items import ControlWindow, Surroundings
from pytomo_scrapy.items.timed_fetch import TimedFetch
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.repository import VantageFacts
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.figure_tables import figure
from tests.storage.factories import begin, make_download, make_item, make_playback

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
GOOD = make_playback(stall_count=0, stalled_s=0.0, startup_delay_s=0.5)
STALLED = make_playback(stall_count=1, stalled_s=2.0, startup_delay_s=1.5)


@pytest.fixture
def lines(database: Database) -> Iterator[list[Line]]:
    repository, run = begin(database, settings={"PYTOMO_DATA_CAP_BYTES_PER_DAY": "4000000"})
    kept = Surroundings(disk_free_bytes=7_000_000)
    sessions = [
        ("yesterday", NOW - timedelta(hours=13), {"playbacks": (GOOD,)}),
        ("good", NOW - timedelta(hours=3), {"playbacks": (GOOD,)}),
        ("stalled", NOW - timedelta(hours=2), {"playbacks": (STALLED,)}),
        ("never", NOW - timedelta(hours=1), {"playbacks": (replace(GOOD, is_started=False, startup_delay_s=None),)}),
    ]
    for name, at, values in sessions:
        window = make_download(received_bytes=1_000_000, surroundings=kept)
        repository.save(make_item(video_id=name, uuid=name, started_at=at, downloads=(window,), **values), run)
    refused = make_item(
        video_id="refused", uuid="refused", started_at=NOW - timedelta(minutes=30), downloads=(), playbacks=()
    )
    refused.failure, refused.failure_stage = None, None
    refused.fail("resolve", "bot_check")  # type: ignore[arg-type]
    repository.save(refused, run)
    with database.read() as connection:
        yield lines_of(connection, NOW)


def test_shares_of_a_line_leave_single_measurements_out(database: Database) -> None:
    for is_ad_hoc, playback in ((False, GOOD), (True, STALLED)):
        repository, run = begin(database, is_ad_hoc=is_ad_hoc)
        repository.save(make_item(playbacks=(playback,)), run)
    with database.read() as connection:
        [line] = lines_of(connection, NOW)
    assert (line.session_count, line.stall_share, line.startup_median_s) == (1, 0.0, 0.5)


def test_line_tells_its_day_and_its_newest_sessions(lines: list[Line]) -> None:
    [line] = lines
    assert line.last_seen_at == NOW - timedelta(minutes=30) and line.silent_s == 1800
    # Since midnight: three windows of 1 MB and one video without a window.
    assert (line.today_count, line.today_bytes, line.cap_bytes, line.cap_share) == (4, 3_000_000, 4_000_000, 0.75)
    # Of four sessions one stalled and one never started.
    assert (line.session_count, line.bad_share, line.stall_share) == (4, 0.5, 0.25)
    # 0.5, 0.5, 1.5, never: the lower of the two in the middle.
    assert line.startup_median_s == 0.5
    assert line.refusal_share == pytest.approx(1 / 5)
    assert line.is_running


def test_cap_is_used_by_what_no_figure_counts_and_by_all_lines_of_the_name(database: Database) -> None:
    settings = {"PYTOMO_DATA_CAP_BYTES_PER_DAY": "4000000"}
    at = NOW - timedelta(hours=1)
    for provider in ("isp", "mobile"):
        repository, run = begin(database, settings=settings, vantage=VantageFacts("here", provider))
        window = make_download(received_bytes=1_000_000)
        control = ControlWindow("fallback", fetch=TimedFetch(received_bytes=500_000))
        item = make_item(video_id=provider, uuid=provider, started_at=at, downloads=(window,), controls=(control,))
        repository.save(item, run)
    with database.write() as connection:
        connection.execute(update(measurement).where(measurement.c.uuid == "isp").values(is_superseded=True))
        connection.execute(delete(figure))
    with database.read() as connection:
        lines = lines_of(connection, NOW)
    assert [(line.provider, line.today_bytes, line.cap_share) for line in lines] == [
        ("isp", 1_500_000, 0.75),
        ("mobile", 1_500_000, 0.75),
    ]


def test_line_that_never_measured_is_there(database: Database) -> None:
    begin(database)
    with database.read() as connection:
        [line] = lines_of(connection, NOW)
    assert (line.last_seen_at, line.silent_s, line.today_count, line.bad_share) == (None, None, 0, None)


def make_line(**overrides: Any) -> Line:
    values: dict[str, Any] = {
        "vantage_id": 1, "vantage": "attic", "provider": "isp", "last_seen_at": NOW, "silent_s": 60.0,
        "is_running": True,
        "software_version": "1", "yt_dlp_version": "2", "today_count": 10, "today_bytes": 10, "cap_bytes": 100,
        "session_count": LEAST_SESSIONS, "bad_share": 0.0, "stall_share": 0.0, "startup_median_s": 1.0,
        "refusal_share": 0.0, "disk_free_bytes": 1, "cap_used_bytes": 10,
    }  # fmt: skip
    return Line(**{**values, **overrides})


@pytest.mark.parametrize(
    ("overrides", "what", "words"),
    [
        ({"silent_s": 7201.0}, "silence", "attic (isp) has not measured for 2 h"),
        ({"startup_median_s": 5.1}, "startup", "starts half of its videos after 5.1 s"),
        ({"startup_median_s": None}, "startup", "starts half of its videos too late or never"),
        ({"stall_share": 0.25}, "stalls", "stalls in 25% of its sessions"),
        ({"refusal_share": 0.95}, "refusals", "is refused 95% of its videos by the service"),
        ({"cap_used_bytes": 91}, "data cap", "has used 91% of the day's data cap"),
    ],
)
def test_figure_beyond_its_threshold_is_an_alert(overrides: dict[str, Any], what: str, words: str) -> None:
    [alert] = alerts_of_lines([make_line(**overrides)], AlertConfig())
    assert alert.what == what and words in alert.sentence


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"silent_s": 7200.0, "startup_median_s": 5.0, "stall_share": 0.2, "refusal_share": 0.9, "cap_used_bytes": 90},
        # A share of a few sessions is the luck of single videos.
        {"session_count": LEAST_SESSIONS - 1, "stall_share": 1.0, "startup_median_s": None},
        {"silent_s": None, "refusal_share": None, "cap_bytes": None},
    ],
)
def test_figure_at_its_threshold_or_unknown_is_none(overrides: dict[str, Any]) -> None:
    assert alerts_of_lines([make_line(**overrides)], AlertConfig()) == []


def test_threshold_of_0_raises_nothing() -> None:
    off = AlertConfig(startup_s=0, stall_share=0, refusal_share=0, silence_s=0, cap_share=0)
    bad = make_line(silent_s=1e9, startup_median_s=None, stall_share=1.0, refusal_share=1.0, cap_used_bytes=10**9)
    assert alerts_of_lines([bad], off) == []


def test_alert_is_new_once_and_over_once() -> None:
    standing = alerts_of_lines([make_line(silent_s=9999.0)], AlertConfig())
    new, over = changes([], standing)
    assert (new, over) == (standing, [])
    assert changes([standing[0].key], standing) == ([], [])
    assert changes([standing[0].key], []) == ([], ["attic\tisp\tsilence"])
