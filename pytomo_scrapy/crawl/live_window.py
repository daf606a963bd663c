"""The open window, written where the web page can see it while it is open."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from types import TracebackType

from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.window.plan import WindowProgress
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements.open_windows import clear_window, note_window

NOTE_EVERY_S = 1.0


class LiveWindow:
    """Notes of a run's open window: when it opens, once a second, and when it is over.

    A database elsewhere hears of the opening and the end only: what is written in between would be traffic of ours in
    the very window that must have none. Losing a note loses nothing that is measured.
    """

    def __init__(
        self,
        database: Database,
        run_id: int,
        item: VideoItem,
        window_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._run_id = run_id
        self._item = item
        self._window_s = window_s
        self._clock = clock
        self._is_local = database.shown_url.startswith("sqlite")
        self._noted_s = float("-inf")
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Callable[[WindowProgress], None]:
        """Note that the window opens."""
        self._noted_s = self._clock()
        await self._note(WindowProgress(0.0, 0))
        return self.progress

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note that no window is open."""
        if self._writing is not None:
            await self._writing
        with contextlib.suppress(StorageError):
            await run_in_thread(clear_window, self._database, self._run_id)

    def progress(self, progress: WindowProgress) -> None:
        """Note how far the window is, if it is time to. Returns at once: the writing is done beside."""
        is_writing = self._writing is not None and not self._writing.done()
        if not self._is_local or is_writing or self._clock() - self._noted_s < NOTE_EVERY_S:
            return
        self._noted_s = self._clock()
        self._writing = asyncio.ensure_future(self._note(progress))

    async def _note(self, progress: WindowProgress) -> None:
        with contextlib.suppress(StorageError):
            await run_in_thread(
                note_window,
                self._database,
                self._run_id,
                service=self._item.service,
                video_id=self._item.video_id,
                title=self._item.title,
                elapsed_s=progress.elapsed_s,
                window_s=self._window_s,
                received_bytes=progress.received_bytes,
            )
