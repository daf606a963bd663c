"""The state machine of a window: hand-made events, the commands and rows they must give, and the arithmetic beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.measure.window.events import (
    Abort,
    BytesCounted,
    DeadlineReached,
    HeadLine,
    HostLookedUp,
    LookUp,
    Stop,
    Tick,
)
from pytomo_scrapy.measure.window.judge import CurlCode
from pytomo_scrapy.measure.window.request import Transfer
from pytomo_scrapy.measure.window.stream import TRANSITIONS, Step, StreamState
from tests.measure.window.window_machine import (
    HOST,
    OTHER,
    T0_S,
    Window,
    failed_with,
    make_format,
    redirect,
    requested,
)

# Bulk: what is asked for, and how it ends.


def test_bulk_ranges_follow_until_the_size_is_reached(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    assert [requested(command) for command in window.opened] == [(0, HOST, (0, 399), "192.0.2.1")]
    # 1 000 bytes in ranges of 400: 400, 400, and the last 200 (800 to 999), now that the size is known.
    assert [requested(command) for command in window.serve(0.1, 0, 399, 1000)] == [(0, HOST, (400, 799), "192.0.2.1")]
    assert [requested(command) for command in window.serve(0.2, 400, 799, 1000)] == [(0, HOST, (800, 999), "192.0.2.1")]
    assert window.serve(0.3, 800, 999, 1000) == [Stop("complete")]
    window.cut(0.3)
    assert window.rows("t_s", "range_start_bytes", "received_bytes", "status", "failure") == [
        (0.0, 0, 400, 206, None),
        (0.1, 400, 400, 206, None),
        (0.2, 800, 200, 206, None),
    ]
    stream = window.streams[0].close(T0_S)
    assert (stream.is_complete, stream.received_bytes, stream.size_bytes) == (True, 1000, 1000)
    assert stream.arrival_s == pytest.approx((0.1, 0.2, 0.3)) and stream.arrival_bytes == (400, 800, 1000)


def test_bulk_whole_file_without_a_length_is_complete_at_its_end(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    assert [requested(command) for command in window.opened] == [(0, HOST, None, "192.0.2.1")]
    assert window.head(0.1, "HTTP/1.1 200 OK", "Content-Type: video/mp4") == []
    window.body(0.2, 700)
    assert window.end(0.3) == [Stop("complete")]
    assert window.streams[0].size_bytes == 700


def test_window_goes_on_until_its_last_stream_is_over(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format("video"), make_format("audio"))
    assert [requested(command)[0] for command in window.opened] == [0, 1]
    window.head(0.1, "HTTP/1.1 403 Forbidden", stream=1)
    assert window.end(0.1, stream=1) == []  # the video goes on
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 5")
    window.body(0.2, 5)
    assert window.end(0.2) == [Stop("failure")]
    assert [stream.failure for stream in window.streams] == [None, "http_403"]
    assert [stream.state for stream in window.streams] == [StreamState.COMPLETE, StreamState.FAILED]


def test_window_of_no_stream_is_complete_at_once(tmp_path: Path) -> None:
    assert Window(tmp_path).opened == [Stop("complete")]


def test_deadline_while_bytes_flow_is_no_failure(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 1000000")
    # A third of 30 s is 10 s: the last byte came 9.9 s before the end.
    window.body(20.1, 10)
    assert window.state.handle(DeadlineReached()) == [Stop("deadline")]
    window.cut(30.0, 0)
    assert window.rows("received_bytes", "failure") == [(10, None)]
    assert (window.streams[0].failure, window.streams[0].is_complete) == (None, False)


@pytest.mark.parametrize(
    ("last_byte_s", "asked_again_s", "silent_s"),
    [
        (20.0, None, 10.0),
        (1.0, None, 29.0),
        (1.0, 19.5, 10.5),  # the next request counts from its own start: 30 - 19.5 s, not 30 - 1
    ],
)
def test_silence_of_a_third_of_the_window_is_no_progress(
    tmp_path: Path, last_byte_s: float, asked_again_s: float | None, silent_s: float
) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    window.head(0.5, "HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-399/1000")
    window.body(last_byte_s, 400)
    if asked_again_s is not None:
        assert len(window.end(asked_again_s)) == 1
    window.state.handle(DeadlineReached())
    window.cut(30.0, 0)
    assert (window.row.failure, window.row.failure_detail) == ("no_progress", f"silent for the last {silent_s} s")
    assert window.streams[0].failure == "no_progress"


@pytest.mark.parametrize(
    ("transfer", "version", "failure"),
    [
        (Transfer(), "auto", "connect_timeout"),
        (Transfer(is_connected=True), "auto", "tls_handshake"),
        (Transfer(is_connected=True, is_sent=True), "auto", "first_byte_timeout"),
        (Transfer(), "3", "http_version_unavailable"),  # QUIC that nobody answers
        (Transfer(is_connected=True, is_sent=True), "3", "first_byte_timeout"),
    ],
)
def test_deadline_before_the_first_byte_has_the_class_of_its_phase(
    tmp_path: Path, transfer: Transfer, version: str, failure: str
) -> None:
    window = Window(tmp_path, make_format(), http_version=version)
    window.state.handle(DeadlineReached())
    window.cut(30.0, 0, transfer=transfer)
    assert (window.row.failure, window.row.failure_detail) == (failure, "the window is over")
    # Who never answered is known by the address that was asked.
    assert (window.row.address, window.row.address_family) == ("192.0.2.1", 4)


def test_deadline_in_a_head_without_end_is_bad_response(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    assert window.state.handle(HeadLine(0.1, 0, b"HTTP/1.1 200 OK\r\n")) == []
    assert window.state.handle(HeadLine(29.0, 0, b"X-Line: x\r\n")) == []
    window.state.handle(DeadlineReached())
    window.cut(30.0, 0)
    assert (window.row.failure, window.row.failure_detail) == ("bad_response", "the header has no end")


def test_head_over_its_bound_is_aborted(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    # 17 bytes of status line, then lines of 1 010: the 65th goes beyond 65 536 (17 + 65 x 1 010 = 65 667).
    said = [window.state.handle(HeadLine(0.1, 0, b"HTTP/1.1 200 OK\r\n"))]
    said += [window.state.handle(HeadLine(0.1, 0, b"X-Line: " + b"x" * 1000 + b"\r\n")) for _ in range(65)]
    assert said == [[]] * 65 + [[Abort(0)]]
    assert window.end(0.2, failed_with(CurlCode.WRITE_ERROR, "Failure writing output")) == [Stop("failure")]
    assert (window.row.failure, window.row.failure_detail) == ("bad_response", "the header has no end")


def test_line_of_an_answer_that_is_over_is_not_wanted(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 5000")
    window.state.handle(DeadlineReached())
    window.cut(30.0, 0)
    assert window.state.handle(HeadLine(30.0, 0, b"X-Trailer: x\r\n")) == [Abort(0)]


# The byte cap.


def test_byte_cap_is_shared_by_the_streams(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format("video"), make_format("audio"), max_bytes=1000)
    for stream in (0, 1):
        window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 5000", stream=stream)
    assert window.body(0.2, 600, stream=0) is None
    assert window.body(0.3, 399, stream=1) is None  # 999 of 1 000
    assert window.body(0.4, 300, stream=0) == -1  # 1 299: curl ends the transfer
    assert window.body(0.4, 100, stream=1) == -1  # and what curl had in its hand for the other one counts too
    cut = failed_with(CurlCode.WRITE_ERROR, "Failure writing output to destination")
    assert window.end(0.4, cut, stream=0) == [Stop("byte_cap")]
    assert window.end(0.4, cut, stream=1) == []  # it ends once, and nothing more is asked for
    window.cut(0.4)
    assert window.rows("stream", "received_bytes", "failure") == [(0, 900, None), (1, 499, None)]
    assert window.state.received_bytes == 1399
    assert {(stream.failure, stream.is_complete) for stream in window.streams} == {(None, False)}


def test_byte_cap_of_counted_bytes_ends_the_window(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(), max_bytes=1000)
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 5000")
    window.streams[0].count(999)
    assert window.state.handle(BytesCounted()) == []
    window.streams[0].count(500)
    assert window.state.handle(BytesCounted()) == [Stop("byte_cap")]
    # What is cut off by the cap has not failed, however long it was silent.
    window.cut(29.0, 0)
    assert window.rows("received_bytes", "failure") == [(1499, None)]


def test_byte_cap_at_the_end_of_a_range_asks_for_no_other(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400), max_bytes=400)
    assert window.serve(0.1, 0, 399, 1000) == [Stop("byte_cap")]
    window.cut(0.1)
    assert window.rows("received_bytes", "failure") == [(400, None)]


# Redirects.


def test_redirect_waits_for_its_hosts_address_and_the_ranges_stay_there(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    assert redirect(window, 0.1, f"http://{OTHER}:81/moved") == [LookUp(0, OTHER, 4)]
    assert window.streams[0].state is StreamState.LOOKING_UP
    (fetch,) = window.state.handle(HostLookedUp(0.4, 0, 0.25, "192.0.2.2"))
    assert requested(fetch) == (0, OTHER, (0, 399), "192.0.2.2")
    # The next range goes where the redirect led, whose address is known by now.
    (fetch,) = window.serve(0.5, 0, 399, 1000)
    assert requested(fetch) == (0, OTHER, (400, 799), "192.0.2.2")
    assert window.rows("hop", "host", "port", "status", "t_s", "dns_s", "received_bytes") == [
        (0, HOST, 80, 302, 0.0, None, 0),
        (1, OTHER, 81, 206, 0.4, 0.25, 400),
    ]


@pytest.mark.parametrize("location", [f"http://{HOST}/elsewhere", "http://192.0.2.9/x", "/elsewhere"])
def test_redirect_to_a_known_host_or_an_address_needs_no_look_up(tmp_path: Path, location: str) -> None:
    window = Window(tmp_path, make_format())
    (fetch,) = redirect(window, 0.1, location)
    assert requested(fetch)[3] == (None if "192.0.2.9" in location else "192.0.2.1")


def test_redirect_through_a_proxy_leaves_the_look_up_to_it(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(), path=PathConfig(proxy="http://192.0.2.3:3128"))
    (fetch,) = redirect(window, 0.1, f"http://{OTHER}/moved")
    assert requested(fetch) == (0, OTHER, None, None)


@pytest.mark.parametrize(
    ("locations", "failure", "hops"),
    [
        (["?sig=SECRET"], "redirect_loop", [0]),  # to where it comes from
        (["/a", "/b", "/a"], "redirect_loop", [0, 1, 2]),
        (["/1", "/2", "/3", "/4"], "redirect_limit", [0, 1, 2, 3]),  # the fourth is one more than three
        (["mailto:a@b.example"], "bad_redirect", [0]),
    ],
)
def test_redirects_without_end_fail(tmp_path: Path, locations: list[str], failure: str, hops: list[int]) -> None:
    window = Window(tmp_path, make_format(), max_redirects=3)
    for location in locations[:-1]:
        assert len(redirect(window, 0.1, location)) == 1
    assert redirect(window, 0.2, locations[-1]) == [Stop("failure")]
    assert [row.hop for row in window.state.rows] == hops
    assert (window.row.failure, window.streams[0].failure) == (failure, failure)
    assert [row.failure for row in window.state.rows[:-1]] == [None] * (len(hops) - 1)


@pytest.mark.parametrize(("failure", "expected"), [("dns_nxdomain", "dns_nxdomain"), (None, "dns_no_answer")])
def test_look_up_that_fails_ends_its_stream(tmp_path: Path, failure: str | None, expected: str) -> None:
    window = Window(tmp_path, make_format())
    redirect(window, 0.1, "http://gone.example/x")
    assert window.state.handle(HostLookedUp(0.5, 0, 0.25, None, failure, "gone")) == [Stop("failure")]
    # It began 0.25 s before it was over: at 0.5 - 0.25 = 0.25 s.
    assert window.rows("hop", "host", "t_s", "dns_s", "status", "failure", "failure_detail") == [
        (0, HOST, 0.0, None, 302, None, None),
        (1, "gone.example", 0.25, 0.25, None, expected, "gone"),
    ]


def test_look_up_that_never_comes_is_dns_timeout(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format("video"), make_format("audio"))
    redirect(window, 0.1, "http://silent.example/x")
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 5", stream=1)
    window.body(0.2, 5, stream=1)
    assert window.end(0.2, stream=1) == []
    assert window.state.handle(Tick(29.9)) == []
    assert window.state.handle(DeadlineReached()) == [Stop("deadline")]
    window.cut(30.0)
    assert (window.row.t_s, window.row.failure) == (30.0, "dns_timeout")
    assert window.row.failure_detail == "no answer for silent.example in the window"
    assert [stream.failure for stream in window.streams] == ["dns_timeout", None]


# The table itself.


@pytest.mark.parametrize("state", StreamState)
def test_every_state_is_reached_and_left_or_final(state: StreamState) -> None:
    reached = {after for steps in TRANSITIONS.values() for after in steps.values()}
    assert state in reached
    assert bool(TRANSITIONS[state]) is (state not in {StreamState.COMPLETE, StreamState.FAILED})


@pytest.mark.parametrize("step", Step)
def test_stream_that_is_over_takes_no_step(tmp_path: Path, step: Step) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 404 Not Found")
    window.end(0.1)
    with pytest.raises(KeyError):
        window.streams[0].move(step)
