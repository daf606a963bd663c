"""`pytomo lines`: the table, its JSON, and alerts that are sent once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.commands import lines
from pytomo_scrapy.config import AlertConfig
from pytomo_scrapy.crawl import notices
from pytomo_scrapy.storage.database import open_database
from tests.commands.conftest import Run
from tests.storage.factories import begin, make_item

HOOK = ("-s", "PYTOMO_ALERT_WEBHOOK=http://hook.example/token")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """What was sent, while nothing is on the wire; a message with `fails` in its line is not taken."""
    messages: list[Mapping[str, Any]] = []

    def send(config: AlertConfig, subject: str, message: Mapping[str, Any]) -> bool:
        messages.append(message)
        return message["vantage"] != "fails"

    monkeypatch.setattr(notices, "send_notice", send)
    return messages


def measured(path: Path, age: timedelta, vantage: str = "here") -> Path:
    from pytomo_scrapy.storage.measurements.repository import VantageFacts

    database = open_database(f"sqlite:///{path}")
    repository, run = begin(database, vantage=VantageFacts(vantage, "isp"))
    at = datetime.now(UTC) - age
    repository.save(make_item(started_at=at, uuid=at.isoformat()), run)
    database.close()
    return path


def test_lines_are_shown_with_their_last_sight(run: Run, tmp_path: Path) -> None:
    path = measured(tmp_path / "x.db", timedelta(hours=3))
    ended = run("lines", "--database", path)
    assert ended.exit_code == 0 and "here" in ended.output and "3 h" in ended.output
    [line] = json.loads(run("lines", "--database", path, "--json").output)
    assert (line["vantage"], line["provider"]) == ("here", "isp")
    assert line["silent_s"] == pytest.approx(3 * 3600, abs=120)


def test_database_without_a_line_says_what_to_do(run: Run, tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'x.db'}").close()
    assert "pytomo crawl" in run("lines", "--database", tmp_path / "x.db").output


def test_database_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    ended = run("lines", "--database", tmp_path / "absent.db")
    assert ended.exit_code == 3 and not (tmp_path / "absent.db").exists()


def test_alert_is_sent_once_and_its_end_once(run: Run, tmp_path: Path, sent: list[Mapping[str, Any]]) -> None:
    path = measured(tmp_path / "x.db", timedelta(hours=3))
    for _ in range(2):
        assert run("lines", "--database", path, "--alert", *HOOK).exit_code == 0
    assert [(message["event"], message["what"]) for message in sent] == [("failing", "silence")]
    measured(path, timedelta(minutes=1))
    for _ in range(2):
        run("lines", "--database", path, "--alert", *HOOK)
    assert [(message["event"], message["what"]) for message in sent[1:]] == [("recovered", "silence")]
    assert json.loads((tmp_path / "databases" / "alerts.json").read_text()) == []


def test_alert_that_could_not_be_sent_is_sent_at_the_next_look(
    run: Run, tmp_path: Path, sent: list[Mapping[str, Any]]
) -> None:
    path = measured(tmp_path / "x.db", timedelta(hours=3), vantage="fails")
    for _ in range(2):
        run("lines", "--database", path, "--alert", *HOOK)
    assert len(sent) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--alert",), "An alert has nowhere to go"),
        (("--every", "5"), "--every needs --alert"),
        (("--alert", "--every", "0", *HOOK), "--every needs --alert"),
        (("here",), "is not understood"),
        ((*HOOK, "-s", "PYTOMO_ALERT_MAIL_SERVER=mail.example.org"), "the address of a mail server"),
    ],
)
def test_lines_refuses_what_it_cannot_do(run: Run, tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    path = measured(tmp_path / "x.db", timedelta(hours=3))
    ended = run("lines", "--database", path, *words)
    assert ended.exit_code == 2 and sentence in ended.errors


def test_file_of_sent_alerts_that_is_none_is_refused(run: Run, tmp_path: Path) -> None:
    path = measured(tmp_path / "x.db", timedelta(hours=3))
    (tmp_path / "state").write_text('{"a": 1}')
    ended = run("lines", "--database", path, "--alert", "--state", tmp_path / "state", *HOOK)
    assert ended.exit_code == 3 and "is not a file of sent alerts" in ended.errors
    assert (tmp_path / "state").read_text() == '{"a": 1}'


def test_database_that_is_away_for_one_look_does_not_end_the_watch(
    run: Run, sent: list[Mapping[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, away = measured(tmp_path / "x.db", timedelta(minutes=1)), tmp_path / "away.db"

    def between_looks() -> Iterator[None]:
        path.rename(away)
        yield
        away.rename(path)
        measured(path, timedelta(hours=30), vantage="silent")
        yield
        raise KeyboardInterrupt

    steps = between_looks()
    monkeypatch.setattr(lines.time, "sleep", lambda _: next(steps))
    with pytest.raises(KeyboardInterrupt):
        run("lines", "--database", path, "--alert", "--every", "60", *HOOK)
    assert {message["vantage"] for message in sent} == {"silent"}
