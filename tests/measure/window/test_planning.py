"""Pairs of families, every address, whole downloads: which windows a video gets, and what ends its session."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.config import DnsConfig, ResolveConfig
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DnsLookup, DnsResult, DownloadResult, ResolveResult, VideoItem
from pytomo_scrapy.measure import session
from pytomo_scrapy.measure.window import planning
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.factories import HOST, make_dns, make_download, make_format, make_item, make_resolve
from tests.measure.window.window_servers import BODY, serve_body, serving

SETTINGS = config.load({"PYTOMO_IP_FAMILY": "both"}.get)
ADDRESS = {4: "127.0.0.1", 6: "::1"}


def resolve(url: str, settings: ResolveConfig) -> ResolveResult:
    return make_resolve(address_family=int(settings.path.family))


def pair(video_id: str = "abcdefghijk", resolve: planning.Resolve = resolve) -> VideoItem:
    item = make_item(video_id=video_id, crawl="c", started_s=0.0)
    session.set_resolve(item, planning.resolve_pair(item, SETTINGS.resolve, resolve))
    return item


@pytest.fixture(autouse=True)
def look_up(monkeypatch: pytest.MonkeyPatch) -> dict[int, str | None]:
    """Failures of the look-up by family; without one it finds loopback."""
    failures: dict[int, str | None] = {}

    def found(hosts: tuple[str, ...], family: int, settings: DnsConfig, *, started_s: float) -> DnsResult:
        failure = failures.get(family)
        addresses = () if failure else (ADDRESS[family],)
        lookup = DnsLookup(HOST, "system", "192.0.2.53", "udp", "A" if family == 4 else "AAAA", addresses=addresses)
        chosen = {} if failure else dict.fromkeys(hosts, ADDRESS[family])
        return DnsResult((lookup,), chosen, "system", 0.01, failure=failure)

    monkeypatch.setattr(planning, "look_up_hosts", found)
    return failures


def families(item: VideoItem) -> list[int]:
    return [leg.family for leg in item.legs]


def test_both_families_are_resolved_in_an_order_that_the_video_draws() -> None:
    orders = [tuple(families(pair(f"video{number:06d}"))) for number in range(200)]
    assert set(orders) == {(4, 6), (6, 4)}
    assert 60 < orders.count((4, 6)) < 140
    assert orders == [tuple(families(pair(f"video{number:06d}"))) for number in range(200)]


def test_family_that_the_service_does_not_answer_comes_last_and_keeps_its_class() -> None:
    def only_six(url: str, settings: ResolveConfig) -> ResolveResult:
        if settings.path.family == "4":
            return make_resolve(formats=(), failure="resolve_unreachable", address_family=None)
        return resolve(url, settings)

    for number in range(10):
        item = pair(f"video{number:06d}", only_six)
        assert item.failure is None and families(item) == [6, 4]
        session.look_up(item, SETTINGS.dns)
        first, second = planning.plan_windows(item, SETTINGS, "/nowhere")
        assert isinstance(first, WindowPlan) and first.chosen == {HOST: "::1"}
        assert isinstance(second, DownloadResult)
        planning.add_window(item, make_download(address_family=6))
        planning.add_window(item, second)
        assert item.failure is None, "the other family's trouble stays with its row"
        assert [(row.place, row.address_family, row.failure) for row in item.downloads] == [
            (0, 6, None), (1, 4, "resolve_unreachable"),
        ]  # fmt: skip
        assert len({row.pair_id for row in item.downloads}) == 1 and item.downloads[0].pair_id


def test_family_behind_a_proxy_that_goes_on_over_the_other_one_is_told_apart() -> None:
    item = pair(resolve=lambda url, settings: make_resolve(address_family=4))
    assert [(leg.family, leg.resolve.failure) for leg in item.legs] == [(4, None), (6, "exit_address_changed")]


def test_resolution_that_fails_on_both_families_ends_the_session() -> None:
    item = pair(resolve=lambda url, settings: make_resolve(formats=(), failure="private"))
    assert (item.failure, item.failure_stage) == ("private", Stage.RESOLVE)


def test_look_up_of_a_pair_keeps_all_queries_and_fails_only_where_both_do(look_up: dict[int, str | None]) -> None:
    look_up[6] = "dns_no_answer"
    item = pair()
    session.look_up(item, SETTINGS.dns)
    assert item.failure is None and item.dns is not None
    assert {lookup.record_type for lookup in item.dns.lookups} == {"A", "AAAA"}
    assert families(item) == [4, 6] and item.dns.chosen == {HOST: "127.0.0.1"}
    look_up[4] = "dns_timeout"
    item = pair()
    session.look_up(item, SETTINGS.dns)
    assert item.failure in {"dns_timeout", "dns_no_answer"} and item.failure_stage is Stage.DNS


def test_pair_is_downloaded_once_on_each_family(tmp_path: Path) -> None:
    with serving(serve_body) as four, serving(serve_body, address="::1") as six:
        ports = {4: four.port, 6: six.port}

        def here(url: str, settings: ResolveConfig) -> ResolveResult:
            family = int(settings.path.family)
            media = make_format(url=f"http://{HOST}:{ports[family]}/v", port=ports[family])
            return make_resolve(address_family=family, formats=(media,))

        item = pair(resolve=here)
        session.look_up(item, SETTINGS.dns)
        for plan in planning.plan_windows(item, SETTINGS, str(tmp_path)):
            assert isinstance(plan, WindowPlan)
            planning.add_window(item, download_window(plan, replace(SETTINGS.download, window_s=3.0)))
    assert {row.address_family for row in item.downloads} == {4, 6}
    assert [row.place for row in item.downloads] == [0, 1]
    for row in item.downloads:
        assert ipaddress.ip_address(row.address or "").version == row.address_family
        assert (row.failure, row.received_bytes, row.pair_id) == (None, len(BODY), item.uuid)


def test_every_address_gets_a_window_the_chosen_one_first() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns(chosen={HOST: "192.0.2.2"}))
    one = planning.plan_windows(item, config.load({}.get), "/nowhere")
    every = planning.plan_windows(item, config.load({"PYTOMO_DOWNLOAD_ALL_ADDRESSES": "1"}.get), "/nowhere")
    assert [plan.chosen for plan in one if isinstance(plan, WindowPlan)] == [{HOST: "192.0.2.2"}]
    plans = [plan for plan in every if isinstance(plan, WindowPlan)]
    assert [plan.chosen[HOST] for plan in plans] == ["192.0.2.2", "192.0.2.1"]
    assert [plan.window_index for plan in plans] == [0, 1]


def test_failure_of_a_further_window_is_not_the_sessions() -> None:
    item = make_item(resolve=make_resolve(), dns=make_dns())
    planning.add_window(item, make_download())
    planning.add_window(item, make_download(place=1, failure="reset"))
    assert item.failure is None
    assert [row.pair_id for row in item.downloads] == [None, None]


def test_whole_downloads_are_drawn_and_bounded_by_the_videos_length() -> None:
    settings = config.load({"PYTOMO_DOWNLOAD_FULL_EVERY": "4"}.get).download
    items = [make_item(video_id=f"video{number:06d}", resolve=make_resolve(duration_s=90.0)) for number in range(400)]
    found = [planning.window_config(item, settings) for item in items]
    full = [one for one in found if one.mode == "full"]
    assert 60 < len(full) < 140
    assert {one.window_s for one in full} == {180.0}
    assert {(one.mode, one.window_s) for one in found if one.mode != "full"} == {("paced", 30.0)}
    assert planning.window_config(items[0], config.load({}.get).download).mode == "paced"
