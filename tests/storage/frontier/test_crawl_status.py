"""How far crawls are, in figures."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from pytomo_scrapy.items import StudyMark
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.crawl_status import crawl_statuses
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from pytomo_scrapy.storage.measurements.repository import Repository, VantageFacts
from tests.storage.factories import make_item

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.slow
def test_status_counts_what_is_queued_held_and_done_and_tells_the_rate(each_database: Database) -> None:
    frontier = open_crawl(each_database, "youtube", {}, name="c")
    frontier.add_listed([FoundVideo("youtube", f"{number:011d}") for number in range(10)], 10)
    repository = Repository(each_database)
    run = repository.begin_run(
        spider="youtube", arguments={}, settings={}, vantage=VantageFacts("here"), crawl_id=frontier.crawl.id
    )
    for number in range(4):  # one every 90 s: 40 an hour; the first is older than an hour and does not count
        claim = frontier.claim()
        assert claim is not None
        age_s = 5000 if number == 0 else 90 * (4 - number)
        item = make_item(
            video_id=claim.video_id, claim_id=claim.id, uuid=f"u{number}", started_at=NOW - timedelta(seconds=age_s)
        )
        repository.save(item, run, frontier)
    frontier.claim()
    (status,) = crawl_statuses(each_database, now=NOW)
    assert (status.counts.done, status.counts.queued, status.counts.in_flight) == (4, 5, 1)
    assert status.last_hour_count == 3
    assert status.rate_per_h == pytest.approx(40)
    assert status.left_s == pytest.approx(6 * 90)
    assert [(holder.pid, holder.count) for holder in status.holders] == [(os.getpid(), 1)]


@pytest.mark.slow
def test_rate_counts_a_video_of_a_study_once_and_not_its_arms(each_database: Database) -> None:
    frontier = open_crawl(each_database, "study", {}, name="c")
    frontier.add_listed([FoundVideo("youtube", f"{number:011d}") for number in range(5)], 5)
    repository = Repository(each_database)
    run = repository.begin_run(
        spider="study", arguments={}, settings={}, vantage=VantageFacts("here"), crawl_id=frontier.crawl.id
    )
    for number in range(3):  # one every 120 s, whose second arm comes 60 s later
        claim = frontier.claim()
        assert claim is not None
        for arm, later_s in (("a", 0), ("b", 60)):
            item = make_item(
                video_id=claim.video_id, claim_id=claim.id, uuid=f"{arm}{number}", arms_left=int(arm == "a"),
                study=StudyMark("s", arm=arm), started_at=NOW - timedelta(seconds=1000 - 120 * number - later_s),
            )  # fmt: skip
            repository.save(item, run, frontier)
    (status,) = crawl_statuses(each_database, now=NOW)
    assert (status.counts.done, status.counts.queued, status.last_hour_count) == (3, 2, 3)
    assert status.rate_per_h == pytest.approx(30)
    assert status.left_s == pytest.approx(240)


def test_status_leaves_finished_crawls_out_unless_asked(each_database: Database) -> None:
    open_crawl(each_database, "youtube", {}, name="done").finish_crawl()
    open_crawl(each_database, "youtube", {}, name="open")
    assert [status.name for status in crawl_statuses(each_database)] == ["open"]
    assert [status.name for status in crawl_statuses(each_database, has_finished=True)] == ["done", "open"]
    assert [status.name for status in crawl_statuses(each_database, name="done")] == ["done"]
    assert crawl_statuses(each_database)[0].rate_per_h is None
