"""A crawl that has begun: storing while the database is away, what is kept meanwhile, what waits from before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DataError, IntegrityError

from pytomo_scrapy import config
from pytomo_scrapy.crawl.crawl_storage import CrawlStorage
from pytomo_scrapy.crawl.gate import Gate
from pytomo_scrapy.crawl.opened_crawl import OpenedCrawl, store_what_waits
from pytomo_scrapy.crawl.outbox import WaitingMeasurement
from pytomo_scrapy.crawl.retrying import Retrying
from pytomo_scrapy.failures import RefusedError, StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.frontier.frontier import OpenCrawl
from tests.factories import make_item, make_resolve
from tests.fake_crawler import sqlite_in

KEPT = Path("/kept/one.measurement")
HERE, ELSEWHERE = OpenCrawl(1, "here", True, 1), OpenCrawl(2, "elsewhere", True, 1)


def away() -> StorageError:
    return StorageError("The database is away.")


def refused(cause: type[Exception]) -> StorageError:
    error = RefusedError("The database refuses the values.")
    error.__cause__ = cause("statement", {}, ValueError("bad"))  # type: ignore[call-arg]
    return error


class Repository:
    """Raises its troubles one after the other, then stores."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.stored: list[tuple[str, str]] = []
        self.ended: list[str] = []

    def save(self, item: VideoItem, run: Any, frontier: Any, *, is_whole: bool = False) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.stored.append((item.video_id, frontier.crawl.name))

    def end_run(self, run: Any, reason: str) -> None:
        self.ended.append(reason)


class Frontier:
    """The frontier of one crawl, or of another of the same database."""

    def __init__(self, crawl: OpenCrawl = HERE) -> None:
        self.crawl = crawl
        self.log: list[str] = []

    def of(self, crawl: OpenCrawl) -> Frontier:
        other = Frontier(crawl)
        other.log = self.log
        return other

    def take_back(self) -> None:
        self.log.append(f"take back in {self.crawl.name}")

    def release_all(self) -> None:
        self.log.append("release all")


class Outbox:
    """Keeps nothing but notes."""

    def __init__(self, *waiting: WaitingMeasurement, path: Path | None = KEPT) -> None:
        self.path, self.log = path, list[str]()
        self._waiting = waiting

    def keep(self, measurement: WaitingMeasurement) -> Path | None:
        self.log.append(f"keep {measurement.item.video_id} of {measurement.crawl.name}")
        return self.path

    def forget(self, path: Path | None) -> None:
        self.log.append(f"forget {path}")

    def waiting(self) -> Iterator[tuple[Path, WaitingMeasurement]]:
        for measurement in self._waiting:
            yield Path(measurement.item.video_id), measurement


def open_over(repository: Repository, outbox: Outbox, frontier: Frontier | None = None) -> OpenedCrawl:
    clock = [0.0]

    async def sleep(seconds: float) -> None:
        clock[0] += seconds

    retrying = Retrying(3.0, lambda: False, clock=lambda: clock[0], sleep=sleep)
    parts: list[Any] = [None, repository, frontier or Frontier(), None, outbox, retrying]
    return OpenedCrawl(*parts)


@pytest.mark.parametrize(
    ("troubles", "path", "notes"),
    [
        ([], KEPT, []),
        # It is written down first, then asked again, and taken away when the database has it.
        ([away()], KEPT, ["keep abcdefghijk of here", f"forget {KEPT}"]),
        ([away(), away(), away()], KEPT, ["keep abcdefghijk of here", f"forget {KEPT}"]),
        ([away(), away()], None, ["keep abcdefghijk of here", "forget None"]),  # no folder took it: memory holds it
    ],
)
def test_measurement_is_stored_at_once_or_when_the_database_is_back(
    troubles: list[Exception], path: Path | None, notes: list[str]
) -> None:
    repository, outbox = Repository(*troubles), Outbox(path=path)
    asyncio.run(open_over(repository, outbox).store(make_item()))
    assert repository.stored == [("abcdefghijk", "here")] and outbox.log == notes


@pytest.mark.parametrize("path", [KEPT, None])
def test_measurement_that_outlasts_the_patience_stays_where_it_is_kept(
    path: Path | None, caplog: pytest.LogCaptureFixture
) -> None:
    repository, outbox = Repository(*[away() for _ in range(20)]), Outbox(path=path)
    with pytest.raises(StorageError, match="away"):
        asyncio.run(open_over(repository, outbox).store(make_item()))
    assert repository.stored == [] and outbox.log == ["keep abcdefghijk of here"]
    assert ("the next run stores it" in caplog.text) == (path is not None)


def test_measurement_that_is_refused_is_neither_kept_nor_asked_for_again() -> None:
    repository, outbox = Repository(refused(DataError), away()), Outbox()
    with pytest.raises(RefusedError):
        asyncio.run(open_over(repository, outbox).store(make_item()))
    assert (outbox.log, len(repository.troubles)) == ([], 1)


