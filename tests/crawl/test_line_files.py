"""The line as a locked file, as it is where no abstract sockets are, and the waits for it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl import line_lock as module
from pytomo_scrapy.crawl.line_lock import LineHold, LineLock, check_line, lock_of
from pytomo_scrapy.failures import LineError


@pytest.fixture(autouse=True)
def not_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_POLL_S", 0.0)


def settings(**given: object) -> config.Config:
    return config.load(given.get)


def test_name_is_held_by_one_at_a_time_and_free_afterwards(tmp_path: Path) -> None:
    first, second, other = LineLock("home"), LineLock("home"), LineLock("office")
    assert first.take() and not second.take() and other.take()
    assert len(list(tmp_path.iterdir())) == 2
    first.free()
    first.free()
    assert second.take() and not first.take()
    for lock in (first, second, other):
        lock.free()


def test_holder_of_a_file_cannot_be_told_and_the_sentence_does_without() -> None:
    held = LineLock("name home")
    assert held.take() and held.holder() is None
    with pytest.raises(LineError, match=r"^Another crawler measures over this line: .*PYTOMO_LINE"):
        check_line(settings(PYTOMO_LINE="home"))
    held.free()
    check_line(settings(PYTOMO_LINE="home"))  # and gives it back
    check_line(settings(PYTOMO_LINE="home"))


@pytest.mark.parametrize(
    ("given", "is_same"),
    [
        ({"PYTOMO_LINE": "home"}, True),
        ({"PYTOMO_LINE": "office"}, False),
        ({"PYTOMO_LINE": "auto"}, False),
        ({"PYTOMO_LINE": "home", "PYTOMO_SOURCE_ADDRESS": "192.0.2.1"}, True),  # a name goes before an address
    ],
)
def test_line_is_that_of_its_name_or_else_of_its_source_address(given: dict[str, object], is_same: bool) -> None:
    lock, home = lock_of(settings(**given)), lock_of(settings(PYTOMO_LINE="home"))
    assert lock is not None and home is not None and (lock.key == home.key) == is_same


def test_line_that_is_off_is_always_free() -> None:
    check_line(settings(PYTOMO_LINE="off"))
    line = LineHold(lock_of(settings(PYTOMO_LINE="off")))
    line.take()
    asyncio.run(line.take_when_free())
    line.free()


def test_line_taken_by_another_ends_the_start(caplog: pytest.LogCaptureFixture) -> None:
    first, second = LineHold(LineLock("home")), LineHold(LineLock("home"))
    first.take()
    with pytest.raises(LineError):
        second.take()
    first.free()
    second.take()
    second.free()


class Busy(LineLock):
    """A lock that another crawler holds for so many looks."""

    def __init__(self, looks: int) -> None:
        super().__init__("home")
        self.looks = looks

    def take(self) -> bool:
        self.looks -= 1
        return self.looks < 0


@pytest.mark.parametrize(("looks", "line_count"), [(0, 0), (1, 1), (5, 1)])
def test_further_round_waits_with_one_line_in_the_log(
    looks: int, line_count: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="pytomo_scrapy.crawl.line_lock")
    lock = Busy(looks)
    asyncio.run(LineHold(lock).take_when_free())
    assert lock.looks == -1 and caplog.text.count("The round waits") == line_count
