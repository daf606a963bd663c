"""A type that lies: the first bytes of the body decide whether it is a media file, and a portal's page stays one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.measure.media.sniffing import SNIFF_BYTES
from pytomo_scrapy.measure.window.events import Stop
from pytomo_scrapy.measure.window.judge import CurlCode
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.stream import STOP
from tests.measure.window.window_machine import Window, failed_with, make_format
from tests.measure.window.window_media import FILE
from tests.measure.window.window_servers import Request, answer, serving

WEBM = b"\x1a\x45\xdf\xa3" + bytes(500)
TRANSPORT = (b"G" + bytes(187)) * 4
PAGE = b"<!DOCTYPE html><html><body>Please sign in.</body></html>"


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "text/html; charset=utf-8", "text/xml"])
@pytest.mark.parametrize("body", [FILE[:1000], WEBM, TRANSPORT])
def test_body_that_is_media_is_taken_whatever_its_type(tmp_path: Path, content_type: str, body: bytes) -> None:
    window = Window(tmp_path, make_format())
    assert window.head(0.1, "HTTP/1.1 200 OK", f"Content-Type: {content_type}", f"Content-Length: {len(body)}") == []
    window.body(0.2, body)
    assert window.end(0.3) == [Stop("complete")]
    assert window.rows("received_bytes", "failure") == [(len(body), None)]
    result = window.streams[0].close(0.0)
    assert Path(result.spool_path or "").read_bytes() == body
    assert result.arrival_bytes[-1] == len(body)


def test_first_bytes_that_come_in_pieces_are_held_until_they_tell(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Type: text/plain")
    for piece in (FILE[:3], FILE[3:7], FILE[7:500]):
        assert window.body(0.2, piece) is None
    assert (window.streams[0].received_bytes, window.streams[0].discarded_bytes) == (500, 0)
    assert window.streams[0].close(0.0).spooled_bytes == 500


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", PAGE),
        ("text/plain", b"Gateway: this address is not allowed. " * 20),
        ("application/json", b'{"error": {"code": 403}}'),
        ("text/html", PAGE.decode().encode("utf-16")),  # its mark FF FE looks like a frame of MPEG audio
    ],
)
def test_body_of_a_portal_stays_wrong_content(tmp_path: Path, content_type: str, body: bytes) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", f"Content-Type: {content_type}")
    window.body(0.2, body)
    assert window.end(0.3) == [Stop("failure")]
    assert (window.row.failure, window.row.failure_detail) == ("wrong_content", f"the answer is {content_type}")
    assert (window.state.received_bytes, window.streams[0].close(0.0).spool_path) == (0, None)


def test_long_page_is_not_read_to_its_end(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Type: text/html")
    assert window.body(0.2, b"<p>" + bytes(SNIFF_BYTES)) == STOP
    assert window.end(0.3, failed_with(CurlCode.WRITE_ERROR)) == [Stop("failure")]
    assert window.row.failure == "wrong_content"


def test_page_without_an_end_is_wrong_content_at_the_windows_end(tmp_path: Path) -> None:
    from pytomo_scrapy.measure.window.events import DeadlineReached

    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Type: text/html")
    window.body(0.2, b"<html>")
    window.state.handle(DeadlineReached())
    window.cut(30.0, 0)
    assert window.row.failure == "wrong_content"


def test_ranges_that_follow_may_have_the_type_of_the_first_and_no_other(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    window.head(0.1, "HTTP/1.1 206 X", "Content-Type: text/plain", f"Content-Range: bytes 0-399/{len(FILE)}")
    window.body(0.2, FILE[:400])
    window.end(0.3)
    assert (
        window.head(0.4, "HTTP/1.1 206 X", "Content-Type: text/plain", f"Content-Range: bytes 400-799/{len(FILE)}")
        == []
    )
    window.body(0.5, FILE[400:800])
    window.end(0.6)
    assert window.state.received_bytes == 800
    window.head(0.7, "HTTP/1.1 206 X", "Content-Type: text/html", f"Content-Range: bytes 800-1199/{len(FILE)}")
    window.end(0.8, failed_with(CurlCode.WRITE_ERROR))
    assert window.row.failure == "wrong_content"


@pytest.mark.process
def test_window_on_a_server_without_a_media_type_takes_the_file(tmp_path: Path) -> None:
    def plain(connection: socket.socket, request: Request) -> None:
        connection.sendall(answer("200 OK", "Content-Type: text/plain", body=FILE[:200_000]))

    with serving(plain) as server:
        media = make_format(url=f"http://127.0.0.1:{server.port}/v", host="127.0.0.1", port=server.port)
        plan = WindowPlan((media,), {"127.0.0.1": "127.0.0.1"}, spool_directory=str(tmp_path))
        result = download_window(
            plan,
            DownloadConfig(window_s=3.0, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True)),
        )
    assert (result.ended_by, result.failure, result.received_bytes) == ("complete", None, 200_000)
