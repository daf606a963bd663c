"""A new player is one module: every command, the report, the page and the document know it then."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from docs import generate
from docs.generators import player_tables
from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.stored_replay import replay
from pytomo_scrapy.commands.plot import choose
from pytomo_scrapy.commands.simulate import simulate_file
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.items import DownloadResult, MediaTimeline, StreamDownload
from pytomo_scrapy.measure.playback import players
from pytomo_scrapy.measure.playback.players.registry import PLAYERS, registered
from pytomo_scrapy.measure.playback.window_replay import replay_window
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.repository import Repository
from tests.storage.factories import begin, make_item, make_resolve

ROOT = Path(__file__).resolve().parents[4]
TOY = '''"""A player for toys: it starts with the first picture, and waits for a second more after a stall."""

from pytomo_scrapy.measure.playback.players.buffered import BufferRule, play
from pytomo_scrapy.measure.playback.player_model import PlayerParameter, Player, media_steps

PARAMETERS = {"resume_s": PlayerParameter(1.0, "s", "media ahead before it resumes", "made up")}


def run(streams, parameters, horizon_s):
    """Start at once, stall when nothing is left."""
    return play(media_steps(streams, horizon_s), BufferRule(0.0, 0.0, lambda _: parameters["resume_s"]), horizon_s)


PLAYER = Player("toy", run, PARAMETERS, declared=lambda config: {"resume_s": config["toy_s"]} if config else {})
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The folder of players with one module more."""
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(players, "__path__", [*players.__path__, str(tmp_path)])
    monkeypatch.setitem(PLAYERS, "toy", registered()["toy"])
    yield "toy"
    del sys.modules[f"{players.__name__}.toy"]


def make_window() -> tuple[DownloadResult, tuple[MediaTimeline, ...]]:
    """Ten seconds of media: five after 1 s, the others after 10 s."""
    counts, seconds = tuple(range(100, 1100, 100)), tuple(float(second) for second in range(1, 11))
    stream = StreamDownload(
        "muxed",
        "18",
        received_bytes=1000,
        size_bytes=1000,
        is_complete=True,
        arrival_s=(1.0, 10.0),
        arrival_bytes=(500, 1000),
    )
    window = DownloadResult(window_s=30.0, elapsed_s=10.0, ended_by="complete", streams=(stream,))
    return window, (MediaTimeline("muxed", "packets", counts, seconds),)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A database with one session that `classic` has played."""
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    repository, run = begin(database)
    window, timelines = make_window()
    classic = replay_window(window, timelines, "classic", {}, "classic")
    assert classic is not None
    resolve = make_resolve(player_config={"toy_s": 2.0})
    item = make_item(resolve=resolve, downloads=(window,), timelines=(timelines,), playbacks=(classic,))
    assert repository.save(item, run).measurement_id == 1
    yield repository
    database.close()


def test_players_are_the_modules_that_declare_one() -> None:
    assert list(PLAYERS) == [
        "classic",
        "dashjs",
        "dashjs-adaptive",
        "exo",
        "progressive",
        "shaka",
        "shaka-adaptive",
        "youtube",
        "youtube-adaptive",
    ]
    assert all(name == player.name for name, player in PLAYERS.items())


def test_new_player_is_in_the_document(toy: str) -> None:
    text = (ROOT / "docs" / "playback.md").read_text(encoding="utf-8")
    fresh = generate.rewritten(text, generate.all_regions() | player_tables.regions())
    assert "### toy\n\nA player for toys: it starts with the first picture" in fresh
    assert "| `resume_s` | 1 | s | media ahead before it resumes | made up |" in fresh


def test_new_player_plays_a_trace_file(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytomo_scrapy.exchange.trace_files._timeline", lambda *_: make_window()[1][0])
    (tmp_path / "media").write_bytes(b"x" * 1000)
    trace = {"window_s": 30, "streams": [{"media": "media", "arrivals": [[1.0, 500], [10.0, 1000]]}]}
    (tmp_path / "trace.json").write_text(json.dumps(trace))
    result = simulate_file(tmp_path / "trace.json", toy, {})
    # Starts with the first bytes at 1.0, plays 5 s, and stands from 6.0 until the others come at 10.0.
    assert (result.startup_delay_s, result.stall_count, result.stalled_s) == (1.0, 1, pytest.approx(4.0))


def test_new_player_is_replayed_reported_drawn_and_shown(toy: str, repository: Repository, tmp_path: Path) -> None:
    moved = replay(repository, toy, {}, {})
    assert (moved.added, moved.to_dict()["compared_with"]) == (1, ["classic"])
    stored = repository.measurement(1)
    assert stored is not None
    drawn = choose(stored["playbacks"], toy, 0)
    assert drawn is not None and drawn["parameters"] == {"resume_s": 2.0}, "as the service declared"
    assert toy in {summary.player for summary in summarise(repository.database).players}
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'x.db'}", tmp_path))) as client:
        assert ">toy<" in client.get("/measurement/1").text.replace(" ", "")
