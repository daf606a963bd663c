"""An event loop in a thread, so that blocking clients can talk to the lab's servers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol, TypeVar

import pytest

Result = TypeVar("Result")


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
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=20)

    def serve(self, server: Server) -> Any:
        answer = self.run(server.start())
        self._servers.append(server)
        return answer

    def close(self) -> None:
        for server in self._servers:
            self.run(server.close())
        left = self.run(self._left_over())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=10)
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
