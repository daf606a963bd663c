"""The order of a study: random, and the same again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pytomo_scrapy.studies.measuring_order import arms_in_order, videos_of_round
from pytomo_scrapy.studies.study_plan import Arm, Outcome, Panel, Schedule, StudyPlan

VIDEOS = tuple(f"video{number:06}" for number in range(400))
PLAN = StudyPlan("one", "?", (Arm("A"), Arm("B")), Panel(VIDEOS), Schedule(2), Outcome())


def test_videos_of_a_round_are_all_there_in_an_order_of_its_own() -> None:
    first, second = (videos_of_round(PLAN, VIDEOS, number) for number in (1, 2))
    assert sorted(first) == sorted(second) == sorted(VIDEOS)
    assert first != second
    assert first == videos_of_round(PLAN, VIDEOS, 1)
    assert first != videos_of_round(replace(PLAN, schedule=Schedule(2, seed="2")), VIDEOS, 1)


def test_each_arm_comes_first_about_as_often() -> None:
    first = Counter(arms_in_order(PLAN, PLAN.arms, video, 1)[0].name for video in VIDEOS)
    assert abs(first["A"] - 200) < 50  # five standard deviations of a fair coin
    assert arms_in_order(PLAN, PLAN.arms, VIDEOS[0], 1) == arms_in_order(PLAN, PLAN.arms, VIDEOS[0], 1)
