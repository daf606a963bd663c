"""The worker: answers, losses, deadlines, and what happens when either side goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.worker.plain_messages import MAX_MESSAGE_BYTES
from pytomo_scrapy.measure.worker.worker import Worker
from tests.factories import make_item
from tests.measure.worker import worker_calls as calls
from tests.running import forked
from tests.running.sharing import server_socket

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def forked_children(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have the server of commands fork the children: each would import for a quarter of a second what it needs."""
    if request.node.get_closest_marker("spawns") is not None:
        yield
        return
    with forked.in_use(server_socket()):
        yield


@contextlib.asynccontextmanager
async def started_worker() -> AsyncIterator[Worker]:
    worker = Worker(preload=())
    await worker.start()
    try:
        yield worker
    finally:
        await worker.close()


async def failure_of(worker: Worker, function: Callable[..., object], *args: object, deadline_s: float = 20) -> str:
    with pytest.raises(MeasurementError) as caught:
        await worker.run(function, *args, deadline_s=deadline_s)
    return str(caught.value)


@pytest.mark.spawns
def test_worker_run_returns_the_result_of_another_process() -> None:
    async def scenario() -> tuple[int, int, int]:
        async with started_worker() as worker:
            return (
                await worker.run(calls.add, 2, 3, deadline_s=20),
                await worker.run(calls.own_pid, deadline_s=20),
                await worker.run(calls.own_pid, deadline_s=20),
            )

    total, first_pid, second_pid = asyncio.run(scenario())
    assert total == 5
    assert first_pid == second_pid != os.getpid()


@pytest.mark.parametrize(("function", "ending"), [("crash", "exit code -11"), ("leave", "exit code 7")])
def test_worker_that_dies_costs_one_call(function: str, ending: str) -> None:
    async def scenario() -> tuple[str, int]:
        async with started_worker() as worker:
            return await failure_of(worker, getattr(calls, function)), await worker.run(calls.add, 1, 1, deadline_s=20)

    assert asyncio.run(scenario()) == (f"worker_died: {ending}", 2)


@pytest.mark.spawns
def test_worker_killed_in_a_call_costs_one_call() -> None:
    async def scenario() -> tuple[str, int]:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)
            asyncio.get_running_loop().call_later(0.1, os.kill, pid, signal.SIGKILL)
            return await failure_of(worker, calls.hang), await worker.run(calls.add, 1, 1, deadline_s=20)

    assert asyncio.run(scenario()) == ("worker_died: exit code -9", 2)


def test_worker_whose_call_left_a_thread_behind_is_another_one_for_the_next() -> None:
    async def scenario() -> tuple[int, int, int]:
        async with started_worker() as worker:
            return (
                await worker.run(calls.leave_a_thread, 0.0, deadline_s=20),
                await worker.run(calls.leave_a_thread, 60.0, deadline_s=20),
                await worker.run(calls.own_pid, deadline_s=20),
            )

    first, second, third = asyncio.run(scenario())
    assert first == second != third


def test_worker_takes_its_arguments_as_what_the_function_asks_for() -> None:
    item, config = make_item(), ResolveConfig(timeout_s=7.5)

    async def scenario() -> tuple[str, float]:
        async with started_worker() as worker:
            return await worker.run(calls.take_apart, item, config, deadline_s=20)

    assert asyncio.run(scenario()) == (item.video_id, 7.5)


@pytest.mark.parametrize("given", [(calls.add, lambda: 1, 1), (lambda: 1,), (calls.add, "x" * MAX_MESSAGE_BYTES, 1)])
def test_worker_that_cannot_be_told_what_to_do_loses_the_call_and_no_process(given: tuple[Any, ...]) -> None:
    async def scenario() -> tuple[str, bool]:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)
            said = await failure_of(worker, *given)
            return said, pid == await worker.run(calls.own_pid, deadline_s=20)

    said, is_same = asyncio.run(scenario())
    assert said.startswith("worker_died: it cannot be told what to do") and is_same


def test_worker_killed_between_calls_costs_nothing() -> None:
    async def scenario() -> int:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)
            os.kill(pid, signal.SIGKILL)
            assert _is_gone(pid, 30)
            return await worker.run(calls.add, 1, 1, deadline_s=20)

    assert asyncio.run(scenario()) == 2


