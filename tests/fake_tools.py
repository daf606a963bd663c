"""A crawl around the flow that has no gate, no process and no wire, and notes what it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from pytomo_scrapy.config import DownloadConfig, PlaybackConfig, ResolveConfig
from pytomo_scrapy.items import DownloadResult, Network, ResolveResult, VideoItem
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.tools import Activity, Analysis, Stopped, Tools
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.factories import make_download, make_playback, make_timeline


class FakeCrawl:
    """The tools of a flow. `log` holds the calls in their order; a hold is noted at both ends: "+page", "-page"."""

    spool_directory = "/nowhere"
    is_on = True

    def __init__(self) -> None:
        self.log: list[str] = []
        self.windows: list[DownloadResult | Exception] = []  # of the windows to come; then ordinary ones
        self.plans: list[WindowPlan] = []
        self.caps_bytes: list[int] = []
        self.room: int | None = None  # of the day's cap
        self.took_bytes = 0
        self.has_control_turn = True
        self.stops_before: str | None = None  # the call that a stop of the crawl comes before

    def tools(self) -> Tools:
        return Tools(
            self.hold,
            self.service_ready,
            self.in_thread,
            self,
            self,
            self,  # type: ignore[arg-type]
            self.pause,
            self.until_stop,
            self.control_turn,
        )

    def note(self, call: str) -> None:
        if call == self.stops_before:
            raise Stopped
        self.log.append(call)

    @asynccontextmanager
    async def hold(self, activity: Activity) -> AsyncIterator[None]:
        self.note(f"+{activity.name.lower()}")
        try:
            yield
        finally:
            self.log.append(f"-{activity.name.lower()}")

    async def service_ready(self) -> None:
        self.note("ready")

    async def pause(self, seconds: float) -> None:
        self.note(f"pause {seconds:g}")

    async def in_thread(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    def answer(self, url: str, settings: ResolveConfig) -> ResolveResult:
        """Answer a resolution: tests that ask for one replace this."""
        raise NotImplementedError

    async def resolve(self, url: str, settings: ResolveConfig) -> ResolveResult:
        return self.answer(url, settings)

    async def control_turn(self, every_s: float) -> bool:
        self.note(f"turn {every_s:g}")
        return self.has_control_turn

    async def until_stop(self, work: Awaitable[Any]) -> Any:
        return await work

    async def download(self, plan: WindowPlan, settings: DownloadConfig, item: VideoItem) -> DownloadResult:
        self.note(f"window {plan.window_index}")
        self.plans.append(plan)
        self.caps_bytes.append(settings.max_bytes)
        result = self.windows.pop(0) if self.windows else make_download(place=plan.window_index, received_bytes=600)
        if isinstance(result, Exception):
            raise result
        return result

    async def analyse(self, download: DownloadResult, declared: DeclaredVideo, settings: PlaybackConfig) -> Analysis:
        self.note(f"analysis {download.place}")
        if not download.received_bytes:
            return (), (), None
        return (make_timeline(),), (make_playback(place=download.place),), None

    @property
    def is_reached(self) -> bool:
        return self.room is not None and self.took_bytes >= self.room

    def room_bytes(self) -> int:
        return 10**9 if self.room is None else self.room - self.took_bytes

    def took(self, received_bytes: int) -> None:
        self.took_bytes += received_bytes

    def find(self, addresses: Iterable[str]) -> tuple[Network, ...]:
        self.note("networks")
        return tuple(Network(address, 64500) for address in dict.fromkeys(addresses))
