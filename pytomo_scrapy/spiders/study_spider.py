"""The spider of a study: the panel's videos round after round, each over every arm of this machine, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from scrapy.http import Response

from pytomo_scrapy.config import Config
from pytomo_scrapy.crawl.study_crawl import StudyCrawl, crawl_name_of
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.pages.urls import watch_url
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.spiders.base import WalkSpider
from pytomo_scrapy.storage.frontier.frontier import Claim

_UNFROZEN = "A study is run from its plan: pytomo study run FILE.toml"


class StudySpider(WalkSpider):
    """`pytomo study run FILE` starts it. It asks for no pages: the panel is all that it measures."""

    name = "study"
    service = "youtube"

    def __init__(self, *args: Any, **raw_arguments: Any) -> None:
        """Take the plan, frozen, as `_study`. Raises SettingError without it."""
        study = raw_arguments.pop("_study", None)
        if not isinstance(study, StudyCrawl):
            raise SettingError(_UNFROZEN)
        super().__init__(*args, **raw_arguments)
        self.study = study
        self.arguments = WalkArguments(
            max_rounds=1,
            max_crawled_url=len(study.frozen.videos),
            related=False,
            loop=True,
            urls=tuple(study.frozen.videos),
            crawl=crawl_name_of(study.plan.name),
            vantage="own",
        )
        # Of each claim in flight, whether the arm under way was stored.
        self._outcomes: dict[int, asyncio.Future[bool]] = {}

    @classmethod
    def check_arguments(cls, raw_arguments: Mapping[str, Any], settings: Config) -> None:
        """Raises SettingError where the plan is not there; it was checked when it was frozen."""
        if not isinstance(raw_arguments.get("_study"), StudyCrawl):
            raise SettingError(_UNFROZEN)

    def check_settings(self, settings: Config) -> None:
        """Accept any: those of the arms were checked with the plan."""

    def video_url(self, video_id: str) -> str:
        return watch_url(video_id)

    def video_page(self, video_id: str) -> None:
        return None

    async def parse_video(self, response: Response, claim: Claim) -> AsyncIterator[VideoItem]:
        """Yield an item for each arm that is not measured yet, the next when the one before is stored."""
        self._expanded.set()
        measured = await self.walk.measured_arms(claim, self.study.plan.name)
        arms = [one for one in self.study.arms_of(claim.video_id, claim.pass_number) if one.name not in measured]
        for position, arm in enumerate(arms):
            item = self._item(claim)
            item.study = self.study.mark(arm, claim.video_id, claim.pass_number)
            item.arms_left = len(arms) - position - 1
            outcome = self._outcomes[claim.id] = asyncio.get_running_loop().create_future()
            yield item
            if not await outcome:
                return
        if not arms:
            # The plan was changed since: what it still asks for is measured.
            await self.walk.finish_claim(claim)

    def _item(self, claim: Claim) -> VideoItem:
        item = super()._item(claim)
        first = self.study.arms_of(claim.video_id, claim.pass_number)[0]
        item.study = self.study.mark(first, claim.video_id, claim.pass_number)
        return item

    def _on_stored(self, item: VideoItem) -> None:
        if item.arms_left == 0:
            super()._on_stored(item)
        self._tell(item, is_stored=True)

    async def _on_returned(self, item: Any) -> None:
        if isinstance(item, VideoItem):
            self._tell(item, is_stored=False)
        await super()._on_returned(item)

    def _tell(self, item: VideoItem, *, is_stored: bool) -> None:
        outcome = self._outcomes.get(item.claim_id or 0)
        if outcome is not None and not outcome.done():
            outcome.set_result(is_stored)
