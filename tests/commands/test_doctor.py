"""`scrapy doctor`: what it prints of the findings, its exit code, and its look at the live service, with fakes."""

from __future__ import annotations

import io
import json
import subprocess
import urllib.error
import urllib.request
from email.message import Message
from http.client import BadStatusLine
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.commands import doctor
from pytomo_scrapy.pages import watch_request
from pytomo_scrapy.reporting import checks
from pytomo_scrapy.reporting.checks import Check
from tests.commands.conftest import Run

OK = Check("ping", "ok", "ICMP is permitted")
WARNED = Check("clock", "warn", "[late] by 9 s", "Run an NTP client.")
FAILED = Check("database", "fail", "It cannot be opened.", "Start the server.")
ITEM = {"compactVideoRenderer": {"videoId": "M4gD1WSo5mA", "title": {"simpleText": "t"}}}
WATCH = json.dumps(
    {"contents": {"twoColumnWatchNextResults": {"secondaryResults": {"secondaryResults": {"results": [ITEM]}}}}}
)


@pytest.mark.parametrize(
    ("found", "exit_code"), [([OK], 0), ([OK, WARNED], 0), ([OK, FAILED, WARNED], 3), ([FAILED], 3)]
)
def test_doctor_ends_with_3_where_something_fails(
    run: Run, monkeypatch: pytest.MonkeyPatch, found: list[Check], exit_code: int
) -> None:
    monkeypatch.setattr(checks, "run_checks", lambda _: list(found))
    assert run("doctor").exit_code == exit_code
    assert run("doctor", "--json").exit_code == exit_code


def test_doctor_prints_a_line_for_each_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "run_checks", lambda _: [OK, WARNED, FAILED])
    assert run("doctor").output.splitlines() == [
        "ok   ping: ICMP is permitted",
        "warn clock: [late] by 9 s",
        "     Run an NTP client.",
        "fail database: It cannot be opened.",
        "     Start the server.",
        "",
        "Not fit for a crawl: 1 check failed, 1 warning above.",
    ]
    assert json.loads(run("doctor", "--json").output)[1] == {
        "name": "clock",
        "state": "warn",
        "finding": "[late] by 9 s",
        "advice": "Run an NTP client.",
    }


