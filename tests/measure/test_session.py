"""One video through its stages: what runs after which failure, and what the session's figures are made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import MeasurementError, Stage
from pytomo_scrapy.items import (
    DnsLookup,
    HttpRequest,
    Leg,
    Network,
    Ping,
    PingResult,
    PlaybackResult,
    StreamDownload,
    VideoItem,
)
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.playback.simulation import StreamTrace
from pytomo_scrapy.measure.window import planning
from pytomo_scrapy.measure.window.plan import WindowPlan
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

SETTINGS = config.load({}.get)


def plan_of(item: VideoItem) -> WindowPlan:
    (plan,) = planning.plan_windows(item, SETTINGS, "/nowhere")
    assert isinstance(plan, WindowPlan)
    return plan


def test_stages_after_a_failed_resolution_are_skipped_and_measure_nothing() -> None:
    item = make_item()
    session.set_resolve(item, make_resolve(formats=(), failure="private", failure_detail="said so"))
    assert session.skip(item, Stage.DNS) and session.skip(item, Stage.PING) and session.skip(item, Stage.DOWNLOAD)
    assert item.dns is not None and item.dns.failure == "skipped_after_resolve"
    assert item.ping is not None and item.ping.failure == "skipped_after_resolve"
    (download,) = item.downloads
    assert (download.failure, download.received_bytes, download.mode) == ("skipped_after_resolve", None, None)
    assert (item.failure, item.failure_stage, item.failure_detail) == ("private", Stage.RESOLVE, "said so")


def test_stages_after_a_good_resolution_are_not_skipped() -> None:
    item = make_item()
    session.set_resolve(item, make_resolve())
    assert not session.skip(item, Stage.DNS)
    assert item.dns is None


def test_stage_that_is_new_and_skipped_leaves_the_windows_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy stage stands in the place of `store`, which never asks whether it is skipped."""
    notes: list[str] = []
    monkeypatch.setattr(session, "SKIPPED", {**session.SKIPPED, Stage.STORE: lambda _, failure: notes.append(failure)})
    windows = (make_download(received_bytes=600),)
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=windows)
    item.fail(Stage.DOWNLOAD, "reset")
    assert session.skip(item, Stage.STORE)
    assert notes == ["skipped_after_download"] and item.downloads == windows


def test_playback_is_never_skipped_since_what_a_failed_window_received_is_analysed() -> None:
    windows = (make_download(received_bytes=600, failure="reset"),)
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=windows)
    item.fail(Stage.DOWNLOAD, "reset")
    assert not session.skip(item, Stage.PLAYBACK)
    assert item.downloads == windows


def test_stage_without_a_row_in_the_table_of_skips_is_refused() -> None:
    windows = (make_download(received_bytes=600),)
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=windows)
    for failure in (None, "reset"):  # on a good day too, or it would be found on a bad one
        if failure:
            item.fail(Stage.DOWNLOAD, failure)
        with pytest.raises(LookupError, match=r"stage store .* SKIPPED"):
            session.skip(item, Stage.STORE)
    assert item.downloads == windows


def test_failed_look_up_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "look_up_hosts", lambda *_, **__: make_dns(chosen={}, failure="dns_timeout"))
    item = make_item(resolve=make_resolve())
    session.look_up(item, SETTINGS.dns)
    assert (item.failure, item.failure_stage) == ("dns_timeout", Stage.DNS)
    assert session.skip(item, Stage.DOWNLOAD)


def redirected_item() -> VideoItem:
    hops = (
        HttpRequest(0, 0, HOST, 443, "192.0.2.1"),
        HttpRequest(0, 1, "rr9.example", 8443, "198.51.100.9"),
        HttpRequest(0, 1, "rr9.example", 8443, "198.51.100.9"),
        HttpRequest(0, 2, HOST, 443, "192.0.2.1"),
        HttpRequest(0, 3, "nowhere.example", 443, None),
    )
    given = DnsLookup(HOST, "system", "127.0.0.1", "udp", "A", addresses=("192.0.2.1",))
    return make_item(
        dns=make_dns(lookups=(given,)),
        ping=PingResult((Ping("192.0.2.1"),), 1.0),
        downloads=(make_download(requests=hops),),
    )


