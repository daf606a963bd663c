"""`scrapy pages FILE ...`: what it shows of each file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Run
from tests.running.commands import run_command

ITEM = {"compactVideoRenderer": {"videoId": "M4gD1WSo5mA", "title": {"simpleText": "a \x1b[31mred\x07 title"}}}
MORE = {"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": {"token": "TOKEN"}}}}
RESULTS = {"secondaryResults": {"secondaryResults": {"results": [ITEM, MORE]}}}
ANSWER = json.dumps({"contents": {"twoColumnWatchNextResults": RESULTS}})


@pytest.mark.process
def test_pages_prints_what_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text(ANSWER)
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = run_command("scrapy", "pages", str(tmp_path / "page.json"), environment=environment)
    assert (done.exit_code, done.errors) == (0, "")
    assert f"{tmp_path / 'page.json'}: related, 1 video" in done.output


def test_pages_json_prints_one_object_a_file_in_order(run: Run, tmp_path: Path) -> None:
    page, garbage = tmp_path / "page.json", tmp_path / "garbage.html"
    page.write_text(ANSWER)
    garbage.write_bytes(b"\xff\xfe\x00garbage")
    done = run("pages", "--json", garbage, page)
    first, second = map(json.loads, done.output.splitlines())
    assert (first["kind"], first["videos"], first["failure"]) == ("unknown", [], "unknown_page_shape")
    assert second == {
        "kind": "related",
        "shape": "next answer",
        "videos": ["M4gD1WSo5mA"],
        "continuation": "TOKEN",
        "failure": None,
        "failure_detail": None,
    }
    assert done.exit_code == 0


def test_pages_shows_titles_without_steering_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text(ANSWER)
    done = run("pages", "page.json")
    assert done.output.splitlines() == [
        "page.json: related, 1 video (next answer)",
        "    1 M4gD1WSo5mA a ?[31mred? title",
        "  continuation: TOKEN",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"title": {"simpleText": "x" * 101}}, f"    1 M4gD1WSo5mA {'x' * 97}..."),
        ({"title": {"simpleText": "x" * 100}}, f"    1 M4gD1WSo5mA {'x' * 100}"),
        ({"title": {}}, "    1 M4gD1WSo5mA -"),
        ({"upcomingEventData": {"startTime": "1"}}, "    1 M4gD1WSo5mA a ?[31mred? title [upcoming]"),
        (
            {"badges": [{"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_LIVE_NOW"}}]},
            "    1 M4gD1WSo5mA a ?[31mred? title [live]",
        ),
    ],
)
def test_pages_shows_what_a_video_is(run: Run, tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    item = {"compactVideoRenderer": ITEM["compactVideoRenderer"] | changes}
    results = {"secondaryResults": {"secondaryResults": {"results": [item]}}}
    (tmp_path / "page.json").write_text(json.dumps({"contents": {"twoColumnWatchNextResults": results}}))
    assert run("pages", "page.json").output.splitlines()[1:] == [line, "  continuation: none"]


@pytest.mark.parametrize(
    ("page", "shape"),
    [
        (f'<script nonce="n" type="application/json" id="yt-initial-data">{ANSWER}</script>', "data element"),
        (f"<script>var ytInitialData = {ANSWER};</script>", "assignment"),
        (ANSWER, "next answer"),
        ("<html></html>", None),
    ],
)
def test_pages_name_the_shape_that_a_page_was_read_by(run: Run, tmp_path: Path, page: str, shape: str | None) -> None:
    (tmp_path / "page.html").write_text(page)
    assert json.loads(run("pages", "--json", "page.html").output)["shape"] == shape
    first = run("pages", "page.html").output.splitlines()[0]
    assert re.search(f" videos? \\({shape}\\)$" if shape else " videos?$", first)


def test_pages_of_a_page_that_is_not_understood_say_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("something new")
    lines = run("pages", "page.html").output.splitlines()
    assert lines[0] == "page.html: unknown, 0 videos" and lines[1].startswith("  failure: unknown_page_shape (")


def test_pages_of_a_named_address_say_what_their_text_does_not(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html></html>")
    words = ("pages", "--json", "--url", "https://consent.youtube.com/m?continue=x", "page.html")
    told = json.loads(run(*words).output)
    assert (told["kind"], told["failure"], told["failure_detail"]) == (
        "consent",
        "consent_wall",
        "sent to consent.youtube.com",
    )


def test_pages_with_a_missing_file_says_so_and_prints_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text(ANSWER)
    done = run("pages", "--json", tmp_path / "missing.json", tmp_path / "page.json")
    assert done.exit_code == 3
    assert json.loads(done.output)["videos"] == ["M4gD1WSo5mA"]
    assert done.errors == f"{tmp_path / 'missing.json'} cannot be read: No such file or directory.\n"
