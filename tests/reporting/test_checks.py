"""The doctor's findings, one by one."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.client import BadStatusLine
from pathlib import Path
from types import SimpleNamespace

import maxminddb
import pytest

from pytomo_scrapy import config
from pytomo_scrapy.items import DnsLookup, DnsResult
from pytomo_scrapy.reporting import checks
from pytomo_scrapy.reporting.checks import (
    check_clock,
    check_database,
    check_disk,
    check_gate,
    check_http3,
    check_javascript,
    check_networks,
    check_ping,
    check_yt_dlp,
)
from pytomo_scrapy.storage.database import open_database
from tests.measure.dns.mmdb_writer import write_mmdb
from tests.storage.factories import begin, make_download, make_item

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("version", "state"),
    [("2026.04.20", "ok"), ("2026.03.02", "ok"), ("2026.01.01", "warn"), ("2026.04.20.232925", "ok"), ("git", "warn")],
)
def test_yt_dlp_older_than_two_months_is_a_warning(version: str, state: str) -> None:
    assert check_yt_dlp(version, NOW).state == state


def test_database_that_cannot_be_opened_fails_with_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database" * 100)
    assert check_database(f"sqlite:///{tmp_path / 'x.db'}").state == "fail"
    assert check_database(f"sqlite:///{tmp_path / 'new.db'}").state == "ok"


def test_disk_without_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: checks.shutil._ntuple_diskusage(10, 9, 1))
    assert {one.state for one in check_disk(f"sqlite:///{tmp_path / 'x.db'}")} == {"warn"}


@pytest.mark.process
def test_clock_is_not_compared_where_the_service_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    check = check_clock(NOW)
    assert check.state == "warn" and "not compared" in check.finding


def test_clock_is_not_compared_with_what_speaks_no_http(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object, **__: object) -> None:
        raise BadStatusLine("SSH-2.0")

    monkeypatch.setattr("urllib.request.urlopen", answer)
    assert "not compared: the service was not reached (BadStatusLine)" in check_clock(NOW).finding


@pytest.mark.parametrize("url", ["nonsense", "postgresql://x:y:z/", "mysql://a/b"])
def test_disk_of_a_url_that_is_none_is_left_to_the_check_of_the_database(url: str) -> None:
    assert [one.name for one in check_disk(url)] == ["temporary folder"]


def test_resolver_that_does_not_answer_fails_where_it_is_the_first() -> None:
    settings = {"PYTOMO_DNS_RESOLVERS": "dead=127.0.0.1:9,dead2=127.0.0.1:9", "PYTOMO_DNS_TIMEOUT_S": 0.2}
    first, second = checks.check_resolvers(config.load(settings.get))
    assert (first.state, second.state) == ("fail", "warn")


def test_http3_is_told() -> None:
    assert check_http3().state in {"ok", "warn"}


def test_file_of_as_numbers_is_read_and_its_age_told(tmp_path: Path) -> None:
    path = tmp_path / "as.mmdb"
    write_mmdb(path, {"192.0.2.0/24": {"autonomous_system_number": 64500}})
    settings = {"PYTOMO_AS_FILE": str(path)}
    with maxminddb.open_database(path) as reader:
        built_at = datetime.fromtimestamp(reader.metadata().build_epoch, UTC)
    for age_days, state in ((3, "ok"), (200, "warn")):
        check = check_networks(config.load(settings.get), built_at + timedelta(days=age_days))
        assert (check.state, f"{age_days} days old" in check.finding) == (state, True)
    path.write_text("no such file")
    assert check_networks(config.load(settings.get), NOW).state == "fail"
    assert check_networks(config.load({}.get), NOW).state == "ok"


def test_every_check_is_made_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    single = ("database", "ping", "clock", "yt_dlp", "javascript", "http3", "networks", "gate")
    for name in single:
        monkeypatch.setattr(checks, f"check_{name}", lambda *_, name=name: checks.Check(name, "ok", "well"))
    for name in ("disk", "resolvers"):
        several = [checks.Check(name, "ok", "one"), checks.Check(name, "ok", "two")]
        monkeypatch.setattr(checks, f"check_{name}", lambda *_, several=several: several)
    found = [check.name for check in checks.run_checks(config.load({}.get), now=NOW)]
    order = ["database", "disk", "disk", "ping", "resolvers", "resolvers", "clock", "yt_dlp", "javascript", "http3"]
    assert found == [*order, "networks", "gate"]


@pytest.mark.parametrize(
    ("goal_s", "stored_s", "state", "words"),
    [
        ("30", None, "warn", "60 s of media is reported"),
        ("25", None, "ok", "end before"),
        ("25", 52.5, "warn", "52.5 s of media was seen here"),
        ("30", 61.0, "ok", "end before"),  # what was seen here counts, not what others report
    ],
)
def test_windows_that_reach_the_gate_are_a_warning(
    tmp_path: Path, goal_s: str, stored_s: float | None, state: str, words: str
) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    if stored_s is not None:
        database = open_database(url)
        repository, run = begin(database)
        early = make_download(failure="media_gated", gated_at_s=0.4, gated_at_media_s=0.0)  # nothing reaches less
        expired = make_download(failure="url_expired", gated_at_s=0.9, gated_at_media_s=3.0)  # another reason
        gated = make_download(failure="media_gated", gated_at_s=9.0, gated_at_media_s=stored_s)
        for window in (early, expired, gated, replace(gated, gated_at_media_s=stored_s + 1)):
            repository.save(make_item(downloads=(window,)), run)
        database.close()
    settings = {"PYTOMO_DATABASE_URL": url, "PYTOMO_VANTAGE": "here", "PYTOMO_DOWNLOAD_BUFFER_GOAL_S": goal_s}
    check = check_gate(config.load(settings.get))
    assert check.state == state and words in check.finding


def test_gate_is_looked_for_without_a_database_too() -> None:
    settings = {"PYTOMO_DATABASE_URL": "sqlite:////nowhere/at/all/x.db", "PYTOMO_DOWNLOAD_BUFFER_GOAL_S": "30"}
    assert "60 s of media is reported" in check_gate(config.load(settings.get)).finding


def test_ping_that_is_not_permitted_is_a_warning_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(checks, "open_echo", lambda *_: (SimpleNamespace(close=lambda: closed.append(True)), None))
    assert check_ping(config.load({}.get)).state == "ok" and closed == [True]
    monkeypatch.setattr(checks, "open_echo", lambda *_: (None, "EPERM"))
    check = check_ping(config.load({}.get))
    assert (check.state, "EPERM" in check.finding, "ping_group_range" in check.advice) == ("warn", True, True)


def test_resolver_that_answers_is_told_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = DnsLookup(checks.SERVICE_HOST, "one", "127.0.0.1", "udp", "A", elapsed_s=0.012, addresses=("192.0.2.1",))
    silent = DnsLookup(checks.SERVICE_HOST, "two", "127.0.0.1", "udp", "A", failure="dns_timeout")
    monkeypatch.setattr(checks, "look_up_hosts", lambda *_: DnsResult((answer, silent)))
    settings = {"PYTOMO_DNS_RESOLVERS": "one=127.0.0.1:9,two=127.0.0.1:9,three=127.0.0.1:9"}
    found = checks.check_resolvers(config.load(settings.get))
    assert [(check.name, check.state, check.finding) for check in found] == [
        ("resolver one", "ok", "answered in 12 ms"),
        ("resolver two", "warn", "dns_timeout"),
        ("resolver three", "warn", "no answer"),
    ]


@pytest.mark.parametrize(
    ("date", "state", "finding"),
    [
        ("Fri, 01 May 2026 00:00:00 GMT", "ok", "agrees with the service's"),
        ("Fri, 01 May 2026 00:00:04 GMT", "ok", "agrees with the service's"),
        ("Fri, 01 May 2026 00:01:00 GMT", "warn", "-60 s beside the service's"),
        ("Thu, 30 Apr 2026 23:59:00 GMT", "warn", "+60 s beside the service's"),
        ("Fri, 01 May 2026 00:00:04 -0000", "ok", "agrees with the service's"),
        ("soon", "warn", "not compared: the service told no time"),
        (None, "warn", "not compared: the service told no time"),
    ],
)
def test_clock_is_compared_with_the_services(
    monkeypatch: pytest.MonkeyPatch, date: str | None, state: str, finding: str
) -> None:
    answer = io.BytesIO()
    headers = Message()
    if date is not None:
        headers["Date"] = date
    answer.headers = headers  # type: ignore[attr-defined]
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: answer)
    check = check_clock(NOW)
    assert (check.state, check.finding) == (state, finding)


@pytest.mark.parametrize(
    ("programs", "version", "state", "finding"),
    [
        ({"deno", "node"}, "v18.0.0", "ok", "deno is there"),
        ({"bun"}, "", "ok", "bun is there"),
        ({"qjs"}, "", "ok", "qjs is there"),
        ({"node"}, "v22.1.0\n", "ok", "node v22.1.0 is there"),
        ({"node"}, "v18.19.1\n", "warn", "no runtime"),
        ({"node"}, "", "warn", "no runtime"),
        (set(), "", "warn", "no runtime"),
    ],
)
def test_runtime_for_challenges_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, programs: set[str], version: str, state: str, finding: str
) -> None:
    monkeypatch.setattr(checks.shutil, "which", lambda name: f"/bin/{name}" if name in programs else None)
    done = subprocess.CompletedProcess([], 0, version, "")
    monkeypatch.setattr(checks.subprocess, "run", lambda *_, **__: done)
    check = check_javascript()
    assert check.state == state and check.finding.startswith(finding)


@pytest.mark.parametrize("error", [subprocess.TimeoutExpired("node", 10), PermissionError()])
def test_runtime_that_cannot_be_asked_is_none(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def run(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(checks.shutil, "which", lambda name: "/bin/node" if name == "node" else None)
    monkeypatch.setattr(checks.subprocess, "run", run)
    assert check_javascript().state == "warn"


@pytest.mark.parametrize(("features", "state"), [(0, "warn"), (1 << 25, "ok"), (~(1 << 25), "warn")])
def test_http3_is_a_feature_of_libcurl(monkeypatch: pytest.MonkeyPatch, features: int, state: str) -> None:
    fake = SimpleNamespace(version_info=lambda: (0, "8", 0, "host", features))
    monkeypatch.setattr(checks, "pycurl", fake)
    assert check_http3().state == state


def test_room_is_looked_for_where_there_is_a_folder(tmp_path: Path) -> None:
    assert [check.name for check in check_disk("postgresql://x.example/y")] == ["temporary folder"]
    assert [check.name for check in check_disk(f"sqlite:///{tmp_path}/no/x.db")] == ["temporary folder"]
    assert len(check_disk(f"sqlite:///{tmp_path}/x.db")) == 2


def test_team_cymru_is_named_where_it_is_asked() -> None:
    assert "Team Cymru is asked" in check_networks(config.load({"PYTOMO_AS_CYMRU": "1"}.get), NOW).finding
