"""The measuring process with a worker that runs nothing: what it is asked, what is shown, which media are left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.config import DownloadConfig, PlaybackConfig
from pytomo_scrapy.crawl import measuring_process as module
from pytomo_scrapy.crawl.measuring_process import WINDOW_GRACE_S, MeasuringProcess
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import StreamDownload, VideoItem
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress
from pytomo_scrapy.measure.worker.confinement import Confinement
from tests.factories import make_download, make_format, make_item, make_playback, make_timeline

PLAN = WindowPlan((make_format(),), {})
PROGRESS = (WindowProgress(0.5, 50), WindowProgress(1.0, 110))


class FakeWorker:
    """Notes its calls; a window tells PROGRESS on its way. `trouble` is raised in place of an answer."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.calls: list[tuple[object, ...]] = []
        self.deadlines_s: list[float] = []
        self.trouble: Exception | None = None

    async def start(self) -> None:
        self.log.append("start")

    async def close(self) -> None:
        self.log.append("close")

    async def run(
        self, function: object, *given: object, deadline_s: float, on_progress: Callable[[Any], None] | None = None
    ) -> object:
        self.calls.append((function, *given))
        self.deadlines_s.append(deadline_s)
        for progress in PROGRESS if on_progress else ():
            on_progress(progress)  # type: ignore[misc]
        if self.trouble is not None:
            raise self.trouble
        return make_download() if function is download_window else ((make_timeline(),), (make_playback(),))


class FakeResolvers:
    """Resolves nothing."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Display:
    """Notes what it is shown; closes whatever happens."""

    def __init__(self) -> None:
        self.log: list[object] = []

    @asynccontextmanager
    async def __call__(self, item: VideoItem, window_s: float) -> AsyncIterator[Callable[[WindowProgress], None]]:
        self.log.append((item.video_id, window_s))
        try:
            yield self.log.append
        finally:
            self.log.append("over")


class Folder:
    """A spool folder that exists by name only."""

    path = "/spool"
    made = removed = 0

    def __init__(self) -> None:
        Folder.made += 1

    def remove(self) -> None:
        Folder.removed += 1


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    worker = FakeWorker()
    Folder.made = Folder.removed = 0
    analyst = FakeWorker()
    monkeypatch.setattr(analyst, "run", worker.run)
    monkeypatch.setattr(module, "Worker", lambda *_, **options: analyst if options else worker)
    monkeypatch.setattr(module, "Resolvers", lambda _: FakeResolvers())
    monkeypatch.setattr(module, "SpoolFolder", Folder)
    return worker


def test_window_is_run_in_the_process_with_a_little_longer_than_its_length(worker: FakeWorker) -> None:
    settings = DownloadConfig(window_s=12.0)
    result = asyncio.run(MeasuringProcess().download(PLAN, settings, make_item()))
    assert worker.calls == [(download_window, PLAN, settings)]
    assert worker.deadlines_s == [12.0 + WINDOW_GRACE_S] and result == make_download()


@pytest.mark.parametrize("display_count", [0, 1, 2])
def test_window_is_shown_on_every_display_from_its_beginning_to_its_end(worker: FakeWorker, display_count: int) -> None:
    process, displays = MeasuringProcess(), [Display() for _ in range(display_count)]
    for display in displays:
        process.show_on(display)
    asyncio.run(process.download(PLAN, DownloadConfig(window_s=12.0), make_item()))
    assert [display.log for display in displays] == [[("abcdefghijk", 12.0), *PROGRESS, "over"]] * display_count


def test_window_that_dies_is_no_longer_shown_and_its_error_is_the_callers(worker: FakeWorker) -> None:
    process, display = MeasuringProcess(), Display()
    process.show_on(display)
    worker.trouble = MeasurementError("worker_died", "exit code -11")
    with pytest.raises(MeasurementError):
        asyncio.run(process.download(PLAN, DownloadConfig(), make_item()))
    assert display.log[-1] == "over"


def test_media_of_a_window_whose_process_was_lost_are_removed_and_those_of_others_stay(
    worker: FakeWorker, tmp_path: Path
) -> None:
    earlier, left = tmp_path / "window-1.media", tmp_path / "window-2.media"
    earlier.write_bytes(b"waits for its analysis")

    async def run(*given: object, **options: object) -> object:
        left.write_bytes(b"half a window")
        raise MeasurementError("worker_died", "exit code -11")

    worker.run = run  # type: ignore[method-assign]
    plan = WindowPlan((make_format(),), {}, spool_directory=str(tmp_path))
    with pytest.raises(MeasurementError):
        asyncio.run(MeasuringProcess().download(plan, DownloadConfig(), make_item()))
    assert list(tmp_path.iterdir()) == [earlier]


@pytest.mark.parametrize("trouble", [None, MeasurementError("deadline", "ended after 9 s")])
def test_media_of_a_window_are_deleted_after_its_analysis_whatever_became_of_it(
    worker: FakeWorker, trouble: Exception | None, tmp_path: Path
) -> None:
    media = tmp_path / "window.media"
    media.write_bytes(b"media")
    download = make_download(streams=(StreamDownload("muxed", "18", spool_path=str(media)),))
    settings, worker.trouble = PlaybackConfig(analysis_timeout_s=9.0), trouble
    declared = DeclaredVideo(duration_s=61.0)
    analysis = MeasuringProcess().analyse(download, declared, settings)
    if trouble is None:
        assert asyncio.run(analysis) == ((make_timeline(),), (make_playback(),))
    else:
        with pytest.raises(MeasurementError):
            asyncio.run(analysis)
    assert worker.calls == [(analyse_window, download, declared, settings)] and worker.deadlines_s == [9.0]
    assert not media.exists()


def test_spool_folder_is_made_when_it_is_first_asked_for_and_removed_once(worker: FakeWorker) -> None:
    process = MeasuringProcess()

    async def run() -> None:
        await process.open()
        assert Folder.made == 0
        assert process.spool_directory == process.spool_directory == "/spool"
        await process.close()

    asyncio.run(run())
    assert (Folder.made, Folder.removed, worker.log) == (1, 1, ["start", "close"])


def test_process_that_opened_no_window_leaves_nothing_to_remove(worker: FakeWorker) -> None:
    MeasuringProcess().abandon()
    asyncio.run(MeasuringProcess().close())
    assert (Folder.made, Folder.removed) == (0, 0)


@pytest.mark.parametrize("path", ["/etc/passwd", "/spool/../etc/passwd", "/spool/sub/x", "x"])
def test_window_that_names_a_file_of_others_is_not_believed(worker: FakeWorker, path: str) -> None:
    plan = WindowPlan((make_format(),), {}, spool_directory="/spool")
    named = make_download(streams=(StreamDownload("muxed", "18", spool_path=path),))

    async def run(*given: object, **options: object) -> object:
        return named

    worker.run = run  # type: ignore[method-assign]
    with pytest.raises(MeasurementError, match="not the window's"):
        asyncio.run(MeasuringProcess().download(plan, DownloadConfig(), make_item()))


def test_media_are_read_by_a_process_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(module, "Worker", lambda *_, **options: made.append(options.get("confinement")))
    MeasuringProcess()
    assert made == [None, Confinement.OFFLINE]
