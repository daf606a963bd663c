"""How far a study is, by its rows: whole rounds, and looks that are due, also of two machines at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier

import pytest

from pytomo_scrapy.analysis.studies import freezing
from pytomo_scrapy.analysis.studies.freezing import Promise, freeze_plan
from pytomo_scrapy.analysis.studies.study_standing import Standing, standing_of
from pytomo_scrapy.items import StudyMark
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.frontier.crawls import find_or_create, hold_alone
from pytomo_scrapy.storage.study_store import Look, StoredStudy, note_look, read_study
from pytomo_scrapy.studies.study_plan import Arm, FrozenPlan, Outcome, Panel, Schedule, StudyPlan
from tests.storage.factories import begin, make_item

VIDEOS = tuple(f"https://www.youtube.com/watch?v=video{number:06}" for number in range(3))
ARMS = (Arm("A", {"PYTOMO_IP_FAMILY": "4"}, vantage="here"), Arm("B", {"PYTOMO_IP_FAMILY": "6"}, vantage="there"))
PLAN = StudyPlan("one", "Is B later?", ARMS, Panel(VIDEOS[:2]), Schedule(4), Outcome("startup", 0.2), looks=(2,))


def stored(database: Database) -> StoredStudy:
    with database.read() as connection:
        found = read_study(connection, PLAN.name)
    assert found is not None
    return found


def standing(database: Database) -> Standing:
    with database.read() as connection:
        return standing_of(connection, stored(database))


def measure(database: Database, round_number: int, counts: Mapping[str, int]) -> None:
    """Store a round under the version in force; `counts` are the videos of each arm."""
    repository, run = begin(database)
    newest = stored(database).newest
    for arm, count in counts.items():
        for video in VIDEOS[:count]:
            video_id = video.partition("=")[2]
            mark = StudyMark("one", newest.plan_hash, newest.version, arm, 0, f"one/{round_number}/{video_id}")
            repository.save(make_item(video_id=video_id, study=mark, pass_number=round_number), run)


def make_look(round_count: int, looked_by: str = "here", version: int = 1) -> Look:
    at = datetime(2026, 5, 5, tzinfo=UTC)
    return Look(version, at, looked_by, True, round_count, 8, 0.5, 0.003, [], False, f"Seen at {looked_by}.")


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ([], Standing(0, is_due=False)),
        ([{"A": 2, "B": 1}], Standing(0, is_due=False)),
        ([{"A": 2, "B": 2}, {"A": 2}], Standing(1, is_due=False)),
        ([{"A": 2, "B": 2}, {"A": 2, "B": 2}], Standing(2, is_due=True)),
    ],
)
def test_round_is_done_when_each_machine_has_all_its_videos(
    database: Database, rounds: Sequence[Mapping[str, int]], expected: Standing
) -> None:
    freeze_plan(database, PLAN, "the text", "here")
    for round_number, counts in enumerate(rounds, 1):
        measure(database, round_number, counts)
    assert standing(database) == expected


def test_look_that_came_a_round_late_is_not_due_again(database: Database) -> None:
    study = freeze_plan(database, PLAN, "the text", "here")
    for round_number in (1, 2, 3):
        measure(database, round_number, {"A": 2, "B": 2})
    assert standing(database) == Standing(3, is_due=True)
    note_look(database, study.id, make_look(3))
    assert standing(database) == Standing(3, is_due=False)
    measure(database, 4, {"A": 2, "B": 2})
    assert standing(database) == Standing(4, is_due=True), "the last look is another one"


def test_look_before_a_change_that_keeps_the_rows_is_not_taken_again(database: Database) -> None:
    study = freeze_plan(database, PLAN, "the text", "here")
    for round_number in (1, 2):
        measure(database, round_number, {"A": 2, "B": 2})
    note_look(database, study.id, make_look(2))
    freeze_plan(database, replace(PLAN, schedule=Schedule(6)), "the text", "here", "two more rounds")
    assert standing(database) == Standing(2, is_due=False)


def test_larger_panel_holds_from_the_round_after_the_change(database: Database) -> None:
    plan = replace(PLAN, schedule=Schedule(2), looks=())
    freeze_plan(database, plan, "the text", "here")
    measure(database, 1, {"A": 1})
    freeze_plan(database, replace(plan, panel=Panel(VIDEOS)), "the text", "here", "one more video")
    measure(database, 1, {"A": 1, "B": 2})
    assert standing(database).rounds_done == 1
    measure(database, 2, {"A": 2, "B": 2})
    assert standing(database) == Standing(1, is_due=False), "the third video is still owed"


def test_two_machines_that_end_a_round_at_once_take_one_look(each_url: str) -> None:
    with_both = [open_database(each_url) for _ in range(2)]
    study = freeze_plan(with_both[0], PLAN, "the text", "here")
    together = Barrier(2)

    def look(database: Database, looked_by: str) -> Look:
        together.wait(30)
        return note_look(database, study.id, make_look(2, looked_by))

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(look, with_both, ("here", "there"))
    assert first == second, "both go on by what the faster one saw"
    assert stored(with_both[0]).looks == [first]
    for database in with_both:
        database.close()


def test_of_two_machines_that_freeze_a_plan_at_once_one_draws_the_panel(
    each_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, run = begin(each_database)
    for number in range(9):
        repository.save(make_item(video_id=f"other{number:06}"), run)
    plan = replace(PLAN, panel=Panel(count=3))
    promise_of = freezing.promise_of

    def promise_while_another_freezes(database: Database, frozen: FrozenPlan) -> Promise:
        monkeypatch.setattr(freezing, "promise_of", promise_of)
        # The other one saw one more video, and drew another panel.
        repository.save(make_item(video_id="another0000"), run)
        freeze_plan(database, plan, "the text", "there")
        return promise_of(database, frozen)

    monkeypatch.setattr(freezing, "promise_of", promise_while_another_freezes)
    found = freeze_plan(each_database, plan, "the text", "here")
    assert found == stored(each_database) and len(found.plans) == 1
    assert found.newest.frozen_by == "there"


def test_of_two_changes_at_once_the_second_says_what_it_changes_of_the_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze_plan(database, PLAN, "the text", "here")
    promise_of = freezing.promise_of

    def promise_while_another_changes(opened: Database, frozen: FrozenPlan) -> Promise:
        monkeypatch.setattr(freezing, "promise_of", promise_of)
        freeze_plan(opened, replace(PLAN, schedule=Schedule(5)), "the text", "there", "one more")
        return promise_of(opened, frozen)

    monkeypatch.setattr(freezing, "promise_of", promise_while_another_changes)
    found = freeze_plan(database, replace(PLAN, schedule=Schedule(6)), "the text", "here", "two more")
    assert [(plan.version, list(plan.changes)) for plan in found.plans] == [
        (1, []), (2, ["schedule.rounds is 5, before 4."]), (3, ["schedule.rounds is 6, before 5."]),
    ]  # fmt: skip


def test_of_two_machines_that_begin_at_once_one_holds_a_study_without_vantages(each_url: str) -> None:
    with_both = [open_database(each_url) for _ in range(2)]
    study = freeze_plan(with_both[0], PLAN, "the text", "here")
    together = Barrier(2)

    def hold(database: Database, vantage: str) -> list[str]:
        together.wait(30)
        return hold_alone(database, study.id, "study one", vantage)

    with ThreadPoolExecutor(2) as threads:
        others = dict(zip(("here", "there"), threads.map(hold, with_both, ("here", "there")), strict=True))
    [holder] = [vantage for vantage, found in others.items() if not found]
    assert others[{"here": "there", "there": "here"}[holder]] == [holder]
    assert hold_alone(with_both[0], study.id, "study one", holder) == [], "it goes on after a kill"
    crawl = find_or_create(with_both[1], "study", {"urls": "3"}, "study one", 3, holder)
    assert (crawl.is_resumed, crawl.pass_number) == (True, 1)
    for database in with_both:
        database.close()
