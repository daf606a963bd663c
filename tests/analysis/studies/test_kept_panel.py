"""The drawn panel of a study whose plan is changed: the same videos, unless the panel itself is what changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy.analysis.studies import freezing
from pytomo_scrapy.analysis.studies.freezing import Promise, freeze_plan
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.studies.study_plan import Arm, Outcome, Panel, Schedule, StudyPlan, read_back
from tests.fake_crawler import sqlite_in
from tests.storage.factories import begin, make_item

ARMS = (Arm("A", {"PYTOMO_IP_FAMILY": "4"}), Arm("B", {"PYTOMO_IP_FAMILY": "6"}))
PLAN = StudyPlan("one", "Is B later?", ARMS, Panel(count=3), Schedule(2, seed="7"), Outcome("startup", 0.2))


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(freezing, "promise_of", lambda *_: Promise(None, {"why_not": "not of this test"}))
    opened = open_database(sqlite_in(tmp_path))
    learn(opened, range(4))
    yield opened
    opened.close()


def learn(database: Database, numbers: Sequence[int]) -> None:
    repository, run = begin(database)
    for number in numbers:
        repository.save(make_item(video_id=f"video{number:06}"), run)


def frozen(database: Database, plan: StudyPlan, why: str | None = None) -> tuple[int, Sequence[str]]:
    newest = freeze_plan(database, plan, "the text", "here", why).newest
    return newest.version, read_back(newest.plan_json).videos


def test_change_of_a_plan_draws_no_other_panel_from_a_database_that_knows_more_by_then(database: Database) -> None:
    version, videos = frozen(database, PLAN)
    assert (version, len(videos)) == (1, 3)
    learn(database, range(4, 8))
    changes = (
        replace(PLAN, schedule=Schedule(9, seed="7")),
        replace(PLAN, question="Is B later at night?"),
        replace(PLAN, outcome=Outcome("startup", 0.1)),
        # Another seed is another order, and no other panel.
        replace(PLAN, schedule=Schedule(2, seed="8")),
    )
    for version, changed in enumerate(changes, 2):
        assert frozen(database, changed, "it was too small") == (version, videos)
    version, others = frozen(database, replace(PLAN, panel=Panel(count=5)), "it was too small")
    assert version == 6 and len(set(others)) == 5, "the panel itself was changed"


def test_plan_that_is_the_same_is_no_other_version_although_the_database_knows_more(database: Database) -> None:
    first = frozen(database, PLAN)
    learn(database, range(4, 8))
    assert frozen(database, PLAN) == first


def test_change_that_nobody_explains_names_every_value_that_differs(database: Database) -> None:
    frozen(database, PLAN)
    changed = replace(PLAN, question="Why?", schedule=Schedule(9, seed="7"))
    with pytest.raises(SettingError) as refused:
        frozen(database, changed)
    assert str(refused.value) == (
        'The plan of \'one\' differs from version 1, which is in force. question is "Why?", before "Is B later?". '
        "schedule.rounds is 9, before 2. To go on with it as version 2, say why: --change 'REASON'."
    )


def test_panel_of_more_videos_than_are_known_is_refused_with_both_numbers(database: Database) -> None:
    with pytest.raises(SettingError, match="The plan of 'one' draws 5 videos, and the database knows 4: crawl first"):
        frozen(database, replace(PLAN, panel=Panel(count=5)))
    # Strata of what no video says of itself hold none.
    with pytest.raises(SettingError, match="draws 3 videos, and the database knows 0 with age_days: crawl first"):
        frozen(database, replace(PLAN, panel=Panel((), 3, {"age_days": (30,)})))
