"""What the flow of one video needs of the crawl around it, and nothing of Scrapy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, auto
from typing import ParamSpec, Protocol, TypeVar

from pytomo_scrapy.config import DownloadConfig, PlaybackConfig, ResolveConfig
from pytomo_scrapy.items import DownloadResult, LadderResult, MediaTimeline, PlaybackResult, ResolveResult, VideoItem
from pytomo_scrapy.measure.dns.asn import NetworkFinder
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.window.plan import WindowPlan

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

Analysis = tuple[tuple[MediaTimeline, ...], tuple[PlaybackResult, ...], LadderResult | None]


class Activity(Enum):
    """What wants the wire, or the processor."""

    PAGE = auto()
    PROBE = auto()
    WINDOW = auto()
    ANALYSIS = auto()


class Stopped(Exception):
    """Raised in a waiter if the crawl stops before its turn came."""


class ThreadRunner(Protocol):
    """Calls what blocks in a thread."""

    async def __call__(self, func: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer: ...


class UntilStop(Protocol):
    """Awaits work that a stop of the crawl cancels: then it raises Stopped."""

    async def __call__(self, work: Awaitable[Answer]) -> Answer: ...


class MeasuringProcesses(Protocol):
    """The processes that resolutions, windows and analyses run in."""

    @property
    def spool_directory(self) -> str: ...

    async def resolve(self, url: str, settings: ResolveConfig) -> ResolveResult: ...

    async def download(self, plan: WindowPlan, settings: DownloadConfig, item: VideoItem) -> DownloadResult: ...

    async def analyse(
        self, download: DownloadResult, declared: DeclaredVideo, settings: PlaybackConfig
    ) -> Analysis: ...


class ByteCap(Protocol):
    """How many bytes may still be downloaded today."""

    @property
    def is_reached(self) -> bool: ...

    def room_bytes(self) -> int: ...

    def took(self, received_bytes: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """The crawl's own parts, as the flow sees them."""

    hold: Callable[[Activity], AbstractAsyncContextManager[None]]  # raises Stopped
    service_ready: Callable[[], Awaitable[None]]  # raises Stopped
    in_thread: ThreadRunner
    process: MeasuringProcesses
    data_cap: ByteCap
    networks: NetworkFinder
    pause: Callable[[float], Awaitable[None]]  # holds nothing; raises Stopped at once
    until_stop: UntilStop
    control_turn: Callable[[float], Awaitable[bool]]  # takes it, where the last control is that many seconds ago
