"""Resolutions in their own processes: whatever an answer does to yt-dlp costs one row, in bounded time and memory."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import product
from pathlib import Path

import psutil
import pytest

from pytomo_scrapy.config import PathConfig, ResolveConfig
from pytomo_scrapy.crawl import resolving_processes as module
from pytomo_scrapy.crawl.resolving_processes import DEADLINE_TIMEOUTS, Resolvers
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.worker.child import OUT_OF_MEMORY
from tests.factories import make_format, make_resolve
from tests.running import forked
from tests.running.hostile_proxy import hostile_proxy
from tests.running.sharing import server_socket

WATCH_PAGE = "https://www.youtube.com/watch?v=M4gD1WSo5mA"
ANY_PAGE = "https://pages.example/video"
MOST_BYTES = 500 * 1024**2
# What a call takes besides its own time: the end of a killed process, on a busy machine.
ROOM_S = 6.0
Answer = Callable[[socket.socket], None]


def _head(kind: str = "text/html", **more: object) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Content-Type": kind, **more}.items()]
    return "\r\n".join(["HTTP/1.1 200 OK", "Connection: close", *lines, "", ""]).encode()


def large_page(client: socket.socket) -> None:
    """50 MB of a page, of a length that is not declared."""
    client.sendall(_head() + b"<html>")
    for _ in range(50):
        client.sendall(b'{"contents": ["aaaaaaaaa"]}, ' * 35_000)


def declared_large_page(client: socket.socket) -> None:
    client.sendall(_head(Content_Length=50_000_000) + b"<html>" * 200)
    time.sleep(20)


BOMB = (
    gzip.compress(b"<html>") + gzip.compress(bytes(2**20)) * 1024
)  # members of one archive: 1 MB that unpacks to 1 GB


def bomb(client: socket.socket) -> None:
    client.sendall(_head("application/json", Content_Encoding="gzip", Content_Length=len(BOMB)) + BOMB)


def frozen_page(client: socket.socket) -> None:
    """A megabyte that some of yt-dlp's expressions search for minutes, each with Python's lock held for seconds."""
    page = b"<html>" + b"<a " * 400_000
    client.sendall(_head(Content_Length=len(page)) + page)


def silence(client: socket.socket) -> None:
    time.sleep(20)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], PathConfig]]:
    """Have every host answer in the same way, and return the way to them."""
    with contextlib.ExitStack() as stack:

        def start(answer: Answer) -> PathConfig:
            environment = stack.enter_context(hostile_proxy(answer, tmp_path))
            monkeypatch.setenv("SSL_CERT_FILE", environment["SSL_CERT_FILE"])
            return PathConfig(proxy=environment["https_proxy"])

        yield start


@contextlib.asynccontextmanager
async def opened(together: int = 1) -> AsyncIterator[Resolvers]:
    resolvers = Resolvers(together)
    await resolvers.open()
    try:
        # Ready, so that no start is part of what a test times.
        for worker in resolvers._workers[:1]:
            await worker.run(os.getpid, deadline_s=60)
        yield resolvers
    finally:
        await resolvers.close()


@pytest.fixture
def forked_processes() -> Iterator[None]:
    """Have the server of commands fork what resolves: how much memory it takes is not what is tested."""
    with forked.in_use(server_socket()):
        yield


class Watch:
    """Follows the memory of all children, and for how long the event loop stood still."""

    peak_bytes = 0
    gap_s = 0.0

    async def run(self) -> None:
        last_s = time.monotonic()
        while True:
            await asyncio.sleep(0.02)
            self.gap_s, last_s = max(self.gap_s, time.monotonic() - last_s), time.monotonic()
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process().children(recursive=True):
                    self.peak_bytes = max(self.peak_bytes, child.memory_info().rss)


async def resolve_watched(resolvers: Resolvers, url: str, config: ResolveConfig) -> tuple[ResolveResult, float, Watch]:
    watch = Watch()
    watching = asyncio.create_task(watch.run())
    started_s = time.monotonic()
    result = await resolvers.resolve(url, config)
    elapsed_s = time.monotonic() - started_s
    watching.cancel()
    return result, elapsed_s, watch


@pytest.mark.process
def test_answer_of_any_size_is_bounded_in_memory_and_time(serve: Callable[[Answer], PathConfig]) -> None:
    """One resolution after the other, so that each but the first shows that those before it left a process to it."""
    asked = list(product((WATCH_PAGE, ANY_PAGE), (large_page, declared_large_page, bomb)))
    config = ResolveConfig(timeout_s=5.0, path=serve(lambda client: asked[0][1](client)))

    async def scenario() -> None:
        async with opened() as resolvers:
            while asked:
                url, answer = asked[0]
                result, elapsed_s, watch = await resolve_watched(resolvers, url, config)
                name = f"{url}: {answer.__name__}"
                assert result.failure == "answer_too_large", (name, result)
                assert elapsed_s < DEADLINE_TIMEOUTS * config.timeout_s + ROOM_S, name
                assert watch.peak_bytes < MOST_BYTES, name
                del asked[0]

    asyncio.run(scenario())


@pytest.mark.alone
@pytest.mark.process
@pytest.mark.usefixtures("forked_processes")
def test_expression_that_freezes_is_ended_and_the_crawl_is_awake_meanwhile(
    serve: Callable[[Answer], PathConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It computes for as long as it is let.
    monkeypatch.setattr(module, "DEADLINE_TIMEOUTS", 2)
    config = ResolveConfig(timeout_s=1.0, path=serve(frozen_page))

    async def scenario() -> tuple[tuple[ResolveResult, float, Watch], int, int]:
        async with opened() as resolvers:
            found = await resolve_watched(resolvers, ANY_PAGE, config)
            worker = resolvers._workers[0]
            return found, await worker.run(os.getpid, deadline_s=60), await worker.run(os.getpid, deadline_s=60)

    (result, elapsed_s, watch), first_pid, second_pid = asyncio.run(scenario())
    assert result.failure == "resolve_frozen", result
    assert 2.0 <= elapsed_s < 2.0 + ROOM_S
    assert watch.gap_s < 2.0, "and not for as long as it was frozen"
    assert first_pid == second_pid, "the next process is there"


@pytest.mark.process
@pytest.mark.usefixtures("forked_processes")
@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSEGV])
def test_process_that_is_killed_costs_one_row_and_no_other(serve: Callable[[Answer], PathConfig], fate: int) -> None:
    config = ResolveConfig(timeout_s=1.0, path=serve(silence))

    async def scenario() -> tuple[ResolveResult, ResolveResult]:
        async with opened() as resolvers:
            pid = resolvers._workers[0].pid
            assert pid
            asyncio.get_running_loop().call_later(0.3, os.kill, pid, fate)
            return await resolvers.resolve(WATCH_PAGE, config), await resolvers.resolve(WATCH_PAGE, config)

    killed, after = asyncio.run(scenario())
    assert (killed.failure, killed.failure_detail) == ("worker_died", f"exit code {-fate}")
    assert after.failure in {"resolve_unreachable", "proxy_failed"}


@pytest.mark.process
@pytest.mark.usefixtures("forked_processes")
def test_resolution_that_is_given_up_ends_with_its_process_and_leaves_room(
    serve: Callable[[Answer], PathConfig],
) -> None:
    config = ResolveConfig(timeout_s=5.0, path=serve(silence))

    async def scenario() -> tuple[float, bool, int]:
        async with opened() as resolvers:
            pid = resolvers._workers[0].pid
            assert pid
            task = asyncio.create_task(resolvers.resolve(WATCH_PAGE, config))
            await asyncio.sleep(0.5)
            started_s = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            elapsed_s = time.monotonic() - started_s
            return elapsed_s, resolvers._free.empty(), await resolvers._workers[0].run(os.getpid, deadline_s=60)

    elapsed_s, is_taken, _ = asyncio.run(scenario())
    assert elapsed_s < 4.0 and not is_taken


class FakeWorker:
    """Answers without a process; `trouble` is raised in its place."""

    made: list[FakeWorker] = []  # noqa: RUF012 - reset by the fixture

    def __init__(self, *_: object, **__: object) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.is_started = False
        self.trouble: MeasurementError | None = None
        self.answer = make_resolve()
        self.go_on = asyncio.Event()
        self.replaced_count = 0
        FakeWorker.made.append(self)

    async def start(self) -> None:
        self.is_started = True

    async def replace(self) -> None:
        self.replaced_count += 1

    async def run(
        self, function: object, *given: object, deadline_s: float, on_progress: Callable[[str], None]
    ) -> ResolveResult:
        self.calls.append((*given, deadline_s))
        await self.go_on.wait()
        if self.trouble is not None:
            raise self.trouble
        return self.answer


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[FakeWorker]:
    FakeWorker.made = []
    monkeypatch.setattr(module, "Worker", FakeWorker)
    return FakeWorker.made


@pytest.mark.parametrize(
    ("trouble", "failure"),
    [
        (MeasurementError("deadline", "ended after 80 s"), "resolve_frozen"),
        (MeasurementError("worker_died", OUT_OF_MEMORY), "answer_too_large"),
        (MeasurementError("worker_died", "exit code -9"), "worker_died"),
        (MeasurementError("unknown_failure", "KeyError()"), "unknown_failure"),
    ],
)
def test_end_of_the_process_is_a_failure_of_the_resolution(
    workers: list[FakeWorker], trouble: MeasurementError, failure: str
) -> None:
    async def scenario() -> ResolveResult:
        resolvers = Resolvers(1)
        workers[0].trouble = trouble
        workers[0].go_on.set()
        return await resolvers.resolve(WATCH_PAGE, ResolveConfig(timeout_s=20.0))

    result = asyncio.run(scenario())
    assert (result.failure, result.failure_detail, result.formats) == (failure, trouble.detail, ())
    assert workers[0].calls[0][-1] == 80.0


@pytest.mark.parametrize(("failure", "replaced_count"), [("resolve_frozen", 1), ("resolve_unreachable", 0), (None, 0)])
def test_process_that_still_computes_is_not_the_next_videos(
    workers: list[FakeWorker], failure: str | None, replaced_count: int
) -> None:
    async def scenario() -> None:
        resolvers = Resolvers(1)
        workers[0].answer = make_resolve(failure=failure)
        workers[0].go_on.set()
        assert (await resolvers.resolve(WATCH_PAGE, ResolveConfig())).failure == failure

    asyncio.run(scenario())
    assert workers[0].replaced_count == replaced_count


def test_videos_that_overlap_have_a_process_each_and_others_wait_for_their_turn(workers: list[FakeWorker]) -> None:
    async def scenario() -> list[int]:
        resolvers, config = Resolvers(2), ResolveConfig()
        await resolvers.open()
        assert [worker.is_started for worker in workers] == [True, False]
        for worker in workers:
            worker.go_on.set()
        await resolvers.resolve("alone", config)
        await resolvers.resolve("alone again", config)
        counts = [len(worker.calls) for worker in workers]
        for worker in workers:
            worker.go_on.clear()
        tasks = [asyncio.create_task(resolvers.resolve(name, config)) for name in "abc"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        counts += [len(worker.calls) for worker in workers]
        for worker in workers:
            worker.go_on.set()
        await asyncio.gather(*tasks)
        return [*counts, sum(len(worker.calls) for worker in workers)]

    assert asyncio.run(scenario()) == [2, 0, 3, 1, 5], "the warm one, then both, then whichever is free"


def test_all_processes_hash_guests_with_the_salt_of_the_run(workers: list[FakeWorker]) -> None:
    async def scenario() -> set[object]:
        workers.clear()
        resolvers = Resolvers(2)
        for worker in workers:
            worker.go_on.set()
        await asyncio.gather(*(resolvers.resolve(name, ResolveConfig()) for name in "ab"))
        return {call[2] for worker in workers for call in worker.calls}

    first, second = asyncio.run(scenario()), asyncio.run(scenario())
    assert len(first) == len(second) == 1 and first != second
    assert len(str(first.pop())) == 64


def test_wait_that_the_service_orders_keeps_no_process_from_the_next_video(
    workers: list[FakeWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = make_resolve(formats=(make_format(),), available_wait_s=0.2)
    monkeypatch.setattr(module, "with_ordered_wait", lambda result, _: result)

    async def scenario() -> tuple[float, float]:
        resolvers = Resolvers(1)
        workers[0].answer = ordered
        workers[0].go_on.set()
        started_s = time.monotonic()
        first = asyncio.create_task(resolvers.resolve("a", ResolveConfig()))
        await asyncio.sleep(0.05)
        is_free = not resolvers._free.empty()
        await first
        return time.monotonic() - started_s, is_free

    elapsed_s, is_free = asyncio.run(scenario())
    assert is_free and elapsed_s >= 0.2
