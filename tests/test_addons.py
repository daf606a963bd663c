"""The add-on switches everything on beside what a project has of its own."""

from __future__ import annotations

from scrapy.settings import Settings

from pytomo_scrapy.addons import EXTENSIONS, OPTIONAL_EXTENSIONS, PIPELINES, PytomoAddon


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


def test_console_that_is_switched_off_is_not_even_imported() -> None:
    extensions = updated(TELNETCONSOLE_ENABLED=False, REMOTE_CONTROL_ENABLED=True).getdict("EXTENSIONS")
    assert extensions[OPTIONAL_EXTENSIONS["TELNETCONSOLE_ENABLED"]] is None
    assert OPTIONAL_EXTENSIONS["REMOTE_CONTROL_ENABLED"] not in extensions
