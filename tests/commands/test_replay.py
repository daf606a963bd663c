"""`scrapy replay`: what it plays again, what it adds, and how it says that the answers moved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy.measure.playback.window_replay import replay_window
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.repository import Repository
from tests.commands.conftest import VIDEOS, Run, refused
from tests.commands.windows import make_window
from tests.e2e.conftest import query


def players(path: Path) -> list[str]:
    return [name for (name,) in query(path, "SELECT player FROM playback ORDER BY id")]


def test_replay_of_what_is_stored_says_that_it_came_out_the_same(run: Run, filled: Path) -> None:
    ended = run("replay", "--database", filled)
    assert (ended.exit_code, ended.errors) == (0, "")
    assert ended.output.splitlines() == [
        "2 measurements, 1 of them without a stored trace.",
        "1 stored results of that name came out exactly the same, 0 not.",
        "Against classic, 1 window:",
        "  started          1 -> 1",
        "  startup median   1.0 s -> 1.0 s",
        "  stalls mean      1 -> 1",
        "  stalled mean     9.1 s -> 9.1 s",
    ]
    assert players(filled) == ["classic"]


def test_replay_with_other_parameters_adds_a_result_and_says_how_it_moved(run: Run, filled: Path) -> None:
    ended = run("replay", "--set", "min_buffer_s=4", "--database", filled)
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[1] == "1 results added under the name 'classic min_buffer_s=4'."
    # 12 s from 1.0: dry at 12.9 with a minimum of 0.1, at 9.0 with one of 4. Bytes come again at 22.0.
    assert lines[-1] == "  stalled mean     9.1 s -> 13.0 s"
    assert players(filled) == ["classic", "classic min_buffer_s=4"]


def test_replay_that_comes_out_differently_ends_with_3_and_names_the_figures(run: Run, filled: Path) -> None:
    window, timelines = make_window()
    wrong = replay_window(window, timelines, "shaka", {}, "shaka")
    assert wrong is not None
    database = open_database(f"sqlite:///{filled}")
    Repository(database).add_playback(1, replace(wrong, played_s=1.0))
    database.close()
    ended = run("replay", "--player", "shaka", "--database", filled)
    assert (ended.exit_code, ended.errors) == (3, "")
    assert ended.output.splitlines()[1:3] == [
        "0 stored results of that name came out exactly the same, 1 not.",
        "  measurement 1, window 0: played_s",
    ]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 2),
        (("crawl=spring",), 2),
        (("crawl=autumn",), 0),
        (("service=youtube", "provider=isp"), 2),
        (("service=dailymotion",), 0),
        (("provider=other",), 0),
        ((f"video={VIDEOS[0]}",), 1),
        (("run=1",), 2),
        (("run=2",), 0),
        (("since=2026-05-04T10:20:30",), 2),
        (("since=2026-05-05",), 0),
        (("until=2026-05-05",), 2),
        (("until=2026-05-04",), 0),
    ],
)
def test_replay_is_of_the_measurements_that_were_asked_for(
    run: Run, filled: Path, words: tuple[str, ...], count: int
) -> None:
    wheres = [word for one in words for word in ("--where", one)]
    told = json.loads(run("replay", "--json", "--database", filled, *wheres).output)
    assert told["measurements"] == count


def test_replay_of_nothing_says_so_and_compares_nothing(run: Run) -> None:
    Path("x.db").touch()
    ended = run("replay", "--database", "x.db")
    assert (ended.exit_code, ended.output) == (0, "0 measurements, 0 of them without a stored trace.\n")


def test_replay_writes_p1203_input(run: Run, filled: Path, tmp_path: Path) -> None:
    ended = run("replay", "--player", "dashjs", "--json", "--p1203", "p1203.jsonl", "--database", filled)
    assert json.loads(ended.output)["added"] == 1
    (line,) = (tmp_path / "p1203.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert (told["measurement"], told["place"]) == (1, 0) and told["input"]["I23"]["stalling"]


def test_replay_that_cannot_write_p1203_input_plays_nothing(run: Run, filled: Path) -> None:
    ended = run("replay", "--player", "dashjs", "--p1203", "no/p1203.jsonl", "--database", filled)
    refused(ended, 3, "no/p1203.jsonl cannot be written: No such file or directory.")
    assert players(filled) == ["classic"]
