"""When an alert goes out, and what it says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.crawl.alerts import Alerts, Streak
from pytomo_scrapy.failures import Stage
from tests.factories import make_item

pytestmark = pytest.mark.process


def events(failures: list[str | None], alert_after: int = 3) -> list[tuple[str, str, int]]:
    streak = Streak(alert_after)
    return [(alert.event, alert.failure, alert.count) for failure in failures for alert in streak.next(failure)]


@pytest.mark.parametrize(
    ("failures", "alerts"),
    [
        (["reset", "reset"], []),
        (["reset", "reset", None, "reset", "reset"], []),
        (["reset", "reset", "removed", "reset"], []),
        (["reset", "reset", "reset", "reset"], [("failing", "reset", 3)]),
        (["reset"] * 5 + [None, None], [("failing", "reset", 3), ("recovered", "reset", 5)]),
        (["reset"] * 3 + ["dns_timeout"] * 3, [("failing", "reset", 3), ("failing", "dns_timeout", 3)]),
        # One success ends both, in the order in which they were told.
        (
            ["reset"] * 4 + ["dns_timeout"] * 3 + [None],
            [
                *(("failing", "reset", 3), ("failing", "dns_timeout", 3)),
                *(("recovered", "reset", 4), ("recovered", "dns_timeout", 3)),
            ],
        ),
        # No success between: the first class is still what was told.
        (
            ["reset"] * 3 + ["removed"] + ["reset"] * 5 + [None],
            [("failing", "reset", 3), ("recovered", "reset", 5)],
        ),
        (
            ["reset"] * 3 + ["dns_timeout"] * 3 + ["reset"] * 3,
            [("failing", "reset", 3), ("failing", "dns_timeout", 3)],
        ),
    ],
)
def test_streak_of_one_class_is_told_once_and_its_end_too(
    failures: list[str | None], alerts: list[tuple[str, str, int]]
) -> None:
    assert events(failures) == alerts


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    received: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/token", received
        server.shutdown()


def run_through(webhook: str, failures: list[str | None]) -> None:
    async def crawl() -> None:
        alerts = Alerts(AlertConfig(webhook=webhook, after=2), {"vantage": "here", "provider": None})
        for failure in failures:
            item = make_item(crawl="c")
            if failure is not None:
                item.fail(Stage.DOWNLOAD, failure)
            alerts.stored(item)
            await asyncio.gather(*alerts._posts)
        await alerts.close()

    asyncio.run(crawl())


def test_alert_is_posted_with_class_meaning_and_place(hook: tuple[str, list[dict[str, object]]]) -> None:
    run_through(hook[0], ["reset", "reset", None])
    failing, recovered = hook[1]
    assert (failing["event"], failing["failure"], failing["attribution"]) == ("failing", "reset", "network")
    assert (failing["vantage"], failing["crawl"], failing["count"]) == ("here", "c", 2)
    assert recovered["event"] == "recovered"


def test_hook_that_is_away_costs_a_line_in_the_log_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    run_through("http://127.0.0.1:9/token", ["reset", "reset"])
    assert "could not be posted" in caplog.text and "token" not in caplog.text
