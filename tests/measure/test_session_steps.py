"""Branches of the flow that a whole session seldom takes: second resolutions, windows that are not opened, verdicts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import MeasurementError, Stage
from pytomo_scrapy.items import DnsLookup, DownloadResult, HttpRequest, Ping, PingResult
from pytomo_scrapy.measure import round_trip_targets, session
from pytomo_scrapy.measure.family_paths import FamilyPath, answer_of, drawn_seed
from pytomo_scrapy.measure.outcome import headline, join_time_s, sentence
from pytomo_scrapy.measure.round_trip_targets import network_addresses, redirect_addresses
from pytomo_scrapy.measure.session import SKIPPED, Session, add_playbacks, skip
from pytomo_scrapy.measure.window import planning
from pytomo_scrapy.measure.window.plan import WindowPlan, window_mode
from pytomo_scrapy.measure.window.refused import is_refused_at_start, refused_row, unknown_hosts, with_later_hosts
from tests.factories import (
    HOST,
    make_dns,
    make_download,
    make_format,
    make_item,
    make_playback,
    make_resolve,
    make_timeline,
)
from tests.fake_tools import FakeCrawl

SETTINGS = config.load({}.get)


def load(**settings: object) -> config.Config:
    return config.load(settings.get)


# Which windows.


def make_lookup(host: str = HOST, *addresses: str) -> DnsLookup:
    return DnsLookup(host, "system", "192.0.2.53", "udp", "A", addresses=addresses)


@pytest.mark.parametrize(
    ("resolve_failure", "dns", "row"),
    [
        ("private", None, ("private", "said so")),
        ("private", make_dns(failure="dns_timeout"), ("private", "said so")),  # the earlier one
        (None, make_dns(failure="dns_timeout", failure_detail="4 s"), ("dns_timeout", "4 s")),
        (None, None, (None, None)),  # never looked up
    ],
)
def test_path_that_failed_earlier_stands_as_the_row_of_its_failure(
    resolve_failure: str | None, dns: Any, row: tuple[str | None, str | None]
) -> None:
    detail = "said so" if resolve_failure else None
    path = FamilyPath(6, make_resolve(failure=resolve_failure, failure_detail=detail), dns)
    good = FamilyPath(4, make_resolve(), make_dns())
    plan, result = planning.plan_windows(make_item(), (good, path), SETTINGS, "/nowhere")
    assert isinstance(plan, WindowPlan) and isinstance(result, DownloadResult)
    assert (result.failure, result.failure_detail) == row
    assert (result.place, result.address_family, result.mode, result.received_bytes) == (1, 6, None, None)


@pytest.mark.parametrize(
    ("lookups", "chosen", "addresses"),
    [
        # Each other address of the first host once, of the family that was chosen.
        ([make_lookup(HOST, "192.0.2.1", "192.0.2.2"), make_lookup(HOST, "192.0.2.2", "192.0.2.3")],
         {HOST: "192.0.2.2"}, ["192.0.2.2", "192.0.2.1", "192.0.2.3"]),
        ([make_lookup(HOST, "192.0.2.1", "2001:db8::1")], {HOST: "192.0.2.1"}, ["192.0.2.1"]),
        ([make_lookup(HOST, "192.0.2.1", "2001:db8::1", "2001:db8::2")],
         {HOST: "2001:db8::1"}, ["2001:db8::1", "2001:db8::2"]),
        ([make_lookup("other.example", "192.0.2.9")], {HOST: "192.0.2.1"}, ["192.0.2.1"]),
        ([make_lookup(HOST, "192.0.2.1")], {}, [None]),  # behind a proxy nothing was chosen
    ],
)  # fmt: skip
def test_every_address_of_the_first_host_gets_its_window(
    lookups: list[DnsLookup], chosen: dict[str, str], addresses: list[str | None]
) -> None:
    path = FamilyPath(None, make_resolve(), make_dns(lookups=tuple(lookups), chosen=chosen))
    settings = load(PYTOMO_DOWNLOAD_ALL_ADDRESSES="1")
    plans = planning.plan_windows(make_item(), (path,), settings, "/nowhere")
    assert [plan.chosen.get(HOST) for plan in plans if isinstance(plan, WindowPlan)] == addresses


@pytest.mark.parametrize(
    ("duration_s", "window_s", "whole_s"),
    [
        (90.0, 30.0, 180.0),  # twice its length
        (10.0, 30.0, 30.0),  # never shorter than an ordinary window
        (10_000.0, 30.0, 3600.0),  # nor longer than an hour
        (None, 30.0, 3600.0),
        (0.0, 30.0, 3600.0),
    ],
)
def test_whole_download_is_bounded_by_the_videos_length(
    duration_s: float | None, window_s: float, whole_s: float
) -> None:
    settings = load(PYTOMO_DOWNLOAD_FULL_EVERY="1", PYTOMO_DOWNLOAD_WINDOW_S=str(window_s)).download
    found = planning.window_config(make_item(resolve=make_resolve(duration_s=duration_s)), settings)
    assert (found.mode, found.window_s) == ("full", whole_s)
    assert planning.window_config(make_item(), settings).window_s == 3600.0


@pytest.mark.parametrize(
    ("formats", "chosen", "host", "address"),
    [
        ((make_format(),), {HOST: "192.0.2.1"}, HOST, "192.0.2.1"),
        ((make_format(),), {}, HOST, None),
        ((), {}, None, None),
    ],
)
def test_window_whose_process_was_lost_has_its_place_and_no_figure(
    formats: Any, chosen: dict[str, str], host: str | None, address: str | None
) -> None:
    row = planning.failed_window(WindowPlan(formats, chosen, window_index=3), MeasurementError("deadline", "d"), 30.0)
    assert (row.place, row.host, row.address, row.window_s, row.ended_by) == (3, host, address, 30.0, "failure")
    assert (row.failure, row.failure_detail, row.received_bytes) == ("deadline", "d", None)


def test_window_that_the_cap_leaves_nothing_has_its_place_and_family() -> None:
    row = planning.capped_window(WindowPlan((make_format(),), {}, window_index=1, family=6))
    assert (row.place, row.address_family, row.failure, row.received_bytes) == (1, 6, "data_cap", None)


@pytest.mark.parametrize(
    ("mode", "bulk_every", "modes"),
    [("bulk", 2, {"bulk"}), ("full", 2, {"full"}), ("paced", 0, {"paced"}), ("paced", 1, {"bulk"}),
     ("paced", 2, {"bulk", "paced"})],
)  # fmt: skip
def test_mode_of_a_window_is_drawn_among_paced_ones_only(mode: str, bulk_every: int, modes: set[str]) -> None:
    settings = replace(SETTINGS.download, mode=mode, bulk_every=bulk_every)
    plans = [WindowPlan((), {}, seed="s", window_index=number) for number in range(50)]
    found = [window_mode(plan, settings) for plan in plans]
    assert set(found) == modes and found == [window_mode(plan, settings) for plan in plans]


def test_seed_of_a_video_is_its_crawl_its_pass_and_itself() -> None:
    assert drawn_seed(make_item(crawl="c", pass_number=3, video_id="v")) == "c:3:v"


# Refused at the start.


@pytest.mark.parametrize(
    ("failure", "received_bytes", "is_refused"),
    [
        ("http_403", 0, True),
        ("http_403", None, True),
        ("exit_address_changed", 0, True),
        ("http_403", 1, False),
        ("http_404", 0, False),
        (None, 0, False),
    ],
)
def test_refusal_at_the_start_is_one_before_any_media(
    failure: str | None, received_bytes: int | None, is_refused: bool
) -> None:
    assert is_refused_at_start(make_download(failure=failure, received_bytes=received_bytes)) is is_refused


@pytest.mark.parametrize(
    ("before", "after", "failure"),
    [
        ("192.0.2.1", "192.0.2.2", "exit_address_changed"),
        ("192.0.2.1", "2001:db8::1", "exit_address_changed"),
        ("192.0.2.1", "192.0.2.1", "http_403"),
        (None, "192.0.2.2", "http_403"),
        ("192.0.2.1", None, "http_403"),
    ],
)
def test_two_resolutions_tell_whether_the_exit_address_changed(
    before: str | None, after: str | None, failure: str
) -> None:
    window = make_download(failure="http_403", failure_detail="Forbidden")
    row = refused_row(window, make_resolve(client_address=before), make_resolve(client_address=after))
    assert (row.place, row.failure) == (1, failure)
    assert ("another address" in (row.failure_detail or "")) == (failure != "http_403")


def test_hosts_of_a_second_resolution_are_looked_up_where_they_are_new() -> None:
    later = make_resolve(
        formats=tuple(make_format(host=host) for host in (HOST, "b.example", "c.example", "b.example"))
    )
    assert unknown_hosts(make_dns(), later) == ("b.example", "c.example")
    dns = make_dns()
    assert with_later_hosts(dns, None) is dns
    joined = with_later_hosts(dns, make_dns(chosen={"b.example": "192.0.2.9"}, lookups=(make_lookup("b.example"),)))
    assert joined.chosen == {HOST: "192.0.2.1", "b.example": "192.0.2.9"}
    assert [lookup.host for lookup in joined.lookups] == [HOST, "b.example"]


@pytest.mark.parametrize(
    ("resolution", "dns", "window_count"),
    [
        (make_resolve(), None, 2),
        (make_resolve(formats=(make_format(host="b.example"),)), make_dns(chosen={"b.example": "192.0.2.9"}), 2),
        (make_resolve(formats=(make_format(host="b.example"),)), make_dns(chosen={}, failure="dns_timeout"), 1),
        (make_resolve(formats=(), failure="bot_check"), None, 1),
    ],
)
def test_second_window_is_opened_where_the_second_resolution_and_its_look_up_are_good(
    resolution: Any, dns: Any, window_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl, item = FakeCrawl(), make_item(resolve=make_resolve(), dns=make_dns())
    crawl.windows = [make_download(received_bytes=0, failure="http_403")]
    monkeypatch.setattr(crawl, "answer", lambda *_: resolution)
    monkeypatch.setattr(session, "look_up_hosts", lambda *_, **__: dns)
    before = item.resolve
    asyncio.run(Session(SETTINGS, crawl.tools()).step(Stage.DOWNLOAD, item))
    assert (len(crawl.plans), len(item.downloads)) == (window_count, window_count)
    assert (item.resolve is before) == (window_count == 1), "a resolution that led to no window is not the video's"


# Skips, and what ends a session.


@pytest.mark.parametrize("failed", [Stage.RESOLVE, Stage.DNS, Stage.PING, Stage.DOWNLOAD])
@pytest.mark.parametrize("stage", SKIPPED)
def test_stage_after_a_failure_leaves_its_own_field_and_no_other(stage: Stage, failed: Stage) -> None:
    item = make_item()
    item.fail(failed, "reset")
    is_skipped = skip(item, stage)
    left = {
        Stage.DNS: item.dns and item.dns.failure,
        Stage.PING: item.ping and item.ping.failure,
        Stage.DOWNLOAD: item.downloads[0].failure if item.downloads else None,
    }
    expected = {stage: f"skipped_after_{failed}"} if stage in left else {}
    assert {name: failure for name, failure in left.items() if failure} == expected
    assert is_skipped == bool(expected)


@pytest.mark.parametrize(
    ("timelines", "failure"),
    [
        ((make_timeline(),), None),
        ((make_timeline(failure="unreadable_container", failure_detail="d"),), "unreadable_container"),
        ((make_timeline(failure="no_media_data"),), None),  # what a slow line looks like
        ((make_timeline(method="linear", fallback_reason="noise"),), "unreadable_container"),
        ((make_timeline(method="linear", is_index_last=True),), None),
        ((make_timeline(), make_timeline(kind="audio", failure="unreadable_container")), "unreadable_container"),
    ],
)
def test_media_that_nobody_can_play_fail_the_session_and_a_slow_line_does_not(
    timelines: Any, failure: str | None
) -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    add_playbacks(item, timelines, (make_playback(),))
    assert item.failure == failure
    further = make_item(resolve=make_resolve(), dns=make_dns(), timelines=((make_timeline(),),))
    add_playbacks(further, timelines, ())
    assert further.failure is None, "of a further window"
    failed = make_item(resolve=make_resolve(), dns=make_dns())
    failed.fail(Stage.DOWNLOAD, "reset")
    add_playbacks(failed, timelines, ())
    assert failed.failure == "reset", "the line failed before"


# What came of it.


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        ({}, "nothing measured"),
        ({"playbacks": (make_playback(startup_delay_s=1.5, stall_count=2, stalled_s=3.0),)},
         "started after 1.50 s, 2 stalls of 3.0 s in all"),
        ({"playbacks": (make_playback(is_started=False, startup_delay_s=None, horizon_s=30.0),)},
         "not started within 30 s"),
        ({"downloads": (make_download(),)}, "nothing measured"),  # without a rate
    ],
)  # fmt: skip
def test_sentence_says_how_the_measurement_went(overrides: dict[str, Any], text: str) -> None:
    assert sentence(make_item(**overrides)) == text


def test_sentence_of_a_failure_says_whose_fault_it_is_first() -> None:
    download = make_download(host="h.example", address="192.0.2.1")
    download = replace(download, throughput=replace(download.throughput, delivery_bps=2_500_000.0))
    item = make_item(downloads=(download,))
    item.fail(Stage.DOWNLOAD, "reset")
    assert sentence(item) == "reset (network), 2.50 Mbit/s from h.example (192.0.2.1)"


@pytest.mark.parametrize(
    ("playbacks", "player"),
    [
        ((make_playback(player="classic"), make_playback(player="progressive")), "progressive"),
        ((make_playback(player="classic"),), "classic"),
        ((make_playback(place=1),), None),
        ((make_playback(failure="unreadable_container"),), None),
        ((make_playback(failure="no_media_data"),), "classic"),
        ((), None),
    ],
)
def test_headline_is_of_the_first_window_and_of_media_that_could_be_read(playbacks: Any, player: str | None) -> None:
    found = headline(make_item(playbacks=playbacks))
    assert (found.player if found else None) == player


@pytest.mark.parametrize(
    ("overrides", "join_s"),
    [
        ({}, 0.5 + 0.02 + 1.5),
        ({"resolve": None}, None),
        ({"dns": None}, None),
        ({"playbacks": ()}, None),
        ({"playbacks": (make_playback(startup_delay_s=None),)}, None),
        ({"resolve": make_resolve(elapsed_s=None)}, None),
        ({"dns": make_dns(elapsed_s=None)}, None),
    ],
)
def test_join_time_is_the_sum_of_what_a_viewer_waits_for(overrides: dict[str, Any], join_s: float | None) -> None:
    parts = {"resolve": make_resolve(), "dns": make_dns(), "playbacks": (make_playback(),)}
    found = join_time_s(make_item(**{**parts, **overrides}))
    assert found == (None if join_s is None else pytest.approx(join_s))


# Addresses that a redirect led to.


def make_request(hop: int, address: str | None) -> HttpRequest:
    return HttpRequest(0, hop, "rr9.example", 443, address)


@pytest.mark.parametrize(
    ("requests", "via_proxy", "addresses"),
    [
        ([make_request(0, "198.51.100.1"), make_request(1, "198.51.100.2")], False, ("198.51.100.2",)),
        ([make_request(1, "192.0.2.2")], False, ()),  # a resolver gave it already
        ([make_request(1, "198.51.100.2"), make_request(2, "198.51.100.2")], False, ("198.51.100.2",)),
        ([make_request(1, None)], False, ()),
        ([make_request(1, "198.51.100.2")], True, ()),  # the proxy's own way
    ],
)
def test_addresses_of_redirects_are_those_that_no_resolver_gave(
    requests: list[HttpRequest], via_proxy: bool, addresses: tuple[str, ...]
) -> None:
    item = make_item(dns=make_dns(), downloads=(make_download(requests=tuple(requests), via_proxy=via_proxy),))
    assert redirect_addresses(item) == addresses
    assert network_addresses(item) == ("192.0.2.1", "192.0.2.2", "192.0.2.1", *addresses)


def test_addresses_of_a_session_that_was_never_looked_up_are_none() -> None:
    assert network_addresses(make_item()) == ()


def test_answer_of_a_pair_has_the_queries_of_both_and_the_figures_of_the_first() -> None:
    four = FamilyPath(4, make_resolve(), make_dns(lookups=(make_lookup(HOST, "192.0.2.1"),), elapsed_s=0.02))
    six = FamilyPath(6, make_resolve(), make_dns(lookups=(make_lookup(HOST, "2001:db8::1"),), elapsed_s=0.09))
    failed = FamilyPath(6, make_resolve(failure="private"))
    assert [len(answer_of(paths).lookups) for paths in ((four, six), (four, failed))] == [2, 1]
    assert answer_of((four, six)).elapsed_s == 0.02


def test_pings_of_redirects_are_added_to_those_before_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[str], int]] = []

    def ping(addresses: Any, settings: Any, *, port: int) -> PingResult:
        asked.append((list(addresses), port))
        return PingResult((Ping(addresses[0], failure="ping_no_reply"),), failure="ping_no_reply")

    monkeypatch.setattr(round_trip_targets, "ping_addresses", ping)
    window = make_download(requests=(HttpRequest(0, 1, "rr9.example", 8443, "198.51.100.2"),))
    item = make_item(dns=make_dns(), ping=PingResult((Ping("192.0.2.1"),)), downloads=(window,))
    found = round_trip_targets.ping_redirects(item, SETTINGS.ping)
    assert asked == [(["198.51.100.2"], 8443)]
    assert [(ping.address, ping.role) for ping in found.pings] == [("192.0.2.1", "media"), ("198.51.100.2", "redirect")]
    assert found.failure is None, "their failure is no failure of the stage"
