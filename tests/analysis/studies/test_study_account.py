"""A study in a database: frozen, looked at, changed, and accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from shutil import copyfile

import pytest

from pytomo_scrapy.analysis.compared import compare
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.analysis.studies.account import Account, account_of
from pytomo_scrapy.analysis.studies.freezing import freeze_plan, power_sentence
from pytomo_scrapy.analysis.studies.study_standing import look_again, standing_of
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import StudyMark
from pytomo_scrapy.reporting.studies_table import studies_table
from pytomo_scrapy.reporting.study_text import account_sections, look_section, section_lines
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.study_store import (
    StoredStudy,
    measured_counts,
    note_end,
    note_start,
    read_studies,
    read_study,
)
from pytomo_scrapy.studies.study_plan import Arm, Outcome, Panel, Schedule, StudyPlan
from tests.storage.factories import begin, make_item, make_playback

VIDEOS = tuple(f"https://www.youtube.com/watch?v=video{number:06}" for number in range(24))
ARMS = (Arm("A", {"PYTOMO_IP_FAMILY": "4"}), Arm("B", {"PYTOMO_IP_FAMILY": "6"}))
PLAN = StudyPlan("one", "Is B later?", ARMS, Panel(VIDEOS), Schedule(2), Outcome("startup", 0.2))
AT = datetime(2026, 5, 4, 10, tzinfo=UTC)


def freeze(database: Database, plan: StudyPlan = PLAN, why: str | None = None) -> StoredStudy:
    return freeze_plan(database, plan, "the text", "here", why)


def stored(database: Database) -> StoredStudy:
    with database.read() as connection:
        found = read_study(connection, PLAN.name)
    assert found is not None
    return found


def account_in(database: Database) -> Account:
    with database.read() as connection:
        return account_of(connection, stored(database))


def measure(database: Database, study: StoredStudy, round_number: int, slower: float) -> None:
    """Store a round of both arms; the second arm's startup takes `slower` times as long."""
    repository, run = begin(database)
    drawn = Random(round_number)
    for number, video in enumerate(VIDEOS):
        for arm, factor in (("A", 1.0), ("B", slower)):
            video_id = video.partition("=")[2]
            delay_s = factor * (1 + number / 24) * drawn.uniform(0.8, 1.25)
            mark = StudyMark(
                "one", study.newest.plan_hash, study.newest.version, arm, 0, f"one/{round_number}/{video_id}"
            )
            item = make_item(
                video_id=video_id, study=mark, pass_number=round_number,
                playbacks=(make_playback(startup_delay_s=delay_s),), timelines=(), dns=None, ping=None, networks=(),
                started_at=AT + timedelta(days=round_number, minutes=number),
            )  # fmt: skip
            repository.save(item, run)


@pytest.fixture(scope="module")
def one_round(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose study has begun, and measured a round in which B is slower: to be copied."""
    path = tmp_path_factory.mktemp("study") / "one-round.db"
    database = open_database(f"sqlite:///{path}")
    study = freeze(database)
    note_start(database, study.id)
    measure(database, study, 1, slower=1.5)
    database.close()
    return path


@pytest.fixture
def begun(one_round: Path, tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{copyfile(one_round, tmp_path / 'begun.db')}")
    yield database
    database.close()


@pytest.mark.slow
def test_study_is_looked_at_when_its_plan_says_and_every_other_look_is_kept(begun: Database) -> None:
    database, study = begun, stored(begun)
    assert "200 are needed" in power_sentence(study.newest)
    early, _ = look_again(database, study, "somebody")
    assert (early.is_planned, early.level, early.is_shown) == (False, None, False)
    assert "Nothing is decided" in early.sentence
    measure(database, study, 2, slower=1.5)
    with database.read() as connection:
        assert standing_of(connection, stored(database)).is_due
    last, rows = look_again(database, stored(database), "here")
    assert (last.is_planned, last.round_count, last.row_count, rows.pair_count) == (True, 2, 96, 48)
    assert last.level == pytest.approx(0.05)
    assert last.is_shown and "worse (+" in last.sentence
    [result] = last.results
    assert result["relative_value"] == pytest.approx(0.5, abs=0.2)
    note_end(database, study.id, "finished")
    again, rows = look_again(database, stored(database), "here")
    assert again == stored(database).looks[-1] and len(stored(database).looks) == 2, "the last look is taken once"
    account = account_in(database)
    assert account.status == "finished"
    assert [(arm.stored, arm.valid) for arm in account.arms] == [(48, 48), (48, 48)]
    [deviation] = account.deviations
    assert "looked at 1 time out of plan" in deviation
    text = "\n".join(section_lines("one", [*account_sections(account), look_section(again)]))
    assert study.newest.plan_hash in text and "48 complete pairs" in text
    with database.read() as connection:
        [row] = studies_table(read_studies(connection), measured_counts(connection)).rows
    assert row[:3] == ("one", "Is B later?", "finished") and row[4:7] == ("96", "96", "2 (1 out of plan)")


@pytest.mark.slow
def test_changed_arms_make_a_version_whose_rows_alone_count(begun: Database) -> None:
    database = begun
    changed = replace(PLAN, arms=(ARMS[0], Arm("B", {"PYTOMO_TRANSPORT": "sabr"})))
    with pytest.raises(SettingError, match="differs from version 1, which is in force"):
        freeze(database, changed)
    assert freeze(database, changed, "SABR is asked") == stored(database)
    assert freeze(database, changed).newest.version == 2, "the same plan is no further version"
    measure(database, stored(database), 2, slower=1.0)
    look, rows = look_again(database, stored(database), "here")
    assert look.row_count == 48 and rows.left_out == {"other_version": 48}
    said = " ".join(account_in(database).deviations)
    assert "version 2, after 48 measurements; reason: SABR is asked" in said
    assert "arm 'B'.settings.PYTOMO_TRANSPORT" in said
    assert "48 measurements of earlier versions do not count" in said


def test_panel_is_drawn_once_and_needs_enough_videos(database: Database) -> None:
    repository, run = begin(database)
    for number in range(4):
        repository.save(make_item(video_id=f"video{number:06}"), run)
    plan = replace(PLAN, panel=Panel(count=3))
    drawn = freeze(database, plan)
    repository.save(make_item(video_id="video000009"), run)
    assert freeze(database, plan).newest == drawn.newest
    with pytest.raises(SettingError, match="draws 50 videos, and the database knows 5"):
        freeze(database, replace(PLAN, name="two", panel=Panel(count=50)))


@pytest.mark.slow
def test_arms_compared_elsewhere_before_the_end_are_said_to_be_out_of_plan(begun: Database) -> None:
    database = begun

    def notes() -> Sequence[str]:
        with database.read() as connection:
            return compare(connection, Selection(0, 2**40), "arm").notes

    assert "'one'" in notes()[0] and "out of plan" in notes()[0]
    note_end(database, stored(database).id, "finished")
    assert not notes()
