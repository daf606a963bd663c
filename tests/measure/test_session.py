"""The flow of one video: its order, what runs after which failure, windows once more, pairs, the cap, and stops."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.config import DnsConfig, DownloadConfig, ResolveConfig
from pytomo_scrapy.failures import MeasurementError, Stage
from pytomo_scrapy.items import DnsLookup, DnsResult, HttpRequest, Ping, PingResult, ResolveResult, VideoItem
from pytomo_scrapy.measure import family_paths, session
from pytomo_scrapy.measure.session import Session
from pytomo_scrapy.measure.tools import Stopped
from pytomo_scrapy.measure.window.canary import Canary
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

STAGES = (Stage.RESOLVE, Stage.DNS, Stage.PING, Stage.DOWNLOAD, Stage.PLAYBACK)
REFUSED = make_download(received_bytes=0, failure="http_403")
REDIRECTED = make_download(received_bytes=600, requests=(HttpRequest(0, 1, "rr9.example", 8443, "198.51.100.9"),))
WHOLE_FLOW = (
    "ready +page resolve -page +probe look-up networks -probe +probe ping -probe +window window-0 -window "
    "+analysis analysis-0 -analysis"
)


class World(FakeCrawl):
    """A crawl whose service and name servers answer as they are set to."""

    def __init__(self) -> None:
        super().__init__()
        self.resolutions: list[ResolveResult] = []  # to come; then ordinary ones
        self.dns_failure: dict[int | None, str] = {}  # by family

    def answer(self, url: str, settings: ResolveConfig) -> ResolveResult:
        self.note("resolve")
        family = 6 if settings.path.family == "6" else 4
        return self.resolutions.pop(0) if self.resolutions else make_resolve(address_family=family)

    def look_up(self, hosts: Sequence[str], family: int | None, settings: DnsConfig, **_: object) -> DnsResult:
        self.note("look-up")
        address = "2001:db8::1" if family == 6 else "192.0.2.1"
        failure = self.dns_failure.get(family)
        lookup = DnsLookup(HOST, "system", "192.0.2.53", "udp", "A", addresses=() if failure else (address,))
        return DnsResult((lookup,), {} if failure else dict.fromkeys(hosts, address), "system", 0.02, failure=failure)

    def ping(self, *_: object) -> PingResult:
        self.note("ping")
        return PingResult((Ping("192.0.2.1"),), 0.5)

    def ping_redirects(self, item: VideoItem, *_: object) -> PingResult:
        self.note("ping-redirects")
        return item.ping or PingResult()

    @property
    def calls(self) -> str:
        return " ".join(call.replace(" ", "-") for call in self.log)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(session, "look_up_hosts", lambda *args, **kwargs: world.look_up(*args, **kwargs))
    monkeypatch.setattr(family_paths, "look_up_hosts", lambda *args, **kwargs: world.look_up(*args, **kwargs))
    monkeypatch.setattr(session, "ping_media", lambda *args: world.ping(*args))
    monkeypatch.setattr(session, "ping_redirects", lambda *args: world.ping_redirects(*args))
    return world


def make_session(world: World, **settings: object) -> Session:
    return Session(config.load(settings.get), world.tools(), clock=lambda: 50.0)


def measure(world: World, **settings: object) -> VideoItem:
    """Take one video through the stages, as the pipelines do."""
    item, flow = make_item(crawl="c"), make_session(world, **settings)

    async def run() -> None:
        for stage in STAGES:
            await flow.step(stage, item)

    asyncio.run(run())
    return item


def test_video_goes_through_the_stages_in_their_order_and_each_has_its_share_of_the_gate(world: World) -> None:
    item = measure(world)
    assert world.calls == WHOLE_FLOW
    assert (item.failure, item.started_s, item.dns and item.dns.chosen) == (None, 50.0, {HOST: "192.0.2.1"})
    assert item.join_time_s == pytest.approx(0.5 + 0.02 + 1.5)
    assert [network.address for network in item.networks] == ["192.0.2.1"]


def test_networks_are_not_looked_for_where_there_is_nothing_to_ask(world: World) -> None:
    world.is_on = False
    assert measure(world).networks == () and "networks" not in world.calls


def test_videos_that_look_up_together_ask_the_one_finder_of_networks_one_after_the_other(world: World) -> None:
    asking: list[str] = []

    async def in_thread(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if func == world.find:
            asking.append("begin")
            await asyncio.sleep(0)
            asking.append("end")
        return func(*args, **kwargs)

    flow = Session(config.load({}.get), replace(world.tools(), in_thread=in_thread))

    async def run() -> None:
        items = [make_item(resolve=make_resolve()) for _ in range(2)]
        await asyncio.gather(*(flow.step(Stage.DNS, item) for item in items))

    asyncio.run(run())
    assert asking == ["begin", "end"] * 2


@pytest.mark.parametrize(
    ("failing", "failure", "calls"),
    [
        (Stage.RESOLVE, "private", "ready +page resolve -page +analysis analysis-0 -analysis"),
        (
            Stage.DNS,
            "dns_timeout",
            "ready +page resolve -page +probe look-up networks -probe +analysis analysis-0 -analysis",
        ),
        (Stage.DOWNLOAD, "reset", WHOLE_FLOW),
        (Stage.DOWNLOAD, "worker_died", WHOLE_FLOW),
    ],
)
def test_failed_stage_ends_the_session_and_later_network_stages_are_skipped(
    world: World, failing: Stage, failure: str, calls: str
) -> None:
    if failing is Stage.RESOLVE:
        world.resolutions = [make_resolve(formats=(), failure=failure, failure_detail="said so")]
    elif failing is Stage.DNS:
        world.dns_failure = {4: failure}
    else:
        died = MeasurementError(failure, "exit code -11")
        world.windows = [died if failure == "worker_died" else make_download(received_bytes=9, failure=failure)]
    item = measure(world)
    assert (item.failure, item.failure_stage) == (failure, failing)
    assert world.calls == calls
    found = [stage and stage.failure for stage in (item.resolve, item.dns, item.ping, item.downloads[0])]
    assert (
        found
        == {
            Stage.RESOLVE: ["private", *["skipped_after_resolve"] * 3],
            Stage.DNS: [None, "dns_timeout", *["skipped_after_dns"] * 2],
            Stage.DOWNLOAD: [None, None, None, failure],
        }[failing]
    )


def test_window_whose_process_died_takes_nothing_from_the_cap_and_has_no_figure(world: World) -> None:
    world.windows, world.room = [MeasurementError("worker_died", "exit code -11")], 1000
    (window,) = measure(world).downloads
    assert (window.failure, window.failure_detail, window.address) == ("worker_died", "exit code -11", "192.0.2.1")
    assert (window.received_bytes, window.throughput.delivery_bps, world.took_bytes) == (None, None, 0)


# What a skipped stage leaves.


def test_stages_after_a_failed_resolution_are_skipped_and_measure_nothing() -> None:
    item = make_item()
    item.fail(Stage.RESOLVE, "private", "said so")
    assert session.skip(item, Stage.DNS) and session.skip(item, Stage.PING) and session.skip(item, Stage.DOWNLOAD)
    assert item.dns is not None and item.dns.failure == "skipped_after_resolve"
    assert item.ping is not None and item.ping.failure == "skipped_after_resolve"
    (download,) = item.downloads
    assert (download.failure, download.received_bytes, download.mode) == ("skipped_after_resolve", None, None)
    assert (item.failure, item.failure_stage, item.failure_detail) == ("private", Stage.RESOLVE, "said so")


def test_stages_after_a_good_resolution_are_not_skipped() -> None:
    item = make_item(resolve=make_resolve())
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


# Once more after a refusal.


def test_refused_media_are_resolved_again_with_the_gate_given_back_first(world: World) -> None:
    world.windows = [REFUSED]
    item = measure(world)
    windows = world.calls.partition("ping -probe ")[2].partition(" +analysis")[0]
    assert windows == "+window window-0 -window ready +page resolve -page +window window-0 -window"
    assert [(row.place, row.failure) for row in item.downloads] == [(0, None), (1, "http_403")]
    assert item.failure is None


def test_hosts_that_only_the_second_resolution_names_are_looked_up_before_the_second_window(world: World) -> None:
    moved = make_resolve(formats=(make_format(host="other.example"),), attempt_count=2)
    world.windows, world.resolutions = [REFUSED], [make_resolve(attempt_count=1), moved]
    item = measure(world)
    assert "+page resolve -page +probe look-up -probe +window" in world.calls
    assert [plan.formats[0].host for plan in world.plans] == [HOST, "other.example"]
    assert item.dns is not None and item.dns.chosen == {HOST: "192.0.2.1", "other.example": "192.0.2.1"}
    assert item.resolve is not None and item.resolve.attempt_count == 3


@pytest.mark.parametrize("stops_before", ["ready", "+page", "+window"])
def test_crawl_that_stops_before_the_second_window_keeps_the_first(world: World, stops_before: str) -> None:
    item, flow = make_item(resolve=make_resolve(), dns=make_dns()), make_session(world)

    async def refuse_and_stop(*_: object) -> object:
        world.stops_before = stops_before
        return REFUSED

    world.download = refuse_and_stop  # type: ignore[method-assign, assignment]
    asyncio.run(flow.step(Stage.DOWNLOAD, item))
    assert (item.downloads, item.failure) == ((REFUSED,), "http_403")


# The pair of families.


def test_pair_of_families_is_one_resolution_look_up_and_window_each_and_its_rows_belong_together(world: World) -> None:
    item = measure(world, PYTOMO_IP_FAMILY="both")
    assert world.calls == (
        "ready +page resolve resolve -page +probe look-up look-up networks -probe +probe ping -probe "
        "+window window-0 -window +window window-1 -window "
        "+analysis analysis-0 -analysis +analysis analysis-1 -analysis"
    )
    assert {plan.family: plan.chosen[HOST] for plan in world.plans} == {4: "192.0.2.1", 6: "2001:db8::1"}
    assert [row.pair_id for row in item.downloads] == [item.uuid] * 2


def test_family_that_is_not_looked_up_stands_as_the_second_row_and_fails_nothing(world: World) -> None:
    world.dns_failure = {4: "dns_no_answer"}
    item = measure(world, PYTOMO_IP_FAMILY="both")
    assert item.failure is None and item.resolve is not None and item.resolve.address_family == 6
    assert [(row.place, row.failure) for row in item.downloads] == [(0, None), (1, "dns_no_answer")]
    assert len(world.plans) == 1 and world.plans[0].family == 6


@pytest.mark.parametrize("stage", [Stage.RESOLVE, Stage.DNS])
def test_pair_ends_its_session_where_both_families_fail(world: World, stage: Stage) -> None:
    if stage is Stage.RESOLVE:
        world.resolutions = [make_resolve(formats=(), failure="private")] * 2
    else:
        world.dns_failure = {4: "dns_timeout", 6: "dns_timeout"}
    item = measure(world, PYTOMO_IP_FAMILY="both")
    assert (item.failure, item.failure_stage) == ("private" if stage is Stage.RESOLVE else "dns_timeout", stage)
    assert [row.failure for row in item.downloads] == [f"skipped_after_{stage}"]


def test_refused_window_of_a_pair_is_not_resolved_again(world: World) -> None:
    world.windows = [REFUSED]
    assert measure(world, PYTOMO_IP_FAMILY="both").failure == "http_403"
    assert world.calls.count("resolve") == 2


@pytest.mark.slow
def test_paths_of_a_pair_are_forgotten_with_the_item(world: World) -> None:
    item, flow = make_item(), make_session(world, PYTOMO_IP_FAMILY="both")
    asyncio.run(flow.step(Stage.RESOLVE, item))
    assert len(flow._pairs) == 1
    del item
    gc.collect()
    assert len(flow._pairs) == 0


# The canary.


def answer_canaries(world: World, monkeypatch: pytest.MonkeyPatch, *answers: bool | None) -> None:
    left = list(answers)

    def ask(media: object, span: tuple[int, int], chosen: object, settings: DownloadConfig) -> Canary:
        world.note(f"canary-{span[0]}")
        return Canary(left.pop(0), "said", 1024)

    monkeypatch.setattr(session, "ask_canary", ask)


def measure_several(world: World, count: int, resolved: ResolveResult, **settings: object) -> list[VideoItem]:
    flow = make_session(world, **settings)
    items = [make_item(resolve=resolved, dns=make_dns()) for _ in range(count)]
    for item in items:
        asyncio.run(flow.step(Stage.DOWNLOAD, item))
    return items


LONG = make_resolve(duration_s=600.0, formats=(make_format(declared_size_bytes=6_000_000),))


def test_canary_goes_before_the_first_window_and_every_so_many_videos(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_canaries(world, monkeypatch, False, True, None)
    items = measure_several(world, 5, LONG, PYTOMO_GATE_CANARY="2")
    # 120 s of 600 s, by the mean rate: a fifth of 6 MB.
    asked, plain = "+probe canary-1200000 -probe", "+window window-0 -window"
    assert world.calls == " ".join((asked, plain, plain, asked, plain, plain, asked, plain))
    assert [item.downloads[0].is_identity_clean for item in items] == [False, None, True, None, None]
    assert world.took_bytes == 3 * 1024 + 5 * 600


def test_canary_is_never_asked_unless_it_is_wanted(world: World) -> None:
    assert [item.downloads[0].is_identity_clean for item in measure_several(world, 2, LONG)] == [None, None]
    assert "probe" not in world.calls


def test_canary_waits_for_a_video_that_is_long_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_canaries(world, monkeypatch, True)
    flow = make_session(world, PYTOMO_GATE_CANARY="9")
    for duration_s in (20.0, 600.0, 600.0):
        item = make_item(resolve=replace(LONG, duration_s=duration_s), dns=make_dns())
        asyncio.run(flow.step(Stage.DOWNLOAD, item))
    plain = "+window window-0 -window"
    assert world.calls == f"{plain} +probe canary-1200000 -probe {plain} {plain}"


def test_canary_speaks_of_the_first_window_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_canaries(world, monkeypatch, True)
    world.windows = [REFUSED, make_download(received_bytes=600)]
    (item,) = measure_several(world, 1, LONG, PYTOMO_GATE_CANARY="1")
    # The video was resolved once more: the guest that the canary asked about is that of the refused window.
    assert [(window.place, window.is_identity_clean) for window in item.downloads] == [(0, None), (1, True)]


def test_canary_is_not_asked_on_a_day_whose_cap_is_reached(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_canaries(world, monkeypatch)
    world.room = 0
    with pytest.raises(Stopped):
        measure_several(world, 1, LONG, PYTOMO_GATE_CANARY="1")
    assert "canary" not in world.calls


# The data cap.


def test_cap_that_is_reached_before_the_first_window_leaves_the_video_for_another_day(world: World) -> None:
    world.room = 0
    with pytest.raises(Stopped):
        measure(world)
    assert world.calls.endswith("+window -window"), "the gate is given back"


def test_cap_that_is_reached_before_a_further_window_is_the_class_of_that_row(world: World) -> None:
    world.room = 600
    item = measure(world, PYTOMO_IP_FAMILY="both")
    assert world.caps_bytes == [600]
    assert [(row.place, row.failure, row.pair_id) for row in item.downloads] == [
        (0, None, item.uuid), (1, "data_cap", item.uuid),
    ]  # fmt: skip
    assert item.failure is None


# Stops.


@pytest.mark.parametrize("stops_before", ["ready", "+page", "+probe", "+window"])
def test_crawl_that_stops_before_a_stage_gives_the_video_back(world: World, stops_before: str) -> None:
    world.stops_before = stops_before
    with pytest.raises(Stopped):
        measure(world)
    assert "analysis" not in world.calls


def test_crawl_that_stops_after_the_window_keeps_it_without_the_pings_of_its_redirects(world: World) -> None:
    item, flow = make_item(resolve=make_resolve(), dns=make_dns()), make_session(world)
    world.windows, world.stops_before = [REDIRECTED], "+probe"
    asyncio.run(flow.step(Stage.DOWNLOAD, item))
    assert item.downloads == (REDIRECTED,) and "ping" not in world.calls


def test_hosts_of_redirects_are_pinged_and_their_networks_found_after_the_window(world: World) -> None:
    world.windows = [REDIRECTED]
    item = measure(world)
    assert "-window +probe ping-redirects networks -probe +analysis" in world.calls
    assert [network.address for network in item.networks] == ["192.0.2.1", "198.51.100.9"]


# What an analysis adds.


def test_failed_download_ends_the_session_but_is_analysed_all_the_same() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    session.add_window(item, make_download(failure="reset"))
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


def test_arrivals_are_rounded_as_they_are_stored_before_anything_is_analysed(world: World) -> None:
    stream = replace(make_download().streams[0], arrival_s=(0.12344,))
    world.windows = [make_download(received_bytes=100, streams=(stream,))]
    assert measure(world).downloads[0].streams[0].arrival_s == (0.1234,)
