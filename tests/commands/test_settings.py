"""`pytomo settings`: every setting, the value in force, where it comes from, and no secret."""

from __future__ import annotations

import json

import pytest

from pytomo_scrapy import config
from tests.commands.conftest import Run, refused


def test_every_setting_is_listed_once_with_its_default(run: Run) -> None:
    lines = run("settings").output.splitlines()
    assert [line.split()[0] for line in lines] == list(config.BY_NAME)
    assert all(line.endswith("(default)") for line in lines)
    assert next(line for line in lines if line.startswith("PYTOMO_PACE_S ")).split(maxsplit=1)[1] == "5.0 s  (default)"


def test_what_is_changed_says_where_it_comes_from_and_tells_no_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTOMO_VANTAGE", "attic")
    words = ("--changed", "--json", "-s", "PYTOMO_YOUTUBE_API_KEY=abcdef", "--database", "postgresql://u:hush@h/x")
    ended = run("settings", *words)
    assert "hush" not in ended.output
    assert "abcdef" not in ended.output
    found = {one["name"]: (one["value"], one["comes_from"]) for one in json.loads(ended.output)}
    assert found["PYTOMO_DATABASE_URL"] == ("postgresql://[removed]@h/x", "command line")
    assert found["PYTOMO_YOUTUBE_API_KEY"] == ("[removed]", "command line")


def test_nothing_changed_is_said(run: Run) -> None:
    assert run("settings", "--changed").output == "Every setting is at its default.\n"


def test_one_setting_of_ours_or_of_scrapy_is_shown_raw(run: Run) -> None:
    assert run("settings", "--get", "PYTOMO_DOWNLOAD_WINDOW_S").output == "30.0\n"
    assert run("settings", "--get", "PYTOMO_DOWNLOAD_WINDOW_S", "-s", "PYTOMO_DOWNLOAD_WINDOW_S=8").output == "8\n"
    assert run("settings", "--get", "BOT_NAME").output == "pytomo_scrapy\n"


def test_other_words_are_refused(run: Run) -> None:
    refused(run("settings", "PYTOMO_PACE_S"), 2, "`pytomo settings --get NAME` shows one setting")
