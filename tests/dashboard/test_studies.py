"""The page of studies: what is planned, and what the plan's own looks said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

from starlette.testclient import TestClient

from pytomo_scrapy.analysis.studies.account import account_of
from pytomo_scrapy.analysis.studies.freezing import freeze_plan
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.reporting.study_text import study_values
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.study_store import Look, note_look, read_study
from pytomo_scrapy.studies.study_plan import Arm, Outcome, Panel, Schedule, StudyPlan

PLAN = StudyPlan(
    "one & two", "Is B <worse>?", (Arm("A", {"PYTOMO_IP_FAMILY": "4"}), Arm("B", {"PYTOMO_IP_FAMILY": "6"})),
    Panel(("https://www.youtube.com/watch?v=dQw4w9WgXcQ",)), Schedule(3), Outcome(),
)  # fmt: skip


def make_look(*, is_planned: bool, sentence: str) -> Look:
    return Look(1, datetime(2026, 5, 4, tzinfo=UTC), "here", is_planned, 1, 2, 0.3, None, [], False, sentence)


def test_page_lists_studies_and_shows_no_look_that_was_not_planned(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    study = freeze_plan(database, PLAN, "the text", "here")
    note_look(database, study.id, make_look(is_planned=True, sentence="B is like A."))
    note_look(database, study.id, make_look(is_planned=False, sentence="Seen too early."))
    database.close()
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'x.db'}"))) as client:
        page = client.get("/studies").text
    assert "one &amp; two" in page and "Is B &lt;worse&gt;?" in page
    assert study.newest.plan_hash[:12] in page and "2 (1 out of plan)" in page
    assert "B is like A." in page and "Seen too early." not in page


def test_page_and_answer_of_a_study_say_what_its_report_says(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    database = open_database(url)
    study = freeze_plan(database, PLAN, "the text", "here")
    note_look(database, study.id, make_look(is_planned=True, sentence="B is like A."))
    note_look(database, study.id, make_look(is_planned=False, sentence="Seen too early."))
    with database.read() as connection:
        found = read_study(connection, PLAN.name)
        assert found is not None
        account = account_of(connection, found)
    database.close()
    with TestClient(create_app(DashboardConfig(url))) as client:
        page = client.get(f"/studies/{study.id}").text
        answer = client.get(f"/api/studies/{study.id}").json()
        [row] = client.get("/api/studies").json()["studies"]
        missing = [client.get(f"{path}/{number}").status_code for path in ("/studies", "/api/studies") for number in
                   (study.id + 1, 10**30)]  # fmt: skip
    assert missing == [404] * 4
    said = unescape(page)
    assert account.deviations and "1 time out of plan" in account.deviations[0]
    for text in (*(text for _, text in (*account.planned, *account.done)), *account.deviations, "B is like A"):
        assert text in said, text
    assert "Seen too early" not in said
    told = json.loads(json.dumps(study_values(found, account, found.outcome), default=str))
    assert [look["sentence"] for look in answer["looks"]] == ["B is like A."] and answer["look_count"] == 2
    assert {name: answer[name] for name in told if name != "looks"} == {
        name: value for name, value in told.items() if name != "looks"
    }
    assert (row["id"], row["status"], row["result"]) == (study.id, account.status, "B is like A.")