def test_end_gives_back_what_is_held_before_the_run_has_its_reason() -> None:
    repository, frontier = Repository(), Frontier()
    open_over(repository, Outbox(), frontier).end("finished")
    assert (frontier.log, repository.ended) == (["release all"], ["finished"])


# What an earlier run kept.


def waiting(video_id: str, crawl: OpenCrawl = HERE) -> WaitingMeasurement:
    return WaitingMeasurement(make_item(video_id=video_id), None, crawl)  # type: ignore[arg-type]


def test_measurement_that_waits_is_stored_in_its_own_crawl_and_forgotten() -> None:
    repository, frontier = Repository(), Frontier()
    outbox = Outbox(waiting("a"), waiting("b", ELSEWHERE))
    store_what_waits(outbox, repository, frontier)  # type: ignore[arg-type]
    assert repository.stored == [("a", "here"), ("b", "elsewhere")]
    # The claim of the dead run is taken back first: its row can then be set done.
    assert frontier.log == ["take back in here", "take back in elsewhere"]
    assert outbox.log == ["forget a", "forget b"]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (refused(IntegrityError), "this database does not take it"),
        (refused(DataError), "this database does not take it"),
        (KeyError("gone_fishing"), "this version cannot store it (KeyError('gone_fishing'))"),
    ],
)
def test_measurement_that_cannot_be_stored_is_left_there_and_the_next_one_is_stored(
    trouble: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    repository, outbox = Repository(trouble), Outbox(waiting("a"), waiting("b"))
    store_what_waits(outbox, repository, Frontier())  # type: ignore[arg-type]
    assert repository.stored == [("b", "here")] and outbox.log == ["forget b"]
    assert "The measurement in a is left there" in caplog.text and words in caplog.text


def test_database_that_is_away_leaves_everything_to_the_patience_of_the_caller() -> None:
    repository, outbox = Repository(away()), Outbox(waiting("a"), waiting("b"))
    with pytest.raises(StorageError):
        store_what_waits(outbox, repository, Frontier())  # type: ignore[arg-type]
    assert (repository.stored, outbox.log) == ([], [])


# The database of a crawl.


def storage_in(folder: Path, **settings: object) -> CrawlStorage:
    given = {"PYTOMO_DATABASE_URL": sqlite_in(folder), "PYTOMO_DATABASE_PATIENCE_S": 0, **settings}
    return CrawlStorage(config.load(given.get), Gate(is_quiet=True), {})


def lose() -> None:
    raise away()


def test_write_that_fails_ends_the_crawl_with_its_first_sentence_and_not_the_caller(tmp_path: Path) -> None:
    storage = storage_in(tmp_path)
    asyncio.run(storage.write(lose))
    storage.fail("A later one.")
    assert storage.failure == "The database is away."
    asyncio.run(storage.close("x"))


@pytest.mark.parametrize("stop", ["failure", "gate"])
def test_crawl_that_ends_asks_once_and_waits_for_nothing(stop: str, tmp_path: Path) -> None:
    storage, asked = storage_in(tmp_path, PYTOMO_DATABASE_PATIENCE_S=600), []

    def ask() -> None:
        asked.append(1)
        raise away()

    storage.fail("Over.") if stop == "failure" else storage._gate.stop()
    with pytest.raises(StorageError):
        asyncio.run(storage.ask(ask))
    assert asked == [1]
    asyncio.run(storage.close("x"))


@pytest.mark.parametrize(("failure", "level"), [(None, "ERROR"), ("The database is away.", "DEBUG")])
def test_end_that_cannot_be_written_is_one_line_and_the_database_is_closed(
    failure: str | None, level: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Opened:
        def end(self, reason: str) -> None:
            lose()

    caplog.set_level("DEBUG", logger="pytomo_scrapy.crawl.crawl_storage")
    storage = storage_in(tmp_path)
    storage._opened, storage.failure, closed = Opened(), failure, []  # type: ignore[assignment]
    close = storage.database.close
    storage.database.close = lambda: closed.append(close())  # type: ignore[method-assign, func-returns-value]
    asyncio.run(storage.close("finished"))
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if "away" in record.getMessage()]
    assert lines == [(level, "The database is away.")] and closed == [None]


@pytest.mark.parametrize(("setting", "kept"), [("0", None), ("1", "192.0.2.1")])
def test_address_of_this_line_is_published_only_where_the_settings_say_so(
    setting: str, kept: str | None, tmp_path: Path
) -> None:
    storage = storage_in(tmp_path, PYTOMO_STORE_PUBLIC_IP=setting)
    item = storage.published(make_item(resolve=make_resolve(client_address="192.0.2.1")))
    assert item.resolve is not None and item.resolve.client_address == kept
    asyncio.run(storage.close("x"))
