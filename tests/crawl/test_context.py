"""The composition root: every part once, in its order, and wired to the crawl's beginning, measurements and end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from scrapy import signals
from scrapy.utils.test import get_crawler

from pytomo_scrapy import config
from pytomo_scrapy.crawl import context as context_module
from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.crawl.gate_middleware import GateMiddleware
from pytomo_scrapy.crawl.stored_signal import measurement_stored
from pytomo_scrapy.failures import SettingError, Stage, StorageError
from pytomo_scrapy.pipelines.dns import DnsPipeline
from pytomo_scrapy.pipelines.ping import PingPipeline
from pytomo_scrapy.pipelines.store import StorePipeline
from pytomo_scrapy.spiders.youtube import YoutubeSpider
from tests.factories import make_item
from tests.fake_crawler import FakeCrawler, sqlite_in

ARGUMENTS = {"crawl": "c", "max_crawled_url": 10}


@pytest.fixture
def crawler(tmp_path: Path) -> FakeCrawler:
    return FakeCrawler(
        PYTOMO_DATABASE_URL=sqlite_in(tmp_path),
        PYTOMO_UNSTORED_DIRECTORY=str(tmp_path / "kept"),
        PYTOMO_PROGRESS="off",
    )


def build(crawler: Any) -> CrawlContext:
    crawler.extension = CrawlContext.from_crawler(crawler)
    return CrawlContext.of(crawler)


def test_settings_are_read_once_and_every_part_is_built_once_in_its_order(
    crawler: FakeCrawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, loads = [], []
    for name in (
        "LineHold",
        "NetworkFinder",
        "Gate",
        "CrawlStorage",
        "Politeness",
        "DataCap",
        "MeasuringProcess",
        "Session",
    ):
        kind = getattr(context_module, name)

        def build_noted(*args: object, name: str = name, kind: type = kind, **kwargs: object) -> object:
            built.append(name)
            return kind(*args, **kwargs)

        monkeypatch.setattr(context_module, name, build_noted)
    load = config.load
    monkeypatch.setattr(config, "load", lambda get: loads.append(get) or load(get))
    context = build(crawler)
    pipelines: list[Any] = [kind.from_crawler(crawler) for kind in (DnsPipeline, PingPipeline)]  # type: ignore[arg-type]
    assert built == [
        "LineHold", "NetworkFinder", "Gate", "CrawlStorage", "Politeness", "DataCap", "MeasuringProcess", "Session",
    ]  # fmt: skip
    assert len(loads) == 1
    assert {id(pipeline.session) for pipeline in pipelines} == {id(context.session)}
    assert GateMiddleware.from_crawler(crawler)._gate is context.gate  # type: ignore[arg-type]
    assert StorePipeline.from_crawler(crawler).storage is context.storage  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "opened", "stored", "closed"),
    [
        ({}, [], [], []),
        (
            {"PYTOMO_PROGRESS": "on", "PYTOMO_ALERT_WEBHOOK": "http://127.0.0.1:9/token"},
            ["Progress.open"],
            ["Progress.stored", "Alerts.stored"],
            ["Progress.close", "Alerts.close"],
        ),
    ],
)
def test_parts_hear_of_the_crawl_in_their_order_and_those_that_look_on_only_where_they_are_wanted(
    crawler: FakeCrawler, settings: dict[str, object], opened: list[str], stored: list[str], closed: list[str]
) -> None:
    crawler.settings |= settings
    context = build(crawler)
    assert crawler.signals.heard == {
        signals.spider_opened: ["MeasuringProcess.open", *opened],
        measurement_stored: ["Politeness.stored", "DataCap.stored", "RefusalShare.stored", "Summary.stored", *stored],
        signals.spider_closed: [
            "CrawlStorage.close", "CrawlContext._report_idle_time", "CrawlContext._report_refusals",
            "MeasuringProcess.close", *closed, "LineHold.free", "NetworkFinder.close",
            "CrawlContext._tell_summary",
        ],
    }  # fmt: skip
    assert (context.progress is None, context.alerts is None) == (not opened, not closed)


def test_crawl_begins_with_all_it_needs_to_store_and_is_closed_with_its_run_ended(crawler: FakeCrawler) -> None:
    async def run() -> CrawlContext:
        context = build(crawler)
        with pytest.raises(RuntimeError, match="No crawl has begun"):
            context.storage.opened  # noqa: B018
        opened = await context.begin("youtube", {}, ARGUMENTS, is_own_list=False)
        assert context.storage.opened is opened and opened.frontier.crawl.name == "c"
        item = await StorePipeline.from_crawler(crawler).process_item(make_item())  # type: ignore[arg-type]
        assert item.video_id == make_item().video_id and crawler.stats == {"pytomo/store/count": 1}
        async with opened.live_window(item, 30.0):
            pass
        await context.storage.close("finished")
        return context

    context = asyncio.run(run())
    with context.storage.database.read() as connection:
        assert connection.exec_driver_sql("SELECT end_reason FROM run").fetchall() == [("finished",)]


@pytest.mark.parametrize(
    ("spider", "goal_s", "is_told"), [("youtube", "30", True), ("youtube", "25", False), ("dailymotion", "30", False)]
)
def test_crawl_says_at_its_start_where_windows_reach_the_gate(
    crawler: FakeCrawler, caplog: pytest.LogCaptureFixture, spider: str, goal_s: str, is_told: bool
) -> None:
    async def run() -> None:
        context = build(crawler)
        await context.begin(spider, {}, ARGUMENTS, is_own_list=False)
        await context.storage.close("finished")

    crawler.settings |= {"PYTOMO_DOWNLOAD_BUFFER_GOAL_S": goal_s}
    with caplog.at_level("INFO"):
        asyncio.run(run())
    assert ("the service cuts guests off at 60 s of media is reported" in caplog.text) is is_told


def test_crawl_that_never_began_closes_all_the_same(crawler: FakeCrawler) -> None:
    asyncio.run(build(crawler).storage.close("shutdown"))


def test_end_of_the_crawl_reports_how_long_the_line_was_idle(crawler: FakeCrawler) -> None:
    context = build(crawler)
    context._report_idle_time()
    assert crawler.stats == {}, "no two windows, no time between them"
    context.gate.idle_s += [2.0, 4.0]
    context._report_idle_time()
    assert crawler.stats["pytomo/gate/idle_max_s"] == 4.0


def test_end_of_the_crawl_reports_the_share_that_the_service_refused(crawler: FakeCrawler) -> None:
    context = build(crawler)
    context._report_refusals()
    assert crawler.stats == {}, "nothing was asked, no share"
    for video_id, failure in (("a", None), ("b", "bot_check"), ("c", None)):
        context.refusal_share.stored(make_item(video_id=video_id, failure=failure))
    context._report_refusals()
    assert crawler.stats == {"pytomo/refusal_share": 0.3333}


def test_crawl_is_over_for_each_reason_that_ends_it(crawler: FakeCrawler) -> None:
    crawler.settings |= {"PYTOMO_DATA_CAP_BYTES_PER_DAY": "100", "PYTOMO_BROKEN_CLIENT_MAX": "1"}

    def fail(context: CrawlContext) -> None:
        context.storage.fail("The disk is full.")

    def refuse(context: CrawlContext) -> None:
        item = make_item()
        item.fail(Stage.DOWNLOAD, "http_403")
        context.politeness.stored(item)

    def reach_cap(context: CrawlContext) -> None:
        context.data_cap.took(100)

    for end in (fail, refuse, reach_cap):
        context = build(crawler)
        assert not context.is_over
        end(context)
        assert context.is_over


def test_store_that_the_database_refuses_stops_the_crawl_and_gives_the_video_back(
    crawler: FakeCrawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opened:
        async def store(self, item: object) -> None:
            raise StorageError("The disk is full.")

    context = build(crawler)
    context.storage._opened = Opened()  # type: ignore[assignment]
    with pytest.raises(Exception, match="is not stored"):
        asyncio.run(StorePipeline.from_crawler(crawler).process_item(make_item()))  # type: ignore[arg-type]
    assert (context.gate.is_stopping, context.storage.failure) == (True, "The disk is full.")


def test_spider_whose_arguments_do_not_go_with_the_settings_is_refused_before_the_database_is_opened(
    crawler: FakeCrawler, tmp_path: Path
) -> None:
    path = tmp_path / "never.db"
    crawler.spider = YoutubeSpider(loop="1")
    crawler.settings |= {"PYTOMO_PACE_S": 0, "PYTOMO_DATABASE_URL": f"sqlite:///{path}"}
    with pytest.raises(SettingError, match="PYTOMO_PACE_S or PYTOMO_ROUND_EVERY_S"):
        build(crawler)
    assert not path.exists()


def test_components_without_the_add_on_say_what_to_switch_on() -> None:
    crawler = FakeCrawler()
    with pytest.raises(RuntimeError, match=r"pytomo_scrapy\.addons\.PytomoAddon"):
        CrawlContext.of(crawler)  # type: ignore[arg-type]


@pytest.mark.slow
def test_real_crawler_with_the_add_on_has_the_context(tmp_path: Path) -> None:
    settings = {
        "ADDONS": {"pytomo_scrapy.addons.PytomoAddon": 100},
        "PYTOMO_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
        "TELNETCONSOLE_ENABLED": False,
        "TWISTED_REACTOR_ENABLED": False,
    }
    crawler = get_crawler(settings_dict=settings)
    assert CrawlContext.of(crawler).config.database_url == settings["PYTOMO_DATABASE_URL"]
