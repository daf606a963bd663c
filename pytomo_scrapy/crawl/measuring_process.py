"""The processes that resolutions, windows and analyses run in, and the directory that the media pass through."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

from pytomo_scrapy.config import DownloadConfig, PlaybackConfig, ResolveConfig
from pytomo_scrapy.crawl.resolving_processes import Resolvers
from pytomo_scrapy.crawl.spool import SpoolFolder, no_media_left, remove_media
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import DownloadResult, ResolveResult, VideoItem
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.tools import Analysis
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress
from pytomo_scrapy.measure.worker.confinement import Confinement
from pytomo_scrapy.measure.worker.worker import Worker

# The engine ends a window within 0.25 s of its deadline; a process that is later than this hangs.
WINDOW_GRACE_S = 4.0

# Shows one window of the given length in seconds while it is open; on entry it returns a callback for the progress.
WindowDisplay = Callable[[VideoItem, float], AbstractAsyncContextManager[Callable[[WindowProgress], None]]]


class MeasuringProcess:
    """Runs one window or analysis at a time, away from the crawl, and resolutions: a crash or hang costs one row.

    Several processes, since what reads strangers' media needs no network, and cannot be confined for a while only.
    """

    def __init__(self, resolved_together: int = 1) -> None:
        """`resolved_together` is how many videos may be resolved at a time."""
        self._resolvers = Resolvers(resolved_together)
        self._worker = Worker()
        self._analyst = Worker(
            "pytomo-analyst",
            preload=("pytomo_scrapy.measure.playback.window_analysis", "pytomo_scrapy.measure.media.timeline"),
            confinement=Confinement.OFFLINE,
        )
        self._displays: list[WindowDisplay] = []
        self._spool: SpoolFolder | None = None

    @property
    def spool_directory(self) -> str:
        """Where windows leave their media until the analysis. Made when it is first needed."""
        if self._spool is None:
            self._spool = SpoolFolder()
        return self._spool.path

    def show_on(self, display: WindowDisplay) -> None:
        """Show every window from now on there too."""
        self._displays.append(display)

    async def open(self) -> None:
        """Start the processes, ahead of the first video."""
        await self._resolvers.open()
        await self._worker.start()
        await self._analyst.start()

    async def close(self) -> None:
        """End the processes, and remove the media that they left."""
        await self._resolvers.close()
        await self._worker.close()
        await self._analyst.close()
        self.abandon()

    def abandon(self) -> None:
        """Leave no media behind when the crawl ends without its event loop; the child dies with its parent."""
        if self._spool is not None:
            self._spool.remove()

    async def resolve(self, url: str, settings: ResolveConfig) -> ResolveResult:
        """Resolve one video and wait until its media may be fetched. Every trouble is a failure of the result."""
        return await self._resolvers.resolve(url, settings)

    async def download(self, plan: WindowPlan, settings: DownloadConfig, item: VideoItem) -> DownloadResult:
        """Run one window. Raises MeasurementError if the process dies or hangs."""
        async with AsyncExitStack() as stack:
            shown = [await stack.enter_async_context(show(item, settings.window_s)) for show in self._displays]

            def on_progress(progress: WindowProgress) -> None:
                for show in shown:
                    show(progress)

            stack.enter_context(no_media_left(plan.spool_directory))
            result = await self._worker.run(
                download_window,
                plan,
                settings,
                deadline_s=settings.window_s + WINDOW_GRACE_S,
                on_progress=on_progress,
            )
            # These files are deleted later: a process that strangers talk to does not choose any.
            if any(
                stream.spool_path and Path(stream.spool_path).parent != Path(plan.spool_directory)
                for stream in result.streams
            ):
                raise MeasurementError("worker_died", "it named a file that is not the window's")
        return result

    async def analyse(self, download: DownloadResult, declared: DeclaredVideo, settings: PlaybackConfig) -> Analysis:
        """Analyse one window, then delete its media. Raises MeasurementError if the process dies or hangs."""
        try:
            return await self._analyst.run(
                analyse_window, download, declared, settings, deadline_s=settings.analysis_timeout_s
            )
        # Failed or not: media are kept for the analysis alone, and are half a gigabyte in the worst case.
        finally:
            remove_media(download)
