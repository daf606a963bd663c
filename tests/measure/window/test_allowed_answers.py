"""Answers that HTTP allows: no size told, an end told by 416, codings, broken framing, letters beyond ASCII."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pytomo_scrapy.measure.window.events import Abort, Stop
from pytomo_scrapy.measure.window.head import ResponseHead
from pytomo_scrapy.measure.window.judge import CurlCode, Phase, TransferError, classify_curl_error
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from tests.measure.window.window_fetch import CONFIG
from tests.measure.window.window_machine import DONE, Window, failed_with, make_format, requested
from tests.measure.window.window_servers import BODY, Handler, Request, answer, serving

CHUNK_BYTES = 1000
RECEIVING = Phase(via_proxy=False, is_connected=True, is_sent=True, received_bytes=1000)


def window_of_chunks(folder: Path, **overrides: object) -> Window:
    return Window(folder, make_format(chunk_bytes=CHUNK_BYTES, **overrides))


def serve_unsized(window: Window, first: int, count: int) -> None:
    """Answer a range, whose size nobody knows, with `count` bytes; the next range is asked for."""
    window.head(0.1, "HTTP/1.1 206 Partial Content", f"Content-Range: bytes {first}-{first + count - 1}/*")
    window.body(0.2, count)
    (command,) = window.end(0.3)
    assert requested(command)[2] == (first + count, first + count + CHUNK_BYTES - 1)


@pytest.mark.parametrize("content_range", ["Content-Range: bytes */2000", "content-range: Bytes  */2000", "X-None: x"])
def test_range_behind_the_end_says_that_the_file_is_whole(tmp_path: Path, content_range: str) -> None:
    window = window_of_chunks(tmp_path)
    serve_unsized(window, 0, CHUNK_BYTES)
    serve_unsized(window, CHUNK_BYTES, CHUNK_BYTES)
    assert window.head(0.4, "HTTP/1.1 416 Range Not Satisfiable", content_range) == []
    window.body(0.5, b"no such range")
    assert window.end(0.6) == [Stop("complete")]
    assert window.rows("status", "failure") == [(206, None), (206, None), (416, None)]
    assert (window.streams[0].is_complete, window.streams[0].size_bytes) == (True, 2000)


@pytest.mark.parametrize("content_range", ["Content-Range: bytes */5000", "Content-Range: bytes */1"])
def test_range_that_is_refused_within_the_file_is_http_416(tmp_path: Path, content_range: str) -> None:
    window = window_of_chunks(tmp_path)
    serve_unsized(window, 0, CHUNK_BYTES)
    window.head(0.4, "HTTP/1.1 416 Range Not Satisfiable", content_range)
    assert window.end(0.6) == [Stop("failure")]
    assert window.row.failure == "http_416"


@pytest.mark.parametrize(
    "status", ["416 Range Not Satisfiable", "200 OK", "204 No Content", "206 Partial Content", "400 Bad Request"]
)
def test_less_than_asked_for_and_then_nothing_is_the_end(tmp_path: Path, status: str) -> None:
    window = window_of_chunks(tmp_path)
    serve_unsized(window, 0, 700)
    is_stopped = window.head(0.4, f"HTTP/1.1 {status}") == [Abort(0)]
    assert window.end(0.6, failed_with(CurlCode.WRITE_ERROR) if is_stopped else DONE) == [Stop("complete")]
    assert window.streams[0].size_bytes == 700


@pytest.mark.parametrize(
    ("status", "failure"), [("403 Forbidden", "plain_http_refusal"), ("503 Busy", "http_5xx"), ("404 No", "http_404")]
)
def test_less_than_asked_for_and_then_a_refusal_is_a_failure(tmp_path: Path, status: str, failure: str) -> None:
    window = window_of_chunks(tmp_path)
    serve_unsized(window, 0, 700)
    window.head(0.4, f"HTTP/1.1 {status}")
    assert window.end(0.6) == [Stop("failure")]
    assert window.row.failure == failure


def test_server_that_sends_short_ranges_is_asked_to_its_files_end(tmp_path: Path) -> None:
    window = window_of_chunks(tmp_path)
    for first in (0, 700, 1400):
        serve_unsized(window, first, 700)
    window.head(0.4, "HTTP/1.1 416 Range Not Satisfiable", "Content-Range: bytes */2100")
    assert window.end(0.6) == [Stop("complete")]


def test_whole_file_without_a_length_in_answer_to_a_range_is_complete(tmp_path: Path) -> None:
    window = window_of_chunks(tmp_path)
    window.head(0.1, "HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
    window.body(0.2, 5000)
    assert window.end(0.3) == [Stop("complete")]
    assert window.streams[0].size_bytes == 5000


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
def test_coding_that_nobody_asked_for_is_told(tmp_path: Path, coding: str) -> None:
    window = Window(tmp_path, make_format())
    assert window.head(0.1, "HTTP/1.1 200 OK", f"Content-Encoding: {coding}") == [Abort(0)]
    window.end(0.2, failed_with(CurlCode.WRITE_ERROR))
    assert window.row.failure == "bad_response"
    assert coding in (window.row.failure_detail or "")


def test_coded_page_of_a_portal_stays_wrong_content(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Type: text/html", "Content-Encoding: gzip")
    window.end(0.2, failed_with(CurlCode.WRITE_ERROR))
    assert window.row.failure == "wrong_content"


def test_body_that_says_it_is_not_coded_is_taken(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    assert window.head(0.1, "HTTP/1.1 200 OK", "Content-Encoding: identity") == []


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: \u00b2", "Content-Range: bytes 0-\u00b2/\u00b2"),
        ("Content-Length: " + "9" * 5000, "Content-Range: bytes 0-1/" + "9" * 5000),
        ("Date: Fri, 32 Foo 99999 99:99:99 GMT", "Retry-After: \u00b2"),
        ("Date: \u00fc\u00fc", "Age: \u00b2", "Retry-After: Fri, 32 Foo 99999"),
    ],
)
def test_untidy_fields_are_passed_over(fields: tuple[str, ...]) -> None:
    head = ResponseHead()
    for line in ("HTTP/1.1 206 Partial Content", *fields, ""):
        assert head.feed(line.encode("latin-1") + b"\r\n")
    assert (head.status, head.content_length_bytes, head.size_bytes) == (206, None, None)
    assert (head.date, head.retry_after_s) == (None, None)
    assert head.body_failure(0) is None


def test_status_that_is_no_number_is_none() -> None:
    head = ResponseHead()
    assert head.feed("HTTP/1.1 \u00b2\u00b3\u00b9 OK\r\n".encode("latin-1"))
    assert head.status is None


@pytest.mark.parametrize(
    ("code", "text", "failure"),
    [
        (CurlCode.RECV_ERROR, "chunk hex-length char not a hex digit: 0x7a", "bad_response"),
        (CurlCode.RECV_ERROR, "Malformed encoding found in chunked-encoding", "bad_response"),
        (CurlCode.RECV_ERROR, "Illegal or missing hexadecimal sequence", "bad_response"),
        (CurlCode.RECV_ERROR, "Recv failure: Connection reset by peer", "reset"),
        (CurlCode.HTTP2_STREAM, "HTTP/2 stream 1 was not closed cleanly: PROTOCOL_ERROR (err 1)", "bad_response"),
        (CurlCode.HTTP2_STREAM, "HTTP/2 stream 1 was not closed cleanly: CANCEL (err 8)", "reset"),
    ],
)
def test_broken_framing_is_no_reset(code: int, text: str, failure: str) -> None:
    assert classify_curl_error(TransferError(code, text), RECEIVING) == failure


def chunked(*chunks: bytes) -> Handler:
    def handle(connection: socket.socket, request: Request) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"".join(chunks))
        connection.close()

    return handle


@pytest.mark.process
@pytest.mark.parametrize(
    "rest", [b"zz-no-length\r\n", b"fffffffffffffffffff\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", b"\r\n\r\n"]
)
def test_window_of_chunks_that_are_none_is_bad_response(tmp_path: Path, rest: bytes) -> None:
    with serving(chunked(b"400\r\n" + BODY[:1024] + b"\r\n", rest)) as server:
        media = make_format(url=f"http://127.0.0.1:{server.port}/v", host="127.0.0.1", port=server.port)
        result = download_window(WindowPlan((media,), {}, spool_directory=str(tmp_path)), CONFIG)
    assert (result.failure, result.received_bytes) == ("bad_response", 1024 + (3 if rest[:1] == b"3" else 0))


@pytest.mark.process
@pytest.mark.parametrize("target", ["/f\u00edlm.mp4".encode(), "/f\u00edlm.mp4".encode("latin-1"), b"/my film.mp4"])
def test_window_follows_a_redirect_with_letters(tmp_path: Path, target: bytes) -> None:
    def handle(connection: socket.socket, request: Request) -> None:
        if "moved" in request.target:
            connection.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")
        else:
            connection.sendall(answer("200 OK", "Content-Type: video/mp4", body=BODY))

    with serving(handle) as server:
        url = f"http://127.0.0.1:{server.port}/moved-\u00fc\u52d5?sig=SECRET\u00e9"
        headers = {"X-Title": "\u52d5\u753b", "Cookie": "a=\u00fc", "X-Split": "a\r\nX-Other: b", "Bad name": "x"}
        media = make_format(url=url, host="127.0.0.1", port=server.port, http_headers=headers)
        result = download_window(WindowPlan((media,), {}, spool_directory=str(tmp_path)), CONFIG)
        heads = [request.head.encode("latin-1") for request in server.requests]
    assert (result.failure, result.received_bytes) == (None, len(BODY))
    assert heads[0].startswith(b"GET /moved-%C3%BC%E5%8B%95?sig=SECRET%C3%A9 ")
    assert heads[1].split()[1] in {b"/f%C3%ADlm.mp4", b"/f%EDlm.mp4", b"/my%20film.mp4"}
    assert "X-Title: \u52d5\u753b\r\n".encode() in heads[0] and "Cookie: a=\u00fc\r\n".encode() in heads[0]
    assert b"X-Split" not in heads[0] and b"Bad name" not in heads[0]
