"""The arms of a study: each measures a video once, and a claim ends with the last of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from pytomo_scrapy.items import StudyMark, VideoItem
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo, Frontier, open_crawl
from pytomo_scrapy.storage.measurements.arms import measured_arms
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.measurement_tables import figure
from tests.storage.factories import begin, make_item

STUDY = "two lines"
AT = datetime(2026, 5, 4, 10, tzinfo=UTC)


def queue(database: Database) -> tuple[Frontier, Claim]:
    frontier = open_crawl(database, "study", {}, retries_refused=True)
    frontier.add_listed([FoundVideo("youtube", "video000001")], 1, is_end=True)
    claim = frontier.claim()
    assert claim is not None
    return frontier, claim


def make_arm(claim: Claim, arm: str, arms_left: int, **overrides: Any) -> VideoItem:
    mark = StudyMark(STUDY, "0" * 64, 1, arm, 1 - arms_left, f"{STUDY}/1/{claim.video_id}")
    return make_item(video_id=claim.video_id, claim_id=claim.id, study=mark, arms_left=arms_left, **overrides)


def arms_measured(database: Database, claim: Claim) -> frozenset[str]:
    with database.read() as connection:
        return measured_arms(connection, STUDY, claim.id)


def test_claim_ends_with_its_last_arm_and_both_count(each_database: Database) -> None:
    frontier, claim = queue(each_database)
    repository, run = begin(each_database, crawl_id=frontier.crawl.id)
    repository.save(make_arm(claim, "A", 1, uuid="a"), run, frontier)
    assert frontier.counts().done == 0
    assert arms_measured(each_database, claim) == {"A"}
    repository.save(make_arm(claim, "B", 0, uuid="b"), run, frontier)
    assert frontier.counts().done == 1
    with each_database.read() as connection:
        rows = connection.execute(select(measurement).order_by(measurement.c.id)).all()
        flat = connection.execute(select(figure).order_by(figure.c.measurement_id)).all()
    assert [(row.arm, row.is_superseded, row.plan_version, row.arm_order) for row in rows] == [
        ("A", False, 1, 0),
        ("B", False, 1, 1),
    ]
    assert {row.pair_id for row in rows} == {f"{STUDY}/1/video000001"}
    assert [(row.study_name, row.arm) for row in flat] == [(STUDY, "A"), (STUDY, "B")]


def test_an_arm_measured_again_supersedes_that_arm_only(each_database: Database) -> None:
    frontier, claim = queue(each_database)
    repository, run = begin(each_database, crawl_id=frontier.crawl.id)
    for uuid, arm in (("a", "A"), ("b", "B"), ("c", "A")):
        repository.save(make_arm(claim, arm, 1, uuid=uuid), run, frontier)
    with each_database.read() as connection:
        rows = connection.execute(select(measurement.c.uuid, measurement.c.is_superseded)).all()
    assert {row.uuid: row.is_superseded for row in rows} == {"a": True, "b": False, "c": False}


def test_arm_that_met_an_outage_is_asked_for_again_and_the_other_is_not(each_database: Database) -> None:
    frontier, claim = queue(each_database)
    repository, run = begin(each_database, crawl_id=frontier.crawl.id)
    repository.save(make_arm(claim, "A", 1, uuid="a", outage_started_at=AT), run, frontier)
    repository.save(make_arm(claim, "B", 0, uuid="b"), run, frontier)
    again = frontier.claim()
    assert again is not None and again.id == claim.id
    assert arms_measured(each_database, claim) == {"B"}
    repository.save(make_arm(claim, "A", 0, uuid="c"), run, frontier)
    assert frontier.counts().done == 1
