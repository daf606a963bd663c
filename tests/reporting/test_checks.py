"""The doctor's findings, one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import maxminddb
import pytest

from pytomo_scrapy import config
from pytomo_scrapy.reporting import checks
from pytomo_scrapy.reporting.checks import (
    check_clock,
    check_database,
    check_disk,
    check_http3,
    check_networks,
    check_yt_dlp,
)
from tests.measure.dns.mmdb_writer import write_mmdb

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


def test_clock_is_not_compared_where_the_service_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    check = check_clock(NOW)
    assert check.state == "warn" and "not compared" in check.finding


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
