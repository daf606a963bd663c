"""A measuring process that stands still: its window is the tool's, and nothing in it is charged to the line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.crawl.measuring_process import WINDOW_GRACE_S
from pytomo_scrapy.failures import Attribution, MeasurementError, attribution_of
from pytomo_scrapy.items import DownloadResult, MediaFormat
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.pauses import MAX_PROBE_GAP_S, PauseWatch, judge_pause
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.worker.worker import Worker
from tests.measure.window.window_servers import Request, media_head, serving
from tests.running import forked
from tests.running.sharing import server_socket

HOST = "rr1---sn-test.example"
CONFIG = DownloadConfig(window_s=1.5, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))


def test_pause_watch_keeps_the_longest_gap() -> None:
    # 0.01, 2.0 and 0.5 s between the looks.
    readings = iter((5.0, 5.01, 7.01, 7.51))
    watch = PauseWatch(lambda: next(readings))
    for _ in range(3):
        watch.look()
    assert watch.longest_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("gap_s", "failure", "judged"),
    [
        (MAX_PROBE_GAP_S, None, None),
        (MAX_PROBE_GAP_S, "no_progress", "no_progress"),
        (0.3, None, "probe_paused"),
        (0.3, "no_progress", "probe_paused"),
        (0.3, "first_byte_timeout", "probe_paused"),
        (0.3, "media_gated", "media_gated"),  # the service said so: no pause makes it say that
        (None, "reset", "reset"),  # of a window that was never opened
    ],
)
def test_window_is_the_tools_above_the_bound_unless_an_answer_failed_it(
    gap_s: float | None, failure: str | None, judged: str | None
) -> None:
    window = DownloadResult(probe_gap_s=gap_s, failure=failure, failure_detail=failure and "video: silent")
    assert judge_pause(window).failure == judged


def test_window_that_was_paused_keeps_what_it_would_have_been() -> None:
    window = DownloadResult(probe_gap_s=2.345, failure="no_progress", failure_detail="video: silent for the last 1.0 s")
    detail = "nothing was read for 2.35 s; no_progress, video: silent for the last 1.0 s"
    assert judge_pause(window).failure_detail == detail


def trickle(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(10**9))
    while True:
        connection.sendall(bytes(10_000))
        time.sleep(0.01)


async def paused_window(port: int, directory: Path, pause_s: float, at_s: float) -> str | None:
    """Return the class of a window whose process is stopped for `pause_s` from `at_s` after its first byte on."""
    media = MediaFormat("muxed", "18", f"http://{HOST}:{port}/v", HOST, port)
    plan, worker = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(directory)), Worker()
    has_begun, pausing = asyncio.Event(), None

    async def pause(pid: int) -> None:
        await has_begun.wait()
        await asyncio.sleep(at_s)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(pause_s)
        with suppress(ProcessLookupError):  # ended at its deadline
            os.kill(pid, signal.SIGCONT)

    try:
        pid = await worker.run(os.getpid, deadline_s=30)
        pausing = asyncio.create_task(pause(pid)) if pause_s else None
        window = await worker.run(
            download_window,
            plan,
            CONFIG,
            deadline_s=CONFIG.window_s + WINDOW_GRACE_S,
            on_progress=lambda progress: has_begun.set() if progress.received_bytes else None,
        )
        return window.failure
    except MeasurementError as error:
        return error.failure
    finally:
        if pausing is not None and not has_begun.is_set():
            pausing.cancel()  # there was nothing to pause: the class says why
        elif pausing is not None:
            await pausing
        await worker.close()


@pytest.mark.process
def test_window_paused_at_a_random_instant_charges_the_line_with_nothing(tmp_path: Path) -> None:
    # From the first news of the window's progress, 0.3 s after its start, while 0.4 s are left at least.
    random = Random(14)
    pauses = [(length_s, random.uniform(0.0, 0.8)) for length_s in (0.5, 1.3, 2.6, 5.0)]

    async def scenario(port: int) -> tuple[list[str | None], str | None]:
        found = await asyncio.gather(*(paused_window(port, tmp_path, *pause) for pause in pauses))
        return found, await paused_window(port, tmp_path, 0.0, 0.0)

    with serving(trickle) as server, forked.in_use(server_socket()):
        found, control = asyncio.run(scenario(server.port))
    assert control is None
    # Beyond the grace of 4 s the process counts as hung, and is ended.
    assert {attribution_of(failure) for failure in found} == {Attribution.TOOL}
    assert set(found) <= {"probe_paused", "deadline"} and "probe_paused" in found
