"""From the service's recorded answers to a replay: what each declared of its player is stored, and played by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yt_dlp
from starlette.testclient import TestClient

from pytomo_scrapy import config
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.playback.declared_video import declared_video
from pytomo_scrapy.measure.playback.window_analysis import simulate_window
from pytomo_scrapy.storage.database import open_database
from tests.commands.conftest import Run
from tests.commands.windows import make_window
from tests.e2e.conftest import query
from tests.measure.resolve.test_resolution import LEAN, Service, load_recording, resolve
from tests.storage.factories import begin, make_item

pytestmark = pytest.mark.process


@dataclass(frozen=True)
class Answer:
    """A recorded answer, how yt-dlp is to ask for it, and the parameters that it declares."""

    recording: str
    asked: dict[str, Any]
    declared: dict[str, float]


VISIONOS = {"start_buffer_s": 1.5, "readahead_min_s": 15.0, "readahead_max_s": 60.0, "readahead_growth": 1.0}
ANDROID = {"start_buffer_s": 1.6, "readahead_min_s": 15.0, "readahead_max_s": 160.0, "readahead_growth": 0.3}
# All formats of the recorded Android answer but one have no URL.
MUXED = {
    "extractor_args": LEAN.replace("visionos", "android") + ";formats=missing_pot",
    "format_selector": "18",
}
ANSWERS = [
    Answer("player_visionos_plain", {}, VISIONOS),
    Answer("player_visionos_60fps", {}, VISIONOS),
    Answer("player_visionos_drc", {}, VISIONOS),
    Answer("player_android_reel", MUXED, ANDROID),
]
# As windows that were measured before this player was there: a replay adds it.
EARLIER = ("classic", "dashjs")


@pytest.fixture(scope="module")
def resolved() -> Callable[[Answer], ResolveResult]:
    """Resolve a recorded answer, once for all tests."""
    found: dict[str, ResolveResult] = {}

    def result_of(answer: Answer) -> ResolveResult:
        if answer.recording not in found:
            recording = load_recording(answer.recording)
            service = Service(lambda client: recording)
            with pytest.MonkeyPatch.context() as changed:
                changed.setattr(yt_dlp.YoutubeDL, "urlopen", lambda ydl, request: service.urlopen(ydl, request))
                found[answer.recording] = resolve(recording["videoDetails"]["videoId"], **answer.asked)
        return found[answer.recording]

    return result_of


@pytest.fixture
def stored(resolved: Callable[[Answer], ResolveResult], tmp_path: Path) -> Callable[..., ResolveResult]:
    """Play a window of a resolved answer as a crawl does, and store both in x.db."""

    def store(answer: Answer, players: tuple[str, ...] = ()) -> ResolveResult:
        result = resolved(answer)
        window, timelines = make_window()
        played = simulate_window(window, timelines, declared_video(result), config.load({}.get).playback)
        kept = tuple(one for one in played if not players or one.player in players)
        database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
        repository, started = begin(database)
        repository.save(make_item(resolve=result, downloads=(window,), timelines=(timelines,), playbacks=kept), started)
        database.close()
        return result

    return store


def rows(path: Path) -> dict[str, tuple[dict[str, float], str | None, float, int]]:
    """Return the parameters, their source, the startup and the mark of validity by player."""
    found = query(path, "SELECT player, parameters, parameters_source, startup_delay_s, is_validated FROM playback")
    return {player: (json.loads(parameters), *figures) for player, parameters, *figures in found}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.recording)
def test_row_of_a_window_has_the_thresholds_that_its_answer_declared(
    answer: Answer, stored: Callable[..., ResolveResult], tmp_path: Path
) -> None:
    result = stored(answer)
    assert result.failure is None
    parameters, source, _, is_validated = rows(tmp_path / "x.db")["youtube"]
    assert {name: parameters[name] for name in answer.declared} == answer.declared
    assert (parameters["readahead_target_s"], parameters["resume_buffer_s"]) == (120.0, 6.0), "declared, the table's"
    assert (source, is_validated) == ("declared", 0)
    assert {name: row[1] for name, row in rows(tmp_path / "x.db").items()} == {
        "classic": None, "dashjs": None, "youtube": "declared",
    }  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.recording)
def test_replay_plays_by_what_each_measurement_declared(
    answer: Answer, stored: Callable[..., ResolveResult], tmp_path: Path, run: Run
) -> None:
    stored(answer, EARLIER)
    path = tmp_path / "x.db"
    moved = json.loads(run("replay", "--player", "youtube", "--json", "--database", path).output)
    assert (moved["added"], moved["compared_with"]) == (1, ["classic", "dashjs"]), "with every player that was stored"
    parameters, source, startup_s, _ = rows(path)["youtube"]
    assert {name: parameters[name] for name in answer.declared} == answer.declared and source == "declared"
    # Both first segments come with the first bytes, at 1.0, and 5 s are enough for either threshold.
    assert startup_s == pytest.approx(1.0 + parameters["start_lag_s"])
    again = json.loads(run("replay", "--player", "youtube", "--json", "--database", path).output)
    assert (again["added"], again["same"]) == (0, 1)


def test_replay_sets_a_parameter_above_what_was_declared(
    stored: Callable[..., ResolveResult], tmp_path: Path, run: Run
) -> None:
    stored(ANSWERS[-1])
    path = tmp_path / "x.db"
    assert run("replay", "--player", "youtube", "--set", "start_buffer_s=6", "--database", path).exit_code == 0
    found = rows(path)
    parameters, source, startup_s, _ = found["youtube start_buffer_s=6"]
    assert (parameters["start_buffer_s"], parameters["readahead_max_s"], source) == (6.0, 160.0, "declared")
    assert found["youtube"][0]["start_buffer_s"] == 1.6 and startup_s > found["youtube"][2]


def test_player_of_the_service_is_reported_and_shown_beside_the_others(
    stored: Callable[..., ResolveResult], tmp_path: Path, run: Run
) -> None:
    stored(ANSWERS[0])
    path = tmp_path / "x.db"
    lines = run("report", "--database", path).output.splitlines()
    assert [line.split()[0] for line in lines if line.split()[:1] in (["classic"], ["dashjs"], ["youtube"])] == [
        "classic", "dashjs", "youtube",
    ]  # fmt: skip
    with TestClient(create_app(DashboardConfig(f"sqlite:///{path}", tmp_path))) as client:
        page = client.get("/measurement/1").text
        lines_of_the_chart = client.get("/api/measurement/1/timeline").json()["players"]
    shown = {name: row for name in ("classic", "dashjs", "youtube") for row in page.split("<tr>") if f">{name}<" in row}
    assert "declared by the service" in shown["youtube"] and "outside the validated conditions" in shown["youtube"]
    assert "its own" in shown["classic"] and "its own" in shown["dashjs"]
    assert [line["player"] for line in lines_of_the_chart] == ["classic", "dashjs", "youtube"]


def test_stored_answer_holds_numbers_and_nothing_signed(stored: Callable[..., ResolveResult], tmp_path: Path) -> None:
    stored(ANSWERS[-1])
    ((text,),) = query(tmp_path / "x.db", "SELECT player_config FROM measurement")
    kept = json.loads(text)
    assert kept["networkProtocolConfig"] == {"useQuic": True}
    common = kept["mediaCommonConfig"]
    assert common["bandwidthEstimationConfig"] == {
        "nearestRankConfig": {"slidingWindowSize": 12, "percentile": 0.25, "scalar": 0.91}
    }
    assert common["sabrClientConfig"]["maxFailureAttemptsBeforeFallback"] == 2
    assert common["mediaFetchRetryConfig"]["backoffFactor"] == 1.3
    assert kept["exoPlayerConfig"]["minDurationForPlaybackRestartMs"] == 5000
    assert "Ustreamer" not in text and "http" not in text


def test_measurement_that_kept_nothing_is_played_by_the_table(
    stored: Callable[..., ResolveResult], tmp_path: Path, run: Run
) -> None:
    stored(ANSWERS[-1], EARLIER)
    path = tmp_path / "x.db"
    database = open_database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE measurement SET player_config = NULL")
    database.close()
    assert run("replay", "--player", "youtube", "--database", path).exit_code == 0
    parameters, source, _, _ = rows(path)["youtube"]
    assert (source, parameters["start_buffer_s"], parameters["readahead_growth"]) == ("table", 1.6, 0.3)
