"""Commands that only read: they create no database, a folder may be read-only, and damage has its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytomo_scrapy.storage import read_only
from tests.commands.conftest import Run, refused
from tests.running.commands import run_command
from tests.running.read_only import NO_MOUNTS

# Each with how it ends where the database cannot be used.
READING = [
    (("report",), 3),
    (("report", "--json"), 3),
    (("report", "--pdf", "out.pdf"), 3),
    (("status",), 3),
    (("export", "out"), 3),
    (("plot", "1", "-o", "out.svg"), 3),
    (("replay", "--dry-run"), 3),
    (("replay",), 3),
]


@pytest.mark.parametrize(("words", "_"), READING)
@pytest.mark.parametrize("place", ["absent.db", "no_folder/absent.db"])
def test_database_that_is_not_there_is_one_sentence_and_3(
    run: Run, words: tuple[str, ...], _: int, place: str, tmp_path: Path
) -> None:
    refused(run(*words, "--database", tmp_path / place), 3, f"There is no database {tmp_path / place}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("words", "_"), READING)
def test_reading_leaves_nothing_beside_the_database(run: Run, words: tuple[str, ...], _: int, filled: Path) -> None:
    before = filled.read_bytes()
    ended = run(*words, "--database", filled)
    assert ended.exit_code == 0, ended.errors
    if words != ("replay",):
        assert filled.read_bytes() == before


def test_dry_run_of_a_replay_says_how_the_answers_move_and_adds_nothing(run: Run, filled: Path) -> None:
    words = ("replay", "--player", "classic", "--set", "initial_buffer_s=4", "--database", filled)
    ended = run(*words, "--dry-run")
    assert "Against" in ended.output and "results added" not in ended.output
    assert "results added" in run(*words).output


@pytest.mark.process
@pytest.mark.parametrize(("words", "exit_code"), READING)
def test_damaged_database_is_called_so_with_what_to_do(
    run: Run, words: tuple[str, ...], exit_code: int, filled: Path
) -> None:
    whole = filled.read_bytes()
    # Every page but the first is lost, which only begins to show when one of them is read.
    filled.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    ended = run(*words, "--database", filled)
    refused(ended, exit_code, f"The database sqlite:///{filled} is damaged")
    assert ".recover" in ended.errors


def test_database_on_a_medium_that_cannot_be_written_is_opened(
    run: Run, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_only, "_can_open", lambda location: False)
    assert run("report", "--database", filled).exit_code == 0


@pytest.mark.process
@pytest.mark.slow
def test_database_in_a_read_only_folder_is_read(filled: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    folder.mkdir(), out.mkdir()
    shutil.move(filled, folder / "p.db")
    commands = ["report", "status", f"export {out}/csv", "replay --player classic", f"plot 1 -o {out}/x.svg"]
    for command in commands:
        words = (*command.split(), "--database", f"{folder}/p.db")
        ended = run_command("tests.running.read_only", str(folder), *words, cwd=out)
        if ended.exit_code == NO_MOUNTS:
            pytest.skip("no mounts of our own on this system")
        assert (ended.exit_code, ended.errors) == (0, ""), command
    assert [path.name for path in folder.iterdir()] == ["p.db"]
