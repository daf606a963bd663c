"""A differential test from its consent to its row, with windows that are made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl import differential_run
from pytomo_scrapy.crawl.differential_run import Onlooker, judge_again, run_test
from pytomo_scrapy.crawl.line_lock import lock_of
from pytomo_scrapy.failures import LineError, SettingError
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
