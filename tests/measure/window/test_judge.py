"""Every failure of a window that loopback can produce: its class, what was kept, and the time it took."""

from __future__ import annotations

import dataclasses
import socket
import time
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from tests.measure.window.window_fetch import HOST, make_format
from tests.measure.window.window_fetch import fetch_in_time as fetch
from tests.measure.window.window_servers import (
    BODY,
    Authority,
    Handler,
    Request,
    answer,
    media_head,
    never_answer,
    reset,
    say,
    serve_body,
    serve_range,
    serving,
)

pytestmark = pytest.mark.process

WINDOW_S = 1.2
CONFIG = DownloadConfig(window_s=WINDOW_S, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True))
QUARTER = len(BODY) // 4


def cut_after_a_quarter(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(len(BODY)) + BODY[:QUARTER])
    connection.close()


def reset_after_a_quarter(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(len(BODY)) + BODY[:QUARTER])
    time.sleep(0.1)  # a reset overtakes what the receiver has not read yet
    reset(connection)


def stall_after_a_quarter(connection: socket.socket, request: Request) -> None:
    connection.sendall(media_head(len(BODY)) + BODY[:QUARTER])
    connection.recv(1)


def refuse_after_the_first_range(connection: socket.socket, request: Request) -> None:
    if request.range is not None and request.range[0] == 0:
        serve_range(connection, request, BODY)
    else:
        connection.sendall(answer("403 Forbidden"))


def reset_at_once(connection: socket.socket, request: Request) -> None:
    reset(connection)


def close_at_once(connection: socket.socket, request: Request) -> None:
    connection.close()


