"""What the child of a worker may still do, and what it knows of the one who started it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.lab.launcher import CLOSED
from pytomo_scrapy.measure.worker.confinement import Confinement
from pytomo_scrapy.measure.worker.worker import Worker
from tests.measure.worker import worker_calls as calls
from tests.running import forked
from tests.running.sharing import server_socket

pytestmark = pytest.mark.process

SECRET = "postgresql://pytomo:hunter2@db.example/pytomo"


def run(
    function: Callable[..., object],
    *args: object,
    confinement: Confinement = Confinement.ONLINE,
    deadline_s: float = 20,
) -> object:
    async def scenario() -> object:
        worker = Worker(preload=(), confinement=confinement)
        try:
            return await worker.run(function, *args, deadline_s=deadline_s)
        finally:
            await worker.close()

    return asyncio.run(scenario())


async def in_one_child(*given: tuple[Any, ...], confinement: Confinement = Confinement.ONLINE) -> list[object]:
    """Return what calls come to, one after the other; the class and the words of a failure."""
    worker, found = Worker(preload=(), confinement=confinement), list[object]()
    try:
        for function, *args in given:
            try:
                found.append(await worker.run(function, *args, deadline_s=20))
            except MeasurementError as error:
                found.append(str(error))
    finally:
        await worker.close()
    return found


def test_child_inherits_the_way_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTOMO_DATABASE_URL", SECRET)
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/ca.pem")
    monkeypatch.setenv("PYTHONPATH", str(CLOSED), prepend=os.pathsep)
    environment, home = asyncio.run(in_one_child((calls.own_environment,), (os.getenv, "HOME")))
    assert isinstance(environment, str) and home is None
    assert "hunter2" not in environment and "PYTOMO_DATABASE_URL" not in environment
    assert "https_proxy=http://proxy.example:3128" in environment and "SSL_CERT_FILE=/ca.pem" in environment
    assert f"PYTHONPATH={CLOSED}" in environment, "in the lab it closes itself, as its parent does"
    assert os.environ["PYTOMO_DATABASE_URL"] == SECRET


ALLOWED_ONLINE = {
    "open_a_socket": True,
    "write_a_file": True,
    "remove_a_file": True,
    "read_the_parents_environment": False,
    "start_a_program": False,
    "signal_the_parent": False,
    "read_a_file": None,
}


# What each child is asked besides: to start one takes longer than to ask it.
OTHER_CALLS = {"own_status": (), "take_memory": (5 * 1024**3,)}


@pytest.fixture(scope="module")
def attempted(tmp_path_factory: pytest.TempPathFactory) -> dict[Confinement, dict[str, object]]:
    """What came of every attempt, one child for each confinement; the last one costs it its life."""
    folders = {attempt: tmp_path_factory.mktemp(attempt) for attempt in ALLOWED_ONLINE}
    asked = {attempt: (str(folder),) for attempt, folder in folders.items()} | OTHER_CALLS
    given = [(getattr(calls, name), *args) for name, args in asked.items()]
    found = {}
    for confinement in Confinement:
        for folder in folders.values():
            (folder / "file").write_text("there")
        found[confinement] = dict(zip(asked, asyncio.run(in_one_child(*given, confinement=confinement)), strict=True))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone confines processes so")
@pytest.mark.parametrize("attempt", ALLOWED_ONLINE)
def test_child_is_denied_what_it_does_not_need(attempted: dict[Confinement, dict[str, object]], attempt: str) -> None:
    is_online_allowed = ALLOWED_ONLINE[attempt]
    online = "denied" if is_online_allowed is False else "done"
    assert {confinement: found[attempt] for confinement, found in attempted.items()} == {
        Confinement.OFFLINE: "done" if is_online_allowed is None else "denied",
        Confinement.ONLINE: online,
        # yt-dlp runs the service's scripts in a program of its own.
        Confinement.RESOLVING: "done" if attempt == "start_a_program" else online,
    }


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone shows it so")
@pytest.mark.parametrize("confinement", list(Confinement))
def test_child_gains_no_privileges_and_leaves_no_core(
    attempted: dict[Confinement, dict[str, object]], confinement: Confinement
) -> None:
    status = dict(line.split(":\t", 1) for line in str(attempted[confinement]["own_status"]).splitlines())
    assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")
    assert status["core"] == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not limit addresses")
@pytest.mark.parametrize("confinement", list(Confinement))
def test_child_that_wants_too_much_memory_costs_one_call(
    attempted: dict[Confinement, dict[str, object]], confinement: Confinement
) -> None:
    assert attempted[confinement]["take_memory"] == "worker_died: out of memory"


def test_resolution_that_fills_more_memory_than_it_may_is_ended_while_it_does() -> None:
    started_s = time.monotonic()
    with pytest.raises(MeasurementError, match=r"^worker_died: out of memory$"):
        run(calls.fill_memory, 600 * 1024**2, confinement=Confinement.RESOLVING)
    assert time.monotonic() - started_s < 10


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone limits it so")
def test_program_of_a_resolution_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with pytest.raises(MeasurementError, match="deadline"):
        run(calls.wait_for_a_program, str(path), confinement=Confinement.RESOLVING, deadline_s=2)
    pid = int(path.read_text())
    for _ in range(50):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    pytest.fail("it runs on")


def test_answer_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "run"
    with (
        forked.in_use(server_socket()),
        pytest.raises(MeasurementError, match=r"^worker_died: its answer cannot be used"),
    ):
        run(calls.answer_with_code, str(mark))
    assert not mark.exists()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"null",
        b'["result"]',
        b'["ready", null]',
        b'["result", "not a number"]',
        b'["failed", ["no_such_class", "", ""]]',
        b'["failed", 1]',
        b'["order", "delete"]',
        b"[" * 100_000,
    ],
)
def test_answer_that_is_none_costs_one_call_and_the_next_is_fine(message: bytes) -> None:
    async def scenario() -> int:
        # A broken answer is one whatever process it comes from.
        worker = Worker(preload=())
        try:
            with pytest.raises(MeasurementError, match=r"^worker_died: its answer cannot be used"):
                await worker.run(calls.answer_with, message.hex(), deadline_s=20)
            return await worker.run(calls.add, 1, 1, deadline_s=20)
        finally:
            await worker.close()

    with forked.in_use(server_socket()):
        assert asyncio.run(scenario()) == 2


def test_answer_of_endless_length_is_not_awaited() -> None:
    with forked.in_use(server_socket()), pytest.raises(MeasurementError, match="bytes long"):
        run(calls.announce, 2**60)
