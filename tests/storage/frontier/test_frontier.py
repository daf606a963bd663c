"""The frontier's promises, on SQLite and on PostgreSQL: once each, in order, under the limit, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from pytomo_scrapy.storage.schema.crawl_tables import frontier as table
from tests.storage.frontier.frontier_steps import finish, seed, start, take, videos, walk


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
