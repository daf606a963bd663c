"""The frontier's promises, on SQLite and on PostgreSQL: once each, in order, under the limit, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event, select, update

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo, Frontier, open_crawl
from pytomo_scrapy.storage.schema.crawl_tables import frontier as table
from pytomo_scrapy.storage.schema.crawl_tables import owner


def videos(*ids: str) -> list[FoundVideo]:
    return [FoundVideo("youtube", video_id) for video_id in ids]


def start(database: Database, *, limit: int = 100, lease_s: float = 300.0, **arguments: str) -> Frontier:
    return open_crawl(database, "youtube", arguments, max_crawled_url=limit, lease_s=lease_s)


def take(frontier: Frontier) -> Claim:
    claim = frontier.claim()
    assert claim is not None
    return claim


def finish(frontier: Frontier, claim: Claim) -> bool:
    with frontier._database.write() as connection:
        return frontier.finish(claim.id, connection)


def seed(frontier: Frontier, *ids: str, name: str = "charts") -> None:
    frontier.add_sources([(name, {})])
    frontier.finish_source(take(frontier), videos(*ids))


def walk(frontier: Frontier, children: dict[str, Sequence[str]]) -> list[str]:
    order = []
    while (claim := frontier.claim()) is not None:
        order.append(claim.video_id)
        frontier.add_videos(claim, videos(*children.get(claim.video_id, ())))
        finish(frontier, claim)
    return order


@pytest.mark.slow
def test_claims_come_breadth_first_by_parent_and_place(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a", "b")
    children = {"a": ["a2", "a1"], "b": ["b1", "a1", "a"], "a2": ["x"], "a1": ["y", "x"]}
    # Depth 1: a, b. Depth 2 in the order of their parents: a2, a1, b1. Depth 3: x (found by a2 first), y.
    assert walk(frontier, children) == ["a", "b", "a2", "a1", "b1", "x", "y"]
    assert not frontier.has_unfinished()


def test_sources_come_before_videos_and_in_order(each_database: Database) -> None:
    frontier = start(each_database)
    assert frontier.add_sources([("charts", {"country": "GB"}), ("search", {"term": "the"}), ("charts", {})]) == 2
    assert frontier.add_sources([("charts", {})]) == 0
    first = take(frontier)
    assert (first.kind, first.video_id, first.source, first.depth) == ("source", "charts", "charts", 0)
    assert first.parameters == {"country": "GB"}
    frontier.finish_source(first, videos("a"))
    assert frontier.add_sources([("charts page 2", {})]) == 1
    assert take(frontier).video_id == "search"
    assert take(frontier).video_id == "charts page 2"
    video = take(frontier)
    assert (video.kind, video.service, video.video_id, video.source) == ("video", "youtube", "a", "charts")


def test_related_videos_know_parent_and_seed(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a", name="search:the:week")
    frontier.add_videos(take(frontier), videos("b"))
    claim = take(frontier)
    assert (claim.depth, claim.parent_id, claim.source, claim.seed_source) == (2, "a", "related", "search:the:week")


def test_failed_source_is_done_with_its_class(each_database: Database) -> None:
    frontier = start(each_database)
    frontier.add_sources([("charts", {})])
    frontier.finish_source(take(frontier), failure="http_429", detail="GET https://x.test/y?key=secret\x00")
    with each_database.read() as connection:
        row = connection.execute(select(table)).one()
    assert (row.failure, row.failure_detail) == ("http_429", "GET https://x.test/y?[removed]")
    assert not frontier.has_unfinished()


def test_children_are_added_once_for_each_claim(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a")
    claim = take(frontier)
    assert not claim.is_expanded
    assert frontier.add_videos(claim, videos("b", "c")) == 2
    assert frontier.add_videos(claim, videos("d")) == 0
    frontier.release(claim.id)
    again = take(frontier)
    assert (again.video_id, again.is_expanded, again.attempt_count) == ("a", True, 2)


def test_url_of_another_site_comes_back(each_database: Database) -> None:
    frontier = start(each_database)
    frontier.add_listed([FoundVideo("vimeo", "7", "https://vimeo.test/7")], 1)
    assert take(frontier).url == "https://vimeo.test/7"


def test_limit_is_never_passed_by_a_batch(each_database: Database) -> None:
    frontier = start(each_database, limit=3)
    seed(frontier, "a", "b")
    claim = take(frontier)
    assert frontier.add_videos(claim, videos("a", "c", "d", "e")) == 1
    assert frontier.is_full()
    assert frontier.add_videos(take(frontier), videos("f")) == 0
    counts = frontier.counts()
    assert (counts.admitted, counts.queued, counts.in_flight, counts.done) == (3, 1, 2, 0)


@pytest.mark.slow
def test_limit_is_never_passed_by_many_threads(each_url: str) -> None:
    database = open_database(each_url)
    start(database, limit=50)
    admitted: list[int] = []

    def add(worker: int) -> None:
        mine = open_database(each_url)
        frontier = start(mine, limit=50)
        for step in range(8):
            batch = videos(*(f"v{step}-{position}" for position in range(worker % 2, 6)), f"w{worker}-{step}")
            admitted.append(frontier.add_listed(batch, step))
        mine.close()

    threads = [threading.Thread(target=add, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.read() as connection:
        rows = connection.execute(select(table.c.video_id).where(table.c.depth == 1)).scalars().all()
    assert len(rows) == len(set(rows)) == sum(admitted) == 50
    database.close()


@pytest.mark.slow
def test_two_claimers_never_get_the_same_row(each_url: str) -> None:
    database = open_database(each_url)
    frontier = start(database)
    frontier.add_listed(videos(*(f"v{number}" for number in range(60))), 60)
    taken: list[str] = []

    def claim_all() -> None:
        mine = open_database(each_url)
        own = start(mine)
        while (claim := own.claim()) is not None:
            taken.append(claim.video_id)
            finish(own, claim)
        mine.close()

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == sorted(f"v{number}" for number in range(60))
    assert frontier.counts().done == 60
    database.close()


@pytest.mark.slow
def test_unfinished_crawl_resumes_by_the_same_command(each_database: Database) -> None:
    first = start(each_database, time_frame="week")
    seed(first, "a", "b")
    finish(first, take(first))
    again = start(each_database, time_frame="week")
    assert (again.crawl.id, again.crawl.is_resumed) == (first.crawl.id, True)
    assert take(again).video_id == "b"
    assert not start(each_database, time_frame="month").crawl.is_resumed


@pytest.mark.slow
def test_finished_crawl_starts_anew(each_database: Database) -> None:
    first = start(each_database)
    seed(first, "a")
    claim = take(first)
    assert not first.finish_crawl()
    finish(first, claim)
    assert first.finish_crawl()
    again = start(each_database)
    assert not again.crawl.is_resumed
    assert again.crawl.id != first.crawl.id
    seed(again, "a")
    assert take(again).video_id == "a"


@pytest.mark.slow
def test_named_crawl_may_raise_its_limit_and_keeps_its_spider(each_database: Database) -> None:
    first = open_crawl(each_database, "youtube", {}, name="mine", max_crawled_url=1)
    first.add_listed(videos("a", "b"), 2)
    again = open_crawl(each_database, "youtube", {"x": 1}, name="mine", max_crawled_url=2)
    assert again.crawl.is_resumed
    assert not again.is_full()
    with pytest.raises(StorageError, match="belongs to the spider 'youtube'"):
        open_crawl(each_database, "dailymotion", {}, name="mine")


@pytest.mark.slow
def test_each_vantage_may_have_a_frontier_of_its_own(each_database: Database) -> None:
    here = open_crawl(each_database, "youtube", {}, vantage="here")
    there = open_crawl(each_database, "youtube", {}, vantage="there")
    assert here.crawl.id != there.crawl.id
    for own in (here, there):
        own.add_listed(videos("a"), 1)
        assert take(own).video_id == "a"


@pytest.mark.slow
def test_list_resumes_where_it_was_read_to(each_database: Database) -> None:
    frontier = start(each_database)
    assert frontier.listed() == (0, False)
    frontier.add_listed(videos("a", "b"), 3)
    frontier.add_listed(videos("c"), 4, is_end=True)
    frontier.add_listed(videos("a", "b"), 3)  # a second machine, behind the first
    assert start(each_database).listed() == (4, True)
    claims = [take(frontier) for _ in range(3)]
    assert [(claim.video_id, claim.source) for claim in claims] == [("a", "urls"), ("b", "urls"), ("c", "urls")]


@pytest.mark.slow
def test_released_claim_keeps_its_place(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a", "b", "c")
    first, _second = take(frontier), take(frontier)
    assert frontier.release(first.id)
    assert not frontier.release(first.id)
    assert take(frontier).video_id == "a"
    assert frontier.release_all() == 2
    assert frontier.counts().queued == 3


@pytest.mark.slow
def test_done_row_is_not_released_or_finished_twice(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a")
    claim = take(frontier)
    assert finish(frontier, claim)
    assert not finish(frontier, claim)
    assert not frontier.release(claim.id)
    assert frontier.counts().done == 1


@pytest.mark.slow
def test_row_is_ended_without_a_measurement(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a")
    finish(frontier, take(frontier))
    assert not frontier.has_unfinished()


@pytest.mark.slow
def test_rollback_of_the_measurement_leaves_the_claim(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a")
    claim = take(frontier)
    with pytest.raises(RuntimeError), each_database.write() as connection:
        assert frontier.finish(claim.id, connection)
        raise RuntimeError
    counts = frontier.counts()
    assert (counts.in_flight, counts.done) == (1, 0)


def _become(database: Database, frontier: Frontier, **values: str | int) -> None:
    with database.write() as connection:
        connection.execute(update(owner).where(owner.c.id == frontier._owner_id).values(**values))


@pytest.mark.slow
def test_lease_of_another_machine_returns_after_its_end(each_database: Database) -> None:
    gone = start(each_database, lease_s=-1.0)
    seed(gone, "a")
    claim = take(gone)
    _become(each_database, gone, machine="elsewhere/1" if not each_database.is_sqlite else "", host="elsewhere")
    other = start(each_database)
    assert take(other).video_id == "a"
    assert not finish(gone, claim)
    assert gone.renew() == 0


@pytest.mark.slow
def test_lease_of_another_machine_is_respected(each_database: Database) -> None:
    holder = start(each_database)
    seed(holder, "a")
    take(holder)
    _become(each_database, holder, machine="elsewhere/1" if not each_database.is_sqlite else "", host="elsewhere")
    other = start(each_database)
    assert other.claim() is None
    assert other.has_unfinished()
    assert [(holder.host, holder.count) for holder in other.holders()] == [("elsewhere", 1)]


@pytest.mark.slow
def test_lease_of_a_live_process_here_outlasts_a_clock_that_jumped(each_database: Database) -> None:
    holder = start(each_database, lease_s=-1.0)
    seed(holder, "a")
    take(holder)
    other = start(each_database)
    assert other.claim() is None


def test_lease_of_a_boot_before_this_one_returns_at_once_on_sqlite(database: Database) -> None:
    holder = start(database)
    seed(holder, "a")
    take(holder)
    _become(database, holder, machine="an-older-boot/1")
    assert take(start(database)).video_id == "a"


@pytest.mark.slow
def test_number_of_a_dead_process_given_to_another_does_not_hold_its_lease(each_database: Database) -> None:
    holder = start(each_database)
    seed(holder, "a")
    take(holder)
    _become(each_database, holder, process_started="1")
    assert take(start(each_database)).video_id == "a"


@pytest.mark.slow
def test_row_measured_after_its_lease_was_lost_is_done_if_nobody_took_it(each_database: Database) -> None:
    holder = start(each_database)
    seed(holder, "a")
    claim = take(holder)
    holder.release(claim.id)
    assert not finish(holder, claim)
    assert not holder.has_unfinished()
    assert holder.counts().done == 1


@pytest.mark.slow
def test_next_pass_measures_again_and_is_joined_by_others(each_database: Database) -> None:
    frontier, other = start(each_database, limit=2), start(each_database, limit=2)
    frontier.add_listed(videos("a", "b"), 2, is_end=True)
    assert frontier.new_pass() == 1
    assert walk(frontier, {}) == ["a", "b"]
    assert frontier.new_pass() == 2
    assert frontier.listed() == (0, False)
    frontier.add_listed(videos("b"), 1)
    assert other.new_pass() == 2
    claim = take(other)
    assert (claim.video_id, claim.pass_number) == ("b", 2)
    assert frontier.counts().admitted == 1


def test_no_statement_walks_the_whole_frontier(database: Database) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "frontier" in statement and not statement.startswith("INSERT"):
            statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    frontier = start(database)
    seed(frontier, "a", "b", "c")
    claim = take(frontier)
    frontier.add_videos(claim, videos("d"))
    frontier.add_listed(videos("e"), 1)
    frontier.renew()
    finish(frontier, claim)
    frontier.counts()
    frontier.holders()
    frontier.has_unfinished()
    frontier.release_all()
    event.remove(database.engine, "before_cursor_execute", note)
    assert len(statements) > 20
    with database.engine.connect() as connection:
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            for step in (row[3] for row in plan):
                assert "SCAN frontier" not in step, statement
                assert not step.endswith("uq_frontier_video (crawl_id=? AND pass_number=?)"), statement
                assert "ORDER BY" not in step or "owner" in statement, statement


@pytest.mark.parametrize("video_id", ["", "x" * 1001])
def test_video_id_of_impossible_length_is_refused(video_id: str) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        FoundVideo("youtube", video_id)


_CRAWLER = """
import sys
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
database = open_database(sys.argv[1])
frontier = open_crawl(database, "youtube", {}, max_crawled_url=300)
frontier.add_sources([("charts", {})])
while (claim := frontier.claim()) is not None:
    if claim.kind == "source":
        frontier.finish_source(claim, [FoundVideo("youtube", f"s{n}") for n in range(20)])
        continue
    names = [f"{claim.video_id}.{n}" for n in range(3)] if claim.depth < 4 else []
    frontier.add_videos(claim, [FoundVideo("youtube", name) for name in names])
    with database.write() as connection:
        frontier.finish(claim.id, connection)
    print(claim.video_id, flush=True)
