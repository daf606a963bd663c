"""The report's figures, computed by hand from a few measurements."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pytomo_scrapy.analysis.crawl_report import FailureCount, summarise
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import PingResult
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.repository import VantageFacts
from tests.storage.factories import (
    FIRST,
    SECOND,
    STARTED,
    begin,
    make_download,
    make_failed,
    make_item,
    make_ping,
    make_playback,
)


def never_started() -> object:
    return make_playback(
        is_started=False, startup_delay_s=None, stalls=(), stall_count=0, stall_1s_count=0, stalled_s=0.0, played_s=0.0
    )


@pytest.mark.slow
def test_report_of_an_empty_database_is_all_zero(each_database: Database) -> None:
    summary = summarise(each_database)
    assert (summary.attempted_count, summary.resolved_count, summary.valid_count) == (0, 0, 0)
    assert summary.headline is None
    assert summary.throughput is None or summary.throughput.window_count == 0


@pytest.mark.slow
def test_report_counts_attempted_resolved_started_valid_and_excluded(each_database: Database) -> None:
    repository, run = begin(each_database, settings={"PYTOMO_DOWNLOAD_WINDOW_S": 12})
    reset = make_item(video_id="reset")
    reset.fail(Stage.DOWNLOAD, "reset")
    for item in (
        make_item(video_id="good"),
        reset,
        make_failed(Stage.DNS, "dns_timeout", video_id="dns"),
        make_failed(Stage.RESOLVE, "private", video_id="private"),
        make_failed(Stage.RESOLVE, "private", video_id="private2"),
        make_failed(Stage.RESOLVE, "bot_check", video_id="bot"),
    ):
        repository.save(item, run)
    summary = summarise(each_database)
    # 6 tried; 3 resolved (good, reset, dns); 3 excluded by content or service; good and reset started.
    assert (summary.attempted_count, summary.resolved_count, summary.started_count) == (6, 3, 2)
    assert (summary.valid_count, summary.excluded_count) == (3, 3)
    assert summary.excluded == [
        FailureCount("private", "content", "resolve", 2),
        FailureCount("bot_check", "service", "resolve", 1),
    ]
    assert {row.failure for row in summary.network_failures} == {"reset", "dns_timeout"}
    json.dumps(summary.to_dict())


@pytest.mark.slow
def test_session_that_the_network_failed_is_censored_at_the_runs_window(each_database: Database) -> None:
    repository, run = begin(each_database, settings={"PYTOMO_DOWNLOAD_WINDOW_S": "2"})
    repository.save(make_failed(Stage.DNS, "dns_timeout", video_id="dns"), run)
    repository.save(make_item(video_id="good"), run)
    headline = summarise(each_database).headline
    assert headline is not None
    # Censored at 2 s, before the other starts at 3 s: at 3 s only one waits, and all of it starts.
    assert (headline.session_count, headline.never_started_count) == (2, 1)
    assert headline.startup_delay_quantiles_s["0.5"] == 3.0


@pytest.mark.slow
def test_startup_quantiles_count_sessions_that_never_started(each_database: Database) -> None:
    repository, run = begin(each_database)
    playbacks = [
        make_playback(startup_delay_s=1.0),
        make_playback(startup_delay_s=2.0),
        never_started(),
        never_started(),
    ]
    for number, playback in enumerate(playbacks):
        repository.save(make_item(video_id=f"v{number}", playbacks=(playback,)), run)
    headline = summarise(each_database).headline
    assert headline is not None
    # 4 sessions, starts at 1 and 2 s, two cut at 30 s: shares left 3/4, 2/4; three quarters never start.
    assert headline.startup_delay_quantiles_s["0.25"] == 1.0
    assert headline.startup_delay_quantiles_s["0.5"] == 2.0
    assert headline.startup_delay_quantiles_s["0.75"] is None
    # 2 sessions stalled twice each, 4 s of 4 + 23 played each: 8 / 54; 4 stalls in 46 s played are 5.2 a minute.
    assert (headline.stalled_session_count, headline.stall_count) == (2, 4)
    assert headline.stall_ratio == pytest.approx(8 / 54)
    assert headline.stalls_per_minute == pytest.approx(4 / 46 * 60)


@pytest.mark.slow
def test_players_are_reported_apart_and_the_browser_like_one_leads(each_database: Database) -> None:
    repository, run = begin(each_database)
    both = (make_playback(), make_playback(player="dashjs", startup_delay_s=0.7))
    repository.save(make_item(playbacks=both), run)
    summary = summarise(each_database)
    assert [player.player for player in summary.players] == ["classic", "dashjs"]
    assert summary.headline is not None
    assert summary.headline.startup_delay_quantiles_s["0.5"] == 0.7


@pytest.mark.slow
def test_throughput_and_cross_traffic_are_counted(each_database: Database) -> None:
    repository, run = begin(each_database)
    for number, rate in enumerate((1e6, 3e6)):
        window = make_download(delivery_bps=rate, is_cross_traffic=number == 0)
        repository.save(make_item(video_id=f"v{number}", downloads=(window,)), run)
    gated = make_download(delivery_bps=9e6, gated_at_s=3.0)  # cut off after its first burst: not in the sums
    repository.save(make_item(video_id="gated", downloads=(gated,)), run)
    throughput = summarise(each_database).throughput
    assert throughput is not None
    assert (throughput.window_count, throughput.received_bytes, throughput.cross_traffic_count) == (2, 7_000_000, 1)
    assert throughput.delivery_quantiles_bps["0.5"] == 2e6


@pytest.mark.slow
def test_round_trips_are_grouped_by_resolver_and_host_and_method(each_database: Database) -> None:
    repository, run = begin(each_database)
    pings = (
        make_ping(FIRST, 0.010),
        make_ping(SECOND, None, received_count=0),
        make_ping(FIRST, 0.013, method="tcp_connect"),
    )
    repository.save(make_item(ping=PingResult(pings)), run)
    by_name = {(row.name, row.method): row for row in summarise(each_database).rtt_by_resolver}
    # system gave the first address alone, google both, opendns none; the audio host's look-up doubles nothing.
    assert set(by_name) == {
        ("google", "icmp_raw"), ("google", "tcp_connect"), ("system", "icmp_raw"), ("system", "tcp_connect"),
    }  # fmt: skip
    google = by_name["google", "icmp_raw"]
    assert (google.address_count, google.answered_count, google.rtt_min_quantiles_s["0.5"]) == (2, 1, 0.010)
    # 9 of 10 and 0 of 10 came back: 11 of 20 were lost.
    assert google.loss_ratio == pytest.approx(11 / 20)
    assert by_name["system", "icmp_raw"].loss_ratio == pytest.approx(0.1)
    hosts = {row.name for row in summarise(each_database).rtt_by_host}
    assert hosts == {"rr1---sn-a.googlevideo.com", "rr2---sn-a.googlevideo.com"}


@pytest.mark.slow
def test_report_can_be_narrowed(each_database: Database) -> None:
    repository, run = begin(each_database)
    _, elsewhere = begin(each_database, vantage=VantageFacts("there", "other isp"))
    repository.save(make_item(), run)
    repository.save(make_item(video_id="later", started_at=STARTED + timedelta(days=1)), elsewhere)
    assert summarise(each_database, provider="isp").attempted_count == 1
    assert summarise(each_database, since=STARTED + timedelta(hours=1)).attempted_count == 1
    assert summarise(each_database, until=STARTED).attempted_count == 0
    assert summarise(each_database, service="dailymotion").attempted_count == 0
    assert summarise(each_database, crawl="no such crawl").attempted_count == 0


@pytest.mark.slow
def test_report_shows_bulk_and_paced_windows_side_by_side(each_database: Database) -> None:
    repository, run = begin(each_database)
    for number, (mode, delivery_bps) in enumerate((("bulk", 8e6), ("paced", 2e6), ("paced", 4e6))):
        window = make_download(mode=mode, delivery_bps=delivery_bps, received_bytes=1000)
        repository.save(make_item(video_id=f"video{number}", downloads=(window,)), run)
    summary = summarise(each_database)
    by_mode = {
        rate.mode: (rate.window_count, rate.delivery_quantiles_bps["0.5"]) for rate in summary.throughput_by_mode
    }
    assert by_mode == {"bulk": (1, 8e6), "paced": (2, 3e6)}
    assert summary.throughput is not None and summary.throughput.window_count == 3
