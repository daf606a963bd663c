"""Retention: the bulk goes, the figures stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from pytomo_scrapy.storage.measurements.repository import Repository, VantageFacts
from pytomo_scrapy.storage.measurements.traces import prune
from pytomo_scrapy.storage.schema.crawl_tables import frontier, measurement
from pytomo_scrapy.storage.schema.measurement_tables import arrival_trace, media_timeline, playback_event
from tests.storage.factories import begin, make_item

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def fill(database: Database) -> None:
    repository = Repository(database)
    crawl = open_crawl(database, "youtube", {}, name="c")
    crawl.add_listed([FoundVideo("youtube", "old45678901"), FoundVideo("youtube", "new45678901")], 2)
    run = repository.begin_run(spider="youtube", arguments={}, settings={}, vantage=VantageFacts("here"))
    for age_d in (100, 10):
        claim = crawl.claim()
        assert claim is not None
        started_at = NOW - timedelta(days=age_d)
        repository.save(
            make_item(video_id=claim.video_id, claim_id=claim.id, uuid=f"u{age_d}", started_at=started_at), run, crawl
        )
    crawl.finish_crawl()


def count(database: Database, table: object) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


@pytest.mark.slow
def test_prune_takes_traces_of_old_measurements_only_and_leaves_the_report_as_it_was(each_database: Database) -> None:
    fill(each_database)
    before = summarise(each_database).to_dict()
    traces, timelines = count(each_database, arrival_trace), count(each_database, media_timeline)
    assert traces > 0 and traces % 2 == 0 and count(each_database, playback_event) > 0
    cutoff = NOW - timedelta(days=90)
    promised = prune(each_database, cutoff, is_dry_run=True)
    assert count(each_database, arrival_trace) == traces, "a dry run changes nothing"
    done = prune(each_database, cutoff)
    assert done == promised
    assert count(each_database, arrival_trace) == traces // 2
    assert count(each_database, media_timeline) == timelines // 2
    assert count(each_database, measurement) == 2
    assert summarise(each_database).to_dict() == before
    assert prune(each_database, cutoff) == {}


@pytest.mark.slow
def test_prune_takes_the_frontier_of_a_crawl_that_finished_before(each_database: Database) -> None:
    fill(each_database)
    prune(each_database, NOW - timedelta(days=90))
    assert count(each_database, frontier) > 0, "the crawl finished just now"
    prune(each_database, datetime.now(UTC) + timedelta(days=1))
    assert count(each_database, frontier) == 0


def test_measurement_without_a_start_is_as_old_as_its_storing(each_database: Database) -> None:
    repository, run = begin(each_database)
    repository.save(make_item(started_at=None), run)
    assert prune(each_database, datetime.now(UTC) - timedelta(days=1)) == {}
    assert prune(each_database, datetime.now(UTC) + timedelta(days=1))["arrival_trace"] > 0
    assert count(each_database, arrival_trace) == 0 and count(each_database, measurement) == 1


def test_measurement_without_a_start_is_listed_last(each_database: Database) -> None:
    repository, run = begin(each_database)
    for name, started_at in (("dated", NOW), ("undated", None), ("newest", NOW + timedelta(days=1))):
        repository.save(make_item(uuid=name, started_at=started_at), run)
    assert [row["uuid"] for row in repository.measurements()] == ["newest", "dated", "undated"]
