"""Values of types and sizes that no field was made for: every measurement has its row, and its claim ends."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, Frontier, open_crawl
from pytomo_scrapy.storage.measurements import save
from pytomo_scrapy.storage.measurements.repository import Repository, Run
from pytomo_scrapy.storage.schema.crawl_tables import measurement, video
from tests.storage.factories import begin, make_download, make_format, make_item, make_resolve

# What identifies the measurement is our own, and not the service's.
OURS = {
    *("service", "video_id", "url", "uuid", "claim_id", "failure", "failure_stage", "arms_left"),
    *("crawl", "pass_number", "depth", "frontier_order", "outage_started_at", "outage_ended_at"),
}


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = {"in": [value]}
    return value


Case = tuple[tuple[str | int, ...], str]  # the way to a value, and the kind of what stands there instead
TOGETHER = 10  # values that one measurement has wrong: each a measurement of its own would take ten times as long

WRONG: dict[str, Any] = {
    "object": {"runs": [{"text": "A title"}]},
    "list": ["a", 1, None],
    "text": "twelve\x00\ud800",
    "long text": "\U0001f600" * 20_000,
    "number": 12,
    "whole float": 3.0,
    "broken float": 2.5,
    "huge number": 10**400,
    "33 bits": 2**33,
    "infinite": float("-inf"),
    "bytes": b"\xff\x00",
    "flag": True,
    "naive time": datetime(2026, 5, 4, 10),  # noqa: DTZ001 - that is what is wrong with it
    "deep": nested(400),
    "class": object(),
    "nothing": None,
}


def paths_of(result: Any, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value of an item, through its parts and the first of each list."""
    for field in fields(result):
        value = getattr(result, field.name)
        path = (*before, field.name)
        if not before and field.name in OURS:
            continue
        yield path
        yield from _paths_in(value, path)