def test_worker_call_past_its_deadline_ends_with_its_child() -> None:
    async def scenario() -> tuple[str, float, bool, int]:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)
            started = time.monotonic()
            failure = await failure_of(worker, calls.hang, deadline_s=0.3)
            elapsed_s = time.monotonic() - started
            return failure, elapsed_s, psutil.pid_exists(pid), await worker.run(calls.add, 1, 1, deadline_s=20)

    failure, elapsed_s, is_alive, total = asyncio.run(scenario())
    assert failure == "deadline: ended after 0.3 s"
    assert 0.3 <= elapsed_s < 10, "not the minute that it hangs"
    assert not is_alive
    assert total == 2


def test_worker_child_that_was_stopped_until_its_deadline_is_no_hanging_one() -> None:
    async def scenario() -> tuple[str, int]:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)
            asyncio.get_running_loop().call_later(0.1, os.kill, pid, signal.SIGSTOP)
            failure = await failure_of(worker, calls.hang, deadline_s=0.6)
            return failure, await worker.run(calls.add, 1, 1, deadline_s=20)

    said = "probe_paused: the measuring process was stopped; deadline, ended after 0.6 s"
    assert asyncio.run(scenario()) == (said, 2)


def test_time_in_which_the_machine_stood_still_is_none_of_the_deadline() -> None:
    async def scenario() -> tuple[int, str]:
        async with started_worker() as worker:
            await worker.run(calls.own_pid, deadline_s=20)
            # The loop stands still for longer than the call may take, which is done within that time.
            asyncio.get_running_loop().call_later(0.2, time.sleep, 1.5)
            total = await worker.run(calls.add_later, 1, 1, 0.5, deadline_s=1.0)
            asyncio.get_running_loop().call_later(0.1, time.sleep, 1.2)
            return total, await failure_of(worker, calls.hang, deadline_s=0.6)

    total, failure = asyncio.run(scenario())
    assert total == 2
    assert failure.startswith("probe_paused: nothing ran for 1.") and failure.endswith("; deadline, ended after 0.6 s")


def test_worker_lost_while_the_machine_stood_still_is_no_dead_one() -> None:
    async def scenario(ending: int) -> str:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)

            def stand_still() -> None:
                os.kill(pid, ending)
                time.sleep(1.2)

            asyncio.get_running_loop().call_later(0.1, stand_still)
            return await failure_of(worker, calls.hang)

    failure = asyncio.run(scenario(signal.SIGKILL))
    assert failure.startswith("probe_paused: nothing ran for 1.") and failure.endswith("; worker_died, exit code -9")
    # A crash is one whatever happened besides.
    assert asyncio.run(scenario(signal.SIGSEGV)) == "worker_died: exit code -11"


def test_worker_past_its_deadline_leaves_its_spool_to_the_parent(tmp_path: Path) -> None:
    async def scenario() -> str:
        async with started_worker() as worker:
            await worker.run(calls.own_pid, deadline_s=20)
            return await failure_of(worker, calls.hang_with_file, str(tmp_path), deadline_s=0.5)

    assert asyncio.run(scenario()).startswith("deadline")
    spool = tmp_path / "spool"
    assert spool.read_bytes() == b"half of a body"
    spool.unlink()


def test_worker_function_failure_keeps_its_class() -> None:
    async def scenario() -> tuple[str, int]:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)
            failure = await failure_of(worker, calls.fail_with_class)
            assert await worker.run(calls.own_pid, deadline_s=20) == pid
            return failure, pid

    assert asyncio.run(scenario())[0] == "bad_response: as told"


def test_worker_unforeseen_error_is_unknown_and_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> str:
        async with started_worker() as worker:
            return await failure_of(worker, calls.fail_unforeseen)

    assert asyncio.run(scenario()) == "unknown_failure: ValueError('not foreseen')"
    assert "in fail_unforeseen" in caplog.text


def test_worker_unpicklable_result_is_unknown_failure() -> None:
    async def scenario() -> str:
        async with started_worker() as worker:
            return await failure_of(worker, calls.give_unpicklable)

    assert asyncio.run(scenario()).startswith("unknown_failure")


