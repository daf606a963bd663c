"""A differential test from its consent to its row, with windows that are made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl import differential_run
from pytomo_scrapy.crawl.differential_run import Onlooker, judge_again, run_test
from pytomo_scrapy.crawl.line_lock import lock_of
from pytomo_scrapy.failures import LineError, RefusedError, SettingError, StorageError
from pytomo_scrapy.measure.comparing.name_pairs import PairsPlan
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan
from pytomo_scrapy.pages.urls import VideoRef
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.differential_store import read_test, read_tests
from pytomo_scrapy.storage.measurements.repository import Repository
from tests.analysis.differentiation.test_differential_verdict import windows

VIDEO = VideoRef("youtube", "abcdefghijk", "https://www.youtube.com/watch?v=abcdefghijk")
MEDIA = FetchPlan("https://rr1---sn-one.googlevideo.com/v", "192.0.2.1", 5.0, 1000)


def settings(**more: object) -> config.Config:
    values = {"PYTOMO_DIFFERENTIAL_CONSENT": "1", "PYTOMO_VANTAGE": "attic", "PYTOMO_LINE": "off", **more}
    return config.load(values.get)


@pytest.fixture
def database(tmp_path: Path) -> Any:
    opened = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    yield opened
    opened.close()


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[PairsPlan]:
    """What was to be measured. Half the rate comes under the service's name."""
    asked: list[PairsPlan] = []

    def measure(plan: PairsPlan, needed: Any, _tell: Any) -> Any:
        asked.append(plan)
        found = windows(20, 4e6)
        needed(found)
        return tuple(found)

    monkeypatch.setattr(differential_run, "resolve_video", lambda *_: None)
    monkeypatch.setattr(differential_run, "find_media", lambda *_: MEDIA)
    monkeypatch.setattr(differential_run, "measure_pairs", measure)
    return asked


def test_nothing_is_sent_without_consent(database: Database, plans: list[PairsPlan]) -> None:
    with pytest.raises(SettingError, match=r"under a name that is not theirs \(www.example.com\).*--consent"):
        run_test(VIDEO, settings(PYTOMO_DIFFERENTIAL_CONSENT="0"), database, Onlooker())
    assert plans == []
    assert not config.Config().differential.has_consent


def test_test_is_stored_whole_and_read_back(database: Database, plans: list[PairsPlan]) -> None:
    said: list[tuple[int, int]] = []
    stored = run_test(VIDEO, settings(), database, Onlooker(needs=lambda *counts: said.append(counts)))
    with database.read() as connection:
        found = read_test(connection, stored.id)
        [listed] = read_tests(connection)
    assert found is not None and found.test == stored.test
    assert [replace(one, fetch=replace(one.fetch, sample_bytes=())) for one in found.windows] == [
        replace(one, fetch=replace(one.fetch, sample_bytes=())) for one in stored.windows
    ]
    assert [tuple(one.fetch.sample_bytes) for one in found.windows] == [
        one.fetch.sample_bytes for one in stored.windows
    ]
    assert (listed.id, listed.windows, listed.test) == (stored.id, (), stored.test)
    test = stored.test
    assert (test.judged.verdict, test.judged.pair_count, test.needed_pair_count) == ("slower", 20, 20)
    assert (test.host, test.address, test.neutral_name) == (MEDIA.target.host, "192.0.2.1", "www.example.com")
    assert said == [(20, 60)]
    [plan] = plans
    assert (plan.first_pairs, plan.most_pairs, plan.seed) == (20, 60, test.uuid)


def test_stored_windows_are_judged_again(database: Database, plans: list[PairsPlan]) -> None:
    stored = run_test(VIDEO, settings(), database, Onlooker())
    again = judge_again(database, stored.id)
    assert again is not None and again.test == stored.test
    assert judge_again(database, stored.id + 1) is None


