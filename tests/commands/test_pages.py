"""`scrapy pages FILE ...`, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.running.commands import command

ROOT = Path(__file__).resolve().parents[2]
ITEM = {"compactVideoRenderer": {"videoId": "M4gD1WSo5mA", "title": {"simpleText": "a \x1b[31mred\x07 title"}}}
MORE = {"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": {"token": "TOKEN"}}}}
RESULTS = {"secondaryResults": {"secondaryResults": {"results": [ITEM, MORE]}}}
ANSWER = json.dumps({"contents": {"twoColumnWatchNextResults": RESULTS}})


def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
    words = command("scrapy", "pages", *map(str, args))
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_pages_json_prints_one_object_a_file_in_order(tmp_path: Path) -> None:
    page, garbage = tmp_path / "page.json", tmp_path / "garbage.html"
    page.write_text(ANSWER)
    garbage.write_bytes(b"\xff\xfe\x00garbage")
    done = run("--json", garbage, page)
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["kind"], first["videos"], first["failure"]) == ("unknown", [], "unknown_page_shape")
    assert second == {
        "kind": "related",
        "videos": ["M4gD1WSo5mA"],
        "continuation": "TOKEN",
        "failure": None,
        "failure_detail": None,
    }
    assert done.returncode == 0


def test_pages_shows_titles_without_steering_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text(ANSWER)
    done = run(tmp_path / "page.json")
    assert "M4gD1WSo5mA a ?[31mred? title" in done.stdout
    assert "continuation: TOKEN" in done.stdout
    assert "\x1b" not in done.stdout


def test_pages_with_a_missing_file_says_so_and_prints_the_others(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text(ANSWER)
    done = run("--json", tmp_path / "missing.json", tmp_path / "page.json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["videos"] == ["M4gD1WSo5mA"]
    assert done.stderr == f"{tmp_path / 'missing.json'} cannot be read: No such file or directory.\n"


def test_pages_without_a_file_is_a_usage_error() -> None:
    done = run()
    assert done.returncode == 2
    assert "name at least one file" in done.stdout + done.stderr