def header_without_end(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Line: " + b"x" * 1000 + b"\r\n")


def slow_header_without_end(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Line: x\r\n")
        time.sleep(0.05)


def one_line_without_end(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Line: ")
    while True:
        connection.sendall(b"x" * 1000)


def speak_no_http(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"220 mail.example ESMTP ready\r\n")
    connection.close()


@pytest.mark.parametrize("mode", ["bulk", "paced"])
@pytest.mark.parametrize(
    ("handler", "failure", "ended_by", "received_bytes"),
    [
        (say(answer("403 Forbidden", body=b"no")), "http_403", "failure", 0),
        (say(answer("404 Not Found")), "http_404", "failure", 0),
        (say(answer("410 Gone")), "http_410", "failure", 0),
        (say(answer("416 Range Not Satisfiable")), "http_416", "failure", 0),
        (say(answer("429 Too Many Requests", "Retry-After: 17")), "http_429", "failure", 0),
        (say(answer("418 Teapot")), "http_4xx", "failure", 0),
        (say(answer("503 Service Unavailable")), "http_5xx", "failure", 0),
        (say(answer("204 No Content")), "bad_response", "failure", 0),
        (say(answer("302 Found")), "bad_redirect", "failure", 0),
        (say(answer("302 Found", "Location: mailto:a@b.example")), "bad_redirect", "failure", 0),
        (say(answer("302 Found", "Location: ?again")), "redirect_loop", "failure", 0),
        (say(answer("200 OK", "Content-Type: text/html", body=b"<html>")), "wrong_content", "failure", 0),
        (say(answer("200 OK", "Content-Type: video/mp4")), "bad_response", "failure", 0),
        (cut_after_a_quarter, "truncated", "failure", QUARTER),
        (reset_after_a_quarter, "reset", "failure", QUARTER),
        (stall_after_a_quarter, "no_progress", "deadline", QUARTER),
        (never_answer, "first_byte_timeout", "deadline", 0),
        (reset_at_once, "reset", "failure", 0),
        (close_at_once, "bad_response", "failure", 0),
        (header_without_end, "bad_response", "failure", 0),
        (slow_header_without_end, "bad_response", "deadline", 0),
        (one_line_without_end, "bad_response", "failure", 0),
        (speak_no_http, "bad_response", "failure", 0),
    ],
)
def test_window_fault_has_its_class_and_keeps_what_came(
    tmp_path: Path, handler: Handler, failure: str, ended_by: str, received_bytes: int, mode: str
) -> None:
    with serving(handler) as server:
        result = fetch(tmp_path, make_format(server.port), config=dataclasses.replace(CONFIG, mode=mode, bulk_every=0))
    assert (result.failure, result.ended_by, result.received_bytes) == (failure, ended_by, received_bytes)
    (stream,) = result.streams
    assert (stream.failure, stream.is_complete) == (failure, False)
    assert stream.spooled_bytes == received_bytes
    assert result.requests[-1].failure == failure
    assert "SECRET" not in repr(result)
    assert list(tmp_path.iterdir()) == ([Path(stream.spool_path or "")] if received_bytes else [])


def test_window_retry_after_is_kept(tmp_path: Path) -> None:
    with serving(say(answer("429 Too Many Requests", "Retry-After: 17"))) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert (result.requests[0].status, result.requests[0].retry_after_s) == (429, 17.0)


@pytest.mark.parametrize(("scheme", "failure"), [("https", "media_gated"), ("http", "plain_http_refusal")])
def test_window_refused_in_mid_download_ends_there(
    tmp_path: Path, authority: Authority, scheme: str, failure: str
) -> None:
    with serving(refuse_after_the_first_range, authority.context(HOST) if scheme == "https" else None) as server:
        result = fetch(tmp_path, make_format(server.port, scheme=scheme, chunk_bytes=QUARTER))
    assert (result.failure, result.failure_detail, result.ended_by) == (failure, "muxed: HTTP 403", "failure")
    assert result.received_bytes == QUARTER
    assert [row.status for row in result.requests] == [206, 403]
    assert result.gated_at_bytes == QUARTER
    assert result.gated_at_s is not None and 0 < result.gated_at_s <= (result.elapsed_s or 0)


def test_window_of_which_the_audio_is_refused_keeps_the_video(tmp_path: Path) -> None:
    def refuse_audio(connection: socket.socket, request: Request) -> None:
        if "audio" in request.target:
            connection.sendall(answer("403 Forbidden"))
        else:
            serve_body(connection, request)

    with serving(refuse_audio) as server:
        result = fetch(tmp_path, make_format(server.port, "video"), make_format(server.port, "audio"))
    video, audio = result.streams
    assert (result.failure, result.ended_by) == ("http_403", "failure")
    assert (video.failure, video.is_complete, video.received_bytes) == (None, True, len(BODY))
    assert (audio.failure, audio.received_bytes) == ("http_403", 0)


def test_window_wrong_length_is_told_and_the_body_kept(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port, declared_size_bytes=2 * len(BODY)))
    assert (result.failure, result.received_bytes) == ("wrong_length", len(BODY))


def test_window_length_a_little_off_is_no_failure(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port, declared_size_bytes=len(BODY) + 1000))
    assert (result.failure, result.ended_by) == (None, "complete")


def test_window_server_that_ignores_a_later_range_is_bad_response(tmp_path: Path) -> None:
    def ignore_later_ranges(connection: socket.socket, request: Request) -> None:
        if request.range is not None and request.range[0] == 0:
            serve_range(connection, request, BODY)
        else:
            connection.sendall(media_head(len(BODY)) + BODY)

    with serving(ignore_later_ranges) as server:
        result = fetch(tmp_path, make_format(server.port, chunk_bytes=QUARTER))
    assert result.failure == "bad_response"
    assert result.received_bytes == QUARTER


def test_window_short_silence_before_its_end_is_no_failure(tmp_path: Path) -> None:
    def pause_late(connection: socket.socket, request: Request) -> None:
        connection.sendall(media_head(len(BODY)))
        for _ in range(10):
            connection.sendall(bytes(1000))
            time.sleep(0.1)  # until 1.0 s; a third of the window is 0.4 s
        connection.recv(1)

    with serving(pause_late) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert (result.failure, result.ended_by) == (None, "deadline")
