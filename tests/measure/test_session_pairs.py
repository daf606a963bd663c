"""Second resolutions and pairs of families within one session."""

from __future__ import annotations

import asyncio
import gc

import pytest

from pytomo_scrapy.failures import Stage
from tests.factories import (
    HOST,
    make_dns,
    make_format,
    make_item,
    make_resolve,
)
from tests.measure.session_world import REFUSED, World, make_session, measure


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
