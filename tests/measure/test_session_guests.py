"""The flow of one video as a guest: bot checks that are asked again, and how old the guest is."""

from __future__ import annotations

import asyncio

import pytest

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.tools import Stopped
from tests.factories import make_item, make_resolve
from tests.measure.session_world import REFUSED, WHOLE_FLOW, World, make_session, measure

BOT_CHECK = make_resolve(formats=(), failure="bot_check", elapsed_s=4.0, attempt_count=1)


def test_bot_check_is_asked_again_by_a_new_guest_after_a_pause_without_the_gate(world: World) -> None:
    world.resolutions = [BOT_CHECK, BOT_CHECK, make_resolve(elapsed_s=0.5, attempt_count=1)]
    item = measure(world, PYTOMO_BOT_CHECK_PAUSE_S="3")
    again = "pause-3 ready +page resolve -page"
    assert world.calls == WHOLE_FLOW.replace("+probe", f"{again} {again} +probe", 1)
    assert item.resolve is not None and item.failure is None
    assert (item.resolve.bot_check_count, item.resolve.attempt_count) == (2, 3)
    # What the service asks of robots makes no line slower: 0.5 s of the answer that counts, and not 4 + 4 + 0.5.
    assert item.join_time_s == pytest.approx(0.5 + 0.02 + 1.5)


@pytest.mark.parametrize(("retries", "asked_count"), [("0", 1), ("1", 2), ("2", 3)])
def test_bot_check_of_every_guest_is_a_refusal_in_the_end(world: World, retries: str, asked_count: int) -> None:
    world.resolutions = [BOT_CHECK] * 9
    item = measure(world, PYTOMO_BOT_CHECK_RETRIES=retries)
    assert world.log.count("resolve") == asked_count
    assert item.failure == "bot_check" and item.resolve is not None
    assert item.resolve.bot_check_count == asked_count - 1, "before the last"


def test_refusal_of_another_kind_is_not_asked_again(world: World) -> None:
    world.resolutions = [BOT_CHECK, make_resolve(formats=(), failure="rate_limited"), make_resolve()]
    item = measure(world)
    assert world.log.count("resolve") == 2 and item.failure == "rate_limited"
    assert item.resolve is not None and item.resolve.bot_check_count == 1


@pytest.mark.parametrize("stops_before", ["pause 5", "ready"])
def test_stop_of_the_crawl_while_a_bot_check_is_waited_out_leaves_the_video_for_another_run(
    world: World, stops_before: str
) -> None:
    def refuse_and_stop(*_: object) -> ResolveResult:
        world.stops_before = stops_before
        return BOT_CHECK

    world.answer = refuse_and_stop  # type: ignore[method-assign]
    item, flow = make_item(), make_session(world)
    with pytest.raises(Stopped):
        asyncio.run(flow.step(Stage.RESOLVE, item))
    assert (item.resolve, item.failure) == (None, None)


def test_second_resolution_after_refused_media_meets_a_bot_check_as_patiently(world: World) -> None:
    world.windows = [REFUSED]
    world.resolutions = [BOT_CHECK, make_resolve(attempt_count=1), BOT_CHECK, make_resolve(attempt_count=1)]
    item = measure(world)
    assert world.calls.count("pause-5 ready +page resolve -page") == 2
    assert item.resolve is not None and (item.resolve.attempt_count, item.resolve.bot_check_count) == (4, 2)
    assert item.failure is None


def test_each_family_of_a_pair_that_meets_a_bot_check_is_asked_again_alone(world: World) -> None:
    world.resolutions = [make_resolve(address_family=None), BOT_CHECK, make_resolve(address_family=None)]
    item = measure(world, PYTOMO_IP_FAMILY="both")
    assert world.calls.startswith("ready +page resolve resolve -page pause-5 ready +page resolve -page +probe")
    assert item.failure is None and len(item.downloads) == 2


def test_age_of_the_guest_is_what_it_is_when_the_first_window_opens(world: World) -> None:
    # The session's clock stands at 50.
    world.resolutions = [make_resolve(identity_hash="a", identity_began_s=47.5)]
    item = measure(world)
    assert item.resolve is not None and item.resolve.identity_age_s == 2.5


def test_age_of_the_guest_is_that_of_the_second_one_where_the_first_ones_media_were_refused(world: World) -> None:
    guests = [
        make_resolve(identity_hash=name, identity_began_s=began_s) for name, began_s in (("a", 10.0), ("b", 49.0))
    ]
    world.windows, world.resolutions = [REFUSED], guests
    item = measure(world)
    assert item.resolve is not None and (item.resolve.identity_hash, item.resolve.identity_age_s) == ("b", 1.0)


def test_age_of_a_guest_whose_media_were_never_asked_for_is_unknown(world: World) -> None:
    world.resolutions = [make_resolve(identity_hash="a", identity_began_s=10.0)]
    world.dns_failure = {4: "dns_timeout"}
    item = measure(world)
    assert item.resolve is not None and item.resolve.identity_age_s is None


def test_each_family_of_a_pair_is_a_guest_of_its_own_and_the_row_has_the_first(world: World) -> None:
    world.resolutions = [
        make_resolve(identity_hash=name, identity_began_s=began_s, address_family=None)
        for name, began_s in (("a", 40.0), ("b", 45.0))
    ]
    item = measure(world, PYTOMO_IP_FAMILY="both")
    assert item.resolve is not None and (item.resolve.identity_hash, item.resolve.identity_age_s) == ("a", 10.0)
