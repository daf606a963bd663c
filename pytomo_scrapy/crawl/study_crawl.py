"""A study under way: the frozen plan as the crawl of one measuring point follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pytomo_scrapy.config import Config
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import StudyMark, VideoItem
from pytomo_scrapy.measure.session import Session
from pytomo_scrapy.studies.measuring_order import arms_in_order, pair_name, videos_of_round
from pytomo_scrapy.studies.study_plan import Arm, FrozenPlan, StudyPlan


def crawl_name_of(study_name: str) -> str:
    """Return the name of the crawls of a study: one for each measuring point, over all versions of the plan."""
    return f"study {study_name}"


@dataclass(frozen=True, slots=True)
class StudyCrawl:
    """The plan in force, and the arms that this measuring point measures with their settings."""

    study_id: int
    version: int
    frozen: FrozenPlan
    vantage: str
    arms: Sequence[Arm]
    configs: Mapping[str, Config]  # by the arm's name
    started_at: datetime

    @property
    def plan(self) -> StudyPlan:
        """The plan as its file says it."""
        return self.frozen.plan

    def videos(self, round_number: int) -> tuple[str, ...]:
        """Return the links of a round's videos in their order."""
        return videos_of_round(self.plan, self.frozen.videos, round_number)

    def arms_of(self, video_id: str, round_number: int) -> tuple[Arm, ...]:
        """Return this machine's arms in the order in which they measure the video."""
        return arms_in_order(self.plan, self.arms, video_id, round_number)

    def mark(self, arm: Arm, video_id: str, round_number: int) -> StudyMark:
        """Return what a measurement of the arm says of its study."""
        ordered = self.arms_of(video_id, round_number)
        pair = pair_name(self.plan, video_id, round_number)
        return StudyMark(
            study_name=self.plan.name,
            plan_hash=self.frozen.plan_hash,
            plan_version=self.version,
            arm=arm.name,
            arm_order=ordered.index(arm),
            # Machines that measure every arm by themselves are pairs by themselves.
            pair_id=pair if arm.vantage else f"{pair}@{self.vantage}",
        )

    def wait_s(self, round_number: int) -> float:
        """Return how long it is from now to the planned start of a round, 0 where it is past."""
        elapsed_s = (datetime.now(UTC) - self.started_at).total_seconds()
        return max(0.0, (round_number - 1) * self.plan.schedule.every_s - elapsed_s)


class ArmSessions:
    """The flow of each arm, with its own settings over the crawl's tools."""

    def __init__(self, own: Session, by_arm: Mapping[str, Session]) -> None:
        self._own = own
        self._by_arm = by_arm

    async def step(self, stage: Stage, item: VideoItem) -> None:
        """Run one stage of a video as its arm does. Raises as `Session.step`."""
        session = self._own if item.study is None else self._by_arm[item.study.arm or ""]
        await session.step(stage, item)
