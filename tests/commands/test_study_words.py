"""`pytomo study` from its first plan to its account: what is written, asked of the crawl, told, and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.cli import scrapy_commands
from pytomo_scrapy.crawl.study_crawl import StudyCrawl
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.study_store import StoredStudy, note_end, read_study
from tests.commands.conftest import Ended, Run, refused
from tests.commands.test_crawl_and_measure import FakeProcess, FakeStats
from tests.commands.test_study import PLAN
from tests.fake_crawler import sqlite_in

NOT_PROMISED = (
    "Power: Not promised: the database holds 0 sessions with this figure, and 200 are needed to simulate the study."
)


@dataclass
class Study:
    """A plan in a file, a database, and the crawls that were asked for."""

    run: Run
    folder: Path
    reason: str = "finished"
    processes: list[FakeProcess] = field(default_factory=list)
    settings: list[Any] = field(default_factory=list)

    @property
    def plan(self) -> Path:
        return self.folder / "study.toml"

    def write(self, **changes: str) -> None:
        text = PLAN
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        self.plan.write_text(text, encoding="utf-8")

    def do(self, action: str, *words: str, vantage: str = "here") -> Ended:
        names = {"DATABASE_URL": f"sqlite:///{self.folder / 'x.db'}", "LINE": "off", "VANTAGE": vantage}
        at = [word for name, value in names.items() for word in ("-s", f"PYTOMO_{name}={value}")]
        return self.run("study", action, self.plan, *words, *at)

    def crawl(self, settings: Any) -> FakeProcess:
        process = FakeProcess(FakeStats(self.reason))
        self.processes.append(process)
        self.settings.append(settings)
        return process

    def stored(self) -> StoredStudy:
        database = open_database(f"sqlite:///{self.folder / 'x.db'}")
        with database.read() as connection:
            found = read_study(connection, "one")
        database.close()
        assert found is not None
        return found

    def end(self, reason: str) -> None:
        database = open_database(f"sqlite:///{self.folder / 'x.db'}")
        note_end(database, self.stored().id, reason)
        database.close()


@pytest.fixture
def study(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    sqlite_in(tmp_path)
    found = Study(run, tmp_path)
    found.write()
    monkeypatch.setattr(scrapy_commands, "AsyncCrawlerProcess", found.crawl)
    return found


def test_new_writes_a_plan_to_be_changed_and_says_what_to_run_then(study: Study) -> None:
    study.plan.unlink()
    ended = study.do("new")
    told = f"A plan to be changed is in {study.plan}. Then: pytomo study new {study.plan}\n"
    assert (ended.exit_code, ended.output, ended.errors) == (0, told, "")
    # The panel of that plan is a file, which nobody has written yet.
    refused(study.do("new"), 2, "videos.txt cannot be read (No such file or directory).")


def test_plan_that_cannot_be_written_is_one_sentence_and_3(run: Run, tmp_path: Path) -> None:
    refused(
        run("study", "new", tmp_path / "none" / "x.toml"), 3, "x.toml cannot be written: No such file or directory."
    )


def test_new_freezes_the_plan_once_and_a_change_of_it_with_its_reason(study: Study) -> None:
    first = study.do("new")
    version, plan_hash, power = first.output.splitlines()
    assert (version, power) == ("Study one, version 1: 2 measurements.", NOT_PROMISED)
    assert plan_hash == f"Hash: {study.stored().newest.plan_hash}"
    assert study.do("new") == first, "the same plan again is no other version"
    study.write(**{"rounds = 1": "rounds = 2"})
    refused(study.do("new"), 2, "schedule.rounds is 2, before 1. To go on with it as version 2, say why: --change")
    changed = study.do("new", "--change", "more rounds")
    assert changed.output.startswith("Study one, version 2: 4 measurements.\n")
    assert [plan.change_reason for plan in study.stored().plans] == [None, "more rounds"]


def test_run_gives_the_spider_the_frozen_plan_and_this_machines_arms(study: Study) -> None:
    ended = study.do("run")
    (process,), (settings,) = study.processes, study.settings
    newest = study.stored().newest
    assert ended.exit_code == 0 and ended.output == ""
    assert ended.errors.splitlines() == [f"Study one, version 1, plan {newest.plan_hash[:12]}", NOT_PROMISED]
    ((spider, arguments),) = process.asked
    begun: Any = arguments["_study"]
    assert spider == "study" and isinstance(begun, StudyCrawl) and list(arguments) == ["_study"]
    assert (begun.version, begun.vantage, begun.frozen.plan_hash) == (1, "here", newest.plan_hash)
    assert {name: own.path.family for name, own in begun.configs.items()} == {"A": "4", "B": "6"}
    # A video's arms follow each other: the next video waits.
    assert settings.getint("PYTOMO_FRONTIER_AHEAD") == 1
    assert study.stored().started_at is not None


@pytest.mark.parametrize(
    ("reason", "exit_code"), [("finished", 0), ("data_cap", 0), ("shutdown", 130), ("line_taken", 3)]
)
def test_run_ends_as_its_crawl_does(study: Study, reason: str, exit_code: int) -> None:
    study.reason = reason
    assert study.do("run").exit_code == exit_code


def test_run_goes_on_under_the_plan_that_was_frozen_first(study: Study) -> None:
    study.do("run")
    started_at = study.stored().started_at
    study.do("run")
    assert study.stored().started_at == started_at and len(study.stored().plans) == 1


@pytest.mark.parametrize("reason", ["finished", "stopped"])
def test_study_that_is_over_is_not_run_again_and_goes_on_under_a_changed_plan(study: Study, reason: str) -> None:
    study.do("new")
    study.end(reason)
    refused(study.do("run"), 2, f"The study 'one' is over here: pytomo study report {study.plan} shows it.")
    assert study.processes == []
    study.write(**{"rounds = 1": "rounds = 2"})
    assert study.do("run", "--change", "more rounds").exit_code == 0 and len(study.processes) == 1


def test_arms_of_other_machines_are_not_run_here(study: Study) -> None:
    study.write(**{'name = "A"': 'name = "A"\nvantage = "attic"', 'name = "B"': 'name = "B"\nvantage = "cellar"'})
    assert study.do("run", vantage="cellar").exit_code == 0
    begun: Any = study.processes[0].asked[0][1]["_study"]
    assert [arm.name for arm in begun.arms] == list(begun.configs) == ["B"]
    refused(
        study.do("run", vantage="roof"), 2,
        "The plan of 'one' has no arm for 'roof': PYTOMO_VANTAGE must be one of attic, cellar.",
    )  # fmt: skip


def test_status_says_how_far_a_study_is_and_looks_at_nothing(study: Study) -> None:
    study.do("run")
    ended = study.do("status")
    assert (ended.exit_code, ended.errors) == (0, "")
    lines = [line.strip() for line in ended.output.splitlines()]
    assert {"Study one", "Rounds: 0 of 1", "Measurements: 0 of 2", "Panel: 1 video, listed"} <= set(lines)
    assert "Found" not in lines and study.stored().looks == []
    told = json.loads(study.do("status", "--json").output)
    assert (told["name"], told["plan_version"], told["looks"]) == ("one", 1, [])
    assert [arm["stored"] for arm in told["arms"]] == [0, 0]


def test_every_report_is_a_look_that_is_kept_and_told_of_later(study: Study) -> None:
    study.do("run")
    text = study.do("report").output
    assert "Found\n  Look: after round 0, 0 % of the planned pairs; not planned: it is kept in the database" in text
    assert "B against A, median time to the first picture: cannot tell, too few sessions (0 and 0)." in text
    told = json.loads(study.do("report", "--json").output)
    assert [look["is_planned"] for look in told["looks"]] == [False, False]
    assert "The outcome was looked at 2 times out of plan" in study.do("status").output
    assert [look.looked_by for look in study.stored().looks] == ["here", "here"]


@pytest.mark.parametrize("action", ["status", "report"])
def test_account_of_another_plan_than_the_file_says_so(study: Study, action: str) -> None:
    study.do("new")
    assert study.do(action).errors == ""
    study.write(**{"Is B later?": "Is B later at night?"})
    ended = study.do(action)
    assert ended.errors == f"{study.plan} is not the plan in force, which is version 1.\n"
    assert "Question: Is B later?\n" in ended.output, "that of the plan in force"


@pytest.mark.parametrize("words", [(), ("run",), ("fly", "x.toml"), ("run", "x.toml", "y.toml")])
def test_words_that_name_no_action_or_plan_are_one_sentence(run: Run, words: tuple[str, ...]) -> None:
    refused(run("study", *words), 2, "Say what to do with which plan: pytomo study new|run|status|report FILE.toml")


def spoil_syntax(plan: Path) -> None:
    plan.write_text("name = ", encoding="utf-8")


def spoil_arms(plan: Path) -> None:
    plan.write_text(PLAN.replace('"6"', '"4"'), encoding="utf-8")


@pytest.mark.parametrize("action", ["new", "run", "status", "report"])
@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [(spoil_syntax, "is no TOML"), (spoil_arms, "measure in the same way: there is nothing to compare.")],
)
def test_plan_that_is_not_usable_is_one_sentence_whatever_is_done_with_it(
    study: Study, action: str, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(study.plan)
    refused(study.do(action), 2, sentence)
    assert study.processes == []
