"""Videos and pages that break what touches them: every claim ends in a row after a few attempts, whatever happens."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from sqlalchemy import select

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.spiders import walk as walk_module
from pytomo_scrapy.spiders.claims import MAX_ATTEMPTS
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import open_crawl
from pytomo_scrapy.storage.measurements.repository import Repository
from pytomo_scrapy.storage.schema.crawl_tables import frontier
from tests.e2e.conftest import ROOT
from tests.fake_crawler import sqlite_in
from tests.running.commands import command
from tests.spiders.test_claims import Held, make_claim
from tests.spiders.test_walk import Crawl


@pytest.fixture
def make_crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Crawl]:
    monkeypatch.setattr(walk_module, "RETRY_PAUSE_S", 0.0)
    return lambda arguments=None, **settings: Crawl(tmp_path, arguments or {}, **settings)


class ScrapyLike(Crawl):
    """Ends what a callback or a pipeline raises as Scrapy does: by a signal."""

    async def answer(self, request: Request) -> None:
        try:
            await super().answer(request)
        except Exception:  # noqa: BLE001 - as Scrapy does
            response = Response(request.url, request=request)
            self.spider._on_spider_error(response)
            await asyncio.sleep(0.01)


def rows_of(crawl: Crawl) -> dict[str, str | None]:
    repository = Repository(crawl.context.storage.database)
    return {row["video_id"]: row["failure"] for row in repository.measurements()}


@pytest.mark.slow
def test_video_whose_storing_raises_ends_in_a_row_after_a_few_windows(tmp_path: Path, make_crawl: Any) -> None:
    crawl = make_crawl()
    windows: list[str] = []

    async def store(item: VideoItem) -> None:
        windows.append(item.video_id)
        if item.video_id == "one":
            await crawl.spider._on_returned(item)  # as the signal item_error does
        else:
            await crawl.store(item)

    crawl.after_item = store
    assert crawl.run() is None
    assert windows.count("one") == MAX_ATTEMPTS
    assert rows_of(crawl) == {"one": "gave_up", "two": None, "three": None, "four": None}


@pytest.mark.slow
@pytest.mark.parametrize("poison", ["one", "two"])
def test_page_whose_callback_raises_holds_nothing_up(tmp_path: Path, poison: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(walk_module, "RETRY_PAUSE_S", 0.0)
    crawl = ScrapyLike(tmp_path, {})
    admit = crawl.spider._draw

    def draw(videos: Any, video_id: str) -> Any:
        if video_id == poison:
            raise OverflowError("date value out of range")
        return admit(videos, video_id)

    monkeypatch.setattr(crawl.spider, "_draw", draw)
    assert crawl.run() is None
    assert rows_of(crawl)[poison] == "gave_up" and crawl.requested.count(poison) == MAX_ATTEMPTS


@pytest.mark.slow
def test_claim_without_a_request_holds_nothing_up(make_crawl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = make_crawl()
    page = crawl.spider.video_page

    def broken_page(video_id: str) -> Any:
        if video_id == "two":
            raise ValueError("Missing scheme in request url")
        return page(video_id)

    monkeypatch.setattr(crawl.spider, "video_page", broken_page)
    assert crawl.run() is None
    assert rows_of(crawl) == {"one": None, "two": "gave_up", "three": None}


@pytest.mark.slow
def test_source_that_breaks_its_reader_ends_with_its_class(make_crawl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = make_crawl()
    monkeypatch.setattr(crawl.spider, "source_page", lambda claim: 1 / 0)
    assert crawl.run() == "no_videos"
    with crawl.context.storage.database.read() as connection:
        rows = connection.execute(select(frontier.c.failure, frontier.c.state)).all()
    assert [tuple(row) for row in rows] == [("gave_up", 2)]


@pytest.mark.slow
@pytest.mark.process
def test_video_that_kills_the_crawler_is_given_up_and_the_others_are_measured(tmp_path: Path) -> None:
    poison = ["one", "three"]  # the very first, and one that was found later
    exit_codes = []
    while exit_codes[-1:] != [0] and len(exit_codes) < 15:
        words = command("tests.spiders.dying_crawl", str(tmp_path), *poison)
        exit_codes.append(subprocess.run(words, timeout=60, cwd=ROOT, check=False).returncode)
    assert exit_codes == [9] * MAX_ATTEMPTS * len(poison) + [0]
    database = open_database(sqlite_in(tmp_path))
    rows = {row["video_id"]: row["failure"] for row in Repository(database).measurements()}
    database.close()
    assert rows == {"one": "gave_up", "two": None, "three": "gave_up", "four": None}


def test_last_attempt_at_a_row_is_made_alone() -> None:
    held = Held(make_claim(1), make_claim(2, attempt_count=MAX_ATTEMPTS), make_claim(3), ahead=3)

    async def run() -> None:
        first = await held.claims.next()
        suspect = asyncio.create_task(held.claims.next())
        await asyncio.sleep(0.01)
        assert first is not None and not suspect.done(), "what is under way comes to its end first"
        held.claims.done(1)
        claim = await asyncio.wait_for(suspect, 5)
        assert claim is not None and claim.id == 2
        third = asyncio.create_task(held.claims.next())
        await asyncio.sleep(0.01)
        assert not third.done(), "nothing begins beside it"
        held.claims.done(2)
        await asyncio.wait_for(third, 5)

    asyncio.run(run())


@pytest.mark.parametrize(("is_counted", "attempt_count"), [(True, 2), (False, 1)])
def test_claim_that_a_stop_gives_back_is_no_attempt(each_database: Any, is_counted: bool, attempt_count: int) -> None:
    opened = open_crawl(each_database, "youtube", {})
    opened.add_sources([("charts", {})])
    claim = opened.claim()
    assert claim is not None
    opened.release(claim.id, is_counted=is_counted)
    again = opened.claim()
    assert again is not None and again.attempt_count == attempt_count
    opened.release_all()
    last = opened.claim()
    assert last is not None and last.attempt_count == attempt_count