"""


@pytest.mark.process
def test_killed_crawler_loses_nothing_and_repeats_nothing(each_url: str) -> None:
    reported: list[str] = []
    for kill_after in (0, 7, 60, None):
        crawler = subprocess.Popen([sys.executable, "-c", _CRAWLER, each_url], stdout=subprocess.PIPE, text=True)
        assert crawler.stdout is not None
        for number, line in enumerate(crawler.stdout):
            reported.append(line.strip())
            if number == kill_after:
                # Killed, and not waited for before the next one starts: a zombie holds nothing.
                os.kill(crawler.pid, signal.SIGKILL)
        crawler.stdout.close()
        crawler.wait(60)
    database = open_database(each_url)
    with database.read() as connection:
        rows = connection.execute(select(table.c.video_id, table.c.state).where(table.c.depth > 0)).all()
    # 20 sources' videos, 60, 180, and 40 of depth 4 make the limit of 300.
    assert len(rows) == len({row.video_id for row in rows}) == 300
    assert {row.state for row in rows} == {2}
    # A line lost between the commit and the kill is possible, a second measurement is not.
    assert len(reported) == len(set(reported))
    assert len(reported) >= 295
    database.close()


def test_row_that_failed_twice_comes_behind_the_others_and_such_rows_take_turns(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a", "b", "c", "d")
    order = []
    for _ in range(8):
        claim = take(frontier)
        order.append(claim.video_id)
        if claim.video_id in "ab":
            frontier.release(claim.id)
    assert order == ["a", "a", "b", "b", "c", "d", "a", "b"]