def test_tests_are_in_no_figure_and_in_the_days_bytes(database: Database, plans: list[PairsPlan]) -> None:
    stored = run_test(VIDEO, settings(), database, Onlooker())
    with database.read() as connection:
        for table in ("measurement", "figure", "download", "run"):
            assert connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar() == 0
    total = sum(one.fetch.received_bytes for one in stored.windows)
    repository, begin = Repository(database), datetime(2020, 1, 1, tzinfo=UTC)
    assert repository.received_bytes_since("attic", begin) == total
    assert repository.received_bytes_since("cellar", begin) == 0


class Away:
    """A database that is away for some saves, by a clock that sleeping alone moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int, error: StorageError) -> None:
        self.now_s, self.slept_s, self.failures = 0.0, [0.0], failures
        self.save, self.error = differential_run.save_test, error
        clock = SimpleNamespace(monotonic=lambda: self.now_s, sleep=self.sleep)
        monkeypatch.setattr(differential_run, "time", clock)
        monkeypatch.setattr(differential_run, "save_test", self.saved)

    def sleep(self, length_s: float) -> None:
        self.slept_s.append(length_s)
        self.now_s += length_s

    def saved(self, *given: Any) -> int:
        self.failures -= 1
        # A commit whose answer is lost: it is stored, and nobody knows.
        if self.failures == 0:
            self.save(*given)
        if self.failures >= 0:
            raise self.error
        return self.save(*given)


def test_database_that_is_away_at_the_end_is_waited_for_and_the_test_stored_once(
    database: Database, plans: list[PairsPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, 6, StorageError("The database is away."))
    said: list[str] = []
    stored = run_test(VIDEO, settings(), database, Onlooker(waits=said.append))
    assert said == ["The database is away. The test waits up to 600 s for it to be stored."]
    assert away.slept_s == [0, 0.5, 1, 2, 4, 5, 5]
    with database.read() as connection:
        [found] = read_tests(connection)
    assert (found.id, found.test) == (stored.id, stored.test) and len(plans) == 1


def test_database_that_stays_away_ends_the_wait_with_its_error(
    database: Database, plans: list[PairsPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, 10_000, StorageError("The database is away."))
    with pytest.raises(StorageError, match="is away"):
        run_test(VIDEO, settings(PYTOMO_DATABASE_PATIENCE_S="20"), database, Onlooker())
    assert away.now_s == 20


def test_database_that_refuses_a_test_is_not_asked_again(
    database: Database, plans: list[PairsPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, 10_000, RefusedError("No."))
    with pytest.raises(RefusedError):
        run_test(VIDEO, settings(), database, Onlooker())
    assert away.slept_s == [0]


def test_same_test_twice_is_stored_once(
    each_database: Database, plans: list[PairsPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    Away(monkeypatch, 1, StorageError("The answer to the commit was lost."))
    number = run_test(VIDEO, settings(), each_database, Onlooker()).id
    with each_database.read() as connection:
        assert [one.id for one in read_tests(connection)] == [number]


def test_data_cap_bounds_the_pairs(database: Database, plans: list[PairsPlan]) -> None:
    small = {"PYTOMO_DIFFERENTIAL_MAX_BYTES": "1000000"}
    with pytest.raises(SettingError, match="20 pairs of PYTOMO_DIFFERENTIAL_MAX_BYTES=1000000 may take 40000000"):
        run_test(VIDEO, settings(PYTOMO_DATA_CAP_BYTES_PER_DAY="39000000", **small), database, Onlooker())
    run_test(VIDEO, settings(PYTOMO_DATA_CAP_BYTES_PER_DAY="41000000", **small), database, Onlooker())
    assert [plan.room_bytes for plan in plans] == [41_000_000]


@pytest.mark.process
def test_line_that_a_crawler_holds_is_not_tested(database: Database, plans: list[PairsPlan]) -> None:
    named = settings(PYTOMO_LINE="line of this test")
    lock = lock_of(named)
    assert lock is not None and lock.take()
    with pytest.raises(LineError):
        run_test(VIDEO, named, database, Onlooker())
    lock.free()
    assert plans == [] and run_test(VIDEO, named, database, Onlooker()).id == 1
