"""A crawl around one session whose stages do nothing but say that they were run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pytomo_scrapy import config
from pytomo_scrapy.config import DnsConfig, ResolveConfig
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DnsLookup, DnsResult, HttpRequest, Ping, PingResult, ResolveResult, VideoItem
from pytomo_scrapy.measure.session import Session
from tests.factories import (
    HOST,
    make_download,
    make_item,
    make_resolve,
)
from tests.fake_tools import FakeCrawl

STAGES = (Stage.RESOLVE, Stage.DNS, Stage.PING, Stage.DOWNLOAD, Stage.PLAYBACK)


REFUSED = make_download(received_bytes=0, failure="http_403")


REDIRECTED = make_download(received_bytes=600, requests=(HttpRequest(0, 1, "rr9.example", 8443, "198.51.100.9"),))


WHOLE_FLOW = (
    "ready +page resolve -page +probe look-up networks -probe +probe ping -probe +window window-0 -window "
    "+analysis analysis-0 -analysis"
)


class World(FakeCrawl):
    """A crawl whose service and name servers answer as they are set to."""

    def __init__(self) -> None:
        super().__init__()
        self.resolutions: list[ResolveResult] = []  # to come; then ordinary ones
        self.dns_failure: dict[int | None, str] = {}  # by family

    def answer(self, url: str, settings: ResolveConfig) -> ResolveResult:
        self.note("resolve")
        family = 6 if settings.path.family == "6" else 4
        return self.resolutions.pop(0) if self.resolutions else make_resolve(address_family=family)

    def look_up(self, hosts: Sequence[str], family: int | None, settings: DnsConfig, **_: object) -> DnsResult:
        self.note("look-up")
        address = "2001:db8::1" if family == 6 else "192.0.2.1"
        failure = self.dns_failure.get(family)
        lookup = DnsLookup(HOST, "system", "192.0.2.53", "udp", "A", addresses=() if failure else (address,))
        return DnsResult((lookup,), {} if failure else dict.fromkeys(hosts, address), "system", 0.02, failure=failure)

    def ping(self, *_: object) -> PingResult:
        self.note("ping")
        return PingResult((Ping("192.0.2.1"),), 0.5)

    def ping_redirects(self, item: VideoItem, *_: object) -> PingResult:
        self.note("ping-redirects")
        return item.ping or PingResult()

    @property
    def calls(self) -> str:
        return " ".join(call.replace(" ", "-") for call in self.log)


def make_session(world: World, **settings: object) -> Session:
    return Session(config.load(settings.get), world.tools(), clock=lambda: 50.0)


def measure(world: World, **settings: object) -> VideoItem:
    """Take one video through the stages, as the pipelines do."""
    item, flow = make_item(crawl="c"), make_session(world, **settings)

    async def run() -> None:
        for stage in STAGES:
            await flow.step(stage, item)

    asyncio.run(run())
    return item
