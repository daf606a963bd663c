"""The video on its way through the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from pytomo_scrapy.failures import Stage, is_skip
from pytomo_scrapy.items.autopsy import Autopsy
from pytomo_scrapy.items.dns_result import DnsResult, Network
from pytomo_scrapy.items.ladder import LadderResult
from pytomo_scrapy.items.page_result import PageResult
from pytomo_scrapy.items.ping_result import PingResult
from pytomo_scrapy.items.playback_result import MediaTimeline, PlaybackResult
from pytomo_scrapy.items.quality_spell import QualitySpell
from pytomo_scrapy.items.resolve_result import ResolveResult
from pytomo_scrapy.items.stored import rows
from pytomo_scrapy.items.study_mark import StudyMark
from pytomo_scrapy.items.timed_fetch import ControlWindow
from pytomo_scrapy.items.window_result import DownloadResult


# An item is a thing that changes, not a value: it equals itself only, so that notes can be kept beside it.
@dataclass(slots=True, weakref_slot=True, eq=False, repr=False)
class VideoItem:
    """A video on its way through the pipeline; every stage sets its own field and none drops the item.

    A spider needs to give the `url` alone, in any form of a link: the first stage fills in whose video it is.
    """

    service: str = ""
    video_id: str = ""
    url: str = ""  # page address; the canonical one from the first stage on
    uuid: str = field(default_factory=lambda: str(uuid4()))  # of the measurement: storing twice stores once
    crawl: str = ""
    pass_number: int = 1
    depth: int = 1
    source: str = ""  # what brought it: "charts:...", "search:...", "urls", "related"
    parent_id: str | None = None
    claim_id: int | None = None  # the frontier row that stands for it
    frontier_order: int | None = None
    title: str | None = None
    started_at: datetime | None = None
    started_s: float | None = None  # monotonic reading that t_s fields count from
    page: PageResult | None = None  # None where its watch page was not fetched
    resolve: ResolveResult | None = None
    dns: DnsResult | None = None
    ping: PingResult | None = None
    downloads: tuple[DownloadResult, ...] = ()
    timelines: tuple[tuple[MediaTimeline, ...], ...] = ()  # for each download, one a stream
    playbacks: tuple[PlaybackResult, ...] = ()
    ladders: tuple[LadderResult, ...] = ()  # one a window whose ladder is known
    join_time_s: float | None = None
    networks: tuple[Network, ...] = rows(Network, "network", key="address")
    quality_spells: tuple[QualitySpell, ...] = rows(QualitySpell, "quality_spell", key="number")
    autopsies: tuple[Autopsy, ...] = rows(Autopsy, "autopsy", key="number")  # found once it is stored
    controls: tuple[ControlWindow, ...] = rows(ControlWindow, "control_window", key="role")
    failure: str | None = None  # the first that is not a skip, of the stages that end a session
    failure_stage: Stage | None = None
    failure_detail: str | None = None
    # By the list that first named it, which knows refused videos as well as measured ones.
    listed_view_count: int | None = None
    listed_duration_s: float | None = None
    listed_age_s: float | None = None
    # Of the outage of the line that the session met; the end is None where the crawl stopped before it.
    outage_started_at: datetime | None = None
    outage_ended_at: datetime | None = None
    # Of a study: the plan and the arm. Further arms of the claim follow where `arms_left` is not 0.
    study: StudyMark | None = None
    arms_left: int = 0

    def __repr__(self) -> str:
        """Say which video it is, and how it went: Scrapy logs every item, and all of one fills pages."""
        return f"<VideoItem {self.service or '?'} {self.video_id or self.url} {self.failure or ''}".rstrip() + ">"

    def fail(self, stage: Stage, failure: str, detail: str | None = None) -> None:
        """Keep the first failure that ended the session; later ones and skips stay with their own stage."""
        if self.failure is None and not is_skip(failure):
            self.failure, self.failure_stage, self.failure_detail = failure, stage, detail
