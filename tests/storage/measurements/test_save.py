"""Storing measurements: everything, once, together with the frontier, and nothing that is private."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event, inspect, select, text

from pytomo_scrapy import items
from pytomo_scrapy.failures import Stage, StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.measurements import read
from pytomo_scrapy.storage.measurements.repository import VantageFacts
from pytomo_scrapy.storage.schema import crawl_tables, measurement_tables
from tests.storage.factories import (
    CLIENT,
    FIRST,
    SECOND,
    STARTED,
    begin,
    make_download,
    make_failed,
    make_item,
    make_playback,
    make_resolve,
)
from tests.storage.measurements.saved_counts import claimed, count_rows


@pytest.mark.slow
def test_saved_measurement_is_read_back_whole(each_database: Database) -> None:
    repository, run = begin(each_database)
    item = make_item()
    saved = repository.save(item, run)
    full = repository.measurement(item.uuid, has_points=True)
    assert full is not None
    assert full == repository.measurement(saved.measurement_id, has_points=True)
    json.dumps(full)
    assert full["started_at"] == STARTED.isoformat()
    assert (full["video"]["title"], full["video"]["duration_s"]) == ("A clip", 60.0)
    assert (full["vantage"]["name"], full["vantage"]["provider"], full["run"]["uuid"]) == ("here", "isp", run.uuid)
    assert (full["resolve_elapsed_s"], full["view_count"], full["address_family"]) == (0.4, 12, 4)
    assert (full["dns_resolver"], full["dns_elapsed_s"], full["ping_elapsed_s"]) == ("system", 0.02, 1.0)
    assert [lookup["addresses"] for lookup in full["dns_lookups"]] == [[FIRST], [FIRST, SECOND], [], [FIRST]]
    assert [lookup["chosen_address"] for lookup in full["dns_lookups"]] == [FIRST, None, None, FIRST]
    assert full["dns_lookups"][0]["cnames"] == ["alias.example"]
    assert [(ping["rtt_min_s"], ping["role"]) for ping in full["pings"]] == [(0.010, "media"), (0.020, "media")]
    (network,) = full["networks"]
    assert (network["address"], network["as_number"], network["other_as_numbers"]) == (FIRST, 64500, [64501])
    (window,) = full["downloads"]
    assert [request["status"] for request in window["requests"]] == [302, 206, 200]
    video = window["streams"][0]
    assert (video["primary_cache"], video["received_bytes"], video["file_container"]) == ("sn-a", 3_000_000, "mp4")
    assert (video["container"], video["timeline_method"], video["init_bytes"]) == ("mp4_dash", "segments", 100)
    assert video["arrival_s"] == (0.1, 15.0, 29.9)
    (playback,) = full["playbacks"]
    assert playback["stalls"][1] == {"start_s": 28.0, "duration_s": 2.0, "is_open": True}
    assert playback["freezes"] is None


@pytest.mark.slow
def test_recalled_windows_equal_what_the_players_were_given(each_database: Database) -> None:
    repository, run = begin(each_database)
    item = make_item()
    saved = repository.save(item, run)
    with each_database.read() as connection:
        ((window, timelines),) = read.recall_windows(connection, saved.measurement_id)
    # The spool's path is transient; nothing else may differ.
    given = item.downloads[0]
    streams = tuple(dataclasses.replace(stream, spool_path=None) for stream in given.streams)
    assert window == dataclasses.replace(given, streams=streams)
    assert timelines == item.timelines[0]


def test_saving_twice_stores_once(each_database: Database) -> None:
    repository, run = begin(each_database)
    item = make_item()
    first = repository.save(item, run)
    before = count_rows(each_database)
    again = repository.save(item, run)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.measurement_id == first.measurement_id
    assert count_rows(each_database) == before


@pytest.mark.slow
def test_claim_is_done_with_its_measurement(each_database: Database) -> None:
    repository, run = begin(each_database)
    frontier, claim = claimed(each_database)
    repository.save(make_item(claim_id=claim.id, frontier_order=claim.order), run, frontier)
    assert not frontier.has_unfinished()
    assert frontier.counts().done == 1
    (row,) = repository.measurements()
    assert (row["seed_source"], row["video_id"], row["claim_id"]) == ("charts", "abcdefghijk", claim.id)


def test_failing_save_leaves_neither_rows_nor_done(each_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, run = begin(each_database)
    frontier, claim = claimed(each_database)
    before = count_rows(each_database)

    def fail(*_: object) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(frontier, "finish", fail)
    with pytest.raises(RuntimeError):
        repository.save(make_item(claim_id=claim.id), run, frontier)
    assert count_rows(each_database) == before
    assert frontier.counts().in_flight == 1


@pytest.mark.parametrize("stage", [Stage.RESOLVE, Stage.DNS])
def test_failed_measurement_is_a_row_with_its_class(each_database: Database, stage: Stage) -> None:
    repository, run = begin(each_database)
    failure = "private" if stage is Stage.RESOLVE else "dns_timeout"
    repository.save(make_failed(stage, failure, "why"), run)
    (row,) = repository.measurements()
    assert (row["failure"], row["failure_stage"], row["failure_detail"]) == (failure, stage.value, "why")
    assert row["attribution"] == ("content" if stage is Stage.RESOLVE else "network")


@pytest.mark.slow
def test_video_without_a_window_keeps_its_announced_streams(each_database: Database) -> None:
    repository, run = begin(each_database)
    saved = repository.save(make_failed(Stage.DNS, "dns_timeout"), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None
    assert [stream["format_id"] for stream in full["announced_streams"]] == ["136", "140"]
    assert [stream["received_bytes"] for stream in full["announced_streams"]] == [None, None]


def _everything(connection: Connection) -> str:
    tables = inspect(connection).get_table_names()
    return "\n".join(str(row) for name in tables for row in connection.execute(text(f'SELECT * FROM "{name}"')))


@pytest.mark.slow
def test_nothing_private_is_stored(each_database: Database) -> None:
    repository, run = begin(
        each_database,
        settings={"PYTOMO_YOUTUBE_API_KEY": "SECRET", "PYTOMO_HTTP_PROXY": "http://me:SECRET@p:1/"},
        vantage=VantageFacts("here", public_address=CLIENT),
    )
    detail = f"403 for https://rr1.test/videoplayback?ip={CLIENT}&sig=SECRET from {CLIENT}"
    window = make_download(failure="http_403", failure_detail=detail)
    frontier, claim = claimed(each_database)
    item = make_item(
        downloads=(window,), page=items.PageResult(failure="page_timeout", failure_detail=detail), claim_id=claim.id
    )
    item.fail(Stage.DOWNLOAD, "http_403", detail)
    repository.save(item, run, frontier)
    with each_database.read() as connection:
        everything = _everything(connection)
    for private in ("SECRET", CLIENT, "videoplayback?i", "/spool/"):
        assert private not in everything
    assert "rr1.test/videoplayback?[removed] from (client)" in everything


@pytest.mark.slow
def test_public_address_is_stored_by_choice_only(each_database: Database) -> None:
    repository, run = begin(each_database, store_public_ip=True)
    saved = repository.save(make_item(), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None
    assert (full["client_address"], full["vantage"]["public_address"]) == (CLIENT, CLIENT)


@pytest.mark.parametrize("resolve", [None, make_resolve(view_count=None)])
def test_views_that_only_the_watch_page_told_are_kept(database: Database, resolve: items.ResolveResult | None) -> None:
    repository, run = begin(database)
    saved = repository.save(make_item(resolve=resolve, page=items.PageResult(related_count=3, view_count=7)), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None
    assert (full["view_count"], full["related_count"], full["page_failure"]) == (7, 3, None)


@pytest.mark.slow
def test_hostile_text_and_numbers_do_not_lose_the_measurement(each_database: Database) -> None:
    repository, run = begin(each_database)
    title = "<script>'\";--\x00 \ud800 \u202e " + "\U0001f600" * 10_000
    resolve = make_resolve(title=title, view_count=2**80, duration_s=float("inf"), player_config={"a\x00": ["\x00", 1]})
    saved = repository.save(make_item(resolve=resolve), run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None
    assert full["video"]["title"].startswith("<script>'\";-- ? \u202e \U0001f600")
    assert (full["view_count"], full["video"]["duration_s"], full["store_failure_detail"]) == (None, None, None)
    assert full["player_config"] == {"a": ["", 1]}


@pytest.mark.slow
def test_details_that_are_refused_cost_only_themselves(each_database: Database) -> None:
    repository, run = begin(each_database)
    item = make_item(playbacks=(make_playback(), make_playback()))  # the same player twice in one window
    saved = repository.save(item, run)
    full = repository.measurement(saved.measurement_id)
    assert full is not None
    assert full["playbacks"] == []
    assert full["store_failure_detail"].startswith("playbacks: IntegrityError")
    assert len(full["downloads"]) == 1
    assert len(full["pings"]) == 2


@pytest.mark.parametrize(("source", "kind"), [("charts:VIDEOS:DAILY:GB", "charts"), ("related", "related"), ("", None)])
def test_listed_values_and_the_kind_of_source_are_in_the_flat_row(
    each_database: Database, source: str, kind: str | None
) -> None:
    repository, run = begin(each_database)
    item = make_failed(Stage.RESOLVE, "bot_check", source=source)
    item.listed_view_count, item.listed_duration_s, item.listed_age_s = 1_200_000, 61.0, 1_814_400.0
    repository.save(item, run)
    columns = ("listed_view_count", "listed_duration_s", "listed_age_s")
    with each_database.read() as connection:
        for table in (measurement_tables.measurement, measurement_tables.figure):
            row = connection.execute(select(*(table.c[name] for name in columns))).one()
            assert tuple(row) == (1_200_000, 61.0, 1_814_400.0)
        assert connection.execute(select(measurement_tables.figure.c.source_kind)).scalar() == kind


def test_video_keeps_what_is_newly_known(each_database: Database) -> None:
    repository, run = begin(each_database)
    repository.save(make_failed(Stage.RESOLVE, "bot_check", title="From the page"), run)
    repository.save(make_item(), run)
    repository.save(make_failed(Stage.RESOLVE, "bot_check"), run)
    with each_database.read() as connection:
        rows = connection.execute(select(crawl_tables.video)).all()
    assert [(row.title, row.duration_s) for row in rows] == [("A clip", 60.0)]


def test_run_keeps_versions_settings_and_its_end(each_database: Database) -> None:
    repository, run = begin(each_database, arguments={"time_frame": "week"}, settings={"PYTOMO_PING_PACKETS": 3})
    again_repository, again = begin(each_database)
    assert again.vantage_id == run.vantage_id
    repository.end_run(run, "finished")
    with each_database.read() as connection:
        ended, open_run = connection.execute(select(crawl_tables.run).order_by(crawl_tables.run.c.id)).all()
    assert (ended.end_reason, ended.arguments, ended.settings) == (
        "finished", {"time_frame": "week"}, {"PYTOMO_PING_PACKETS": 3},
    )  # fmt: skip
    assert ended.ended_at >= ended.started_at
    assert ended.yt_dlp_version and ended.scrapy_version and ended.python_version
    assert open_run.ended_at is None
    assert again_repository.measurements() == []


@pytest.mark.slow
def test_further_playback_is_added_under_its_own_name_only(each_database: Database) -> None:
    repository, run = begin(each_database)
    saved = repository.save(make_item(), run)
    repository.add_playback(saved.measurement_id, make_playback(player="classic 4 s", stall_count=0, stalls=()))
    full = repository.measurement(saved.measurement_id)
    assert full is not None
    assert [(playback["player"], playback["stall_count"]) for playback in full["playbacks"]] == [
        ("classic", 2),
        ("classic 4 s", 0),
    ]
    with pytest.raises(StorageError, match="has a playback named 'classic' already"):
        repository.add_playback(saved.measurement_id, make_playback())


@pytest.mark.slow
def test_database_that_is_full_stores_nothing_and_says_so(database: Database) -> None:
    repository, run = begin(database)
    frontier, claim = claimed(database)
    with _full(database), pytest.raises(StorageError, match=r"could not be written: .*full"):
        config = {str(number): "x" * 1_000 for number in range(100)}
        repository.save(make_item(claim_id=claim.id, resolve=make_resolve(player_config=config)), run, frontier)
    assert frontier.counts().in_flight == 1
    assert repository.save(make_item(claim_id=claim.id), run, frontier).is_new


@contextmanager
def _full(database: Database) -> Iterator[None]:
    """Let every connection believe that the disk ends where the file ends now."""

    def set_limit(connection: sqlite3.Connection, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if is_full else 2**30
        connection.execute(f"PRAGMA max_page_count = {pages}")

    is_full = True
    event.listen(database.engine, "checkout", set_limit)
    yield
    is_full = False
    database.engine.connect().close()
    event.remove(database.engine, "checkout", set_limit)


@pytest.mark.slow
def test_save_takes_milliseconds(database: Database) -> None:
    repository, run = begin(database)
    timings = []
    for number in range(20):
        item = make_item(video_id=f"video{number:06}")
        began = time.process_time()
        repository.save(item, run)
        timings.append(time.process_time() - began)
    # 5 ms here; the bound leaves room for a slow machine that runs other tests at the same time.
    assert sorted(timings)[10] < 0.05