def test_hosts_of_redirects_are_pinged_after_the_window_at_their_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def answer(addresses: Sequence[str], _: object, *, port: int) -> PingResult:
        asked.append((tuple(addresses), port))
        return PingResult((Ping("198.51.100.9", "icmp_raw"),), 0.5)

    monkeypatch.setattr(session, "ping_addresses", answer)
    item = redirected_item()
    assert session.redirect_addresses(item) == ("198.51.100.9",)
    session.ping_redirects(item, SETTINGS.ping)
    assert asked == [(("198.51.100.9",), 8443)]
    assert item.ping is not None
    assert [(one.address, one.role) for one in item.ping.pings] == [
        ("192.0.2.1", "media"),
        ("198.51.100.9", "redirect"),
    ]
    assert item.ping.elapsed_s == 1.0  # of the stage before the window


def test_redirects_behind_a_proxy_have_no_address_of_their_own() -> None:
    item = redirected_item()
    item.downloads = (dataclasses.replace(item.downloads[0], via_proxy=True),)
    assert session.redirect_addresses(item) == ()


def test_networks_are_found_for_given_and_redirected_addresses() -> None:
    class Finder:
        def find(self, addresses: Sequence[str]) -> tuple[Network, ...]:
            return tuple(Network(address, 64500) for address in dict.fromkeys(addresses))

    item = redirected_item()
    session.find_networks(item, cast(Any, Finder()))
    assert [one.address for one in item.networks] == ["192.0.2.1", "198.51.100.9"]


def test_ping_asks_every_distinct_address_chosen_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(session, "ping_addresses", lambda *args, **kwargs: asked.append((args[0], kwargs["port"])))
    monkeypatch.setattr(session, "proxy_for", lambda *_: None)
    item = make_item(resolve=make_resolve(formats=(make_format(port=8443),)), dns=make_dns(chosen={HOST: "192.0.2.2"}))
    session.ping(item, SETTINGS.ping, SETTINGS.path)
    assert asked == [(["192.0.2.2", "192.0.2.1"], 8443)]


def test_ping_behind_proxies_asks_the_proxy_of_each_family_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(addresses: Sequence[str], settings: object, *, port: int) -> PingResult:
        return PingResult(tuple(Ping(f"{address} {port}") for address in addresses), 0.5)

    monkeypatch.setattr(session, "ping_addresses", answer)
    path = config.PathConfig("both", proxy="http://192.0.2.8:3128", proxy_ipv6="http://[2001:db8::8]:3129")
    item = make_item(resolve=make_resolve(), dns=make_dns())
    item.legs = (Leg(4, make_resolve()), Leg(6, make_resolve()))
    session.ping(item, SETTINGS.ping, path)
    assert item.ping is not None
    assert [(one.address, one.role, one.via_proxy) for one in item.ping.pings] == [
        ("192.0.2.8 3128", "proxy", True),
        ("2001:db8::8 3129", "proxy", True),
    ]


def test_hosts_of_video_and_audio_are_asked_once_each() -> None:
    formats = (make_format(kind="video"), make_format(kind="audio"), make_format(kind="audio", host="other"))
    assert session.media_hosts(make_item(resolve=make_resolve(formats=formats))) == (HOST, "other")


def test_window_knows_the_videos_length_and_draws_its_mode_by_crawl_pass_and_video() -> None:
    items = [
        make_item(resolve=make_resolve(duration_s=61.0), dns=make_dns(), crawl="c", pass_number=number, video_id=name)
        for number, name in ((1, "a" * 11), (1, "b" * 11), (2, "a" * 11), (1, "a" * 11))
    ]
    plans = [plan_of(item) for item in items]
    assert {plan.duration_s for plan in plans} == {61.0}
    assert plans[0].seed == plans[3].seed
    assert len({plan.seed for plan in plans}) == 3


