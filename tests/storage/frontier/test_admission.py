"""Admission to the frontier and crawls by name, on SQLite: tables of what is queued, in which places, under a limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier import admission as module
from pytomo_scrapy.storage.frontier import crawls
from pytomo_scrapy.storage.frontier.admission import MAX_ID_CHARS, Branch, FoundVideo, admit
from pytomo_scrapy.storage.frontier.crawls import find_or_create, name_crawl
from pytomo_scrapy.storage.frontier.frontier import Frontier, open_crawl
from pytomo_scrapy.storage.schema.crawl_tables import crawl, frontier


def start(database: Database, limit: int = 100, **more: Any) -> Frontier:
    return open_crawl(database, "youtube", {}, name="c", max_crawled_url=limit, **more)


def add(database: Database, opened: Frontier, words: str, *, depth: int = 1, first_place: int = 0) -> int:
    """Admit the words as ids; "other:a" is another service's."""
    videos = [FoundVideo(*word.split(":")) if ":" in word else FoundVideo("youtube", word) for word in words.split()]
    branch = Branch(opened.crawl.id, opened.crawl.pass_number, depth, 0, None, first_place)
    with database.write() as connection:
        return admit(connection, branch, videos)


def queued(database: Database) -> list[str]:
    """Return "service:id@place", the service left out where it is YouTube's, in the order of coming."""
    with database.read() as connection:
        rows = connection.execute(select(frontier.c.service, frontier.c.video_id, frontier.c.place))
        return [f"{row.service}:{row.video_id}@{row.place}".removeprefix("youtube:") for row in rows]


@pytest.mark.parametrize(
    ("limit", "batches", "admitted", "rows"),
    [
        (9, ["a b c"], [3], ["a@0", "b@1", "c@2"]),
        (9, [""], [0], []),
        (9, ["a b a"], [2], ["a@0", "b@1"]),  # the first place counts
        (9, ["a b", "b a c"], [2, 1], ["a@0", "b@1", "c@2"]),  # what is known keeps its place
        (2, ["a b c"], [2], ["a@0", "b@1"]),
        (2, ["a", "a b c"], [1, 1], ["a@0", "b@1"]),
        (1, ["a", "b"], [1, 0], ["a@0"]),
        (0, ["a"], [0], []),
        (9, ["a other:a", "other:a"], [2, 0], ["a@0", "other:a@1"]),  # ids are those of their service
    ],
)
def test_videos_are_admitted_once_in_their_order_up_to_the_limit(
    limit: int, batches: list[str], admitted: list[int], rows: list[str], database: Database
) -> None:
    opened = start(database, limit)
    assert [add(database, opened, batch) for batch in batches] == admitted
    assert queued(database) == rows
    counts = opened.counts()
    assert (counts.admitted, counts.queued) == (sum(admitted), sum(admitted))


@pytest.mark.parametrize("chunk", [1, 2, 3, 500])
def test_known_videos_are_found_in_every_part_of_a_long_list(
    chunk: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    opened = start(database)
    add(database, opened, "c e")
    assert add(database, opened, "a b c d e", first_place=10) == 3
    assert queued(database) == ["c@0", "e@1", "a@10", "b@11", "d@13"]


def test_limit_passed_under_its_own_lock_is_a_bug_that_admits_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = start(database, 1)
    monkeypatch.setattr(module, "_lock_room", lambda *_: 5)
    with pytest.raises(AssertionError, match="under its own lock"):
        add(database, opened, "a b")
    assert queued(database) == []


@pytest.mark.parametrize(("length", "is_usable"), [(0, False), (1, True), (MAX_ID_CHARS, True), (1001, False)])
def test_video_id_has_a_length_that_an_index_holds(length: int, is_usable: bool) -> None:
    if is_usable:
        assert len(FoundVideo("other", "x" * length).video_id) == length
        return
    with pytest.raises(ValueError, match="1 to 1000 characters"):
        FoundVideo("other", "x" * length)


# Crawls by name.


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, True),  # the order of the arguments says nothing
        ({"a": 1}, {"a": "1"}, True),
        ({"a": "1"}, {"a": "2"}, False),
        ({}, {"a": ""}, False),
        ({"a": "1,b=2"}, {"a": "1", "b": "2"}, False),
    ],
)
def test_name_of_a_crawl_follows_from_what_it_was_asked(
    one: Mapping[str, Any], other: Mapping[str, Any], is_same: bool
) -> None:
    assert (name_crawl("youtube", one) == name_crawl("youtube", other)) is is_same
    assert name_crawl("youtube", one).startswith("youtube-")
    assert name_crawl("dailymotion", one).removeprefix("dailymotion") == name_crawl("youtube", one)[len("youtube") :]


