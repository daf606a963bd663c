"""What only looks on while a crawl runs: alerts without a wire, and the open window's notes."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.crawl import live_window as live_module
from pytomo_scrapy.crawl.alerts import Alerts, alerts_of
from pytomo_scrapy.crawl.live_window import LiveWindow
from pytomo_scrapy.failures import FAILURES, Stage
from pytomo_scrapy.measure.window.plan import WindowProgress
from tests.factories import make_item

# Alerts.


class Hook:
    """What stands at the web hook's address: it takes the message, or is away."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.requests: list[urllib.request.Request] = []

    def open(self, request: urllib.request.Request, timeout: float) -> AbstractContextManager[None]:
        self.requests.append(request)
        if self.trouble is not None:
            raise self.trouble
        return nullcontext()


def run_through(hook: Hook, failures: list[str | None], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(urllib.request, "urlopen", hook.open)

    async def crawl() -> None:
        alerts = Alerts(
            AlertConfig(webhook="https://hooks.example/TOKEN", after=2), {"vantage": "here", "provider": "p"}
        )
        for failure in failures:
            item = make_item(crawl="c", video_id="v")
            if failure is not None:
                item.fail(Stage.DOWNLOAD, failure)
            alerts.stored(item)
            await asyncio.gather(*alerts._posts)
        await alerts.close()

    asyncio.run(crawl())
    return [json.loads(request.data or b"") for request in hook.requests]  # type: ignore[arg-type]


def test_alert_says_what_fails_whose_fault_it_is_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = Hook()
    failing, recovered = run_through(hook, ["reset", "reset", None], monkeypatch)
    known = FAILURES["reset"]
    assert failing | {"at": ""} == {
        "event": "failing", "failure": "reset", "attribution": known.attribution.value, "meaning": known.meaning,
        "count": 2, "vantage": "here", "provider": "p", "crawl": "c", "video_id": "v", "at": "",
    }  # fmt: skip
    assert (recovered["event"], recovered["count"]) == ("recovered", 2)
    request = hook.requests[0]
    assert (request.get_method(), request.get_header("Content-type")) == ("POST", "application/json")


@pytest.mark.parametrize(
    ("trouble", "name"),
    [
        (urllib.error.URLError("no route to https://hooks.example/TOKEN"), "URLError"),
        (TimeoutError("TOKEN"), "TimeoutError"),
        (ValueError("unknown url type: TOKEN"), "ValueError"),
    ],
)
def test_hook_that_is_away_costs_one_line_without_its_address(
    trouble: Exception, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_through(Hook(trouble), ["reset", "reset"], monkeypatch)
    lines = [record.getMessage() for record in caplog.records if "posted" in record.getMessage()]
    assert lines == [f"The alert could not be posted: {name}"] and "TOKEN" not in caplog.text


@pytest.mark.parametrize(
    ("given", "is_on", "vantage"),
    [
        ({}, False, None),
        ({"PYTOMO_ALERT_WEBHOOK": "https://hooks.example/x", "PYTOMO_VANTAGE": "home"}, True, "home"),
        ({"PYTOMO_ALERT_WEBHOOK": "https://hooks.example/x"}, True, "this-machine"),
    ],
)
def test_alerts_are_on_where_a_hook_is_set_and_name_the_vantage(
    given: dict[str, object], is_on: bool, vantage: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "this-machine")
    alerts = alerts_of(config.load(given.get))
    assert (alerts is not None) == is_on
    assert alerts is None or alerts._about["vantage"] == vantage


# The open window's notes.


class Database:
    """Only what a live window asks of one: where it is."""

    def __init__(self, shown_url: str) -> None:
        self.shown_url = shown_url


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    notes: list[object] = []
    monkeypatch.setattr(live_module, "note_window", lambda *_, elapsed_s, **__: notes.append(elapsed_s))
    monkeypatch.setattr(live_module, "clear_window", lambda *_: notes.append("gone"))
    return notes


@pytest.mark.parametrize(
    ("url", "progress_s", "noted"),
    [
        ("sqlite:///x.db", [], [0.0, "gone"]),
        # At most once a second: 0.9 is too early, and 1.9 is 0.9 after the note at 1.0.
        ("sqlite:///x.db", [0.9, 1.0, 1.9, 2.5], [0.0, 1.0, 2.5, "gone"]),
        # A database elsewhere: what would be written in between would be traffic of ours in the window.
        ("postgresql://server/x", [1.0, 2.0, 3.0], [0.0, "gone"]),
    ],
)
def test_open_window_is_noted_once_a_second_in_a_database_of_this_machine(
    url: str, progress_s: list[float], noted: list[object], notes: list[object]
) -> None:
    now = [0.0]

    async def run() -> None:
        live = LiveWindow(Database(url), 1, make_item(), 30.0, clock=lambda: now[0])  # type: ignore[arg-type]
        async with live as show:
            for at_s in progress_s:
                now[0] = at_s
                show(WindowProgress(at_s, 100))
                if live._writing is not None:
                    await live._writing

    asyncio.run(run())
    assert notes == noted


def test_note_that_is_still_being_written_is_not_overtaken_and_is_waited_for(notes: list[object]) -> None:
    now = [0.0]

    async def run() -> None:
        live = LiveWindow(Database("sqlite:///x.db"), 1, make_item(), 30.0, clock=lambda: now[0])  # type: ignore[arg-type]
        async with live as show:
            for at_s in (1.0, 2.0, 3.0):  # nothing is awaited in between: the first note is not done
                now[0] = at_s
                show(WindowProgress(at_s, 100))

    asyncio.run(run())
    assert notes == [0.0, 1.0, "gone"]
