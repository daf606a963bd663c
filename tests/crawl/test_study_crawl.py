"""A study under way, as one measuring point follows its plan: order, waits, and whose settings measure a video."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytomo_scrapy.crawl.study_crawl import ArmSessions, StudyCrawl, crawl_name_of
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.studies.study_plan import Arm, FrozenPlan, Outcome, Panel, Schedule, StudyPlan
from tests.factories import make_item

VIDEOS = tuple(f"video{number:06}" for number in range(20))
ARMS = (Arm("A"), Arm("B"))
PLAN = StudyPlan("one", "?", ARMS, Panel(VIDEOS), Schedule(4, 3600.0, "7"), Outcome())


def make_study(started_ago_s: float = 0.0, plan: StudyPlan = PLAN) -> StudyCrawl:
    started_at = datetime.now(UTC) - timedelta(seconds=started_ago_s)
    return StudyCrawl(1, 1, FrozenPlan(plan, plan.panel.videos), "here", plan.arms, {}, started_at)


def test_panel_has_an_order_of_its_own_in_each_round_and_the_same_on_every_machine() -> None:
    here, there = make_study(), replace(make_study(), vantage="there")
    rounds = [here.videos(number) for number in (1, 2, 3)]
    assert all(sorted(videos) == sorted(VIDEOS) for videos in rounds) and len(set(rounds)) == 3
    assert rounds == [there.videos(number) for number in (1, 2, 3)]
    assert here.videos(1) != make_study(plan=replace(PLAN, schedule=Schedule(4, 3600.0, "8"))).videos(1)


@pytest.mark.parametrize(
    ("round_number", "started_ago_s", "wait_s"),
    [
        (1, 0.0, 0.0),  # the first begins at once
        (2, 0.0, 3600.0),
        (2, 600.0, 3000.0),  # from the study's start, and not from the round's
        (3, 600.0, 6600.0),
        (2, 3601.0, 0.0),  # it is late: the next begins at once
        (2, 90_000.0, 0.0),
    ],
)
def test_round_waits_for_its_planned_start(round_number: int, started_ago_s: float, wait_s: float) -> None:
    assert make_study(started_ago_s).wait_s(round_number) == pytest.approx(wait_s, abs=60)


def test_rounds_without_a_schedule_follow_each_other_at_once() -> None:
    study = make_study(plan=replace(PLAN, schedule=Schedule(4)))
    assert [study.wait_s(number) for number in (1, 2, 4)] == [0.0, 0.0, 0.0]


def test_crawl_of_a_study_has_its_name_over_all_versions_of_the_plan() -> None:
    assert crawl_name_of("two lines") == "study two lines"


class Flow:
    """Notes whose step it was."""

    def __init__(self, name: str, log: list[str]) -> None:
        self._name, self._log = name, log

    async def step(self, stage: Stage, item: VideoItem) -> None:
        self._log.append(f"{self._name} {stage}")


def test_video_of_an_arm_is_measured_with_its_settings_and_any_other_with_those_of_the_crawl() -> None:
    log: list[str] = []
    flows: dict[str, Any] = {name: Flow(name, log) for name in ("crawl", "A", "B")}
    sessions = ArmSessions(flows["crawl"], {"A": flows["A"], "B": flows["B"]})
    study = make_study()

    async def run() -> None:
        await sessions.step(Stage.DNS, make_item())
        for arm in ARMS:
            await sessions.step(Stage.DNS, make_item(study=study.mark(arm, "video000001", 1)))
        with pytest.raises(KeyError):  # measured with other settings it would be a wrong row of the study
            await sessions.step(Stage.DNS, make_item(study=replace(study.mark(ARMS[0], "x", 1), arm="gone")))

    asyncio.run(run())
    assert log == ["crawl dns", "A dns", "B dns"]
