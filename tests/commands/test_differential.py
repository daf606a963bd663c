"""`pytomo differential`: consent, what is shown, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.crawl import differential_run
from pytomo_scrapy.failures import MeasurementError
from tests.analysis.differentiation.test_differential_verdict import windows
from tests.commands.conftest import Run, refused
from tests.crawl.test_differential_run import MEDIA

VIDEO = "jNQXAC9IVRw"
OWN_LINE = ("-s", "PYTOMO_LINE=off")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that brings half under the service's name."""

    def measure(_plan: Any, needed: Any, tell: Any) -> Any:
        found = tuple(windows(20, 4e6))
        for window in found:
            tell(window)
        needed(found)
        return found

    monkeypatch.setattr(differential_run, "resolve_video", lambda *_: None)
    monkeypatch.setattr(differential_run, "find_media", lambda *_: MEDIA)
    monkeypatch.setattr(differential_run, "measure_pairs", measure)


def test_without_consent_it_says_what_it_would_send_and_ends(run: Run, tmp_path: Path) -> None:
    ended = run("differential", VIDEO, "--database", tmp_path / "x.db")
    refused(ended, 2, "fetches up to 2400 MB of the same media again and again. Read docs/differential.md")
    assert not (tmp_path / "x.db").exists()


@pytest.mark.usefixtures("measured")
def test_test_is_told_as_it_goes_and_shown_by_both_methods(run: Run, tmp_path: Path) -> None:
    ended = run("differential", "--consent", VIDEO, *OWN_LINE, "--database", tmp_path / "x.db")
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[0].startswith("Test 1 of ") and lines[0].endswith(": slower")
    assert "something on the way treats them by the name" in lines[1]
    assert "20 needed for the planned power" in lines[3] and "halves agree" in lines[4]
    said = ended.errors.splitlines()
    assert "20 pairs from rr1---sn-one.googlevideo.com (192.0.2.1)" in said[0]
    assert said[1].startswith("pair 1, service") and "Mbit/s" in said[1] and len(said) == 42

    listed = json.loads(run("differential", "--list", "--json", "--database", tmp_path / "x.db").output)
    assert [(one["id"], one["verdict"], one["windows"]) for one in listed] == [(1, "slower", [])]
    [again] = json.loads(run("differential", "--again", "1", "--json", "--database", tmp_path / "x.db").output)
    assert (again["verdict"], again["neutral_name"], len(again["windows"])) == ("slower", "www.example.com", 40)


@pytest.mark.usefixtures("measured")
def test_media_that_cannot_be_fetched_in_pairs_are_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(*_: Any) -> Any:
        raise MeasurementError("no_url_formats", "no file over HTTPS")

    monkeypatch.setattr(differential_run, "find_media", find)
    ended = run("differential", "--consent", VIDEO, *OWN_LINE, "--database", tmp_path / "x.db")
    refused(ended, 3, "This video cannot be fetched in pairs: no_url_formats: no file over HTTPS.")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name one video"),
        ((VIDEO, VIDEO), "Name one video"),
        (("not a video",), "blanks"),
        (("--list", VIDEO), "measure nothing"),
        (("--list", "--again", "1"), "one of the two"),
        (("--again", "1"), "There is no differential test 1"),
    ],
)
def test_words_that_say_nothing_are_refused(run: Run, filled: Path, words: tuple[str, ...], sentence: str) -> None:
    refused(run("differential", *words, "--database", filled), 2, sentence)


def test_database_without_tests_says_so(run: Run, filled: Path) -> None:
    assert run("differential", "--list", "--database", filled).output == "No differential test is stored.\n"