@pytest.mark.alone
def test_worker_large_result_does_not_block_the_event_loop() -> None:
    async def scenario() -> tuple[int, float]:
        async with started_worker() as worker:
            await worker.run(calls.own_pid, deadline_s=20)
            longest_s, last = 0.0, time.monotonic()

            async def watch() -> None:
                nonlocal longest_s, last
                while True:
                    await asyncio.sleep(0.005)
                    longest_s, last = max(longest_s, time.monotonic() - last), time.monotonic()

            watcher = asyncio.create_task(watch())
            os.kill(worker.pid or 0, signal.SIGSTOP)  # a child that stops in mid-answer must not stop us
            asyncio.get_running_loop().call_later(2.0, os.kill, worker.pid, signal.SIGCONT)
            received = await worker.run(calls.give_many_bytes, 20_000_000, deadline_s=20)
            watcher.cancel()
            return len(received), longest_s

    length, longest_s = asyncio.run(scenario())
    assert length == 20_000_000
    assert longest_s < 1.5


def test_worker_progress_reaches_the_callback_in_order() -> None:
    seen: list[int] = []

    async def scenario() -> str:
        async with started_worker() as worker:
            return await worker.run(calls.count_up, 5, deadline_s=20, on_progress=seen.append)

    assert asyncio.run(scenario()) == "done"
    assert seen == [0, 1, 2, 3, 4]


def test_worker_ignores_interrupts() -> None:
    async def scenario() -> str:
        async with started_worker() as worker:
            return await worker.run(calls.interrupt_self, deadline_s=20)

    assert asyncio.run(scenario()) == "still here"


def test_worker_cancelled_call_leaves_a_usable_worker() -> None:
    async def scenario() -> tuple[int, bool]:
        async with started_worker() as worker:
            pid = await worker.run(calls.own_pid, deadline_s=20)
            call = asyncio.create_task(worker.run(calls.hang, deadline_s=20))
            await asyncio.sleep(0.1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return await worker.run(calls.add, 1, 1, deadline_s=20), psutil.pid_exists(pid)

    assert asyncio.run(scenario()) == (2, False)


def test_worker_calls_at_once_take_turns() -> None:
    async def scenario() -> list[int]:
        async with started_worker() as worker:
            return await asyncio.gather(*(worker.run(calls.add, number, 0, deadline_s=20) for number in range(5)))

    assert asyncio.run(scenario()) == [0, 1, 2, 3, 4]


@pytest.mark.spawns
def test_worker_close_ends_a_hanging_child_within_seconds() -> None:
    async def scenario() -> tuple[float, str, bool]:
        worker = Worker(preload=())
        pid = await worker.run(os.getpid, deadline_s=20)
        call = asyncio.create_task(failure_of(worker, calls.hang))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await worker.close()
        return time.monotonic() - started, await call, psutil.pid_exists(pid)

    elapsed_s, failure, is_alive = asyncio.run(scenario())
    assert elapsed_s < 10, "not the minute that it hangs"
    assert failure == "worker_died: the worker was closed"
    assert not is_alive


SCRIPT = """
    import asyncio, os, sys, time
    from pytomo_scrapy.measure.worker.worker import Worker

    def hang():
        time.sleep(60)

    async def main():
        worker = Worker(preload=())
        print(await worker.run(os.getpid, deadline_s=20), flush=True)
        {rest}

    if __name__ == "__main__":
        asyncio.run(main())
"""


def _script(path: Path, rest: str) -> list[str]:
    path.write_text(textwrap.dedent(SCRIPT).format(rest=rest))
    return [sys.executable, str(path)]


def _is_gone(pid: int, timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.02)
                continue
        return True
    return False


def test_worker_of_a_killed_parent_dies_in_mid_call(tmp_path: Path) -> None:
    command = _script(tmp_path / "console_script", "await worker.run(time.sleep, 60, deadline_s=60)")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait(60)
    assert _is_gone(child_pid, 30)


def test_worker_that_was_never_closed_ends_with_the_program_and_never_had_its_modules(tmp_path: Path) -> None:
    command = _script(tmp_path / "console_script", "print(*await worker.run(eval, LOADED, deadline_s=20))")
    head = "import colorsys  # stands for what only the program needs\nLOADED = 'list(__import__(\"sys\").modules)'\n"
    Path(command[1]).write_text(head + Path(command[1]).read_text())
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    pid, *loaded = done.stdout.split()
    assert _is_gone(int(pid), 30)
    assert "pytomo_scrapy.measure.worker.child" in loaded
    assert "colorsys" not in loaded


def test_worker_start_survives_an_interrupt_at_once(tmp_path: Path) -> None:
    command = _script(tmp_path / "console_script", "await worker.close()")
    at_once = "worker = Worker(preload=())\n    await worker.start()\n    os.kill(worker.pid, 2)"
    path = Path(command[1])
    path.write_text(path.read_text().replace("worker = Worker(preload=())", at_once))
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 1
