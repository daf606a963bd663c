"""Videos that are measured once more: after a refusal, an outage or a lost lease, and on a later day."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from pytomo_scrapy import items
from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from pytomo_scrapy.storage.measurements.repository import VantageFacts
from tests.storage.factories import (
    STARTED,
    begin,
    make_failed,
    make_item,
)
from tests.storage.measurements.saved_counts import claimed


@pytest.mark.slow
@pytest.mark.parametrize("is_later", [True, False])
def test_of_two_measurements_of_one_pass_the_earlier_is_superseded(each_database: Database, is_later: bool) -> None:
    repository, run = begin(each_database)
    frontier, claim = claimed(each_database)
    first = repository.save(make_item(claim_id=claim.id), run, frontier)
    started_at = STARTED + timedelta(seconds=60 if is_later else -60)
    second = repository.save(make_item(claim_id=claim.id, started_at=started_at), run, frontier)
    assert second.is_superseded is not is_later
    assert [row["id"] for row in repository.measurements()] == [
        second.measurement_id if is_later else first.measurement_id
    ]
    assert frontier.counts().done == 1


@pytest.mark.slow
def test_later_row_that_the_tool_ended_never_supersedes_a_measurement(each_database: Database) -> None:
    repository, run = begin(each_database)
    frontier = open_crawl(each_database, "youtube", {})
    cases = [
        # After a lost lease: what our own side ended never stands before a measurement, whichever began later.
        ("deadline", None, False),
        ("worker_died", "no_progress", False),
        ("unknown_failure", None, False),
        # What the service refused is no measurement either: the later one stands.
        ("deadline", "bot_check", True),
    ]
    found = [FoundVideo("youtube", f"video{number:06}") for number in range(2 * len(cases))]
    frontier.add_listed(found, len(found), is_end=True)
    for (failure, other, is_kept), is_stored_last in product(cases, (True, False)):
        claim = frontier.claim()
        assert claim is not None
        first, last = (other, 0), (failure, 60)
        stored = {}
        for failed, after_s in (first, last) if is_stored_last else (last, first):
            started_at = STARTED + timedelta(seconds=after_s)
            item = make_item(video_id=claim.video_id, claim_id=claim.id, started_at=started_at)
            if failed is not None:
                item.fail(Stage.DOWNLOAD, failed)
            stored[after_s] = repository.save(item, run, frontier).measurement_id
        stands = {row["id"] for row in repository.measurements()} & {*stored.values()}
        assert stands == {stored[60 if is_kept else 0]}, (failure, other, is_stored_last)


@pytest.mark.slow
def test_measurement_keeps_the_age_of_the_video_and_the_time_since_it_last_came_here(each_database: Database) -> None:
    repository, run = begin(each_database)
    there = repository.begin_run(spider="youtube", arguments={}, settings={}, vantage=VantageFacts("there"))
    uploaded_at = STARTED - timedelta(days=3)
    steps = [
        (run, make_item(page=items.PageResult(uploaded_at=uploaded_at, view_count=7)), None),
        # Neither what failed before its media nor what came to another vantage warms a cache here.
        (run, make_failed(Stage.RESOLVE, "bot_check", started_at=STARTED + timedelta(seconds=10)), 10.0),
        (there, make_item(started_at=STARTED + timedelta(seconds=20)), None),
        (run, make_item(started_at=STARTED + timedelta(seconds=60)), 60.0),
        (run, make_item(started_at=STARTED + timedelta(seconds=90)), 30.0),
    ]
    for its_run, item, since_s in steps:
        repository.save(item, its_run)
        full = repository.measurement(item.uuid)
        assert full is not None
        assert full["since_last_measured_s"] == since_s
    first = repository.measurement(steps[0][1].uuid)
    assert first is not None
    assert first["video_age_s"] == 3 * 86400
    assert first["view_count"] == 12, "the resolution's own count comes before the page's"


@pytest.mark.slow
def test_video_that_the_service_refused_is_tried_once_more_and_its_first_row_superseded(
    each_database: Database,
) -> None:
    repository, run = begin(each_database)
    frontier = open_crawl(each_database, "youtube", {}, retries_refused=True)
    frontier.add_listed([FoundVideo("youtube", "abcdefghijk")], 1)
    rows = []
    for second in (0, 60):
        claim = frontier.claim()
        assert claim is not None and frontier.counts().done == 0
        item = make_failed(
            Stage.RESOLVE, "bot_check", claim_id=claim.id, started_at=STARTED + timedelta(seconds=second)
        )
        rows.append(repository.save(item, run, frontier))
        if second == 0:
            # A repeated save, after an answer that was lost, does not use up the second try.
            assert not repository.save(item, run, frontier).is_new
    assert (frontier.claim(), frontier.counts().done) == (None, 1)
    assert [row["id"] for row in repository.measurements()] == [rows[1].measurement_id]


@pytest.mark.slow
def test_failure_that_is_no_refusal_is_done_at_once(each_database: Database) -> None:
    repository, run = begin(each_database)
    frontier = open_crawl(each_database, "youtube", {}, retries_refused=True)
    frontier.add_listed([FoundVideo("youtube", video_id) for video_id in ("abcdefghijk", "bbcdefghijk")], 2)
    # A 429 of a media host is about one file: the service itself did answer.
    for stage, failure in ((Stage.RESOLVE, "private"), (Stage.DOWNLOAD, "http_429")):
        claim = frontier.claim()
        assert claim is not None
        repository.save(make_failed(stage, failure, video_id=claim.video_id, claim_id=claim.id), run, frontier)
    assert frontier.counts().done == 2


@pytest.mark.slow
def test_video_that_an_outage_hit_is_measured_again_and_the_outage_accounted_for(each_database: Database) -> None:
    repository, run = begin(each_database)
    frontier, claim = claimed(each_database)
    outage = {"outage_started_at": STARTED, "outage_ended_at": STARTED + timedelta(seconds=90)}
    hit = make_failed(Stage.RESOLVE, "resolve_unreachable", claim_id=claim.id, **outage)
    repository.save(hit, run, frontier)
    repository.save(hit, run, frontier)  # again, as from the outbox
    again = frontier.claim()
    assert again is not None and (again.id, again.attempt_count) == (claim.id, 1)
    later = make_item(claim_id=claim.id, started_at=STARTED + timedelta(seconds=91))
    saved = repository.save(later, run, frontier)
    assert [row["id"] for row in repository.measurements()] == [saved.measurement_id]
    (found,) = summarise(each_database).outages
    assert (found.duration_s, found.session_count) == (90.0, 1)
    assert frontier.counts().done == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hit", "next_one"), [("no_progress", "worker_died"), (None, "worker_died"), (None, "resolve_unreachable")]
)
def test_window_that_met_an_outage_never_stands_for_its_video(
    each_database: Database, hit: str | None, next_one: str
) -> None:
    repository, run = begin(each_database)
    frontier, claim = claimed(each_database)
    outage = {"outage_started_at": STARTED + timedelta(seconds=12), "outage_ended_at": STARTED + timedelta(seconds=90)}
    met = {"claim_id": claim.id, **outage}
    repository.save(make_failed(Stage.DOWNLOAD, hit, **met) if hit else make_item(**met), run, frontier)
    assert frontier.claim() is not None
    later = make_failed(Stage.DOWNLOAD, next_one, claim_id=claim.id, started_at=STARTED + timedelta(seconds=91))
    saved = repository.save(later, run, frontier)
    assert [row["id"] for row in repository.measurements()] == [saved.measurement_id]
