"""Parts of the lab for its tests: clips that exist only as figures, and the service over them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from pytomo_scrapy.lab.clips.clip import Clip, ClipStream
from pytomo_scrapy.lab.service.answers import Service
from pytomo_scrapy.lab.service.player_api import PlayerApi
from pytomo_scrapy.lab.world import build_world

Result = TypeVar("Result")
MEDIA_PORT = 4443
SECRET = b"secret of the tests"


def make_stream(kind: str, itag: int, **overrides: object) -> ClipStream:
    is_audio = kind == "audio"
    fields: dict[str, object] = {
        "kind": kind,
        "itag": itag,
        "path": Path("nowhere"),
        "size_bytes": 100_000,
        "duration_s": 20.0,
        "mime": "audio/mp4" if is_audio else "video/mp4",
        "codecs": {"audio": "mp4a.40.2", "video": "avc1.42c015"}.get(kind, "avc1.42c015, mp4a.40.2"),
        "bitrate_bps": 50_000,
        "average_bitrate_bps": 40_000,
        "width_px": None if is_audio else 426,
        "height_px": None if is_audio else 240,
        "frame_rate_fps": None if is_audio else 25,
        "sample_rate_hz": None if kind == "video" else 48_000,
        "channels": None if kind == "video" else 2,
        "init_range": None if kind == "muxed" else (0, 739),
        "index_range": None if kind == "muxed" else (740, 1227),
    }
    return ClipStream(**{**fields, **overrides})  # type: ignore[arg-type]


class FakeClips(dict[str, Clip]):
    """Any clip, by name: `muxed...` of one stream, all others of a video and an audio stream."""

    def __missing__(self, name: str) -> Clip:
        if name.startswith("muxed"):
            return Clip(name, "muxed", 20.0, (make_stream("muxed", 18),))
        return Clip(name, "separate", 20.0, (make_stream("video", 134), make_stream("audio", 140)))


@pytest.fixture
def player_for() -> Callable[[str], PlayerApi]:
    """Make the player API of a world, its clock at 1 780 000 000."""
    return lambda name: PlayerApi(build_world(name), FakeClips(), SECRET, MEDIA_PORT, clock=lambda: 1_780_000_000.9)


@pytest.fixture
def service_for(player_for: Callable[[str], PlayerApi]) -> Callable[[str], Service]:
    """Make the service of a world."""
    return lambda name: Service(build_world(name), player_for(name))


class Server(Protocol):
    async def start(self) -> Any: ...

    async def close(self) -> None: ...


class LabThread:
    """Runs servers until `close`, which fails when one of them leaves a task or a callback error behind."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.errors: list[str] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(repr(context)))
        self._servers: list[Server] = []
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def serve(self, server: Server) -> Any:
        answer = self.run(server.start())
        self._servers.append(server)
        return answer

    def close(self) -> None:
        for server in self._servers:
            self.run(server.close())
        left = self.run(self._left_over())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=60)
        self.loop.close()
        assert left == [] and self.errors == []

    async def _left_over(self) -> list[str]:
        # The transports' last callbacks run first.
        await asyncio.sleep(0.05)
        return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


@pytest.fixture(scope="module")
def lab_thread() -> Iterator[LabThread]:
    thread = LabThread()
    yield thread
    thread.close()
