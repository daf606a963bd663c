"""`scrapy plot`: which playback of which window is drawn, into which file, and what cannot be drawn."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.playback.window_replay import replay_window
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.repository import Repository
from tests.commands.conftest import VIDEOS, Run, refused
from tests.commands.windows import make_window
from tests.storage.factories import begin, make_item


def texts(path: Path) -> list[str]:
    """Return what is written in an SVG picture."""
    tree = ElementTree.fromstring(path.read_bytes())
    return [element.text or "" for element in tree.iter("{http://www.w3.org/2000/svg}text")]


def played(player: str, **changes: Any) -> PlaybackResult:
    window, timelines = make_window()
    result = replay_window(window, timelines, player, {}, player)
    assert result is not None
    return replace(result, **changes)


def stored(path: Path, *playbacks: PlaybackResult, **window: Any) -> Path:
    """Store one measurement with these playbacks of its window."""
    database = open_database(f"sqlite:///{path}")
    repository, run = begin(database)
    download, timelines = make_window()
    item = make_item(downloads=(replace(download, **window),), timelines=(timelines,), playbacks=playbacks)
    assert repository.save(item, run).measurement_id == 1
    database.close()
    return path


@pytest.mark.slow
@pytest.mark.parametrize("key", ["1", f"uuid-{VIDEOS[0]}"])
def test_plot_draws_into_a_file_that_is_named_after_the_measurement(
    run: Run, filled: Path, tmp_path: Path, key: str
) -> None:
    ended = run("plot", key, "--database", filled)
    assert (ended.exit_code, ended.output, ended.errors) == (0, f"measurement-{key}.svg\n", "")
    shown = texts(tmp_path / f"measurement-{key}.svg")
    assert f"youtube {VIDEOS[0]}  2026-05-04 10:20:30 UTC" in shown
    assert any("classic: start 1.00 s, 1 stall of 9.10 s in all, 19.9 s played" in text for text in shown)


@pytest.mark.slow
def test_plot_as_json_says_what_the_picture_shows(run: Run, filled: Path, tmp_path: Path) -> None:
    stated = json.loads(run("plot", "1", "-o", "x.svg", "--json", "--database", filled).output)
    assert stated["file"] == "x.svg" and (tmp_path / "x.svg").exists()
    assert stated["title"] in (tmp_path / "x.svg").read_text()
    assert stated["horizon_s"] > 0 and stated["player"]
    (stream, *_) = stated["streams"]
    assert len(stream["t_s"]) == len(stream["received_bytes"]) > 0


def test_plot_as_png_is_a_picture(run: Run, filled: Path, tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    assert run("plot", "1", "-o", "x.PNG", "--database", filled).output == "x.PNG\n"
    assert (tmp_path / "x.PNG").read_bytes().startswith(b"\x89PNG")


def test_plot_as_png_without_pillow_ends_with_3(
    run: Run, filled: Path, tmp_path: Path, without_module: Callable[[str], None]
) -> None:
    without_module("PIL")
    refused(run("plot", "1", "-o", "x.png", "--database", filled), 3, "PNG needs Pillow (pip install pillow)")
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    ("words", "exit_code", "sentence"),
    [
        (("999",), 2, "There is no measurement 999 in sqlite:///"),
        (("no-such-uuid",), 2, "There is no measurement no-such-uuid in sqlite:///"),
        (("1", "--player", "flash"), 2, "Measurement 1 has no playback 'flash': `pytomo replay --player` adds one"),
        (("1", "--window", "1"), 3, "Measurement 1 has no arrival trace of window 1"),
        (("2",), 3, "Measurement 2 has no arrival trace of window 0"),
        (("1", "-o", "no/x.svg"), 3, "no/x.svg cannot be written: No such file or directory."),
    ],
)
def test_plot_of_what_there_is_not_is_one_sentence(
    run: Run, filled: Path, words: tuple[str, ...], exit_code: int, sentence: str
) -> None:
    refused(run("plot", *words, "--database", filled), exit_code, sentence)


def test_plot_of_a_window_without_an_end_is_refused(run: Run, tmp_path: Path) -> None:
    path = stored(tmp_path / "x.db", ended_by="byte_cap", elapsed_s=None)
    refused(run("plot", "1", "--database", path), 3, "Measurement 1 does not say how long window 0 was")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "subtitle"),
    [
        # The headline player of several, else the one that is named.
        ((), "dashjs: start"),
        (("--player", "classic"), "classic: start"),
    ],
)
def test_plot_draws_the_player_that_is_named_or_the_headlines(
    run: Run, tmp_path: Path, words: tuple[str, ...], subtitle: str
) -> None:
    path = stored(tmp_path / "x.db", played("classic"), played("dashjs"))
    run("plot", "1", *words, "-o", "x.svg", "--database", path)
    assert any(text.startswith(subtitle) for text in texts(tmp_path / "x.svg"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "subtitle"),
    [
        ({"is_validated": True}, "classic: start 1.00 s, 1 stall of 9.10 s in all, 19.9 s played"),
        (
            {"is_validated": False},
            "classic: start 1.00 s, 1 stall of 9.10 s in all, 19.9 s played (outside the validated conditions)",
        ),
        (
            {"is_started": False, "startup_delay_s": None, "played_s": None, "stalls": ()},
            "classic: not started within 30 s",
        ),
    ],
)
def test_plot_says_how_the_playback_went(run: Run, tmp_path: Path, changes: dict[str, Any], subtitle: str) -> None:
    path = stored(tmp_path / "x.db", played("classic", **changes))
    run("plot", "1", "-o", "x.svg", "--database", path)
    assert subtitle in texts(tmp_path / "x.svg")


def test_plot_without_a_playback_draws_what_arrived(run: Run, tmp_path: Path) -> None:
    path = stored(tmp_path / "x.db")
    assert run("plot", "1", "-o", "x.svg", "--database", path).exit_code == 0
    assert "no playback was simulated" in texts(tmp_path / "x.svg")


def test_plot_draws_a_replayed_result_too(run: Run, filled: Path, tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{filled}")
    Repository(database).add_playback(1, played("shaka"))
    database.close()
    run("plot", "1", "--player", "shaka", "-o", "x.svg", "--database", filled)
    assert any(text.startswith("shaka: start") for text in texts(tmp_path / "x.svg"))
