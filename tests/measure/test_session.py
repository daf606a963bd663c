"""The flow of one video: its order, what runs after which failure, windows once more, pairs, the cap, and stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import MeasurementError, Stage
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.session import Session
from pytomo_scrapy.measure.tools import Stopped
from tests.factories import (
    HOST,
    make_dns,
    make_download,
    make_item,
    make_playback,
    make_resolve,
    make_timeline,
)
from tests.measure.session_world import REDIRECTED, WHOLE_FLOW, World, make_session, measure


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


# The pair of families.


# The canary.


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
