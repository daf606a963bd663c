"""A window whose next range the media host refuses: it ends there, and says when and after how much."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pytomo_scrapy.failures import Attribution, attribution_of
from pytomo_scrapy.measure.window.events import Abort, DeadlineReached, Stop
from pytomo_scrapy.measure.window.judge import CurlCode
from tests.measure.window.window_machine import DONE, HOST, OPENED_AT, OTHER, Window, failed_with, make_format, redirect

PASSED, NOT_YET = int(OPENED_AT.timestamp()), int(OPENED_AT.timestamp()) + 60
ABORTED = failed_with(CurlCode.WRITE_ERROR, "Failure writing output to destination")


def media(kind: str = "muxed", query: str = "", **overrides: object) -> object:
    return make_format(kind, **{"url": f"https://{HOST}/{kind}?{query}", "chunk_bytes": 400, **overrides})


def test_gate_ends_the_window_of_every_stream(tmp_path: Path) -> None:
    window = Window(tmp_path, media("video"), media("audio"))
    window.serve(0.1, 0, 399, 1000)
    window.serve(0.2, 0, 399, 1000, stream=1)
    # The refusal is whole at 7.0 s; curl says so a little later.
    assert window.head(7.0, "HTTP/1.1 403 Forbidden", "Content-Length: 9") == [Abort(0)]
    assert window.end(7.01, ABORTED) == [Stop("failure")]
    window.cut(7.02, 1)
    assert window.state.gate is not None
    assert (window.state.gate.at_s, window.state.gate.stream_bytes) == (7.0, 400)
    assert [stream.failure for stream in window.streams] == ["media_gated", None]
    assert window.streams[0].failure_detail == "HTTP 403"
    assert window.rows("status", "failure")[-2:] == [(403, "media_gated"), (None, None)]


def test_streams_that_are_refused_at_once_are_both_gated(tmp_path: Path) -> None:
    window = Window(tmp_path, media("video"), media("audio"))
    window.serve(0.1, 0, 399, 1000)
    window.serve(0.2, 0, 299, 1000, stream=1)
    for stream in (1, 0):
        window.head(7.0 + stream, "HTTP/1.1 410 Gone", stream=stream)
    assert window.end(8.0, ABORTED, stream=1) == [Stop("failure")]
    assert window.end(8.0, ABORTED, stream=0) == []
    assert window.state.gate is not None and window.state.gate.stream_bytes == 300
    assert [stream.failure for stream in window.streams] == ["media_gated", "media_gated"]


def test_nothing_is_asked_for_after_the_gate(tmp_path: Path) -> None:
    window = Window(tmp_path, media("video"), media("audio"))
    window.serve(0.1, 0, 399, 1000)
    window.head(0.2, "HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-399/1000", stream=1)
    window.body(0.2, 400, stream=1)
    window.head(0.3, "HTTP/1.1 403 Forbidden")
    assert window.end(0.3, ABORTED) == [Stop("failure")]
    # The other stream's range came whole in the same turn of the loop.
    assert window.end(0.3, DONE, stream=1) == []
    assert window.streams[1].failure is None


@pytest.mark.parametrize(
    ("query", "date", "failure"),
    [
        (f"expire={PASSED}", None, "url_expired"),
        (f"expire={NOT_YET}", None, "media_gated"),
        # The host's own clock counts where it tells: ours is a minute and more behind.
        (f"expire={NOT_YET}", "Thu, 01 Oct 2026 00:01:00 GMT", "url_expired"),
        ("ip=192.0.2.7", None, "exit_address_changed"),
        (f"ip=192.0.2.7&expire={PASSED}", None, "url_expired"),
        ("ip=192.0.2.8", None, "media_gated"),
    ],
)
@pytest.mark.parametrize("status", [401, 403, 410])
def test_refusal_that_has_a_reason_of_its_own_keeps_it_and_ends_the_window_too(
    tmp_path: Path, query: str, date: str | None, failure: str, status: int
) -> None:
    window = Window(tmp_path, media(query=query))
    window.serve(0.1, 0, 399, 1000)
    window.head(0.2, f"HTTP/1.1 {status} No", *([f"Date: {date}"] if date else []))
    assert window.end(0.2, dataclasses.replace(ABORTED, local_address="192.0.2.8")) == [Stop("failure")]
    assert window.row.failure == failure
    assert attribution_of(failure) is not Attribution.NETWORK
    assert window.state.gate is not None and window.state.gate.stream_bytes == 400


def test_expired_url_is_told_at_its_start_too(tmp_path: Path) -> None:
    window = Window(tmp_path, media(query=f"expire={PASSED}"))
    window.head(0.2, "HTTP/1.1 403 Forbidden")
    window.end(0.2)
    assert (window.row.failure, window.state.gate) == ("url_expired", None)


def test_gate_behind_a_redirect_in_mid_download_is_one(tmp_path: Path) -> None:
    window = Window(tmp_path, media())
    window.serve(0.1, 0, 399, 1000)
    redirect(window, 0.2, f"https://{HOST}/elsewhere")
    window.head(0.3, "HTTP/1.1 403 Forbidden")
    window.end(0.3, ABORTED)
    assert window.rows("status", "failure")[-1] == (403, "media_gated")


def test_redirect_to_plain_http_that_refuses_is_not_the_services_word(tmp_path: Path) -> None:
    window = Window(tmp_path, media())
    window.serve(0.1, 0, 399, 1000)
    redirect(window, 0.2, f"http://{HOST}/portal")
    window.head(0.3, "HTTP/1.1 403 Forbidden")
    window.end(0.3, ABORTED)
    assert window.row.failure == "plain_http_refusal"


def test_refusal_that_is_cut_off_by_the_deadline_is_the_gate_all_the_same(tmp_path: Path) -> None:
    window = Window(tmp_path, media())
    window.serve(0.1, 0, 399, 1000)
    window.head(29.9, "HTTP/1.1 403 Forbidden")
    assert window.state.handle(DeadlineReached()) == [Stop("deadline")]
    window.cut(30.0, 0)
    assert window.streams[0].failure == "media_gated"
    assert window.state.gate is not None and window.state.gate.at_s == 29.9


def test_look_up_that_the_gate_leaves_behind_is_no_failure(tmp_path: Path) -> None:
    window = Window(tmp_path, media("video"), media("audio"))
    window.serve(0.1, 0, 399, 1000, stream=1)
    redirect(window, 0.2, f"https://{OTHER}/v")  # the video's host is being looked up
    window.head(0.3, "HTTP/1.1 403 Forbidden", stream=1)
    assert window.end(0.3, ABORTED, stream=1) == [Stop("failure")]
    window.cut(0.3)
    assert [stream.failure for stream in window.streams] == [None, "media_gated"]
