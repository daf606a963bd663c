"""`scrapy replay` and `scrapy plot` over a database with one stored session."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy.analysis.replay_summary import result_name
from pytomo_scrapy.analysis.stored_replay import replay
from pytomo_scrapy.measure.playback.window_replay import p1203_input, replay_window
from pytomo_scrapy.reporting.session_picture import playhead_points
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.measurements.repository import Repository
from tests.commands.windows import HORIZON_S, make_window
from tests.running.commands import command
from tests.storage.factories import begin, make_item

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[tuple[Repository, int, str]]:
    url = f"sqlite:///{tmp_path / 'pytomo.db'}"
    database: Database = open_database(url)
    repository = Repository(database)
    download, timelines = make_window()
    classic = replay_window(download, timelines, "classic", {}, "classic")
    assert classic is not None
    item = make_item(downloads=(download,), timelines=(timelines,), playbacks=(classic,))
    _, run = begin(database)
    saved = repository.save(item, run)
    yield repository, saved.measurement_id, url
    database.close()


def test_replay_of_the_same_player_gives_exactly_the_stored_figures(stored: tuple[Repository, int, str]) -> None:
    repository, _, _ = stored
    moved = replay(repository, "classic", {}, {})
    assert (moved.measurements, moved.same, moved.added, moved.different) == (1, 1, 0, [])


def test_replay_with_other_parameters_adds_a_result_and_keeps_the_old(stored: tuple[Repository, int, str]) -> None:
    repository, key, _ = stored
    before = repository.measurement(key)
    moved = replay(repository, "classic", {"min_buffer_s": 4.0}, {})
    after = repository.measurement(key)
    assert before is not None and after is not None and moved.added == 1
    assert after["playbacks"][: len(before["playbacks"])] == before["playbacks"]
    assert after["playbacks"][-1]["player"] == result_name("classic", {"min_buffer_s": 4.0}) == "classic min_buffer_s=4"
    # 12 s from 1.0: dry at 12.9 with a minimum of 0.1, at 9.0 with one of 4. Bytes come again at 22.0.
    stalled_s = [row["stalled_s"] for row in after["playbacks"]]
    assert stalled_s == pytest.approx([9.1, 13.0])
    assert moved.to_dict()["against"]["classic"]["stalled_mean_s"] == pytest.approx([9.1, 13.0])


def test_replay_that_comes_out_differently_says_so(stored: tuple[Repository, int, str]) -> None:
    repository, key, _ = stored
    download, timelines = make_window()
    wrong = replay_window(download, timelines, "shaka", {}, "shaka")
    assert wrong is not None
    repository.add_playback(key, replace(wrong, played_s=1.0))
    moved = replay(repository, "shaka", {}, {})
    assert moved.same == 0 and len(moved.different) == 1 and "played_s" in moved.different[0]


def test_replay_filters_leave_others_out(stored: tuple[Repository, int, str]) -> None:
    assert replay(stored[0], "classic", {}, {"service": "dailymotion"}).measurements == 0


def test_p1203_export_places_stalls_in_media_time() -> None:
    download, timelines = make_window()
    result = replay_window(download, timelines, "classic", {}, "classic")
    assert result is not None
    session = p1203_input(result, timelines)
    assert session is not None
    # Started at 1.0; the stall begins after 11.9 s of media and lasts from 12.9 to 22.0.
    assert session["I23"]["stalling"] == [[0.0, 1.0], [pytest.approx(11.9), pytest.approx(9.1)]]
    assert session["I13"]["segments"][0]["resolution"] == "426x240"


@pytest.mark.process
def test_replay_command_prints_its_summary(stored: tuple[Repository, int, str], tmp_path: Path) -> None:
    export = tmp_path / "p1203.jsonl"
    done = run_scrapy("replay", "--player", "dashjs", "--json", "--p1203", str(export), url=stored[2])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["added"] == 1
    assert json.loads(export.read_text())["input"]["I23"]["stalling"]


@pytest.mark.process
def test_plot_command_writes_a_picture(stored: tuple[Repository, int, str], tmp_path: Path) -> None:
    done = run_scrapy("plot", str(stored[1]), "-o", str(tmp_path / "x.svg"), url=stored[2])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.svg").read_bytes().startswith(b"<svg")


def test_playhead_stands_in_stalls_and_ends_with_what_was_played() -> None:
    download, timelines = make_window()
    result = replay_window(download, timelines, "classic", {}, "classic")
    assert result is not None and result.startup_delay_s is not None and result.played_s is not None
    points = playhead_points(result.startup_delay_s, result.played_s, result.stalls, HORIZON_S)
    assert points == [
        (1.0, 0.0),
        (pytest.approx(12.9), pytest.approx(11.9)),
        (pytest.approx(22.0), pytest.approx(11.9)),
        (pytest.approx(30.0), pytest.approx(19.9)),
    ]


def run_scrapy(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    words = command("scrapy", *arguments, "-s", f"PYTOMO_DATABASE_URL={url}")
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
