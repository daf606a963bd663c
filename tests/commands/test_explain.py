"""`pytomo explain`: the verdict over one session, over all, and behind a replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytomo_scrapy.storage.database import open_database
from tests.analysis.autopsy.test_judging import save
from tests.commands.conftest import Run, refused
from tests.storage.factories import begin


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """Six sessions: three good ones, one of a full line, one that was paced, one without evidence."""
    path = tmp_path / "sessions.db"
    database = open_database(f"sqlite:///{path}")
    save(*begin(database))
    database.close()
    return path


def test_one_session_is_explained_with_its_evidence(run: Run, judged: Path) -> None:
    ended = run("explain", "4", "--database", judged)
    assert (ended.exit_code, ended.errors) == (0, "")
    lines = ended.output.splitlines()
    assert lines[0] == "Measurement 4:"
    assert lines[1] == "  stall at 8.0 s, 4.0 s long: access"
    assert lines[2].startswith("    The access line was full at 0.50 Mbit/s: 300 ms to its far end, 10.0 ms when idle")
    assert "round trip to the line's far end 300 ms; the same when idle 10.0 ms; probes" in lines[3]
    assert "_" not in lines[3]


def test_good_session_has_nothing_to_explain(run: Run, judged: Path) -> None:
    ended = run("explain", "1", "--database", judged)
    assert ended.output.strip() == "Measurement 1: a good session, or none of the line. Nothing to explain."


def test_json_of_sessions_has_every_number(run: Run, judged: Path) -> None:
    [four, one] = json.loads(run("explain", "4", "1", "--json", "--database", judged).output)
    assert (four["measurement"], four["verdicts"][0]["cause"]) == (4, "access")
    assert (one["measurement"], one["verdicts"]) == (1, [])


def test_all_sessions_are_counted_by_cause_and_kept(run: Run, judged: Path) -> None:
    tried = run("explain", "--dry-run", "--database", judged).output
    assert run("explain", "--database", judged).output == tried
    assert tried.splitlines()[:4] == [
        "6 sessions, 3 of them bad.",
        "  access       1",
        "  service      1",
        "  unknown      1",
    ]
    assert "Against what was stored:" not in run("explain", "--database", judged).output


def test_replay_explains_behind_its_answer(run: Run, judged: Path) -> None:
    told = json.loads(run("replay", "--explain", "--json", "--dry-run", "--database", judged).output)
    assert told["causes"]["causes"] == {"access": 1, "service": 1, "unknown": 1}


def test_measurement_that_is_not_there_is_refused(run: Run, judged: Path) -> None:
    refused(run("explain", "99", "--database", judged), 2, "There is no measurement 99")
    refused(run("explain", "1", "--where", "crawl=x", "--database", judged), 2, "not both")
