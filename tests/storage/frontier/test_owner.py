"""Whether the holder of a lease is dead: every combination of machine, boot, container, host and process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from pytomo_scrapy.storage.frontier import owner as module
from pytomo_scrapy.storage.frontier.owner import Owner, is_dead, this_process

STARTED = {7: "100"}  # the processes that run here, and since when


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_machine", lambda: "boot-1/container-1")
    monkeypatch.setattr(module, "_started", STARTED.get)
    monkeypatch.setattr("socket.gethostname", lambda: "here")


def make_owner(**overrides: Any) -> Owner:
    values = {"token": "t", "host": "here", "machine": "boot-1/container-1", "pid": 7, "process_started": "100"}
    return Owner(**{**values, **overrides})


@pytest.mark.parametrize(
    ("overrides", "dead", "dead_on_one_file"),
    [
        ({}, False, False),
        ({"pid": 8}, True, True),  # it has ended
        ({"process_started": "99"}, True, True),  # its number was given to another
        ({"machine": "boot-1/container-2"}, None, None),  # there the same number is another process
        ({"host": "elsewhere"}, None, None),
        # Another boot: another machine, or this one before it was started anew. One file is of one machine.
        ({"machine": "boot-2/container-1"}, None, True),
        ({"machine": "boot-2/container-1", "host": "elsewhere"}, None, True),
        ({"machine": ""}, None, None),  # not on Linux: nothing told it
    ],
)
def test_owner_is_dead_only_where_that_can_be_known(
    overrides: dict[str, Any], dead: bool | None, dead_on_one_file: bool | None
) -> None:
    assert is_dead(make_owner(**overrides)) is dead
    assert is_dead(make_owner(**overrides), is_same_machine=True) is dead_on_one_file


@pytest.mark.parametrize(
    ("overrides", "dead"),
    [({"machine": ""}, False), ({"machine": "", "pid": 8}, True), ({"machine": "boot-1/c"}, None)],
)
def test_owner_where_no_boot_is_told_is_known_by_its_host(
    overrides: dict[str, Any], dead: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_machine", lambda: "")
    assert is_dead(make_owner(**overrides), is_same_machine=True) is dead


def test_process_describes_itself_with_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 7)
    one, two = this_process(), this_process()
    assert one == make_owner(token=one.token) and one.token != two.token
    monkeypatch.setattr("os.getpid", lambda: 8)
    assert this_process().process_started == ""


# What the system tells of a process. Field 22 of /proc/PID/stat is its start; the name may hold anything.


def stat_line(state: str = "S", started: str = "4711", name: str = "python") -> str:
    return f"7 ({name}) {state} {' '.join(str(number) for number in range(18))} {started} 0 0"


class Proc:
    """A /proc of our own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.undo()
        monkeypatch.setattr(module, "Path", lambda name: folder / str(name).removeprefix("/proc/"))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proc:
    return Proc(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("line", "started"),
    [
        (stat_line(), "4711"),
        (stat_line(name="a (b) c) d"), "4711"),
        (stat_line("Z"), None),  # ended, and nobody waited for it
        (stat_line("X"), None),
        ("7 (python) S 1 2", None),  # cut
        ("", None),
    ],
)
def test_start_of_a_process_is_read_from_the_kernel(line: str, started: str | None, proc: Proc) -> None:
    proc.write("self/stat", stat_line())
    proc.write("7/stat", line)
    assert module._started(7) == started
    assert module._started(8) is None


def test_start_of_a_process_elsewhere_is_what_psutil_says(proc: Proc, monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        def __init__(self, pid: int) -> None:
            if pid != 7:
                raise psutil.NoSuchProcess(pid)

        def create_time(self) -> float:
            return 1_700_000_000.6

    monkeypatch.setattr(psutil, "Process", Process)
    assert (module._started(7), module._started(8)) == ("1700000001", None)


def test_machine_is_its_boot_and_its_container(proc: Proc) -> None:
    assert module._machine() == ""
    proc.write("sys/kernel/random/boot_id", "a-boot\n")
    proc.write("self/ns/pid", "")
    boot, _, namespace = module._machine().partition("/")
    assert boot == "a-boot" and namespace == str((proc.folder / "self/ns/pid").stat().st_ino)
