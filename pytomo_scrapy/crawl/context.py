"""The composition root: builds the parts of a crawl in the order in which they need each other."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy import config
from pytomo_scrapy.crawl.alerts import alerts_of
from pytomo_scrapy.crawl.closing import Summary
from pytomo_scrapy.crawl.control_turn import ControlTurn
from pytomo_scrapy.crawl.crawl_storage import CrawlStorage
from pytomo_scrapy.crawl.data_cap import DataCap
from pytomo_scrapy.crawl.end_reasons import reason_to_end
from pytomo_scrapy.crawl.gate import Gate, Stopped
from pytomo_scrapy.crawl.idle_time import idle_figures
from pytomo_scrapy.crawl.lab_life import LabLife
from pytomo_scrapy.crawl.line_lock import LineHold, lock_of
from pytomo_scrapy.crawl.measuring_process import MeasuringProcess
from pytomo_scrapy.crawl.opened_crawl import OpenedCrawl
from pytomo_scrapy.crawl.opening import opening_lines
from pytomo_scrapy.crawl.other_spiders import Admission, EndWatch, OpenAdmission
from pytomo_scrapy.crawl.outages import OutageConfig, Outages
from pytomo_scrapy.crawl.politeness import Politeness
from pytomo_scrapy.crawl.printable_log import guard_log
from pytomo_scrapy.crawl.progress import progress_of
from pytomo_scrapy.crawl.refusal_share import STAT, RefusalShare
from pytomo_scrapy.crawl.standing import Standing
from pytomo_scrapy.crawl.stored_signal import measurement_stored
from pytomo_scrapy.crawl.study_crawl import ArmSessions, StudyCrawl
from pytomo_scrapy.failures import LineError, StorageError
from pytomo_scrapy.measure.dns.asn import NetworkFinder
from pytomo_scrapy.measure.session import Session
from pytomo_scrapy.measure.tools import Tools
from pytomo_scrapy.measure.window.known_gate import gate_sentence

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.signalmanager import SignalManager
    from scrapy.statscollectors import StatsCollector

logger = logging.getLogger(__name__)


class CrawlContext:
    """The one extension of a crawl. Spiders, pipelines and middlewares take its parts as plain attributes."""

    def __init__(
        self,
        checked: config.Config,
        stats: StatsCollector,
        raw_settings: Mapping[str, Any],
        *,
        limit: int | None = None,
        study: StudyCrawl | None = None,
    ) -> None:
        """Build every part; `limit` is that of the videos. Raises SettingError or StorageError."""
        self.study = study
        self.admission: Admission = OpenAdmission()
        self._watch: EndWatch | None = None
        self._line_failure: str | None = None
        self.config = checked
        self._stats = stats
        # 1. The parts that may refuse before anything is opened.
        self.line = LineHold(*map(lock_of, study.configs.values() if study else [checked]))
        self.networks = NetworkFinder(checked.network)
        # 2. The gate that every part waits for, and stops to end a crawl.
        self.gate = Gate(is_quiet=checked.quiet_window)
        self.standing = Standing()
        # 3. The database; its retries end when the gate stops.
        self.storage = CrawlStorage(checked, self.gate, raw_settings, self.standing, study)
        # 4. The parts that end a crawl by stopping the gate.
        self.politeness = Politeness(checked.endurance, self.gate, self.standing)
        self.lab = LabLife.of_environment()
        self.data_cap = DataCap(checked, self.gate, self.storage.repository.received_bytes_since)
        waits_for_line = checked.endurance.waits_for_line and not checked.path.proxy
        outage_config = OutageConfig(checked.dns, checked.path.source_address, waits_for_line)
        self.outages = Outages(outage_config, self.gate.hold, self._pause_for_line, run_in_thread)
        # 5. The parts that only observe. None where they are not wanted.
        self.refusal_share = RefusalShare()
        self.alerts = alerts_of(checked)
        self.progress = progress_of(checked.progress, limit, self.standing)
        self.summary = Summary(self.storage.database.shown_url, checked.download.window_s)
        # 6. The processes that measure, and the flow, whose tools are the parts above.
        self.process = MeasuringProcess(checked.frontier_ahead)
        self.process.show_on(self.standing.showing)
        tools = Tools(
            hold=self.gate.hold,
            service_ready=self.politeness.ready,
            in_thread=run_in_thread,
            process=self.process,
            data_cap=self.data_cap,
            networks=self.networks,
            pause=self.gate.pause,
            until_stop=self.gate.until_stop,
            control_turn=ControlTurn(checked.vantage, self.storage.repository.last_control_at).take,
        )
        arms = {name: Session(own, tools) for name, own in study.configs.items()} if study else {}
        self.session = ArmSessions(Session(checked, tools), arms)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the settings, once, and refuse what does not fit the spider's arguments."""
        checked = config.load(crawler.settings.get)
        # Here, where the settings are known and nothing is open: a refusal leaves neither file nor process.
        check_settings = getattr(crawler.spider, "check_settings", None)
        if check_settings is not None:
            check_settings(checked)
        # Spiders of other projects have neither a walk nor a limit.
        arguments = getattr(crawler.spider, "arguments", None)
        context = cls(
            checked,
            crawler.stats,
            {name: crawler.settings.get(name) for name in config.BY_NAME},
            limit=arguments.max_crawled_url if arguments else None,
            study=getattr(crawler.spider, "study", None),
        )
        if crawler.spider is not None and not getattr(crawler.spider, "walks", False):
            context._serve_other_spider(crawler)
        context.connect(crawler.signals)
        guard_log()
        return context

    @classmethod
    def of(cls, crawler: Crawler) -> CrawlContext:
        """Return the crawl's context. Raises RuntimeError if the add-on is not switched on."""
        context = crawler.get_extension(CrawlContext)
        if context is None:
            raise RuntimeError(
                "the extension pytomo_scrapy.crawl.context.CrawlContext is off: "
                "ADDONS must hold pytomo_scrapy.addons.PytomoAddon"
            )
        return context

    def connect(self, manager: SignalManager) -> None:
        """Let the parts hear of the crawl's beginning, its stored measurements and its end."""
        # Another spider may yield no video at all.
        at_beginning: list[Callable[..., Any]] = [self.process.open] if self._watch is None else []
        at_each_stored: list[Callable[..., Any]] = [
            self.politeness.stored,
            self.data_cap.stored,
            self.refusal_share.stored,
            self.summary.stored,
        ]
        # In the order in which they begin; Scrapy awaits them together. First what must be stored. The engine has no
        # video left by then, so that the line is free of ours although the processes may still be ending.
        at_end: list[Callable[..., Any]] = [
            self.storage.close,
            self._report_idle_time,
            self._report_refusals,
            self.process.close,
        ]
        if self.progress is not None:
            at_beginning.append(self.progress.open)
            at_each_stored.append(self.progress.stored)
            at_end.append(self.progress.close)
        if self.alerts is not None:
            at_each_stored.append(self.alerts.stored)
            at_end.append(self.alerts.close)
        if self._watch is not None:
            # Before the database is closed, or its end would be found to be a reason to end the crawl.
            at_end.insert(0, self._watch.close)
        at_end += [self.line.free, self.networks.close, self._tell_summary]
        for signal, receivers in (
            (signals.spider_opened, at_beginning),
            (measurement_stored, at_each_stored),
            (signals.spider_closed, at_end),
        ):
            for receiver in receivers:
                manager.connect(receiver, signal=signal)

    async def begin(
        self, spider: str, user_arguments: Mapping[str, str], arguments: Mapping[str, Any], *, is_own_list: bool
    ) -> OpenedCrawl:
        """Begin the crawl of these arguments, with retries. Raises StorageError when these are over."""
        opened = await self.storage.ask(self.storage.begin, spider, user_arguments, arguments, is_own_list=is_own_list)
        self.process.show_on(opened.live_window)
        for line in await self.storage.ask(opening_lines, spider, arguments, self.config, opened):
            logger.info("%s", line)
        if self.progress is not None:
            self.progress.begin((await self.storage.ask(opened.frontier.counts)).done)
        await self.data_cap.begin()
        await self._warn_of_gate(spider)
        return opened

    async def _warn_of_gate(self, spider: str) -> None:
        vantage = self.config.vantage or platform.node()
        seen_media_s = await self.storage.ask(self.storage.repository.least_gated_media_s, vantage)
        sentence = gate_sentence(self.config.download, seen_media_s, is_reported=spider == "youtube")
        if sentence is not None:
            logger.info("%s", sentence)

    def tell_ending(self) -> None:
        """Log what the crawl still does, now that it was asked to end, and for how long."""
        logger.info("%s", self.standing.ending_sentence(self.config.playback.analysis_timeout_s))

    async def _pause_for_line(self, seconds: float) -> None:
        with self.standing.waiting("the line is out and is asked again", seconds):
            await self.gate.pause(seconds)

    def _serve_other_spider(self, crawler: Crawler) -> None:
        """Let the first video of a spider without a walk open the run, and watch over its end."""
        spider = crawler.spider
        assert spider is not None

        async def close_spider(reason: str) -> None:
            assert crawler.engine is not None
            await crawler.engine.close_spider_async(reason=reason)

        def is_ending() -> bool:
            slot = getattr(crawler.engine, "_slot", None)
            return not crawler.crawling or slot is None or slot.closing is not None

        async def begin() -> None:
            watch.begin()
            try:
                self.line.take()
                opened = await self.storage.ask(self.storage.begin_run, spider.name, {})
            except LineError as error:
                self._line_failure = str(error)
                raise Stopped from None
            except StorageError as error:
                self.storage.fail(str(error))
                raise Stopped from None
            await self.process.open()
            self.process.show_on(opened.live_window)
            await self.data_cap.begin()

        self.summary.is_resumable = False
        watch = self._watch = EndWatch(self.gate, is_ending, self.reason_to_end, close_spider)
        self.admission = Admission(
            self.gate,
            begin,
            self.politeness.ready,
            ahead=self.config.frontier_ahead,
            pace_s=self.config.pace_s,
            source=spider.name,
        )

    def reason_to_end(self) -> str | None:
        """Return the reason to close the crawl, as Scrapy names them, and log its sentence. None: it goes on."""
        if self._line_failure is not None:
            logger.error("%s", self._line_failure)
            return "line_taken"
        return reason_to_end(self.storage, self.lab, self.politeness, self.data_cap)

    @property
    def is_over(self) -> bool:
        """Whether something has happened that ends the crawl."""
        is_ended = self.storage.failure is not None or self.politeness.is_over or self.data_cap.is_reached
        return is_ended or self.lab.is_over

    def _tell_summary(self, reason: str) -> None:
        if self._watch is None or self.storage.has_begun:
            self.summary.tell(reason)

    def _report_idle_time(self) -> None:
        for name, value in idle_figures(self.gate.idle_s, self.config.frontier_ahead).items():
            self._stats.set_value(name, value)

    def _report_refusals(self) -> None:
        if self.refusal_share.value is not None:
            self._stats.set_value(STAT, round(self.refusal_share.value, 4))