def test_times_without_demand_reach_the_players(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def simulate(traces: Sequence[StreamTrace], *_: object, **__: object) -> PlaybackResult:
        seen.extend(trace.no_demand_s for trace in traces)
        return make_playback()

    monkeypatch.setattr(session, "simulate_playback", simulate)
    stream = StreamDownload("muxed", "18", arrival_s=(0.1,), arrival_bytes=(9,), no_demand=((1.0, 2.5),))
    session.simulate_window(make_download(streams=(stream,)), (make_timeline(),), SETTINGS.playback)
    assert seen == [((1.0, 2.5),)] * 2, "classic, and the player that fits"


def test_window_whose_process_died_keeps_its_address_and_no_figure() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    plan = plan_of(item)
    result = session.failed_window(plan, MeasurementError("worker_died", "exit code -11"), 30.0)
    assert (result.failure, result.failure_detail, result.host, result.address) == (
        "worker_died", "exit code -11", HOST, "192.0.2.1",
    )  # fmt: skip
    assert result.received_bytes is None and result.throughput.delivery_bps is None


def test_playback_of_a_window_whose_process_died_is_not_told_and_never_counts_as_no_start() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    window = session.failed_window(plan_of(item), MeasurementError("worker_died", "exit code -11"), 30.0)
    planning.add_window(item, window)
    session.add_playbacks(item, *session.analyse_window(window, session.declared(item), SETTINGS.playback, lambda t: t))
    assert [(one.player, one.failure) for one in item.playbacks] == [
        ("classic", "skipped_after_download"), ("dashjs", "skipped_after_download"),
    ]  # fmt: skip
    assert (item.failure, session.headline(item)) == ("worker_died", None)


def test_failed_download_ends_the_session_but_is_analysed_all_the_same() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    planning.add_window(item, make_download(failure="reset"))
    session.add_playbacks(item, (make_timeline(),), (make_playback(),))
    assert (item.failure, item.failure_stage) == ("reset", Stage.DOWNLOAD)
    assert len(item.playbacks) == 1


def test_unreadable_media_fail_the_session_as_content() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=(make_download(),))
    session.add_playbacks(item, (make_timeline(failure="unreadable_container"),), ())
    assert (item.failure, item.failure_stage) == ("unreadable_container", Stage.PLAYBACK)


def test_media_that_only_the_linear_model_tells_fail_the_session() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=(make_download(),))
    session.add_playbacks(item, (make_timeline(method="linear", fallback_reason="noise"),), (make_playback(),))
    assert (item.failure, item.failure_detail) == ("unreadable_container", "noise")


def test_media_whose_index_comes_last_are_no_failure_while_they_arrive() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=(make_download(),))
    timeline = make_timeline(method="linear", fallback_reason="the index lies behind", is_index_last=True)
    session.add_playbacks(item, (timeline,), (make_playback(),))
    assert item.failure is None


def test_too_few_bytes_are_the_lines_fault_and_no_failure_of_the_media() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns(), downloads=(make_download(),))
    late = make_playback(is_started=False, startup_delay_s=None, failure="no_media_data")
    session.add_playbacks(item, (make_timeline(failure="no_media_data"),), (late,))
    assert item.failure is None
    assert session.headline(item) is late
    assert "not started within 30 s" in session.sentence(item)


def test_headline_is_the_fitting_players_else_the_classic_one() -> None:
    classic, dashjs = make_playback(), make_playback(player="dashjs", startup_delay_s=2.5)
    assert session.headline(make_item(playbacks=(classic, dashjs))) is dashjs
    assert session.headline(make_item(playbacks=(classic,))) is classic
    assert session.headline(make_item()) is None


def test_join_time_is_resolution_plus_look_up_plus_startup() -> None:
    # 0.5 s + 0.02 s + 1.5 s; the wait that the service ordered (3 s) and the pings are left out.
    item = make_item(resolve=make_resolve(available_wait_s=3.0), dns=make_dns(), playbacks=(make_playback(),))
    session.finish(item)
    assert item.join_time_s == pytest.approx(2.02)


def test_join_time_of_a_session_that_never_started_is_not_told() -> None:
    late = make_playback(is_started=False, startup_delay_s=None)
    item = make_item(resolve=make_resolve(), dns=make_dns(), playbacks=(late,))
    session.finish(item)
    assert item.join_time_s is None


@pytest.mark.parametrize(("ended_by", "expected_s"), [("deadline", 30.0), ("complete", 30.0), ("byte_cap", 4.0)])
def test_playback_is_told_to_the_windows_end_or_to_our_own_cap(ended_by: str, expected_s: float) -> None:
    assert session.horizon_s(make_download(ended_by=ended_by, elapsed_s=4.0)) == expected_s


def test_spooled_media_are_deleted_and_may_be_gone_already(tmp_path: Path) -> None:
    kept = tmp_path / "window.media"
    kept.write_bytes(b"media")
    streams = (StreamDownload("video", "134", spool_path=str(kept)), StreamDownload("audio", "140"))
    session.remove_spool(make_download(streams=streams))
    assert not kept.exists()
    session.remove_spool(make_download(streams=streams))