def _paths_in(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if is_dataclass(value):
        yield from paths_of(value, path)
    elif isinstance(value, tuple) and value:
        yield (*path, 0)
        yield from _paths_in(value[0], (*path, 0))


def changed(value: Any, path: tuple[str | int, ...], wrong: Any) -> Any:
    """Return the item with another value at the end of the path."""
    if not path:
        return wrong
    step, *rest = path
    if isinstance(step, int):
        return tuple(changed(part, tuple(rest), wrong) if at == step else part for at, part in enumerate(value))
    return replace(value, **{step: changed(getattr(value, step), tuple(rest), wrong)})


def queue(database: Database, count: int) -> Frontier:
    frontier = open_crawl(database, "youtube", {})
    frontier.add_listed([FoundVideo("youtube", f"video{number:06}") for number in range(count)], count, is_end=True)
    return frontier


def together(cases: Iterable[Case]) -> list[list[Case]]:
    """Return the cases in groups of a few, of which none is within the value that another one changes."""
    groups: list[list[Case]] = []
    for path, kind in cases:
        for group in groups:
            shared = [min(len(path), len(other)) for other, _ in group]
            if len(group) < TOGETHER and all(
                path[:size] != other[:size] for size, (other, _) in zip(shared, group, strict=True)
            ):
                group.append((path, kind))
                break
        else:
            groups.append([(path, kind)])
    return groups


def save_next(repository: Repository, run: Run, frontier: Frontier, cases: Iterable[Case]) -> None:
    claim = frontier.claim()
    assert claim is not None
    item = make_item(video_id=claim.video_id, claim_id=claim.id, frontier_order=claim.order)
    for path, kind in cases:
        item = changed(item, path, WRONG[kind])
    repository.save(item, run, frontier)


def details_of(database: Database) -> list[str | None]:
    with database.read() as connection:
        return list(connection.execute(select(measurement.c.store_failure_detail).order_by(measurement.c.id)).scalars())


@pytest.mark.slow
def test_every_field_takes_any_value_and_costs_at_most_itself(each_database: Database) -> None:
    paths = sorted(paths_of(make_item()), key=str)
    # Each value in each field would be some 6 000 rows, and fields of one type are fitted alike: each field with one
    # value, of all the kinds alike; on PostgreSQL every fourth field, with values of its own.
    drawn = random.Random(14 if each_database.is_sqlite else 15)
    kinds = [kind for _ in range(len(paths) // len(WRONG) + 1) for kind in drawn.sample(sorted(WRONG), len(WRONG))]
    cases = list(zip(paths, kinds, strict=False))[:: 1 if each_database.is_sqlite else 4]
    # What is beside each other belongs together: where one of it is lost, the other would be lost with it.
    drawn.shuffle(cases)
    groups = together(cases)
    repository, run = begin(each_database)
    frontier = queue(each_database, len(groups))
    for group in groups:
        try:
            save_next(repository, run, frontier, group)
        except Exception as error:
            raise AssertionError(f"one of {group}") from error
    assert frontier.counts().done == len(groups)
    with each_database.read() as connection:
        assert list(connection.execute(select(measurement.c.failure)).scalars()) == [None] * len(groups)
    for record in repository.measurements(limit=len(groups))[::5]:
        repository.measurement(record["id"], has_points=True)


@pytest.mark.parametrize(
    ("path", "wrong", "words"),
    [
        (("resolve", "title"), WRONG["object"], "ResolveResult.title cannot be dict"),
        (("resolve", "view_count"), "1,234", "ResolveResult.view_count cannot be str"),
        (("downloads", 0, "elapsed_s"), [1], "DownloadResult.elapsed_s cannot be list"),
        (("downloads", 0), "a window", "VideoItem.downloads cannot be str"),
        (("started_at",), WRONG["naive time"], "VideoItem.started_at cannot be datetime"),
    ],
)
def test_value_of_another_type_is_left_out_and_said(
    database: Database, path: tuple[str | int, ...], wrong: Any, words: str
) -> None:
    repository, run = begin(database)
    saved = repository.save(changed(make_item(), path, wrong), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None and words in full["store_failure_detail"]
    assert (full["failure"], full["dns_resolver"]) == (None, "system"), "the rest is there"


def test_text_that_is_indexed_is_bounded(each_database: Database) -> None:
    """An entry of PostgreSQL's index holds 2.7 kB, and text that cannot be compressed came through whole."""
    noise = "".join(chr(0x4E00 + random.Random(n).randrange(20_000)) for n in range(5_000))
    repository, run = begin(each_database)
    saved = repository.save(make_item(resolve=make_resolve(client=noise, extractor=noise, title=noise)), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None and full["store_failure_detail"] is None
    assert full["client"] == noise[: len(full["client"])] and 100 <= len(full["client"]) <= 1000
    assert len(full["video"]["title"]) <= 2000


def test_number_that_is_text_in_a_text_column_is_its_digits(each_database: Database) -> None:
    repository, run = begin(each_database)
    resolve = make_resolve(formats=(make_format(format_id=136), make_format(kind="audio", format_id=140)))
    saved = repository.save(make_item(resolve=resolve, downloads=(make_download(address_family=4.0),)), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None and full["store_failure_detail"] is None
    assert [stream["format_id"] for stream in full["downloads"][0]["streams"]] == ["136", "140"]
    assert full["downloads"][0]["address_family"] == 4


def test_bug_while_storing_leaves_a_reduced_row_that_counts_as_no_session(
    each_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = [KeyError("a bug"), RecursionError("deep"), MemoryError(), OverflowError("2**70")]
    repository, run = begin(each_database)
    frontier = queue(each_database, len(troubles))
    usual = save._measurement_row
    for count, trouble in enumerate(troubles, start=1):
        claim = frontier.claim()
        assert claim is not None

        def fail_on_figures(item: VideoItem, run: Run, trouble: Exception = trouble) -> dict[str, Any]:
            if item.resolve is not None:
                raise trouble
            return usual(item, run)

        monkeypatch.setattr(save, "_measurement_row", fail_on_figures)
        saved = repository.save(make_item(video_id=claim.video_id, claim_id=claim.id), run, frontier)
        full = repository.measurement(saved.measurement_id)
        assert full is not None and saved.is_new
        assert (full["failure"], full["failure_stage"], full["attribution"]) == ("unknown_failure", "store", "unknown")
        assert type(trouble).__name__ in full["store_failure_detail"]
        assert (full["downloads"], full["depth"], frontier.counts().done) == ([], 1, count)


def test_value_that_the_database_alone_refuses_leaves_a_reduced_row(
    each_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, run = begin(each_database)
    usual = save._measurement_row

    def with_a_refused_value(item: VideoItem, run: Run) -> dict[str, Any]:
        row = usual(item, run)
        return row | {"pass_number": {"a": "number"}} if item.resolve is not None else row

    monkeypatch.setattr(save, "_measurement_row", with_a_refused_value)
    saved = repository.save(make_item(), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None and full["failure_stage"] == "store" and full["store_failure_detail"]


def test_title_of_a_video_is_bounded_and_text(each_database: Database) -> None:
    repository, run = begin(each_database)
    for title in ("t" * 3_000_000, {"simpleText": "x"}):
        repository.save(make_item(resolve=None, title=title), run)
    with each_database.read() as connection:
        (kept,) = connection.execute(select(video.c.title)).scalars()
    assert kept == "t" * len(kept) and len(kept) <= 2000


def test_database_that_is_away_is_no_refusal(each_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, run = begin(each_database)

    def away(*_: object) -> None:
        raise StorageError("The database is away.")

    monkeypatch.setattr(save, "_save_video", away)
    with pytest.raises(StorageError, match="away"):
        repository.save(make_item(), run)
    assert details_of(each_database) == []
