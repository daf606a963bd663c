"""Which windows a video gets: a pair of families, every address, a whole download; and what ends its session."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import DownloadResult, VideoItem
from pytomo_scrapy.measure.family_paths import FamilyPath
from pytomo_scrapy.measure.window import planning
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.factories import HOST, make_dns, make_download, make_format, make_item, make_resolve
from tests.measure.window.window_servers import BODY, serve_body, serving

SETTINGS = config.load({"PYTOMO_ALLOW_PRIVATE_ADDRESSES": "1"}.get)
ADDRESS = {4: "127.0.0.1", 6: "::1"}


def pair_of(port: dict[int, int]) -> tuple[FamilyPath, ...]:
    """Return the paths of a pair, each with media at its own port of loopback."""
    return tuple(
        FamilyPath(
            family,
            make_resolve(address_family=family, formats=(make_format(url=f"http://{HOST}:{here}/v", port=here),)),
            make_dns(chosen={HOST: ADDRESS[family]}),
        )
        for family, here in port.items()
    )


def only_plan(item: VideoItem) -> WindowPlan:
    paths = (FamilyPath(None, make_resolve(duration_s=61.0), make_dns()),)
    (plan,) = planning.plan_windows(item, paths, SETTINGS, "/nowhere")
    assert isinstance(plan, WindowPlan)
    return plan


def test_window_knows_the_videos_length_and_draws_its_mode_by_crawl_pass_and_video() -> None:
    items = [
        make_item(crawl="c", pass_number=number, video_id=name)
        for number, name in ((1, "a" * 11), (1, "b" * 11), (2, "a" * 11), (1, "a" * 11))
    ]
    plans = [only_plan(item) for item in items]
    assert {plan.duration_s for plan in plans} == {61.0}
    assert plans[0].seed == plans[3].seed
    assert len({plan.seed for plan in plans}) == 3


def test_window_whose_process_died_keeps_its_address_and_no_figure() -> None:
    result = planning.failed_window(only_plan(make_item()), MeasurementError("worker_died", "exit code -11"), 30.0)
    assert (result.failure, result.failure_detail, result.host, result.address) == (
        "worker_died", "exit code -11", HOST, "192.0.2.1",
    )  # fmt: skip
    assert result.received_bytes is None and result.throughput.delivery_bps is None


def test_family_that_the_service_does_not_answer_comes_last_and_keeps_its_class() -> None:
    item = make_item(crawl="c")
    failed = FamilyPath(4, make_resolve(formats=(), failure="resolve_unreachable", address_family=None))
    paths = (FamilyPath(6, make_resolve(address_family=6), make_dns(chosen={HOST: "::1"})), failed)
    first, second = planning.plan_windows(item, paths, SETTINGS, "/nowhere")
    assert isinstance(first, WindowPlan) and first.chosen == {HOST: "::1"}
    assert isinstance(second, DownloadResult)
    planning.add_window(item, make_download(address_family=6), is_pair=True)
    planning.add_window(item, second, is_pair=True)
    assert item.failure is None, "the other family's trouble stays with its row"
    assert [(row.place, row.address_family, row.failure) for row in item.downloads] == [
        (0, 6, None), (1, 4, "resolve_unreachable"),
    ]  # fmt: skip
    assert len({row.pair_id for row in item.downloads}) == 1 and item.downloads[0].pair_id


@pytest.mark.process
def test_pair_is_downloaded_once_on_each_family(tmp_path: Path) -> None:
    item = make_item(crawl="c")
    with serving(serve_body) as four, serving(serve_body, address="::1") as six:
        paths = pair_of({4: four.port, 6: six.port})
        for plan in planning.plan_windows(item, paths, SETTINGS, str(tmp_path)):
            assert isinstance(plan, WindowPlan)
            result = download_window(plan, replace(SETTINGS.download, window_s=3.0))
            planning.add_window(item, result, is_pair=True)
    assert {row.address_family for row in item.downloads} == {4, 6}
    assert [row.place for row in item.downloads] == [0, 1]
    for row in item.downloads:
        assert ipaddress.ip_address(row.address or "").version == row.address_family
        assert (row.failure, row.received_bytes, row.pair_id) == (None, len(BODY), item.uuid)


def test_every_address_gets_a_window_the_chosen_one_first() -> None:
    item, paths = make_item(), (FamilyPath(None, make_resolve(), make_dns(chosen={HOST: "192.0.2.2"})),)
    first_address = planning.plan_windows(item, paths, SETTINGS, "/nowhere")
    all_addresses = planning.plan_windows(
        item, paths, config.load({"PYTOMO_DOWNLOAD_ALL_ADDRESSES": "1"}.get), "/nowhere"
    )
    assert [plan.chosen for plan in first_address if isinstance(plan, WindowPlan)] == [{HOST: "192.0.2.2"}]
    plans = [plan for plan in all_addresses if isinstance(plan, WindowPlan)]
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
    full = [window for window in found if window.mode == "full"]
    assert 60 < len(full) < 140
    assert {window.window_s for window in full} == {180.0}
    assert {(window.mode, window.window_s) for window in found if window.mode != "full"} == {("paced", 30.0)}
    assert planning.window_config(items[0], config.load({}.get).download).mode == "paced"
