"""Crawls of a study: which point may measure alone, and which finished crawl goes on with further rounds."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.crawls import find_or_create, hold_alone, reopen_rounds
from pytomo_scrapy.storage.schema.crawl_tables import crawl

NAME = "study one"


def make(database: Database, vantage: str, pass_number: int, *, is_finished: bool) -> int:
    """Make the crawl of a point that is at a round, or has finished with it. Returns its number."""
    made = find_or_create(database, "study", {}, NAME, 5, vantage)
    with database.write() as connection:
        at = {"pass_number": pass_number, **({"finished_at": crawl.c.created_at} if is_finished else {})}
        connection.execute(update(crawl).where(crawl.c.id == made.id).values(at))
    return made.id


def rows(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        found = connection.execute(
            select(crawl.c.vantage_name, crawl.c.pass_number, crawl.c.finished_at).order_by(crawl.c.id)
        )
        return [(row.vantage_name, row.pass_number, row.finished_at is not None) for row in found]


@pytest.mark.parametrize(
    ("crawls", "rounds", "goes_on", "after"),
    [
        ([], 4, True, []),  # its first run makes it
        ([("here", 2, False)], 4, True, [("here", 2, False)]),  # it was stopped, and is resumed as any other
        ([("here", 4, True)], 4, False, [("here", 4, True)]),
        ([("here", 4, True)], 3, False, [("here", 4, True)]),  # the plan was shortened since
        ([("here", 4, True)], 5, True, [("here", 4, False)]),
        # Of another point nothing is known here, and nothing changed.
        ([("there", 4, True)], 5, True, [("there", 4, True)]),
        ([("there", 1, True), ("here", 4, True)], 5, True, [("there", 1, True), ("here", 4, False)]),
        # The newest of a point's crawls counts.
        ([("here", 9, True), ("here", 4, True)], 5, True, [("here", 9, True), ("here", 4, False)]),
    ],
)
def test_finished_crawl_goes_on_where_its_plan_has_more_rounds(
    database: Database, crawls: list[tuple[str, int, bool]], rounds: int, goes_on: bool, after: list[tuple[Any, ...]]
) -> None:
    for vantage, pass_number, is_finished in crawls:
        make(database, vantage, pass_number, is_finished=is_finished)
    assert reopen_rounds(database, NAME, "here", rounds) is goes_on
    assert rows(database) == after


@pytest.mark.parametrize(
    ("points", "others", "after"),
    [
        ((), [], ["here"]),
        (("here",), [], ["here"]),
        (("there",), ["there"], ["there"]),
        (("there", "attic"), ["attic", "there"], ["there", "attic"]),
        # Two began before the plan said anything of it: each is told of the other.
        (("here", "there"), ["there"], ["here", "there"]),
    ],
)
def test_point_that_measures_alone_has_the_crawl_or_hears_who_has(
    database: Database, points: tuple[str, ...], others: list[str], after: list[str]
) -> None:
    for point in points:
        make(database, point, 1, is_finished=False)
    assert hold_alone(database, 1, NAME, "here") == others
    assert [row[0] for row in rows(database)] == after


def test_crawl_that_is_held_is_resumed_by_the_run_that_follows(database: Database) -> None:
    hold_alone(database, 1, NAME, "here")
    found = find_or_create(database, "study", {"seed": "1"}, NAME, 5, "here")
    assert (found.is_resumed, found.pass_number, len(rows(database))) == (True, 1, 1)


def test_name_that_another_spider_has_is_refused_and_only_while_its_crawl_is_unfinished(database: Database) -> None:
    number = make(database, "here", 1, is_finished=False)
    sentence = "The unfinished crawl 'study one' belongs to the spider 'study': choose another name for this one."
    with pytest.raises(StorageError, match=sentence):
        find_or_create(database, "youtube", {}, NAME, 5, "here")
    assert find_or_create(database, "youtube", {}, NAME, 5, "there").id != number
    with database.write() as connection:
        connection.execute(update(crawl).where(crawl.c.id == number).values(finished_at=crawl.c.created_at))
    assert find_or_create(database, "youtube", {}, NAME, 5, "here").is_resumed is False
