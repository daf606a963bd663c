"""The windows of a video: under the day's data cap, and once more after a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy import config
from pytomo_scrapy.crawl.control_turn import ControlTurn
from pytomo_scrapy.crawl.data_cap import DataCap
from pytomo_scrapy.crawl.gate import Gate, Stopped
from pytomo_scrapy.crawl.politeness import Politeness
from pytomo_scrapy.items import DnsLookup, DnsResult, DownloadResult, ResolveResult, VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.dns.asn import NetworkFinder
from pytomo_scrapy.measure.session import Session
from pytomo_scrapy.measure.tools import Tools
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.pipelines.download import DownloadPipeline
from tests.factories import make_dns, make_download, make_format, make_item, make_resolve


class Process:
    """A measuring process whose every window receives 600 bytes."""

    spool_directory = "/nowhere"

    def __init__(self) -> None:
        self.caps_bytes: list[int] = []
        self.failures: list[str | None] = []  # of the windows to come
        self.second: ResolveResult | None = None  # what a second resolution gives

    async def resolve(self, url: str, settings: config.ResolveConfig) -> ResolveResult:
        assert self.second is not None
        return self.second

    async def download(self, plan: WindowPlan, settings: config.DownloadConfig, item: VideoItem) -> DownloadResult:
        self.caps_bytes.append(settings.max_bytes)
        failure = self.failures.pop(0) if self.failures else None
        return make_download(place=plan.window_index, received_bytes=0 if failure else 600, failure=failure)


def make_pipeline(cap_bytes: int, **settings: object) -> tuple[DownloadPipeline, Process]:
    checked = config.load({"PYTOMO_DATA_CAP_BYTES_PER_DAY": cap_bytes, **settings}.get)
    gate, process = Gate(is_quiet=True), Process()
    tools = Tools(
        hold=gate.hold,
        service_ready=Politeness(checked.endurance, gate).ready,
        in_thread=run_in_thread,
        process=cast(Any, process),
        data_cap=DataCap(checked, gate, lambda *_: 0),
        networks=NetworkFinder(checked.network),
        pause=gate.pause,
        until_stop=gate.until_stop,
        control_turn=ControlTurn(None, lambda _: None).take,
    )
    return DownloadPipeline(Session(checked, tools), cast(Any, None)), process


def measure_refused(
    monkeypatch: pytest.MonkeyPatch, failures: list[str | None], second: ResolveResult, **settings: object
) -> tuple[VideoItem, Process]:
    pipeline, process = make_pipeline(0, **settings)
    process.failures = failures
    process.second = second

    def look_up(hosts: Sequence[str], *_: object, started_s: float) -> DnsResult:
        lookups = [
            DnsLookup(host, "system", "", "udp", "A", 100.0 - started_s, addresses=("192.0.2.9", "192.0.2.10"))
            for host in hosts
        ]
        return make_dns(lookups=tuple(lookups), chosen=dict.fromkeys(hosts, "192.0.2.9"))

    monkeypatch.setattr(session, "look_up_hosts", look_up)
    item = make_item(
        resolve=make_resolve(client_address="192.0.2.1", attempt_count=1), dns=make_dns(lookups=()), started_s=40.0
    )
    asyncio.run(pipeline.measure(item))
    return item, process


def test_media_refused_at_their_start_are_resolved_once_more_and_the_refusal_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = make_resolve(formats=(make_format(host="other.example"),), client_address="192.0.2.1", attempt_count=2)
    item, _ = measure_refused(monkeypatch, ["http_403"], moved)
    assert [(window.place, window.failure) for window in item.downloads] == [(0, None), (1, "http_403")]
    assert item.failure is None
    assert item.resolve is not None and item.resolve.attempt_count == 3
    assert item.dns is not None and item.dns.chosen["other.example"] == "192.0.2.9"
    assert item.dns.lookups[-1].t_s == 60.0  # from the item's start, as of every look-up


def test_media_refused_at_their_one_address_get_one_more_window_at_whatever_addresses_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = make_resolve(formats=(make_format(host="other.example"),), client_address="192.0.2.1")
    item, process = measure_refused(monkeypatch, ["http_403"], moved, PYTOMO_DOWNLOAD_ALL_ADDRESSES="1")
    assert [(window.place, window.failure) for window in item.downloads] == [(0, None), (1, "http_403")]
    assert len(process.caps_bytes) == 2


def test_media_refused_to_another_exit_address_have_its_class_behind_address_translation_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item, _ = measure_refused(monkeypatch, ["http_403"], make_resolve(client_address="192.0.2.2"))
    assert [(window.place, window.failure) for window in item.downloads] == [(0, None), (1, "exit_address_changed")]


def test_media_refused_twice_fail_and_are_not_asked_for_a_third_time(monkeypatch: pytest.MonkeyPatch) -> None:
    item, process = measure_refused(monkeypatch, ["http_403", "http_403"], make_resolve(client_address="192.0.2.1"))
    assert len(process.caps_bytes) == 2 and item.failure == "http_403"
    assert [window.failure for window in item.downloads] == ["http_403", "http_403"]


def test_media_refused_and_not_to_be_resolved_again_keep_their_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    item, process = measure_refused(monkeypatch, ["http_403"], make_resolve(formats=(), failure="resolve_unreachable"))
    assert len(process.caps_bytes) == 1 and item.failure == "http_403" and len(item.downloads) == 1
    assert item.resolve is not None and item.resolve.failure is None


def test_cut_in_mid_download_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    item, process = measure_refused(monkeypatch, ["media_gated"], make_resolve())
    assert len(process.caps_bytes) == 1 and item.failure == "media_gated"


def test_next_video_has_the_room_that_the_window_before_left_although_that_is_not_stored_yet() -> None:
    pipeline, process = make_pipeline(1000)
    items = [make_item(resolve=make_resolve(), dns=make_dns()) for _ in range(3)]
    for item in items[:2]:
        asyncio.run(pipeline.measure(item))
    assert process.caps_bytes == [1000, 400]
    with pytest.raises(Stopped):
        asyncio.run(pipeline.measure(items[2]))
    assert items[2].downloads == ()


def test_second_window_of_a_video_that_the_cap_leaves_nothing_has_its_class_and_the_first_is_kept() -> None:
    pipeline, _ = make_pipeline(600, PYTOMO_DOWNLOAD_ALL_ADDRESSES="1")
    item = make_item(resolve=make_resolve(), dns=make_dns())
    asyncio.run(pipeline.measure(item))
    assert [(window.place, window.failure) for window in item.downloads] == [(0, None), (1, "data_cap")]
    assert item.failure is None and len({window.pair_id for window in item.downloads}) == 1
