"""The state machine of a window over SABR: what it posts and when, what it keeps, and how it ends. No socket."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytomo_scrapy.measure.sabr.messages import SabrErrorPart, SabrRedirect
from pytomo_scrapy.measure.window.events import (
    Abort,
    BytesCounted,
    DeadlineReached,
    HostLookedUp,
    LookUp,
    Stop,
    Tick,
)
from pytomo_scrapy.measure.window.judge import CurlCode
from pytomo_scrapy.measure.window.request import Transfer
from pytomo_scrapy.measure.window.stream import StreamState
from tests.measure.sabr.ump_answers import (
    AUDIO,
    INIT_BYTES,
    SEGMENT_BYTES,
    VIDEO,
    header,
    media,
    number,
    part,
    policy,
    protection,
    segment,
)
from tests.measure.window.sabr_machine import UMP_HEAD, URL, SabrWindow, cold_start, posted
from tests.measure.window.window_machine import HOST, OTHER, failed_with

MOVED = f"https://{OTHER}/videoplayback?sabr=1"


def test_first_request_is_posted_to_the_pinned_address(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    request = window.request
    assert (request.hop.target.url, request.hop.address, request.is_later) == (f"{URL}&rn=1", "192.0.2.1", False)
    # What a player sends, and nothing of a plain request besides.
    assert request.fields == {
        "User-Agent": "player", "Cookie": "a=b", "Content-Type": "application/x-protobuf",
        "Accept": "application/vnd.yt-ump", "Expect": "",
    }  # fmt: skip
    assert window.asked.buffered_ranges == [] and request.range is None
    assert [stream.state for stream in window.streams] == [StreamState.FETCHING] * 2


def test_next_request_goes_out_at_once_while_media_are_due_and_then_when_they_are(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    window.begin(0.0, 1, 2)  # 10 s of 15 s: more is due
    assert window.request.hop.target.url == f"{URL}&rn=2" and window.request.is_later
    assert [one.last_segment for one in window.asked.buffered_ranges] == [2, 2]
    # 20 s from 0.5 s on, of which 0.5 s are played: 19.5 s are ahead, and 15 s when 5 s are played.
    assert window.answer(0.5, *(segment(one, place) for place in (3, 4) for one in (VIDEO, AUDIO))) == []
    assert {stream.state for stream in window.streams} == {StreamState.RESTING}
    assert window.state.handle(Tick(4.9)) == []
    assert posted(window.state.handle(Tick(5.1))).hop.target.url == f"{URL}&rn=3"
    assert window.state.handle(Tick(5.2)) == []  # one at a time
    assert window.state.delivery_bps(5.2) == pytest.approx(8 * 2 * (INIT_BYTES + 4 * SEGMENT_BYTES) / 0.5)


def test_last_segment_of_every_track_completes_the_window(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    window.begin(0.1, *range(1, 8))  # 35 s, of which less than 15 s are left at 20.1 s
    window.request = posted(window.state.handle(Tick(21.0)))
    assert window.answer(21.2, segment(AUDIO, 8), segment(VIDEO, 8)) == [Stop("complete")]
    assert {stream.state for stream in window.streams} == {StreamState.COMPLETE}
    assert window.failures == {None}


@settings(max_examples=25, deadline=None)
@given(st.integers())
def test_reads_cut_anywhere_bring_the_same_bytes(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng, body = random.Random(seed), b"".join(cold_start((1, 2, 3)))
    cuts = sorted(rng.randrange(len(body)) for _ in range(rng.randrange(40)))
    window = SabrWindow(tmp_path_factory.mktemp("spool"))
    window.head(0.1, *UMP_HEAD)
    for before, after in zip([0, *cuts], [*cuts, len(body)], strict=True):
        if after > before:
            window.body(0.1, body[before:after])
    assert window.request.received_bytes == len(body)
    window.end(0.2)
    for stream in window.streams:
        kept = Path(stream.close(0.0).spool_path or "").read_bytes()
        assert kept == b"i" * INIT_BYTES + b"".join(bytes([place]) * SEGMENT_BYTES for place in (1, 2, 3))
    assert (window.row.received_bytes, window.row.failure) == (len(body), None)
    assert window.state.session.figures.overhead_bytes == len(body) - window.state.received_bytes


# Where it goes.


def test_redirect_of_http_sends_the_same_body_once_its_host_has_an_address(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    body = window.request.posted
    window.head(0.1, "HTTP/1.1 307 Temporary Redirect", f"Location: {MOVED}")
    assert window.end(0.1) == [LookUp(0, OTHER, 4)]
    assert {stream.state for stream in window.streams} == {StreamState.LOOKING_UP}
    moved = posted(window.state.handle(HostLookedUp(0.4, 0, 0.3, "192.0.2.2")))
    assert (moved.hop.target.url, moved.hop.number, moved.hop.address, moved.hop.dns_s) == (MOVED, 1, "192.0.2.2", 0.3)
    assert moved.posted == body
    assert (window.row.status, window.row.hop, window.row.failure) == (307, 0, None)


def test_redirect_of_sabr_is_followed_at_once_and_stays(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    assert window.answer(0.1, part(43, SabrRedirect(MOVED))) == [LookUp(0, OTHER, 4)]
    window.request = posted(window.state.handle(HostLookedUp(0.2, 0, 0.1, "192.0.2.2")))
    assert (window.request.hop.target.url, window.request.hop.number) == (f"{MOVED}&rn=2", 1)
    window.begin(0.3, 1)
    # Media came, so that the next request begins a chain of its own, at the new host.
    assert (window.request.hop.target.url, window.request.hop.number) == (f"{MOVED}&rn=3", 0)


@pytest.mark.parametrize(
    ("urls", "failure"),
    [
        ([MOVED, URL], "redirect_loop"),
        ([f"https://{HOST}/{place}" for place in range(4)], "redirect_limit"),  # one more than three
        (["mailto:a@b.example"], "bad_redirect"),
        ([""], "bad_redirect"),
    ],
)
def test_redirects_of_sabr_without_end_fail(tmp_path: Path, urls: list[str], failure: str) -> None:
    window = SabrWindow(tmp_path, max_redirects=3)
    for place, url in enumerate(urls):
        commands = window.answer(0.1 * place, part(43, SabrRedirect(url)))
        if commands == [LookUp(0, OTHER, 4)]:
            window.request = posted(window.state.handle(HostLookedUp(0.1, 0, 0.1, "192.0.2.2")))
    assert commands == [Stop("failure")]
    assert (window.row.failure, window.failures) == (failure, {failure})


@pytest.mark.parametrize(("failure", "expected"), [("dns_nxdomain", "dns_nxdomain"), (None, "dns_no_answer")])
def test_look_up_that_fails_ends_every_stream(tmp_path: Path, failure: str | None, expected: str) -> None:
    window = SabrWindow(tmp_path)
    window.answer(0.1, part(43, SabrRedirect(MOVED)))
    assert window.state.handle(HostLookedUp(0.5, 0, 0.4, None, failure, "gone")) == [Stop("failure")]
    assert (window.row.host, window.row.failure, window.failures) == (OTHER, expected, {expected})


def test_look_up_that_never_comes_is_dns_timeout(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    window.answer(0.1, part(43, SabrRedirect(MOVED)))
    assert window.state.handle(DeadlineReached()) == [Stop("deadline")]
    window.cut(30.0, None)
    assert (window.row.failure, window.failures) == ("dns_timeout", {"dns_timeout"})


# How an answer fails.


@pytest.mark.parametrize(
    ("status", "is_later", "failure"),
    [
        (403, False, "http_403"),
        (403, True, "media_gated"),
        (401, True, "media_gated"),
        (410, True, "media_gated"),
        (410, False, "http_410"),
        (404, True, "http_404"),
        (429, True, "http_429"),
        (503, False, "http_5xx"),
    ],
)
def test_refusal_has_the_class_of_its_status_and_of_what_came_before(
    tmp_path: Path, status: int, is_later: bool, failure: str
) -> None:
    window = SabrWindow(tmp_path)
    if is_later:
        window.begin(0.1, 1)
    window.head(0.2, f"HTTP/1.1 {status} No")
    assert window.body(0.2, b"no") is None
    assert window.end(0.3) == [Stop("failure")]
    assert (window.row.status, window.row.failure, window.failures) == (status, failure, {failure})
    assert (window.state.gate is not None) == (failure == "media_gated")
    # What had come stays, and the page of the refusal is no media.
    assert window.state.received_bytes == (2 * (INIT_BYTES + SEGMENT_BYTES) if is_later else 0)


@pytest.mark.parametrize(
    ("lines", "failure"),
    [
        (("HTTP/1.1 200 OK", "Content-Type: text/html"), "wrong_content"),
        (("HTTP/1.1 200 OK",), "wrong_content"),
        ((*UMP_HEAD, "Content-Encoding: gzip"), "bad_response"),
    ],
)
def test_answer_that_is_no_ump_is_aborted(tmp_path: Path, lines: tuple[str, ...], failure: str) -> None:
    window = SabrWindow(tmp_path)
    assert window.head(0.1, *lines) == [Abort(0)]
    assert window.end(0.1, failed_with(CurlCode.WRITE_ERROR)) == [Stop("failure")]
    assert (window.row.failure, window.failures) == (failure, {failure})


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (part(44, SabrErrorPart("sabr.no_media", 7)), "sabr_error"),
        (part(46), "player_reload"),
        (media(9, b"x"), "bad_response"),  # of no header
        (number(35) + number(2**31), "bad_response"),
        (segment(VIDEO, 3), "bad_response"),  # the bytes before it never come
        (header(VIDEO, 2) + media(1, bytes(SEGMENT_BYTES))[:-400], "truncated"),
        (b"\xc0", "truncated"),  # half a number
        (protection(3) + policy(backoff_ms=2000), "media_gated"),
        (b"", "bad_response"),  # an answer without a body
    ],
)
def test_parts_that_end_a_session_give_their_class_to_every_stream(tmp_path: Path, body: bytes, failure: str) -> None:
    window = SabrWindow(tmp_path)
    window.begin(0.1, 1)
    window.head(0.2, *UMP_HEAD)
    is_ended = window.body(0.2, body) == -1 if body else False
    # Where the callback ends the transfer, curl says that nobody took the body.
    transfer = failed_with(CurlCode.WRITE_ERROR) if is_ended else Transfer(is_connected=True, is_sent=True)
    assert window.end(0.3, transfer) == [Stop("failure")]
    assert (window.row.failure, window.failures) == (failure, {failure})
    assert (window.state.gate is not None) == (failure == "media_gated")


@pytest.mark.parametrize(
    ("code", "failure"),
    [(CurlCode.PARTIAL_FILE, "truncated"), (CurlCode.RECV_ERROR, "reset"), (CurlCode.OPERATION_TIMEDOUT, None)],
)
def test_connection_that_breaks_inside_media_keeps_what_came(tmp_path: Path, code: int, failure: str | None) -> None:
    window = SabrWindow(tmp_path)
    window.begin(0.1, 1)
    window.head(0.2, *UMP_HEAD)
    window.body(0.2, header(VIDEO, 2), media(1, bytes(SEGMENT_BYTES))[:504], bytes(100))
    assert window.end(0.3, failed_with(code, "Connection reset by peer")) == [Stop("failure")]
    assert failure is None or window.failures == {failure}
    # Type, size in two bytes and header id are four of the 504; 100 more came as a read of media alone.
    assert window.streams[0].received_bytes == INIT_BYTES + SEGMENT_BYTES + 500 + 100
    assert [len(track.segments) for track in window.state.session.tracks.values()] == [1, 1]


def test_three_empty_answers_that_are_due_are_withheld(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    window.begin(0.1, 1)
    assert posted(window.answer(0.2, policy())) and posted(window.answer(0.3, policy()))
    assert window.answer(0.4, policy()) == [Stop("failure")]
    assert window.failures == {"media_withheld"}


def test_back_off_is_waited_for_and_no_longer(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    window.begin(0.1, 1)
    assert window.answer(0.2, policy(backoff_ms=2000)) == []
    assert window.state.handle(Tick(2.1)) == []
    assert posted(window.state.handle(Tick(2.3)))


# How the window ends.


def test_deadline_while_media_flow_is_no_failure_and_half_a_segment_is_none(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path)
    window.begin(0.1, 1)
    window.head(0.2, *UMP_HEAD)
    window.body(20.1, header(VIDEO, 2), media(1, bytes(SEGMENT_BYTES))[:500])
    window.now_s = 20.2
    window.request.channel.receive(bytes(100))  # 9.8 s before the end: a third of 30 s is 10 s
    assert window.state.handle(DeadlineReached()) == [Stop("deadline")]
    window.cut(30.0)
    assert (window.row.failure, window.failures) == (None, {None})
    assert len(window.streams[0].announced_segments) == 1


@pytest.mark.parametrize("last_byte_s", [1.0, 19.9])
def test_silence_of_a_third_of_the_window_is_no_progress(tmp_path: Path, last_byte_s: float) -> None:
    window = SabrWindow(tmp_path)
    window.head(0.2, *UMP_HEAD)
    window.body(last_byte_s, *cold_start((1,)))
    window.state.handle(DeadlineReached())
    window.cut(30.0)
    assert window.row.failure_detail == f"silent for the last {30 - last_byte_s:.1f} s"
    assert window.failures == {"no_progress"}


@pytest.mark.parametrize(
    ("transfer", "failure"),
    [
        (Transfer(), "connect_timeout"),
        (Transfer(is_connected=True), "tls_handshake"),
        (Transfer(is_connected=True, is_sent=True), "first_byte_timeout"),
    ],
)
def test_deadline_before_the_first_byte_has_the_class_of_its_phase(
    tmp_path: Path, transfer: Transfer, failure: str
) -> None:
    window = SabrWindow(tmp_path)
    window.state.handle(DeadlineReached())
    window.cut(30.0, transfer)
    assert (window.row.failure, window.failures) == (failure, {failure})


def test_byte_cap_counts_what_is_no_media_too(tmp_path: Path) -> None:
    body = b"".join(cold_start((1, 2)))
    window = SabrWindow(tmp_path, max_bytes=len(body))  # all of it, once its answer is over
    window.head(0.1, *UMP_HEAD)
    assert window.body(0.1, body) is None
    assert window.state.handle(BytesCounted()) == []
    assert window.end(0.1) == [Stop("byte_cap")]
    window.cut(0.2, None)
    assert window.failures == {None}


def test_byte_cap_inside_media_is_no_failure(tmp_path: Path) -> None:
    window = SabrWindow(tmp_path, max_bytes=INIT_BYTES + 300)
    window.head(0.1, *UMP_HEAD)
    assert window.body(0.1, b"".join(cold_start((1,)))) == -1
    assert window.end(0.1, failed_with(CurlCode.WRITE_ERROR)) == [Stop("byte_cap")]
    assert (window.row.failure, window.failures) == (None, {None})
