"""What a process does at its first video and at no other, done once in the server of commands before it forks.

The first resolution, window and analysis of a process take up to twice what the following ones take, and so do the
first answers of a lab: yt-dlp compiles and looks up what it needs, the readers of messages look at annotations, FFmpeg,
curl and TLS begin. The processes of a crawl are new each time, in hundreds of crawls.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pytomo_scrapy.config import load
from pytomo_scrapy.lab.launcher import Lab
from pytomo_scrapy.lab.servers import LabEndpoints, LabOptions, make_world, running_servers
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.ping.round_trips import ping_addresses
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.resolve.own_process import resolve_here
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.worker import child
from pytomo_scrapy.measure.worker.plain_messages import pack_call, read_as, result_type, unpack

_WORLD = make_world(LabOptions("clean"))
_WINDOW_S = 0.2
_THREADS_END_S = 5.0

Result = TypeVar("Result")


def measure_once() -> None:
    """Measure one video of a lab, both of them here. Where no lab starts, each process has it to do for itself."""
    before = dict(os.environ)
    try:
        with suppress(OSError), tempfile.TemporaryDirectory() as folder:
            asyncio.run(_in_a_lab(Path(folder)))
    finally:
        os.environ.clear()
        os.environ.update(before)
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(_THREADS_END_S)
    assert threading.active_count() == 1, "a fork would stop what these threads are at"


async def _in_a_lab(folder: Path) -> None:
    async with running_servers(_WORLD, folder) as endpoints:
        await asyncio.to_thread(_measure, endpoints, folder)


def _measure(endpoints: LabEndpoints, folder: Path) -> None:
    os.environ.update(Lab(endpoints, sentinel=-1).environment(os.environ))
    config = load(os.environ.get)
    url = f"https://www.youtube.com/watch?v={next(iter(_WORLD.videos))}"
    resolved = _answered(resolve_here, url, config.resolve, "00")
    found = look_up_hosts([media.host for media in resolved.formats], resolved.address_family, config.dns)
    if not found.chosen:
        return  # a machine that is too busy even for this
    ping_addresses(list(found.chosen.values()), replace(config.ping, packets=1), port=resolved.formats[0].port)
    plan = WindowPlan(
        resolved.formats,
        dict(found.chosen),
        resolver=config.dns.resolvers[0],
        spool_directory=str(folder),
        duration_s=resolved.duration_s,
    )
    window = _answered(download_window, plan, replace(config.download, window_s=_WINDOW_S))
    _answered(analyse_window, window, DeclaredVideo(duration_s=resolved.duration_s), config.playback)


def _answered(function: Callable[..., Result], *args: object) -> Result:
    """Call as a worker does, over messages."""
    call = pack_call(function, args, wants_progress=function is not analyse_window)
    kind, value = unpack(child._answer(_Deaf(), call))  # type: ignore[arg-type]
    assert kind == "result", value
    answer: Any = read_as(result_type(function), value)
    return answer  # type: ignore[no-any-return]


class _Deaf:
    """Stands for the channel to a parent."""

    def sendall(self, message: bytes) -> None:
        """Take what a call tells on its way."""
