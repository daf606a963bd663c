"""The password of a database's URL, wherever it stands, is shown and stored nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.read_only import ReadDatabase
from pytomo_scrapy.storage.scrub import without_secrets
from pytomo_scrapy.storage.shown_url import database_option, shown

URLS = [
    "postgresql://u:SECRET@127.0.0.1:1/pytomo",
    "postgresql://u@127.0.0.1:1/pytomo?password=SECRET",
    "postgresql://127.0.0.1:1/pytomo?user=u&password=SECRET&sslmode=require",
    "postgresql://127.0.0.1:1/pytomo?sslmode=require&sslpassword=SECRET",
    "postgresql://127.0.0.1:1/pytomo?PASSWORD=SECRET",
]


@pytest.mark.parametrize("url", URLS)
def test_password_is_neither_shown_nor_stored(url: str) -> None:
    assert "SECRET" not in shown(make_url(url)) and "127.0.0.1:1/pytomo" in shown(make_url(url))
    assert "SECRET" not in str(without_secrets({"PYTOMO_DATABASE_URL": url, "list": [url]}))
    assert "SECRET" not in ReadDatabase(url).shown_url


def test_what_is_no_secret_stays() -> None:
    url = "postgresql://u@h/pytomo?sslmode=require"
    assert shown(make_url(url)) == url
    assert without_secrets({"X": "postgresql://h/p?sslmode=require"}) == {"X": "postgresql://h/p?sslmode=require"}


@pytest.mark.process
@pytest.mark.parametrize("url", URLS)
def test_health_tells_nothing_of_a_database_that_is_away(url: str) -> None:
    with TestClient(create_app(DashboardConfig(url, token="a-right-token"))) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "SECRET" not in answer.text and "127.0.0.1" not in answer.text


@pytest.mark.slow
def test_file_that_is_no_database_is_named_to_nobody_without_the_token(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'x.db'}", token="a-right-token"))) as client:
        assert "x.db" not in client.get("/healthz").text


@pytest.mark.parametrize(
    ("url", "option"),
    [
        ("sqlite:///databases/pytomo.db", ""),  # the default
        ("sqlite:///other.db", " --database other.db"),
        ("sqlite:///{here}/demo.db", " --database demo.db"),  # as short as it is typed from here
        ("sqlite:////data/my line.db", " --database '/data/my line.db'"),
        ("postgresql://me:***@db.example/x", ""),
    ],
)
def test_database_is_named_on_a_command_line_as_briefly_as_it_can_be(
    url: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert database_option(url.format(here=tmp_path)) == option
