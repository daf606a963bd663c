"""The view pytomo_crawl: 29 columns under the forerunner's names, in its units."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from pytomo_scrapy.failures import Stage
from pytomo_scrapy.storage.database import Database
from tests.storage.factories import FIRST, SECOND, begin, make_download, make_failed, make_item

COLUMNS = [
    "ID",
    "Service",
    "Url",
    "CacheUrl",
    "CacheServerDelay",
    "IP",
    "Resolver",
    "ResolveTime",
    "ASNumber",
    "PingMin",
    "PingAvg",
    "PingMax",
    "DownloadTime",
    "VideoType",
    "VideoDuration",
    "VideoLength",
    "EncodingRate",
    "DownloadBytes",
    "DownloadInterruptions",
    "InitialData",
    "InitialRate",
    "InitialPlaybackBuffer",
    "BufferingDuration",
    "PlaybackDuration",
    "BufferDurationAtEnd",
    "TimeTogetFirstByte",
    "MaxInstantThp",
    "RedirectUrl",
    "StatusCode",
]


def rows_of(database: Database) -> list[dict[str, Any]]:
    """Return the view's rows, the names in lower case as PostgreSQL shows them."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT * FROM pytomo_crawl ORDER BY Url, Resolver, IP")).all()
        return [{name.lower(): value for name, value in row._mapping.items()} for row in rows]


@pytest.mark.slow
def test_view_has_the_29_columns_in_their_order(each_database: Database) -> None:
    with each_database.read() as connection:
        names = list(connection.execute(text("SELECT * FROM pytomo_crawl")).keys())
    assert len(COLUMNS) == 29
    assert [name.lower() for name in names] == [name.lower() for name in COLUMNS]
    if each_database.is_sqlite:
        assert names == COLUMNS


@pytest.mark.slow
def test_view_has_a_row_for_each_address_of_each_resolver(each_database: Database) -> None:
    repository, run = begin(each_database)
    repository.save(make_item(), run)
    rows = rows_of(each_database)
    assert [(row["resolver"], row["ip"]) for row in rows] == [("google", FIRST), ("google", SECOND), ("system", FIRST)]
    assert [row["downloadbytes"] for row in rows] == [3_500_000, None, 3_500_000]
    assert [row["pingmin"] for row in rows] == pytest.approx([10.0, 20.0, 10.0])
    assert [row["resolvetime"] for row in rows] == [0.03, 0.03, 0.02]
    assert [row["asnumber"] for row in rows] == [64500, None, 64500]


@pytest.mark.slow
def test_view_has_the_old_units(each_database: Database) -> None:
    repository, run = begin(each_database)
    repository.save(make_item(), run)
    row = rows_of(each_database)[2]
    expected = {
        "id": "2026-05-04 10:20:30.123456",
        "service": "youtube",
        "url": "https://www.youtube.com/watch?v=abcdefghijk",
        "cacheurl": "https://rr1---sn-a.googlevideo.com/",
        "cacheserverdelay": 0.4,
        "ip": FIRST,
        "resolver": "system",
        "resolvetime": 0.02,
        "asnumber": 64500,
        "pingmin": 10.0,
        "pingavg": 11.0,
        "pingmax": 12.0,
        "downloadtime": 30.0,
        "videotype": "mp4",
        "videoduration": 60.0,
        "videolength": 7_500_000 + 960_000,
        "encodingrate": 1000.0 + 128.0,  # kbit/s, video and audio
        "downloadbytes": 3_500_000,
        "downloadinterruptions": 2,
        "initialdata": 250_000,
        "initialrate": 666.666,
        "initialplaybackbuffer": 2.1,
        "bufferingduration": 4.0,
        "playbackduration": 23.0,
        "bufferdurationatend": 0.5,
        "timetogetfirstbyte": 0.1,
        "maxinstantthp": 2000.0,
        "redirecturl": "https://rr9---sn-b.googlevideo.com/",
        "statuscode": 206,
    }
    for name, value in expected.items():
        assert row[name] == (pytest.approx(value) if isinstance(value, float) else value), name


@pytest.mark.slow
@pytest.mark.parametrize("stage", [Stage.RESOLVE, Stage.DNS])
def test_measurement_without_any_address_has_one_row(each_database: Database, stage: Stage) -> None:
    repository, run = begin(each_database)
    repository.save(make_failed(stage, "private" if stage is Stage.RESOLVE else "dns_timeout"), run)
    (row,) = rows_of(each_database)
    assert row["url"] == "https://www.youtube.com/watch?v=abcdefghijk"
    assert (row["ip"], row["downloadbytes"], row["statuscode"]) == (None, None, None)


@pytest.mark.slow
def test_window_through_a_proxy_has_a_row_without_an_address(each_database: Database) -> None:
    repository, run = begin(each_database)
    repository.save(make_item(dns=None, ping=None, downloads=(make_download(address=None, via_proxy=True),)), run)
    (row,) = rows_of(each_database)
    assert (row["ip"], row["downloadbytes"], row["downloadinterruptions"]) == (None, 3_500_000, 2)


@pytest.mark.slow
def test_window_that_was_never_opened_adds_no_row(each_database: Database) -> None:
    repository, run = begin(each_database)
    died = make_download(address=None, host=None, received_bytes=None, streams=(), requests=(), failure="worker_died")
    repository.save(make_item(downloads=(died,), timelines=(), playbacks=()), run)
    rows = rows_of(each_database)
    assert [(row["ip"], row["downloadbytes"]) for row in rows] == [(FIRST, None), (SECOND, None), (FIRST, None)]


@pytest.mark.slow
def test_each_video_is_one_url_however_many_rows_it_has(each_database: Database) -> None:
    repository, run = begin(each_database)
    for number in range(3):
        repository.save(make_item(video_id=f"video{number}"), run)
    with each_database.read() as connection:
        assert connection.execute(text("SELECT COUNT(DISTINCT Url), COUNT(*) FROM pytomo_crawl")).one() == (3, 9)
