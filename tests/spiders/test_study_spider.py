"""The spider of a study: each video over the arms of this machine, one by one, and what becomes of its claim."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from scrapy.exceptions import DropItem
from scrapy.http import Response

from pytomo_scrapy import config
from pytomo_scrapy.crawl.study_crawl import StudyCrawl
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.spiders.study_spider import StudySpider
from pytomo_scrapy.storage.frontier.frontier import Claim
from pytomo_scrapy.studies.study_plan import Arm, FrozenPlan, Outcome, Panel, Schedule, StudyPlan
from tests.factories import make_item
from tests.spiders.test_claims import make_claim

VIDEOS = tuple(f"https://www.youtube.com/watch?v=video{number:06}" for number in range(3))
ARMS = (Arm("A"), Arm("B", {"PYTOMO_IP_FAMILY": "6"}), Arm("C", {"PYTOMO_FORMAT": "18"}))
PLAN = StudyPlan("one", "Is B later?", ARMS, Panel(VIDEOS), Schedule(4, 3600.0, "7"), Outcome())


def make_study(plan: StudyPlan = PLAN, arms: Sequence[Arm] = ARMS) -> StudyCrawl:
    return StudyCrawl(5, 2, FrozenPlan(plan, VIDEOS), "here", arms, {}, datetime(2026, 5, 4, tzinfo=UTC))


class Walk:
    """Says which arms were measured before, and notes how claims end."""

    crawl_name = "study one"

    def __init__(self, *measured: str) -> None:
        self.measured = frozenset(measured)
        self.log: list[str] = []

    async def measured_arms(self, claim: Claim, study_name: str) -> frozenset[str]:
        assert study_name == "one"
        return self.measured

    async def finish_claim(self, claim: Claim) -> None:
        self.log.append(f"finish {claim.id}")

    async def give_back(self, claim_id: int) -> None:
        self.log.append(f"give back {claim_id}")

    def stored(self, claim_id: int | None) -> None:
        self.log.append(f"stored {claim_id}")


def make_spider(*measured: str, study: StudyCrawl | None = None) -> tuple[Any, Walk]:
    spider: Any = StudySpider(_study=study or make_study())
    spider.walk = walk = Walk(*measured)
    return spider, walk


def measure(spider: Any, claim: Claim, lose: Callable[[VideoItem], bool] = lambda _: False) -> list[VideoItem]:
    """Run a claim to its end. Each item is stored as it comes, or is dropped where `lose` says so."""

    async def run() -> list[VideoItem]:
        items = []
        async for item in spider.parse_video(Response("data:,"), claim):
            items.append(item)
            if lose(item):
                await spider._on_returned(item)
            else:
                spider._on_stored(item)
        return items

    return asyncio.run(asyncio.wait_for(run(), 20))


def test_video_is_measured_over_each_arm_and_its_claim_is_free_after_the_last() -> None:
    spider, walk = make_spider()
    items = measure(spider, make_claim(9, video_id="video000001"))
    names = [arm.name for arm in spider.study.arms_of("video000001", 1)]
    assert sorted(names) == ["A", "B", "C"]
    assert [(item.study.arm, item.study.arm_order, item.arms_left) for item in items] == [
        (names[0], 0, 2), (names[1], 1, 1), (names[2], 2, 0),
    ]  # fmt: skip
    assert walk.log == ["stored 9"], "not after an arm that others follow"
    assert len({item.uuid for item in items}) == 3
    assert {(item.claim_id, item.video_id, item.url, item.crawl) for item in items} == {
        (9, "video000001", VIDEOS[1], "study one")
    }
    plan_hash = FrozenPlan(PLAN, VIDEOS).plan_hash
    assert {(item.study.study_name, item.study.plan_hash, item.study.plan_version) for item in items} == {
        ("one", plan_hash, 2)
    }
    (pair,) = {item.study.pair_id for item in items}
    assert pair.endswith("@here"), "machines that measure every arm by themselves are pairs by themselves"


def test_arms_come_in_an_order_of_their_own_for_each_video_and_round() -> None:
    spider, _ = make_spider()
    orders = set()
    for place in range(8):
        claim = make_claim(place, video_id=f"video{place:06}", pass_number=place + 1)
        orders.add(tuple(item.study.arm for item in measure(spider, claim)))
    assert len(orders) > 1


@pytest.mark.parametrize("lost_place", [0, 1, 2])
def test_arm_that_is_not_stored_gives_the_video_back_and_the_arms_behind_it_wait(lost_place: int) -> None:
    spider, walk = make_spider()
    items = measure(
        spider, make_claim(9), lose=lambda item: item.study is not None and item.study.arm_order == lost_place
    )
    assert len(items) == lost_place + 1 and walk.log == ["give back 9"]


@pytest.mark.parametrize(
    ("measured", "log"),
    [
        (("A",), ["stored 9"]),
        (("A", "C"), ["stored 9"]),
        # The plan was changed since, and asks for nothing more of this video.
        (("A", "B", "C"), ["finish 9"]),
        (("A", "B", "C", "gone"), ["finish 9"]),
    ],
)
def test_arms_that_a_crawl_before_measured_are_left_out(measured: tuple[str, ...], log: list[str]) -> None:
    spider, walk = make_spider(*measured)
    items = measure(spider, make_claim(9))
    left = [arm.name for arm in spider.study.arms_of("video9", 1) if arm.name not in measured]
    assert [item.study.arm for item in items if item.study] == left and walk.log == log
    assert [item.arms_left for item in items] == list(reversed(range(len(left))))


def test_machine_measures_its_own_arms_and_pairs_them_with_those_of_others() -> None:
    arms = (Arm("A", vantage="here"), Arm("B", vantage="there"))
    plan = StudyPlan("one", "?", arms, Panel(VIDEOS), Schedule(1), Outcome())
    pairs = []
    for arm in arms:
        spider, _ = make_spider(study=make_study(plan, (arm,)))
        (item,) = measure(spider, make_claim(9, video_id="video000001"))
        assert item.study is not None and (item.study.arm, item.study.arm_order, item.arms_left) == (arm.name, 0, 0)
        pairs.append(item.study.pair_id)
    assert pairs[0] == pairs[1] and "@" not in str(pairs[0])


def test_item_of_nobodys_claim_tells_no_video_anything() -> None:
    spider, walk = make_spider()
    spider._on_stored(make_item(claim_id=None))
    asyncio.run(spider._on_returned(DropItem("theirs")))
    asyncio.run(spider._on_returned(make_item(claim_id=None)))
    assert walk.log == ["stored None"]


def test_walk_of_a_study_is_its_panel_round_after_round_and_asks_for_no_page() -> None:
    spider, _ = make_spider()
    arguments = spider.arguments
    assert (arguments.crawl, arguments.vantage, arguments.loop, arguments.related) == ("study one", "own", True, False)
    assert (arguments.urls, arguments.max_crawled_url, arguments.max_rounds) == (VIDEOS, 3, 1)
    assert spider._sources() == [] and spider.video_page("video000001") is None
    assert spider.video_url("video000001") == VIDEOS[1]
    # A loop without a pace is refused where the service would never be left alone: here the plan has the schedule.
    spider.check_settings(config.load({"PYTOMO_PACE_S": 0}.get))


@pytest.mark.parametrize("arguments", [{}, {"_study": None}, {"_study": "study.toml"}])
def test_study_without_a_frozen_plan_is_refused_with_what_to_run(arguments: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"A study is run from its plan: pytomo study run FILE\.toml"):
        StudySpider.check_arguments(arguments, config.load({}.get))
    with pytest.raises(SettingError, match="A study is run from its plan"):
        StudySpider(**arguments)


def test_study_takes_no_arguments_of_a_walk() -> None:
    with pytest.raises(SettingError, match="Argument colour is not known"):
        StudySpider(_study=make_study(), colour="red")
    StudySpider.check_arguments({"_study": make_study()}, config.load({}.get))
