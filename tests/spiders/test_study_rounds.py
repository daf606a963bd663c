"""The end of a study's round: which look is kept, when the study is over, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytomo_scrapy.analysis.studies import freezing, study_standing
from pytomo_scrapy.analysis.studies.freezing import Promise, freeze_plan
from pytomo_scrapy.analysis.studies.study_standing import Standing
from pytomo_scrapy.crawl.study_crawl import StudyCrawl
from pytomo_scrapy.spiders.study_rounds import end_round
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.study_store import Look, StoredStudy, note_end, read_study
from pytomo_scrapy.studies.study_plan import Arm, FrozenPlan, Outcome, Panel, Schedule, StudyPlan
from tests.fake_crawler import sqlite_in

VIDEOS = ("https://www.youtube.com/watch?v=video000001",)
ARMS = (Arm("A", {"PYTOMO_IP_FAMILY": "4"}), Arm("B", {"PYTOMO_IP_FAMILY": "6"}))
PLAN = StudyPlan("one", "Is B later?", ARMS, Panel(VIDEOS), Schedule(4), Outcome("startup", 0.2), looks=(2,))
LOOK = Look(1, datetime(2026, 5, 5, tzinfo=UTC), "here", True, 2, 8, 0.5, 0.003, [], False, "Nothing is shown yet.")


class Round:
    """A study in a database, of which it is said how far it is and what a look would show."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(freezing, "promise_of", lambda *_: Promise(None, {"why_not": "not of this test"}))
        self.database: Database = open_database(sqlite_in(folder))
        study = freeze_plan(self.database, PLAN, "the text", "here")
        frozen = FrozenPlan(PLAN, VIDEOS)
        self.crawl = StudyCrawl(study.id, 1, frozen, "here", ARMS, {}, datetime.now(UTC))
        self._monkeypatch = monkeypatch

    def end(self, number: int, standing: Standing, *, is_shown: bool = False) -> bool:
        look = replace(LOOK, round_count=standing.rounds_done, is_shown=is_shown)
        self._monkeypatch.setattr(study_standing, "standing_of", lambda *_: standing)
        self._monkeypatch.setattr(study_standing, "look_at", lambda *_: (look, None))
        try:
            return end_round(self.database, self.crawl, number)
        finally:
            self.stored = self._stored()
            self.database.close()

    def _stored(self) -> StoredStudy:
        with self.database.read() as connection:
            found = read_study(connection, PLAN.name)
        assert found is not None
        return found


@pytest.fixture
def round_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Round:
    return Round(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("number", "standing", "is_shown", "is_last", "end_reason", "look_rounds"),
    [
        (1, Standing(1, is_due=False), False, False, None, []),
        (2, Standing(2, is_due=True), False, False, None, [2]),
        # The plan's look shows the difference: nothing more is measured.
        (2, Standing(2, is_due=True), True, True, "stopped", [2]),
        (4, Standing(4, is_due=True), False, True, "finished", [4]),
        # After the last round there is nothing to stop.
        (4, Standing(4, is_due=True), True, True, "finished", [4]),
        (4, Standing(4, is_due=False), False, True, "finished", []),
        # Another machine is still at its last round: ours are over, and the study is not.
        (4, Standing(3, is_due=False), False, True, None, []),
        # A look that came a round late, because another machine was.
        (3, Standing(3, is_due=True), True, True, "stopped", [3]),
    ],
)
def test_round_ends_as_the_plan_says(
    round_of: Round,
    number: int,
    standing: Standing,
    is_shown: bool,
    is_last: bool,
    end_reason: str | None,
    look_rounds: list[int],
) -> None:
    assert round_of.end(number, standing, is_shown=is_shown) is is_last
    assert round_of.stored.end_reason == end_reason
    assert [look.round_count for look in round_of.stored.looks] == look_rounds


@pytest.mark.parametrize(("reason", "is_last"), [("stopped", True), ("finished", False)])
def test_study_that_another_machine_stopped_is_over_here_too(round_of: Round, reason: str, is_last: bool) -> None:
    note_end(round_of.database, round_of.crawl.study_id, reason)
    assert round_of.end(2, Standing(2, is_due=False)) is is_last
    assert round_of.stored.end_reason == reason


def test_look_is_told_in_the_log(round_of: Round, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        round_of.end(2, Standing(2, is_due=True))
    assert "Look after round 2: Nothing is shown yet." in caplog.text
