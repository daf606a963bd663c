"""The canary: where it asks, what its answers say of the guest, and that trouble on the way says nothing."""

from __future__ import annotations

import dataclasses
import socket
import time

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.window import canary
from pytomo_scrapy.measure.window.canary import CANARY_BYTES, Canary, ask_canary, canary_range
from pytomo_scrapy.measure.window.known_gate import gate_sentence
from tests.measure.window.window_machine import HOST, make_format
from tests.measure.window.window_servers import BODY, Authority, Handler, Request, answer, serve_range, serving

SPAN = (500_000, 500_000 + CANARY_BYTES - 1)
CONFIG = DownloadConfig(path=PathConfig(is_private_allowed=True))


@pytest.mark.parametrize(
    ("size_bytes", "bitrate_bps", "duration_s", "first"),
    [
        (6_000_000, None, 600.0, 1_200_000),  # 120 s of 600 s at the mean rate
        (None, 80_000.0, 600.0, 1_200_000),  # 80 kbit/s for 600 s are the same 6 MB
        (6_000_000, None, 100.0, 6_000_000 - 1024),  # shorter than 120 s: the file's last bytes
        (6_000_000, None, 70.0, 6_000_000 - 1024),
        (6_000_000, None, 69.9, None),  # its end is too near to the gate
        (6_000_000, None, None, None),
        (None, None, 600.0, None),
        (2000, None, 600.0, None),
    ],
)
def test_canary_asks_for_what_lies_behind_the_gate_for_certain(
    size_bytes: int | None, bitrate_bps: float | None, duration_s: float | None, first: int | None
) -> None:
    media = make_format(declared_size_bytes=size_bytes, declared_bitrate_bps=bitrate_bps)
    assert canary_range(media, duration_s) == (None if first is None else (first, first + CANARY_BYTES - 1))


def say(status: str, *fields: str, body: bytes = b"") -> Handler:
    return lambda connection, request: connection.sendall(answer(status, *fields, body=body))


def serve_what_is_asked(connection: socket.socket, request: Request) -> None:
    serve_range(connection, request, BODY)


def ignore_the_range(connection: socket.socket, request: Request) -> None:
    connection.sendall(answer("200 OK", "Content-Type: video/mp4", body=BODY))


def never_answer(connection: socket.socket, request: Request) -> None:
    connection.recv(1)


def ask(handler: Handler, authority: Authority | None, query: str = "") -> Canary:
    with serving(handler, authority.context(HOST) if authority else None) as server:
        url = f"{'https' if authority else 'http'}://{HOST}:{server.port}/v?{query}"
        media: MediaFormat = make_format(url=url, port=server.port, http_headers={"User-Agent": "x"})
        return ask_canary(media, SPAN, {HOST: "127.0.0.1"}, CONFIG)


@pytest.mark.process
@pytest.mark.parametrize(
    ("handler", "query", "is_clean", "said"),
    [
        (serve_what_is_asked, "", True, "HTTP 206"),
        (say("403 Forbidden"), "", False, "HTTP 403: media_gated"),
        (say("410 Gone"), "", False, "HTTP 410: media_gated"),
        (say("403 Forbidden"), "expire=1", None, "HTTP 403, and the URL had expired: url_expired"),
        (say("503 Busy"), "", None, "HTTP 503: http_5xx"),
        (say("302 Found", "Location: https://other.example/"), "", None, "HTTP 302: bad_response"),
        (ignore_the_range, "", None, "HTTP 200"),
        (say("206 Partial Content", "Content-Type: text/html", body=b"<html>"), "", None, "HTTP 206"),
    ],
)
def test_answer_to_a_canary_tells_whether_the_guest_is_cut_off(
    authority: Authority, handler: Handler, query: str, is_clean: bool | None, said: str
) -> None:
    found = ask(handler, authority, query)
    assert (found.is_clean, found.said) == (is_clean, said)
    assert found.received_bytes <= canary.MAX_ANSWER_BYTES + 16 * 1024  # one piece of curl's


@pytest.mark.process
def test_canary_takes_its_own_bytes_alone(authority: Authority) -> None:
    assert ask(serve_what_is_asked, authority).received_bytes == CANARY_BYTES


@pytest.mark.process
def test_refusal_over_plain_http_says_nothing_of_the_guest(authority: Authority) -> None:
    assert ask(say("403 Forbidden"), None).is_clean is None


@pytest.mark.process
def test_trouble_on_the_way_says_nothing_and_ends_in_time(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "TIMEOUT_S", 0.3)
    started_s = time.monotonic()
    assert ask(never_answer, authority) == Canary(None, "curl error 28")
    assert time.monotonic() - started_s < 10.0


# The sentence at the start.


@pytest.mark.parametrize(
    ("changes", "seen_media_s", "is_reported", "words"),
    [
        (
            {"buffer_goal_s": 30.0},
            None,
            True,
            "up to 60 s of media (PYTOMO_DOWNLOAD_WINDOW_S + PYTOMO_DOWNLOAD_BUFFER_GOAL_S)",
        ),
        ({"buffer_goal_s": 30.0}, None, True, "at 60 s of media is reported"),
        ({}, 48.25, True, "at 48.2 s of media was seen here"),
        ({}, None, True, None),  # the defaults keep clear of it
        ({"buffer_goal_s": 29.0}, None, True, None),
        ({"buffer_goal_s": 29.0}, 59.0, True, "up to 59 s of media"),
        ({"buffer_goal_s": 30.0}, 61.0, True, None),  # what was seen here counts, not what others report
        ({"buffer_goal_s": 30.0}, None, False, None),  # nobody reports a gate of this service
        ({}, 48.0, False, "was seen here"),
        ({"mode": "bulk"}, None, True, None),
    ],
)
def test_windows_that_reach_what_is_known_of_the_gate_are_told(
    changes: dict[str, object], seen_media_s: float | None, is_reported: bool, words: str | None
) -> None:
    config = dataclasses.replace(CONFIG, **changes)  # type: ignore[arg-type]
    sentence = gate_sentence(config, seen_media_s, is_reported=is_reported)
    assert sentence is None if words is None else words in (sentence or "")
