"""A plan that was changed in mid-run is visible in report, method sheet and bundle alike."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.publication.words import paste_text
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import ExportChoice
from pytomo_scrapy.items import StudyMark
from pytomo_scrapy.reporting.bundle import write_bundle
from pytomo_scrapy.reporting.method_sheet import method_sheet
from pytomo_scrapy.reporting.terminal import print_report
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.study_store import Look, NewVersion, freeze, note_look
from tests.pdf_texts import pdf_text
from tests.storage.factories import begin, make_item

NAME = "two lines"
PLANS = ('{"rounds":2}', '{"rounds":3}')
HASHES = tuple(sha256(text.encode()).hexdigest() for text in PLANS)
CHANGE = ["schedule.rounds is 3, before 2."]
DEVIATIONS = ("reason: more rounds): schedule.rounds is 3, before 2.", "The outcome was looked at 1 time out of plan")


@pytest.fixture
def studied(database: Database) -> Database:
    """Three videos under the first version of a plan and two under the second, then a look that nobody had planned."""
    repository, run = begin(database)
    study = None
    for version, (text, videos) in enumerate(zip(PLANS, (range(3), range(3, 5)), strict=True), 1):
        changed = {"changes": CHANGE, "change_reason": "more rounds"} if version == 2 else {}
        new = NewVersion(NAME, HASHES[version - 1], f"rounds = {version + 1}\n", text, "paris", 10 * version)
        study = freeze(database, replace(new, **changed))
        for number in videos:
            mark = StudyMark(NAME, HASHES[version - 1], version, "A", 0, f"pair {number}")
            repository.save(make_item(video_id=f"video{number:06}", study=mark), run)
    assert study is not None
    at = datetime(2026, 5, 5, tzinfo=UTC)
    note_look(database, study.id, Look(2, at, "paris", False, 1, 5, 0.5, None, [], False, "Cannot tell."))
    return database


def test_changed_plan_is_in_report_sheet_and_bundle(studied: Database, tmp_path: Path) -> None:
    published = summarise(studied).publication
    assert published is not None
    (part,) = published.studies
    assert part.row_counts == {1: 3, 2: 2}
    assert part.study.newest.measured_before_count == 3

    console = Console(file=(printed := StringIO()), width=1000, highlight=False)
    print_report(console, summarise(studied), "a database")
    sheet = pdf_text(method_sheet(published))
    write_bundle(studied, tmp_path / "bundle", ExportChoice("csv", "tables", ExportSelection(), license="CC0-1.0"))
    readme = (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")
    for text in (" ".join(printed.getvalue().split()), sheet, readme):
        for version, rows, planned in ((1, "3 rows", 10), (2, "2 rows", 20)):
            assert f"plan version {version} of 2, SHA-256 {HASHES[version - 1]}" in text
            assert f"orders {planned} measurements, power not simulated; {rows} here" in text
        for deviation in DEVIATIONS:
            assert deviation in text, deviation

    (told,) = json.loads((tmp_path / "bundle" / "figures.json").read_text())["studies"]
    assert [(plan["version"], plan["plan_hash"], plan["n"]) for plan in told["plans"]] == [
        (1, HASHES[0], 3), (2, HASHES[1], 2),
    ]  # fmt: skip
    assert told["deviations"] == part.deviations
    for version, text in enumerate(PLANS, 1):
        stem = tmp_path / "bundle" / "plans" / f"1-two-lines-v{version}"
        assert sha256(stem.with_suffix(".json").read_bytes()).hexdigest() == HASHES[version - 1]
        assert (
            stem.with_suffix(".toml").read_text() == f"rounds = {version + 1}\n"
            and text in stem.with_suffix(".json").read_text()
        )
    assert "plans/1-two-lines-v2.toml" in (tmp_path / "bundle" / "SHA256SUMS").read_text()
    assert HASHES[1] in " ".join(paste_text(published))


def test_rows_of_no_study_name_none(database: Database) -> None:
    repository, run = begin(database)
    repository.save(make_item(video_id="video000001"), run)
    published = summarise(database).publication
    assert published is not None and published.studies == []
    assert "planned before" not in " ".join(paste_text(published))