def test_doctor_live_asks_the_sources_and_measures_the_video_that_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask_sources(_: config.Config, video: str) -> list[Check]:
        asked.append(video)
        return [Check("source x", "ok", "lists 3 videos")]

    def measure_live(video: str, database_url: str, transport: str) -> list[Check]:
        asked.append(f"{video} {database_url}")
        return [Check("stage dns", "fail", "nxdomain")]

    monkeypatch.setattr(checks, "run_checks", lambda _: [OK])
    monkeypatch.setattr(doctor, "ask_sources", ask_sources)
    monkeypatch.setattr(doctor, "measure_live", measure_live)
    ended = run("doctor", "--live", "--video", "M4gD1WSo5mA", "--database", "sqlite:///x.db")
    assert asked == ["M4gD1WSo5mA", "M4gD1WSo5mA sqlite:///x.db"]
    assert [line.split(":")[0] for line in ended.output.splitlines()[:-2]] == [
        "ok   ping",
        "ok   source x",
        "fail stage dns",
    ]
    assert ended.exit_code == 3


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes | Exception]:
    """What the service answers, by a part of the address; the folder for samples is this test's."""
    answers: dict[str, bytes | Exception] = {}

    def answer(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        found = next((body for part, body in answers.items() if part in request.full_url), b"")
        if isinstance(found, Exception):
            raise found
        return io.BytesIO(found)

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    monkeypatch.setattr(doctor, "SAMPLES", tmp_path / "samples")
    return answers


def watch_check(service: dict[str, bytes | Exception], answer: bytes | Exception) -> Check:
    service[watch_request(doctor.LIVE_VIDEO).url] = answer
    checked = doctor.ask_sources(config.load({}.get), doctor.LIVE_VIDEO)
    assert len({check.name for check in checked}) == len(checked) > 2
    return checked[-1]


@pytest.mark.parametrize(
    ("answer", "state", "finding"),
    [
        (WATCH.encode(), "ok", "lists 1 video"),
        (urllib.error.HTTPError("u", 429, "slow down", Message(), None), "warn", "HTTP status 429"),
        (urllib.error.URLError("away"), "warn", "not reached: URLError"),
        (BadStatusLine("SSH-2.0"), "warn", "not reached: BadStatusLine"),
        (TimeoutError(), "warn", "not reached: TimeoutError"),
        (b"something new", "warn", "unknown_page_shape"),
    ],
)
def test_source_that_is_asked_is_told(
    service: dict[str, bytes | Exception], answer: bytes | Exception, state: str, finding: str
) -> None:
    check = watch_check(service, answer)
    assert (check.state, check.finding) == (state, finding)
    assert bool(check.advice) is (state == "warn")


def test_page_that_is_not_understood_is_kept_without_addresses(
    service: dict[str, bytes | Exception], tmp_path: Path
) -> None:
    page = b"x" * 2000 + b"\nmedia: https://r1.googlevideo.com/videoplayback?ip=203.0.113.7&sig=SECRET\n\xff"
    check = watch_check(service, page)
    (sample,) = [path for path in (tmp_path / "samples").iterdir() if str(path) in check.advice]
    text = sample.read_text()
    assert "203.0.113.7" not in text and "SECRET" not in text and "media: https" in text
    assert text.replace("\n", "").count("x") == 2000, "long lines are not cut"


@pytest.mark.parametrize(
    ("record", "states"),
    [
        (
            {"downloads": [{"failure": None, "is_identity_clean": True}], "playbacks": [{}]},
            ["ok", "ok", "ok", "ok", "ok", "ok"],
        ),
        (
            {"downloads": [{"failure": "reset", "is_identity_clean": False}]},
            ["ok", "ok", "ok", "fail", "fail", "warn"],
        ),
        (
            {"resolve_failure": "private", "dns_failure": "not_attempted", "ping_failure": "no_reply"},
            ["fail", "fail", "fail", "ok", "fail", "warn"],
        ),
    ],
)
def test_live_measurement_is_told_stage_by_stage(
    monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], states: list[str]
) -> None:
    asked: list[list[str]] = []

    def measure(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, json.dumps(record), "")

    monkeypatch.setattr(subprocess, "run", measure)
    found = doctor.measure_live("M4gD1WSo5mA", "sqlite:///x.db")
    stages = [f"stage {n}" for n in ("resolve", "dns", "ping", "download", "playback")]
    assert [check.name for check in found] == [*stages, "canary"]
    assert [check.state for check in found] == states
    assert {
        "measure",
        "https://www.youtube.com/watch?v=M4gD1WSo5mA",
        "PYTOMO_DATABASE_URL=sqlite:///x.db",
        "PYTOMO_GATE_CANARY=1",
    } <= set(asked[0])


def test_live_video_whose_id_begins_with_a_dash_is_no_option_of_the_measurement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    done = subprocess.CompletedProcess([], 0, "{}", "")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: asked.extend(command) or done)
    doctor.measure_live("-4gD1WSo5mA", "sqlite:///x.db")
    assert "https://www.youtube.com/watch?v=-4gD1WSo5mA" in asked and "-4gD1WSo5mA" not in asked


@pytest.mark.parametrize(("failure", "state"), [(None, "ok"), ("media_gated", "warn")])
def test_live_measurement_over_sabr_says_what_the_service_declared(
    monkeypatch: pytest.MonkeyPatch, failure: str | None, state: str
) -> None:
    asked: list[list[str]] = []
    window = {"transport": "sabr", "failure": failure, "sabr_protection_status": 2, "sabr_readahead_s": 15.0}
    record = {"downloads": [window, {"transport": "plain"}], "playbacks": [{}]}

    def measure(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, json.dumps(record), "")

    monkeypatch.setattr(subprocess, "run", measure)
    found = doctor.measure_live("M4gD1WSo5mA", "sqlite:///x.db", "both")
    (check,) = [check for check in found if check.name == "sabr"]
    assert check.state == state and "protection status 2" in check.finding and "readahead 15.0 s" in check.finding
    assert asked[0][asked[0].index("--transport") + 1] == "both"


@pytest.mark.parametrize(("errors", "finding"), [("", "nothing was stored"), ("a" * 400 + "\n", "a" * 300)])
def test_live_measurement_that_gives_nothing_fails(monkeypatch: pytest.MonkeyPatch, errors: str, finding: str) -> None:
    done = subprocess.CompletedProcess([], 3, "", errors)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert doctor.measure_live("x", "sqlite:///x.db") == [Check("live video", "fail", finding, "See the log.")]


def test_live_measurement_that_takes_too_long_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired([], timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    (check,) = doctor.measure_live("M4gD1WSo5mA", "sqlite:///x.db")
    assert (check.state, check.finding) == ("fail", "not measured within 5 min")
    assert "pytomo measure https://www.youtube.com/watch?v=M4gD1WSo5mA" in str(check.advice)
