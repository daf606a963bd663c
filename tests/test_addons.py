"""The add-on switches everything on beside what a project has of its own."""

from __future__ import annotations

import sys

import pytest
from scrapy.settings import Settings

from pytomo_scrapy.addons import EXTENSIONS, OPTIONAL_EXTENSIONS, OPTIONAL_MIDDLEWARES, PIPELINES, PytomoAddon
from pytomo_scrapy.failures import SettingError


def updated(**own: object) -> Settings:
    settings = Settings(own, priority="project")
    PytomoAddon().update_settings(settings)
    return settings


def test_components_of_a_project_stand_beside_ours_and_win() -> None:
    settings = updated(
        EXTENSIONS={"scrapy.extensions.logstats.LogStats": None, "theirs.Extension": 7},
        ITEM_PIPELINES={"theirs.Pipeline": 700},
    )
    extensions = settings.getdict("EXTENSIONS")
    assert {name: order for name, order in extensions.items() if order is not None} == {
        **EXTENSIONS, "theirs.Extension": 7,
    }  # fmt: skip
    off = updated(EXTENSIONS={"pytomo_scrapy.crawl.context.CrawlContext": None}).getdict("EXTENSIONS")
    assert off["pytomo_scrapy.crawl.context.CrawlContext"] is None
    assert settings.getdict("ITEM_PIPELINES") == {**PIPELINES, "theirs.Pipeline": 700}


def test_console_that_is_switched_off_is_not_even_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in OPTIONAL_EXTENSIONS.values():
        monkeypatch.delitem(sys.modules, path.rpartition(".")[0], raising=False)
    settings = updated(TELNETCONSOLE_ENABLED=False, REMOTE_CONTROL_ENABLED=True)
    # As Scrapy asks for them, which imports what it has to compare.
    used = settings.get_component_priority_dict_with_base("EXTENSIONS")
    assert OPTIONAL_EXTENSIONS["TELNETCONSOLE_ENABLED"] not in used
    assert OPTIONAL_EXTENSIONS["REMOTE_CONTROL_ENABLED"] in used
    assert "pytomo_scrapy.crawl.context.CrawlContext" in used and "scrapy.extensions.logstats.LogStats" in used
    assert "scrapy.extensions.telnet" not in sys.modules


def test_middleware_that_is_switched_off_is_not_even_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in OPTIONAL_MIDDLEWARES.values():
        monkeypatch.delitem(sys.modules, path.rpartition(".")[0], raising=False)
    settings = updated(COOKIES_ENABLED=False, ROBOTSTXT_OBEY=True)
    used = settings.get_component_priority_dict_with_base("DOWNLOADER_MIDDLEWARES")
    named = {path: path in used for path in OPTIONAL_MIDDLEWARES.values()}
    assert named == {path: flag == "ROBOTSTXT_OBEY" for flag, path in OPTIONAL_MIDDLEWARES.items()}
    assert "scrapy.downloadermiddlewares.cookies" not in sys.modules
    assert "scrapy.downloadermiddlewares.retry.RetryMiddleware" in used
    # A project that says nothing has Scrapy's cookies.
    assert OPTIONAL_MIDDLEWARES["COOKIES_ENABLED"] in updated().getdict("DOWNLOADER_MIDDLEWARES_BASE")


def test_environment_comes_before_a_projects_file_and_behind_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTOMO_PACE_S", "7")
    monkeypatch.setenv("PYTOMO_VANTAGE", "attic")
    settings = Settings({"PYTOMO_PACE_S": 3}, priority="project")
    settings.set("PYTOMO_VANTAGE", "cellar", "cmdline")
    PytomoAddon().update_settings(settings)
    assert (settings["PYTOMO_PACE_S"], settings["PYTOMO_VANTAGE"]) == ("7", "cellar")


def test_misspelt_setting_of_a_project_or_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="PYTOMO_PAC_S is no setting: did you mean PYTOMO_PACE_S"):
        updated(PYTOMO_PAC_S=3)
    monkeypatch.setenv("PYTOMO_DATABASE", "sqlite:///x.db")
    with pytest.raises(SettingError, match="PYTOMO_DATABASE is no setting: did you mean PYTOMO_DATABASE_URL"):
        updated()


def test_pages_of_a_spider_that_is_not_ours_are_fetched_as_its_project_says() -> None:
    ours, theirs = updated(), Settings()
    PytomoAddon(walks=False).update_settings(theirs)
    plain = Settings()
    for name in (
        "DOWNLOAD_TIMEOUT",
        "CONCURRENT_REQUESTS",
        "HTTPERROR_ALLOW_ALL",
        "RETRY_HTTP_CODES",
        "DOWNLOAD_MAXSIZE",
    ):
        assert theirs[name] == plain[name] != ours[name]
    assert theirs.getdict("ITEM_PIPELINES") == PIPELINES
