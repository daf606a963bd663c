"""Where a window stops for its caps of bytes, and what it still counts beyond them."""

from __future__ import annotations

import dataclasses
import itertools
import socket
import statistics
import time
from pathlib import Path

import pycurl
import pytest

from pytomo_scrapy.measure.window.curl_transfers import CurlTransfer
from pytomo_scrapy.measure.window.request import Transfer
from pytomo_scrapy.measure.window.stream import Stream
from tests.measure.window.window_fetch import CONFIG, HOST, fetch, make_format
from tests.measure.window.window_servers import (
    BODY,
    Authority,
    Request,
    answer,
    media_head,
    serve_body,
    serving,
)

pytestmark = pytest.mark.process


WINDOW_S = 1.0


def trickle(connection: socket.socket, request: Request) -> None:
    """Send without end: 10 kB each 10 ms."""
    connection.sendall(media_head(10**12))
    while True:
        connection.sendall(bytes(10_000))
        time.sleep(0.01)


def test_window_byte_cap_ends_it(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, max_bytes=200_000, window_s=5 * WINDOW_S)
    with serving(trickle) as server:
        result = fetch(tmp_path, make_format(server.port), config=config)
    assert (result.ended_by, result.failure) == ("byte_cap", None)
    assert 200_000 <= result.received_bytes < 400_000
    assert result.elapsed_s is not None and result.elapsed_s < 5 * WINDOW_S


def test_window_byte_cap_is_overshot_by_one_piece_a_stream_however_fast_the_line(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, max_bytes=100_000)
    with serving(serve_body) as server:
        formats = make_format(server.port, "video"), make_format(server.port, "audio")
        result = fetch(tmp_path, *formats, config=config)
    assert (result.ended_by, result.failure) == ("byte_cap", None)
    assert len(BODY) > 150_000 and 100_000 <= result.received_bytes < 100_000 + 2 * 16_384
    assert {(stream.is_complete, stream.failure) for stream in result.streams} == {(False, None)}


def test_window_spool_cap_keeps_the_beginning_and_counts_the_rest(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, spool_max_bytes=100_000)
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port), config=config)
    (stream,) = result.streams
    assert stream.received_bytes == len(BODY)
    assert stream.spooled_bytes == 100_000
    assert Path(stream.spool_path or "").read_bytes() == BODY[:100_000]


def pour(connection: socket.socket, request: Request) -> None:
    """Send without end, as fast as it is taken."""
    connection.sendall(media_head(10**12))
    while True:
        connection.sendall(bytes(1_000_000))


def test_window_beyond_its_spool_cap_still_stamps_every_arrival(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, spool_max_bytes=65_536)
    with serving(trickle) as server:
        result = fetch(tmp_path, make_format(server.port), config=config)
    (stream,) = result.streams
    assert stream.spooled_bytes == 65_536 and stream.received_bytes > 5 * 65_536
    assert stream.arrival_bytes[-1] == stream.received_bytes == result.requests[0].received_bytes
    # What was sent 10 kB at a time did not arrive in lumps.
    steps = [after - before for before, after in itertools.pairwise(stream.arrival_bytes)]
    assert statistics.median(steps) <= 10_000


def drip(connection: socket.socket, request: Request) -> None:
    """Send what was asked for 32 KiB at a time, with pauses between."""
    first, last = request.range or (0, len(BODY) - 1)
    last = min(last, len(BODY) - 1)
    content_range = f"Content-Range: bytes {first}-{last}/{len(BODY)}"
    head = answer("206 Partial Content", "Content-Type: video/mp4", content_range, body=BODY[first : last + 1])
    for start in range(0, len(head), 32_768):
        connection.sendall(head[start : start + 32_768])
        time.sleep(0.005)


@pytest.mark.parametrize(("scheme", "chunk_bytes"), [("http", 300_000), ("https", 300_000), ("https", 10**7)])
def test_window_beyond_its_spool_cap_counts_every_byte_once(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, scheme: str, chunk_bytes: int
) -> None:
    counted: list[int] = []
    count = Stream.count
    monkeypatch.setattr(Stream, "count", lambda self, size: (counted.append(size), count(self, size)))
    config = dataclasses.replace(CONFIG, spool_max_bytes=65_536, window_s=20.0)
    with serving(drip, authority.context(HOST) if scheme == "https" else None) as server:
        result = fetch(tmp_path, make_format(server.port, scheme=scheme, chunk_bytes=chunk_bytes), config=config)
    (stream,) = result.streams
    assert (result.ended_by, stream.received_bytes, stream.arrival_bytes[-1]) == ("complete", len(BODY), len(BODY))
    assert [row.received_bytes for row in result.requests] == [
        min(chunk_bytes, len(BODY) - first) for first in range(0, len(BODY), chunk_bytes)
    ]
    assert sum(counted) > len(BODY) / 2  # by curl, not by us


def test_window_at_its_deadline_has_noted_all_that_curl_has_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_curl: list[int] = []
    report = CurlTransfer.report

    def noting_report(self: CurlTransfer, error: tuple[int, str] | None = None) -> Transfer:
        by_curl.append(int(self.handle.getinfo(pycurl.SIZE_DOWNLOAD_T)))
        return report(self, error)

    monkeypatch.setattr(CurlTransfer, "report", noting_report)
    config = dataclasses.replace(CONFIG, spool_max_bytes=65_536, window_s=0.2, max_bytes=10**12)
    with serving(pour) as server:
        results = [fetch(tmp_path, make_format(server.port), config=config) for _ in range(3)]
    assert {result.ended_by for result in results} == {"deadline"}
    assert [result.received_bytes for result in results] == by_curl
    assert [result.streams[0].arrival_bytes[-1] for result in results] == by_curl


@pytest.mark.parametrize("max_bytes", range(44_000_000, 80_000_000, 4_000_000))
def test_window_near_its_byte_cap_looks_at_every_piece_again(tmp_path: Path, max_bytes: int) -> None:
    config = dataclasses.replace(CONFIG, max_bytes=max_bytes, spool_max_bytes=65_536, window_s=20.0)
    with serving(pour) as server:
        formats = make_format(server.port, "video"), make_format(server.port, "audio")
        result = fetch(tmp_path, *formats, config=config)
    assert (result.ended_by, result.failure) == ("byte_cap", None)
    assert max_bytes <= result.received_bytes < max_bytes + 2 * 16_384
