"""A plan that was changed in mid-run is visible in report, method sheet and bundle alike."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.publication.words import paste_text
from pytomo_scrapy.analysis.studies.account import account_of
from pytomo_scrapy.analysis.studies.freezing import freeze_plan
from pytomo_scrapy.analysis.studies.study_standing import look_again
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import ExportChoice
from pytomo_scrapy.items import StudyMark
from pytomo_scrapy.reporting.bundle import write_bundle
from pytomo_scrapy.reporting.method_sheet import method_sheet
from pytomo_scrapy.reporting.study_text import account_sections, section_lines
from pytomo_scrapy.reporting.terminal import print_report
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.study_store import Look, note_look, note_start, read_study
from pytomo_scrapy.studies.study_plan import Arm, Outcome, Panel, Schedule, StudyPlan
from tests.pdf_texts import pdf_text
from tests.storage.factories import STARTED, begin, make_item

NAME = "two lines"
ARMS = (Arm("A", {"PYTOMO_IP_FAMILY": "4"}), Arm("B", {"PYTOMO_IP_FAMILY": "6"}))
VIDEOS = tuple(f"https://www.youtube.com/watch?v=video{number:06}" for number in range(5))
PLAN = StudyPlan(NAME, "Is B later?", ARMS, Panel(VIDEOS), Schedule(1), Outcome("startup", 0.2))
TEXTS = ("rounds = 1\n", "rounds = 2\n")


@pytest.fixture
def studied(database: Database) -> Database:
    """A round of five videos, a change to two rounds in its middle, and a look that nobody had planned."""
    repository, run = begin(database)
    study = freeze_plan(database, PLAN, TEXTS[0], "paris")
    note_start(database, study.id)
    for version, videos in ((1, VIDEOS[:3]), (2, VIDEOS[3:])):
        if version == 2:
            study = freeze_plan(database, replace(PLAN, schedule=Schedule(2)), TEXTS[1], "paris", "more rounds")
        for video_id in (video.partition("=")[2] for video in videos):
            for arm in ("A", "B"):
                mark = StudyMark(NAME, study.newest.plan_hash, version, arm, 0, f"pair {video_id}")
                repository.save(make_item(video_id=video_id, study=mark), run)
    # An arm measured once more, half an afternoon later: what only the study's own rows tell.
    mark = StudyMark(NAME, study.newest.plan_hash, 2, "B", 0, f"pair {video_id}")
    repository.save(make_item(video_id=video_id, study=mark, started_at=STARTED + timedelta(hours=3)), run)
    look_again(database, study, "paris")
    return database


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_study_report_sheet_and_bundle_say_the_same(studied: Database, tmp_path: Path) -> None:
    with studied.read() as connection:
        study = read_study(connection, NAME)
        assert study is not None
        account = account_of(connection, study)
    assert [plan.version for plan in study.plans] == [1, 2]
    told = squeezed("\n".join(section_lines(NAME, account_sections(account))))
    published = summarise(studied).publication
    assert published is not None
    console = Console(file=(printed := StringIO()), width=4000, highlight=False)
    print_report(console, summarise(studied), "a database")
    write_bundle(studied, tmp_path / "bundle", ExportChoice("csv", "tables", ExportSelection(), license="CC0-1.0"))
    readme = (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")
    sheet = pdf_text((tmp_path / "bundle" / "method-sheet.pdf").read_bytes())
    texts = {"report": squeezed(printed.getvalue()), "sheet": sheet, "bundle": squeezed(readme)}
    for where, text in texts.items():
        for plan, rows in zip(study.plans, ("6 rows", "5 rows"), strict=True):
            assert f"plan version {plan.version} of 2, SHA-256 {plan.plan_hash}" in text, where
            assert f"orders {plan.planned_count} measurements, power not simulated; {rows} here" in text, where
        for sentence in account.deviations:
            assert sentence in text and sentence in told, (where, sentence)
        for name, value in account.done:
            assert f"{name[0].lower()}{name[1:]}: {value}" in text and f"{name}: {value}" in told, (where, name)
        for arm in account.arms:
            assert f"arm {arm.arm}: {arm.words}" in text and f"Arm {arm.arm}: {arm.words}" in told, where
        assert "after round" not in text, "it was seen too early"
    deviated = " ".join(account.deviations)
    assert "reason: more rounds): schedule.rounds is 2, before 1." in deviated and "1 time out of plan" in deviated
    assert "1 pair were measured more than an hour apart" in deviated


def test_bundle_holds_plans_and_account_of_a_study(studied: Database, tmp_path: Path) -> None:
    with studied.read() as connection:
        study = read_study(connection, NAME)
        assert study is not None
        account = account_of(connection, study)
    write_bundle(studied, tmp_path / "bundle", ExportChoice("csv", "tables", ExportSelection(), license="CC0-1.0"))
    (told,) = json.loads((tmp_path / "bundle" / "figures.json").read_text())["studies"]
    assert [(plan["version"], plan["plan_hash"], plan["n"]) for plan in told["plans"]] == [
        (1, study.plans[0].plan_hash, 6), (2, study.plans[1].plan_hash, 5),
    ]  # fmt: skip
    assert told["deviations"] == account.deviations and told["status"] == "under way"
    assert [tuple(pair) for pair in told["done"]] == account.done
    assert [arm["stored"] for arm in told["arms"]] == [5, 6]
    assert [look["sentence"] for look in told["looks"]] == [look.sentence for look in study.looks]
    for plan, text in zip(study.plans, TEXTS, strict=True):
        stem = tmp_path / "bundle" / "plans" / f"1-two-lines-v{plan.version}"
        assert sha256(stem.with_suffix(".json").read_bytes()).hexdigest() == plan.plan_hash
        assert stem.with_suffix(".toml").read_text() == text
    assert "plans/1-two-lines-v2.toml" in (tmp_path / "bundle" / "SHA256SUMS").read_text()
    published = summarise(studied).publication
    assert published is not None and study.newest.plan_hash in " ".join(paste_text(published))


def test_outcome_of_a_planned_look_is_in_the_sheet(studied: Database) -> None:
    with studied.read() as connection:
        study = read_study(connection, NAME)
    assert study is not None
    look = Look(2, STARTED, "paris", True, 2, 10, 1.0, 0.05, [], False, "B against A, startup: cannot tell.")
    note_look(studied, study.id, look)
    published = summarise(studied).publication
    assert published is not None
    assert f"after round 2, 100 % of the planned pairs; planned, level 5 %: {look.sentence}" in pdf_text(
        method_sheet(published)
    )


def test_rows_of_no_study_name_none(database: Database) -> None:
    repository, run = begin(database)
    repository.save(make_item(video_id="video000001"), run)
    published = summarise(database).publication
    assert published is not None and published.studies == []
    assert "planned before" not in " ".join(paste_text(published))
