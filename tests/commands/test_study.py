"""`pytomo study`: what it refuses before the first video."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.crawls import find_or_create
from tests.commands.conftest import Run

PLAN = """
name = "one"
question = "Is B later?"
[[arms]]
name = "A"
settings = { PYTOMO_IP_FAMILY = "4" }
[[arms]]
name = "B"
settings = { PYTOMO_IP_FAMILY = "6" }
[panel]
videos = ["https://www.youtube.com/watch?v=dQw4w9WgXcQ"]
[schedule]
rounds = 1
[outcome]
figure = "startup"
smallest_effect = 0.2
"""


def test_second_machine_of_a_plan_without_vantages_is_refused(run: Run, tmp_path: Path) -> None:
    plan, database = tmp_path / "study.toml", tmp_path / "x.db"
    plan.write_text(PLAN, encoding="utf-8")
    opened = open_database(f"sqlite:///{database}")
    find_or_create(opened, "study", {}, "study one", 0, "here")
    opened.close()
    ended = run(
        "study", "run", str(plan), "-s", f"PYTOMO_DATABASE_URL=sqlite:///{database}", "-s", "PYTOMO_VANTAGE=there"
    )
    assert ended.exit_code == 2
    assert "measured at 'here'" in ended.errors and "PYTOMO_VANTAGE=here" in ended.errors
    assert "Traceback" not in ended.errors


@pytest.mark.parametrize("action", ["report", "status"])
def test_study_that_is_not_frozen_is_named(run: Run, tmp_path: Path, action: str) -> None:
    plan = tmp_path / "study.toml"
    plan.write_text(PLAN, encoding="utf-8")
    database = f"PYTOMO_DATABASE_URL=sqlite:///{tmp_path / 'x.db'}"
    ended = run("study", action, str(plan), "-s", database)
    assert ended.exit_code == 3 and "There is no database" in ended.errors
    assert run("db", "upgrade", "-s", database).exit_code == 0
    ended = run("study", action, str(plan), "-s", database)
    assert ended.exit_code == 3 and "'one'" in ended.errors


@pytest.mark.parametrize("action", ["run", "report", "status"])
def test_plan_that_is_not_there_fails_as_any_file_and_leaves_no_database(run: Run, tmp_path: Path, action: str) -> None:
    database = tmp_path / "x.db"
    ended = run("study", action, str(tmp_path / "none.toml"), "-s", f"PYTOMO_DATABASE_URL=sqlite:///{database}")
    assert ended.exit_code == 3
    assert ended.errors.strip().endswith("none.toml cannot be read: No such file or directory.")
    assert not database.exists()


DRAWN = PLAN.replace('videos = ["https://www.youtube.com/watch?v=dQw4w9WgXcQ"]', "count = 5")
AT_ANOTHER_LINE = PLAN.replace("settings = {", 'vantage = "cellar"\nsettings = {')


@pytest.mark.parametrize(
    ("action", "text", "words", "code", "sentence"),
    [
        ("run", PLAN, ("--change", "more videos"), 3, "There is no database"),
        ("new", PLAN, ("--change", "more videos"), 3, "There is no database"),
        ("run", DRAWN, (), 3, "There is no database"),
        ("new", DRAWN, (), 3, "There is no database"),
        ("run", AT_ANOTHER_LINE, (), 2, "no arm for 'attic'"),
    ],
    ids=["run changed", "new changed", "run drawn", "new drawn", "run another line's"],
)
def test_plan_that_cannot_begin_here_leaves_no_database(
    run: Run, tmp_path: Path, action: str, text: str, words: tuple[str, ...], code: int, sentence: str
) -> None:
    plan, database = tmp_path / "study.toml", tmp_path / "x.db"
    plan.write_text(text, encoding="utf-8")
    at = ("-s", f"PYTOMO_DATABASE_URL=sqlite:///{database}", "-s", "PYTOMO_VANTAGE=attic")
    ended = run("study", action, str(plan), *words, *at)
    assert ended.exit_code == code and sentence in ended.errors
    assert "Traceback" not in ended.errors and not database.exists()


def test_change_of_a_plan_that_was_never_frozen_is_refused(run: Run, tmp_path: Path) -> None:
    plan, database = tmp_path / "study.toml", f"PYTOMO_DATABASE_URL=sqlite:///{tmp_path / 'x.db'}"
    plan.write_text(PLAN, encoding="utf-8")
    assert run("db", "upgrade", "-s", database).exit_code == 0
    ended = run("study", "new", str(plan), "--change", "more videos", "-s", database)
    assert ended.exit_code == 2 and "No plan of 'one' is frozen in" in ended.errors
    assert run("study", "new", str(plan), "-s", database).exit_code == 0
