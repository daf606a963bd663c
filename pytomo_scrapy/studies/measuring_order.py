"""The order of a study: drawn by chance, and the same again after a resume and on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pytomo_scrapy.studies.study_plan import Arm, StudyPlan


def videos_of_round(plan: StudyPlan, videos: Sequence[str], round_number: int) -> tuple[str, ...]:
    """Return the videos in the order of a round, the same for every arm and machine."""
    drawn = list(videos)
    # A text as seed gives the same draws in every process and version of Python, which the hash of a tuple does not.
    Random(f"videos:{plan.name}:{plan.schedule.seed}:{round_number}").shuffle(drawn)
    return tuple(drawn)


def arms_in_order(plan: StudyPlan, arms: Sequence[Arm], video_id: str, round_number: int) -> tuple[Arm, ...]:
    """Return the arms in the order in which they measure a video in a round."""
    drawn = list(arms)
    # For each video and round anew: an arm that always came first would have the colder caches.
    Random(f"arms:{plan.name}:{plan.schedule.seed}:{round_number}:{video_id}").shuffle(drawn)
    return tuple(drawn)


def pair_name(plan: StudyPlan, video_id: str, round_number: int) -> str:
    """Return what the measurements of one video in one round have in common, over all arms and machines."""
    return f"{plan.name}/{round_number}/{video_id}"