def test_crawl_created_elsewhere_between_look_and_insert_is_joined(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look finds nothing, although the crawl is there: as if another machine had been quicker."""
    first = find_or_create(database, "youtube", {}, "c", 10, "")
    resume, looks = crawls._resume, []

    def blind_once(connection: Any, values: Mapping[str, Any]) -> Any:
        looks.append(1)
        return None if len(looks) == 1 else resume(connection, values)

    monkeypatch.setattr(crawls, "_resume", blind_once)
    joined = find_or_create(database, "youtube", {}, "c", 20, "")
    assert (joined.id, joined.is_resumed, len(looks)) == (first.id, True, 2)


def test_crawl_that_cannot_be_created_and_is_not_there_is_an_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_or_create(database, "youtube", {}, "c", 10, "")
    monkeypatch.setattr(crawls, "_resume", lambda *_: None)
    with pytest.raises((IntegrityError, StorageError)):
        find_or_create(database, "youtube", {}, "c", 10, "")


@pytest.mark.parametrize(
    ("argument", "stored"),
    [
        ({"urls": "a,b"}, {"urls": "a,b"}),
        ({"token": "SECRET"}, {"token": "[removed]"}),
        ({"proxy": "http://user:word@proxy:3128"}, {"proxy": "http://[removed]@proxy:3128"}),
    ],
)
def test_arguments_of_a_crawl_are_stored_without_secrets_and_those_of_its_last_run_count(
    argument: dict[str, str], stored: dict[str, str], database: Database
) -> None:
    for arguments in ({"urls": "first"}, argument):
        opened = find_or_create(database, "youtube", arguments, "c", 10, "")
    with database.read() as connection:
        assert connection.execute(select(crawl.c.arguments).where(crawl.c.id == opened.id)).scalar_one() == stored


# Claims, and who may finish them.


def claim_one(database: Database, opened: Frontier, name: str = "a") -> Any:
    add(database, opened, name)
    return opened.claim()


@pytest.mark.parametrize(
    ("state", "is_finished", "done_count"),
    [
        ("ours", True, 1),
        ("released", False, 1),  # nobody took it: measured is measured
        ("another's", False, 0),
        ("done", False, 1),
        ("gone", False, 0),
    ],
)
def test_row_is_finished_where_it_is_ours_or_nobodys(
    state: str, is_finished: bool, done_count: int, database: Database
) -> None:
    opened = start(database)
    claim = claim_one(database, opened)
    if state == "released":
        opened.release(claim.id)
    elif state == "another's":
        opened.release(claim.id)
        other = start(database)
        assert other.claim() is not None
    elif state == "done":
        with database.write() as connection:
            opened.finish(claim.id, connection)
    with database.write() as connection:
        assert opened.finish(claim.id + (99 if state == "gone" else 0), connection) is is_finished
    assert opened.counts().done == done_count


@pytest.mark.parametrize("retries_refused", [True, False])
def test_refused_video_is_put_off_once_where_the_crawl_tries_again(retries_refused: bool, database: Database) -> None:
    opened = start(database, retries_refused=retries_refused)
    found = []
    claim = claim_one(database, opened)
    for _ in range(2):
        with database.write() as connection:
            found.append(opened.put_off(claim.id, connection, "http_429"))
        claim = opened.claim() or claim
    assert found == [retries_refused, False]
    assert claim.attempt_count == (2 if retries_refused else 1)


@pytest.mark.slow
@pytest.mark.parametrize(("but", "freed"), [((), ["a", "b"]), ((0,), ["b"]), ((0, 1), [])], ids=["none", "one", "both"])
def test_claims_of_a_process_are_all_given_back_but_for_some(
    but: tuple[int, ...], freed: list[str], database: Database
) -> None:
    opened = start(database)
    add(database, opened, "a b")
    claims = [opened.claim(), opened.claim()]
    kept = [claim.id for place, claim in enumerate(claims) if claim is not None and place in but]
    assert opened.release_all(except_ids=kept) == len(freed)
    again = []
    while (claim := opened.claim()) is not None:
        again.append(claim.video_id)
    assert again == freed


def test_list_goes_on_where_it_was_read_to_and_never_back(database: Database) -> None:
    opened = start(database)
    positions = []
    for position, is_end in ((2, False), (1, False), (4, True)):
        opened.add_listed([FoundVideo("youtube", f"v{position}")], position, is_end=is_end)
        positions.append(opened.listed())
    # A batch that another machine has read beyond is queued, and moves nothing.
    assert positions == [(2, False), (2, False), (4, True)]
    with database.write() as connection:
        connection.execute(update(crawl).values(pass_number=2))
    assert opened.listed() == (0, False), "the pass that others have begun reads it from its start"


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("source", ("source", "charts", None, None, {"page": 2})),
        ("first", ("video", "charts", "charts", None, {})),
        ("related", ("video", "related", "charts", "first", {})),
    ],
)
def test_claim_knows_where_it_comes_from(kind: str, facts: tuple[object, ...], database: Database) -> None:
    opened = start(database)
    opened.add_sources([("charts", {"page": 2}), ("charts", {"page": 3})])
    claim = opened.claim()
    assert claim is not None
    if kind != "source":
        opened.finish_source(claim, [FoundVideo("youtube", "first")])
        claim = opened.claim()
    if kind == "related":
        assert claim is not None
        opened.add_videos(claim, [FoundVideo("youtube", "second")])
        claim = opened.claim()
    assert claim is not None
    assert (claim.kind, claim.source, claim.seed_source, claim.parent_id, claim.parameters) == facts


def test_claim_has_what_the_first_list_says_of_the_video(database: Database) -> None:
    opened = start(database)
    first = FoundVideo("youtube", "a", listed_view_count=1200, listed_duration_s=61.0, listed_age_s=86_400.0)
    again = FoundVideo("youtube", "a", listed_view_count=9)
    # More than a database can count is not known.
    boundless = FoundVideo("youtube", "b", listed_view_count=10**30, listed_duration_s=float("inf"))
    opened.add_listed([first, again, boundless], 3)
    opened.add_listed([again], 4)
    claims = [opened.claim(), opened.claim()]
    said = [(one.listed_view_count, one.listed_duration_s, one.listed_age_s) for one in claims if one is not None]
    assert said == [(1200, 61.0, 86_400.0), (None, None, None)]
