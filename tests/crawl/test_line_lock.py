"""One crawler a line: who holds it, and that it is free in the moment that its holder dies."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl.line_lock import LineHold, LineLock, check_line, lock_of
from pytomo_scrapy.failures import LineError

pytestmark = pytest.mark.process

NAME = f"test of {os.getpid()}"
HOLD = (
    "import sys; from pytomo_scrapy.crawl.line_lock import LineLock\n"
    "lock = LineLock(sys.argv[1]); print(lock.take(), flush=True); input()"
)


def settings(**values: object) -> config.Config:
    return config.load(values.get)


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, f"name {NAME}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_line_is_taken_once_and_another_line_is_another() -> None:
    first, second, other = LineLock(NAME), LineLock(NAME), LineLock(NAME + " too")
    assert first.take() and not second.take() and other.take()
    first.free()
    assert second.take()
    second.free()
    other.free()


def test_line_of_a_killed_holder_is_free_at_once(holder: subprocess.Popen[str]) -> None:
    same_line = settings(PYTOMO_LINE=NAME)
    with pytest.raises(LineError, match=rf"process {holder.pid}\) measures over this line"):
        check_line(same_line)
    with pytest.raises(LineError):
        LineHold(lock_of(same_line)).take()
    holder.kill()
    holder.wait()
    check_line(same_line)


def test_further_round_waits_until_the_line_is_free(holder: subprocess.Popen[str]) -> None:
    async def round_after_another() -> bool:
        line = LineHold(lock_of(settings(PYTOMO_LINE=NAME)))
        waiting = asyncio.create_task(line.take_when_free())
        await asyncio.sleep(0.1)
        was_waiting = not waiting.done()
        holder.kill()
        await asyncio.wait_for(waiting, 30)
        line.free()
        return was_waiting

    assert asyncio.run(round_after_another())


def test_source_addresses_are_lines_of_their_own_and_off_means_no_lock() -> None:
    here, there = (lock_of(settings(PYTOMO_SOURCE_ADDRESS=address)) for address in ("127.0.0.1", "127.0.0.2"))
    assert here is not None and there is not None and here.key != there.key
    assert lock_of(settings(PYTOMO_LINE="off")) is None
    LineHold(None).take()


BIND = (
    "import os, socket, sys\n"
    "os.setuid(12345)\n"
    "held = [socket.socket(socket.AF_UNIX) for _ in sys.argv[2:]]\n"
    "for one, name in zip(held, sys.argv[2:]):\n"
    "    one.bind(chr(0) + name)\n"
    "    if sys.argv[1] == 'listens': one.listen(8)\n"
    "print('held', flush=True); input()"
)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another user")
@pytest.mark.parametrize("how", ["listens", "is silent"])
@pytest.mark.parametrize("count", [1, 2])
def test_other_user_cannot_keep_a_crawl_from_its_line(how: str, count: int, caplog: pytest.LogCaptureFixture) -> None:
    lock, second = LineLock(f"squatted {NAME}"), LineLock(f"squatted {NAME}")
    words = [sys.executable, "-c", BIND, how, *lock._names()[:count]]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as squatter:
        assert squatter.stdout is not None and squatter.stdout.readline() == "held\n"
        assert lock.take()
        if count == 1:
            assert not second.take(), "our own crawlers are kept apart by the name of our own"
            assert second.holder() == os.getpid()
        else:
            assert "Another user's process holds the name of this line" in caplog.text
        lock.free()
        squatter.kill()
