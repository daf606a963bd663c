"""A walk over a played crawl: no network, no database, and time that passes by sleeping only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.crawl.lab_life import LabLife
from pytomo_scrapy.crawl.outages import OutageConfig, Outages
from pytomo_scrapy.crawl.standing import Standing
from pytomo_scrapy.failures import LineError
from pytomo_scrapy.spiders import walk as module
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.spiders.rounds import Rounds
from pytomo_scrapy.spiders.walk import Walk
from pytomo_scrapy.storage.frontier.frontier import Claim, Counts, FoundVideo, OpenCrawl
from tests.spiders.test_claims import FakeFrontier, FakeStorage


class Frontier(FakeFrontier):
    """A frontier whose counts are set; a pass that begins queues `next_pass`."""

    crawl = OpenCrawl(1, "c", False, 1)

    def __init__(self, *queued: Claim) -> None:
        super().__init__(*queued)
        self.next_pass: list[Claim] = []
        self.admitted = self.done = 1

    def counts(self) -> Counts:
        return Counts(self.admitted, 0, 0, self.done, 0, 10)

    def listed(self) -> tuple[int, bool]:
        return 0, False

    def new_pass(self) -> int:
        self.log.append("new pass")
        self.queued, self.next_pass = self.next_pass, []
        return 2

    def finish_crawl(self) -> bool:
        self.log.append("finish")
        return True

    def finish_source(self, claim: Claim, found: list[FoundVideo], *, failure: str | None, detail: str | None) -> int:
        self.log.append(f"source {claim.video_id} {len(found)} {failure}")
        return len(found)

    def add_videos(self, claim: Claim, found: list[FoundVideo]) -> int:
        self.log.append(f"videos of {claim.video_id} {len(found)}")
        return len(found)


class Politeness:
    """Is ready at once, and notes what it hears."""

    def __init__(self, log: list[str]) -> None:
        self.log, self.is_over = log, False

    async def ready(self) -> None:
        self.log.append("ready")

    def note(self, failure: str | None, wait_s: float) -> None:
        self.log.append(f"{failure} {wait_s:g} s")

    def sentence(self) -> str:
        return "The service refused again."


class Storage(FakeStorage):
    """A storage that remembers why the crawl cannot go on."""

    failure: str | None = None
    database = repository = None

    def fail(self, sentence: str) -> None:
        self.failure = sentence


class DataCap:
    is_reached = False

    def sentence(self) -> str:
        return "The data cap of the day is reached."


class Line:
    """A line that another crawler has, or not."""

    def __init__(self, log: list[str]) -> None:
        self.log, self.is_taken = log, False

    def take(self) -> None:
        if self.is_taken:
            raise LineError("Another crawler measures over this line.")

    def free(self) -> None:
        self.log.append("line freed")

    async def take_when_free(self) -> None:
        self.log.append("line taken")


@dataclass
class Opened:
    frontier: Frontier


class Gate:
    is_stopping = False

    def stop(self) -> None:
        self.is_stopping = True


class Context:
    """A crawl around the walk: everything is noted in one list, with the waits."""

    def __init__(self, frontier: Frontier, **settings: object) -> None:
        self.log = frontier.log
        self.config = config.load({"PYTOMO_PACE_S": 0, **settings}.get)
        self.frontier, self.storage, self.gate = frontier, Storage(), Gate()
        self.politeness, self.data_cap, self.line = Politeness(self.log), DataCap(), Line(self.log)
        self.lab, self.standing, self.study = LabLife(), Standing(), None
        self.outages = Outages(OutageConfig(self.config.dns, is_on=False), hold=None, pause=None, in_thread=None)  # type: ignore[arg-type]

    @property
    def is_over(self) -> bool:
        return self.storage.failure is not None or self.politeness.is_over or self.data_cap.is_reached

    def tell_ending(self) -> None:
        self.log.append("ending")

    async def begin(self, spider: str, given: object, arguments: object, *, is_own_list: bool) -> Opened:
        self.log.append(f"begin {spider}{' own' if is_own_list else ''}")
        return Opened(self.frontier)


class Clock:
    """Time that passes by sleeping only; every sleep is noted."""

    def __init__(self, log: list[str]) -> None:
        self.now_s, self._log = 100.0, log

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if seconds:
            self._log.append(f"sleep {seconds:g}")


class Played:
    """A walk over a played crawl, and what it does with each claim."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, frontier: Frontier, arguments: Any = None, **settings: object):
        self.context = Context(frontier, **settings)
        self.log, self.arguments = frontier.log, arguments or WalkArguments()
        self.clock = Clock(self.log)
        monkeypatch.setattr(module, "time", self.clock)

        class Asyncio:
            sleep = self.clock.sleep
            create_task = staticmethod(asyncio.create_task)

        monkeypatch.setattr(module, "asyncio", Asyncio)
        draw = type("Draw", (), {"uniform": lambda _, low, high: high, "expovariate": lambda _, rate: 1 / rate})()
        monkeypatch.setattr(
            module, "Rounds", lambda endurance: Rounds(endurance, random=draw, clock=self.clock.monotonic)
        )

    async def open(self) -> Walk:
        context: Any = self.context
        return await Walk.open(context, "toy", {}, self.arguments, ["one", "two"])

    async def claims(self, takes_s: float = 0.0, most: int = 50) -> list[int]:
        walk, found = await self.open(), []
        async for claim in walk.claims():
            found.append(claim.id)
            self.log.append(f"claim {claim.id}")
            self.clock.now_s += takes_s
            walk.stored(claim.id)
            if len(found) == most:
                break
        return found


def play(walk: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(walk, 20)

    return asyncio.run(bounded())
