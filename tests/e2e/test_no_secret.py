"""Secrets in every place, every stage failing: none is found in log, output, database, export, page or feed."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.crawl.printable_log import PrintableLog
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import export
from pytomo_scrapy.failures import MeasurementError, Stage, StorageError
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.measure.net.redirects import follow_redirect
from pytomo_scrapy.measure.net.request_fields import header_lines
from pytomo_scrapy.pipelines.stage import StagePipeline
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.reading import open_for_reading
from tests.storage.factories import begin, make_dns, make_download, make_format, make_item, make_resolve

SECRET = "hunter2ünd"
PLAIN = SECRET[:7]
# Where a secret can stand in what an exception says, one for each kind of place.
SAYINGS = {
    "url": f"https://rr1.example/fílm?sig={SECRET}&expire=1",
    "url in a path": f"https://rr1.example/videoplayback/sig/{SECRET}/file.mp4",
    "header": f"Authorization: Bearer {SECRET}",
    "headers": f"{{'X-Goog-Visitor-Id': '{SECRET}', 'Accept': '*/*'}}",
    "cookie": f"Cookie: SID={SECRET}; HSID={SECRET}",
    "proxy": f"ProxyError('http://me:{SECRET}@proxy.example:3128 refused')",
    "database": f"postgresql://me:{SECRET}@db.example/pytomo is away",
    "location": f"Location: //rr2.example/a?token={SECRET}",
    "host": f"https://me:{SECRET}@rr1.example/a",
    "identity": f'"visitorData": "{PLAIN}%3D%3D"',
}
STAGES = (Stage.RESOLVE, Stage.DNS, Stage.PING, Stage.DOWNLOAD, Stage.PLAYBACK)


class _Session:
    """A session whose every stage fails with the same words."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def step(self, stage: Stage, item: VideoItem) -> None:
        raise self._error


class _Stats:
    def inc_value(self, name: str) -> None:
        assert PLAIN not in name


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """What a handler with the crawl's filter writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(PrintableLog())
    logging.root.addHandler(handler)
    level = logging.root.level
    logging.root.setLevel(logging.DEBUG)
    yield stream.getvalue
    logging.root.setLevel(level)
    logging.root.removeHandler(handler)


def failing(words: str) -> tuple[Exception, ...]:
    unencodable = UnicodeEncodeError("ascii", words, 0, 1, "ordinal not in range(128)")
    return ValueError(words), OSError(words), unencodable, MeasurementError("unknown_failure", words)


def make_secret_item(video_id: str) -> VideoItem:
    media = make_format(
        url=SAYINGS["url"], http_headers={"Cookie": f"SID={SECRET}", "Authorization": f"Bearer {SECRET}"}
    )
    return make_item(
        video_id=video_id,
        resolve=make_resolve(formats=(media,), title=f"A film, see {SAYINGS['url']}"),
        title=f"A film, see {SAYINGS['url']}",
        dns=make_dns(),
        downloads=(make_download(failure_detail=SAYINGS["cookie"]),),
    )


@pytest.mark.process
@pytest.mark.slow
def test_no_secret_leaves_a_crawl_whose_every_stage_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], logged: Callable[[], str]
) -> None:
    url = f"sqlite:///{tmp_path / 'p.db'}"
    database = open_database(url)
    repository, run = begin(
        database, arguments={"url": SAYINGS["url"]}, settings={"PYTOMO_HTTP_PROXY": SAYINGS["host"]}
    )
    count = 0
    for number, words in enumerate(SAYINGS.values()):
        for stage in STAGES:
            # Every saying in every stage and in every kind of exception, and each of these in every stage.
            error = failing(words)[(number + STAGES.index(stage)) % 4]
            item = make_secret_item(f"video{count:06}")
            pipeline = StagePipeline(cast(Any, _Session(error)), cast(Any, _Stats()))
            cast(Any, pipeline).stage = stage
            asyncio.run(pipeline.process_item(item))
            assert item.failure == "unknown_failure" or item.failure_stage is not stage
            repository.save(item, run)
            count += 1
    database.close()
    for shape in ("wide", "normalized"):
        reading = open_for_reading(url)
        export(reading, tmp_path / shape, "csv", shape, ExportSelection())
        reading.close()
    with TestClient(create_app(DashboardConfig(url))) as client:
        pages = [
            client.get(path).text
            for path in ("/", "/videos", "/measurement/1", "/api/measurement/1", "/metrics", "/api/overview")
        ]
    said = capsys.readouterr()
    for text in (logged(), said.out, said.err, *pages):
        assert PLAIN not in text
    assert logged().count("Traceback") > count / 2
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and PLAIN.encode() in path.read_bytes()]
    assert holding == []


@pytest.mark.parametrize("words", SAYINGS.values())
def test_redirect_that_leads_nowhere_quotes_no_location(words: str) -> None:
    start = f"https://rr1.example/a?sig={SECRET}"
    for location in (words, f"ftp://{SECRET}/", f"http://[{SECRET}/", f"http://a:{SECRET}/"):
        try:
            follow_redirect(start, location, [start, start], 1)
        except MeasurementError as error:
            assert PLAIN not in str(error)


def test_header_that_cannot_be_sent_raises_nothing() -> None:
    media = make_format(http_headers={"Cookie": f"a={SECRET}\ud800", f"B{SECRET}": "x", "C": f"{SECRET}\r\nD: e"})
    assert [line.partition(b":")[0] for line in header_lines(media.http_headers)] == [b"Cookie", b"Accept-Encoding"]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{PLAIN}@db.example/x",
        f"postgresql://me:{PLAIN}@127.0.0.1:1/x",
        f"postgresql://127.0.0.1:1/x?password={PLAIN}",
        f"nonsense:{PLAIN}@",
        f"postgresql://me:{PLAIN}@db.example:port/x",
    ],
)
def test_database_that_cannot_be_opened_shows_no_password(url: str) -> None:
    for opened in (open_database, open_for_reading):
        with pytest.raises(StorageError) as caught:
            opened(url)
        assert PLAIN not in str(caught.value)
