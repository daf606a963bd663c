"""The state machine of a window: hand-made events, the commands and rows they must give, and the arithmetic beside."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pycurl
import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import HttpRequest, MediaFormat
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.window.events import (
    Abort,
    BytesCounted,
    Closed,
    Command,
    DeadlineReached,
    Fetch,
    HeadLine,
    HostLookedUp,
    LookUp,
    Opened,
    Stop,
    Tick,
    TransferCut,
    TransferEnded,
)
from pytomo_scrapy.measure.window.judge import CurlCode, TransferError
from pytomo_scrapy.measure.window.pacing import HEAD_BYTES
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.request import Transfer
from pytomo_scrapy.measure.window.state import WindowState
from pytomo_scrapy.measure.window.stream import TRANSITIONS, Allowance, Spool, Step, Stream, StreamState
from tests.measure.window.window_media import FILE, INIT_BYTES, SEGMENT_BYTES, end_of

HOST = "rr1---sn-test.example"
OTHER = "rr2---sn-test.example"
T0_S = 100.0  # what the clock reads at t0: every time of an event is from there
DONE = Transfer(is_connected=True, is_sent=True, total_s=0.5)


@pytest.fixture(autouse=True)
def no_proxy_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Window:
    """A state machine with streams of its own, a clock that is set by hand, and servers that are played."""

    def __init__(self, folder: Path, *formats: MediaFormat, duration_s: float | None = None, **settings: object):
        self.now_s = 0.0
        config = DownloadConfig(**{"window_s": 30.0, "bulk_every": 0, "mode": "bulk", **settings})  # type: ignore[arg-type]
        allowance = Allowance(config.max_bytes)
        self.streams = [
            Stream(index, media, read_target(media.url), Spool(str(folder), 10**6), self.clock, allowance)
            for index, media in enumerate(formats)
        ]
        plan = WindowPlan(formats, {HOST: "192.0.2.1"}, duration_s=duration_s)
        self.state = WindowState(plan, config, self.streams, allowance)
        self.said: list[Command] = []
        self.opened = self.state.handle(Opened(T0_S))

    def clock(self) -> float:
        return T0_S + self.now_s

    def head(self, now_s: float, *lines: str, stream: int = 0) -> list[Command]:
        """Send the lines of an answer's head until the window has enough of it."""
        self.now_s = now_s
        for line in (*lines, ""):
            if commands := self.state.handle(HeadLine(now_s, stream, line.encode() + b"\r\n")):
                return commands
        return []

    def body(self, now_s: float, body: bytes | int, stream: int = 0) -> int | None:
        """Send a piece of the body: what the write callback returns."""
        self.now_s = now_s
        return self.streams[stream].receive(bytes(body) if isinstance(body, int) else body)

    def end(self, now_s: float, transfer: Transfer = DONE, stream: int = 0) -> list[Command]:
        """End the transfer of a stream."""
        self.now_s = now_s
        return self.state.handle(TransferEnded(now_s, stream, transfer))

    def serve(self, now_s: float, first: int, last: int, size: int, stream: int = 0) -> list[Command]:
        """Answer a range with all of its bytes, which are those of FILE."""
        content_range = f"Content-Range: bytes {first}-{last}/{size}"
        assert self.head(now_s, "HTTP/1.1 206 Partial Content", content_range, stream=stream) == []
        self.body(now_s, FILE[first : last + 1], stream)
        return self.end(now_s, stream=stream)

    def cut(self, now_s: float, *streams: int, transfer: Transfer = DONE) -> None:
        """End the window with these streams' transfers under way."""
        for stream in streams:
            assert self.state.handle(TransferCut(now_s, stream, transfer)) == []
        assert self.state.handle(Closed(now_s)) == []

    def rows(self, *names: str) -> list[tuple[object, ...]]:
        """Return these fields of every row."""
        return [tuple(getattr(row, name) for name in names) for row in self.state.rows]

    @property
    def row(self) -> HttpRequest:
        return self.state.rows[-1]


def make_format(kind: str = "muxed", **overrides: object) -> MediaFormat:
    url = f"http://{HOST}/{kind}?sig=SECRET"
    values: dict[str, object] = {"kind": kind, "format_id": kind, "url": url, "host": HOST, "port": 80}
    return MediaFormat(**{**values, **overrides})  # type: ignore[arg-type]


def failed_with(code: int, text: str = "", **facts: object) -> Transfer:
    return dataclasses.replace(DONE, error=TransferError(code, text), **facts)  # type: ignore[arg-type]


def asked(command: Command) -> tuple[int, str, tuple[int, int] | None, str | None]:
    """Return (stream, host, range, pinned address) of a request."""
    assert isinstance(command, Fetch)
    request = command.request
    return request.stream.stream_index, request.hop.target.host, request.range, request.hop.address


# Bulk: what is asked for, and how it ends.


def test_bulk_ranges_follow_until_the_size_is_reached(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    assert [asked(command) for command in window.opened] == [(0, HOST, (0, 399), "192.0.2.1")]
    # 1 000 bytes in ranges of 400: 400, 400, and the last 200 (800 to 999), now that the size is known.
    assert [asked(command) for command in window.serve(0.1, 0, 399, 1000)] == [(0, HOST, (400, 799), "192.0.2.1")]
    assert [asked(command) for command in window.serve(0.2, 400, 799, 1000)] == [(0, HOST, (800, 999), "192.0.2.1")]
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
    assert [asked(command) for command in window.opened] == [(0, HOST, None, "192.0.2.1")]
    assert window.head(0.1, "HTTP/1.1 200 OK", "Content-Type: video/mp4") == []
    window.body(0.2, 700)
    assert window.end(0.3) == [Stop("complete")]
    assert window.streams[0].size_bytes == 700


def test_window_goes_on_until_its_last_stream_is_over(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format("video"), make_format("audio"))
    assert [asked(command)[0] for command in window.opened] == [0, 1]
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


def redirect(window: Window, now_s: float, location: str) -> list[Command]:
    window.head(now_s, "HTTP/1.1 302 Found", f"Location: {location}")
    return window.end(now_s)


def test_redirect_waits_for_its_hosts_address_and_the_ranges_stay_there(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    assert redirect(window, 0.1, f"http://{OTHER}:81/moved") == [LookUp(0, OTHER, 4)]
    assert window.streams[0].state is StreamState.LOOKING_UP
    (fetch,) = window.state.handle(HostLookedUp(0.4, 0, 0.25, "192.0.2.2"))
    assert asked(fetch) == (0, OTHER, (0, 399), "192.0.2.2")
    # The next range goes where the redirect led, whose address is known by now.
    (fetch,) = window.serve(0.5, 0, 399, 1000)
    assert asked(fetch) == (0, OTHER, (400, 799), "192.0.2.2")
    assert window.rows("hop", "host", "port", "status", "t_s", "dns_s", "received_bytes") == [
        (0, HOST, 80, 302, 0.0, None, 0),
        (1, OTHER, 81, 206, 0.4, 0.25, 400),
    ]


@pytest.mark.parametrize("location", [f"http://{HOST}/elsewhere", "http://192.0.2.9/x", "/elsewhere"])
def test_redirect_to_a_known_host_or_an_address_needs_no_look_up(tmp_path: Path, location: str) -> None:
    window = Window(tmp_path, make_format())
    (fetch,) = redirect(window, 0.1, location)
    assert asked(fetch)[3] == (None if "192.0.2.9" in location else "192.0.2.1")


def test_redirect_through_a_proxy_leaves_the_look_up_to_it(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(), path=PathConfig(proxy="http://192.0.2.3:3128"))
    (fetch,) = redirect(window, 0.1, f"http://{OTHER}/moved")
    assert asked(fetch) == (0, OTHER, None, None)


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


# Refusals and other answers.


@pytest.mark.parametrize(
    ("signed_for", "local_address", "failure"),
    [
        ("192.0.2.7", "192.0.2.7", "http_403"),  # refused for another reason
        ("192.0.2.7", "192.0.2.8", "exit_address_changed"),
        ("2001:db8::1", "192.0.2.8", "exit_address_changed"),
        ("8.8.8.8", "10.0.0.2", "http_403"),  # behind address translation nobody can tell
    ],
)
def test_refusal_at_the_start_is_told_from_a_changed_exit(
    tmp_path: Path, signed_for: str, local_address: str, failure: str
) -> None:
    window = Window(tmp_path, make_format(url=f"http://{HOST}/v?ip={signed_for}"))
    window.head(0.1, "HTTP/1.1 403 Forbidden", "Content-Length: 2")
    assert window.body(0.1, b"no") is None
    assert window.end(0.2, dataclasses.replace(DONE, local_address=local_address)) == [Stop("failure")]
    assert (window.row.status, window.row.failure) == (403, failure)
    # The body of a refusal is no media, but was received.
    assert (window.row.received_bytes, window.state.received_bytes) == (2, 0)
    assert window.state.local_address == local_address


@pytest.mark.parametrize(("status", "failure"), [(403, "interrupted"), (410, "interrupted"), (429, "http_429")])
def test_refusal_in_mid_download_is_interrupted(tmp_path: Path, status: int, failure: str) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    window.serve(0.1, 0, 399, 1000)
    window.head(0.2, f"HTTP/1.1 {status} No", "Retry-After: 17")
    assert window.end(0.2) == [Stop("failure")]
    assert window.rows("status", "received_bytes", "failure") == [(206, 400, None), (status, 0, failure)]
    assert window.row.retry_after_s == 17.0
    assert (window.streams[0].failure_detail, window.state.received_bytes) == (f"HTTP {status}", 400)


@pytest.mark.parametrize(
    ("head", "detail"),
    [
        (["HTTP/1.1 200 OK", "Content-Type: text/html"], "the answer is text/html"),
        (["HTTP/1.1 206 Partial Content", "Content-Range: bytes 5-399/1000"], "asked for bytes from 0, got 5"),
    ],
)
def test_answer_that_is_not_what_was_asked_for_is_aborted(tmp_path: Path, head: list[str], detail: str) -> None:
    window = Window(tmp_path, make_format(chunk_bytes=400))
    assert window.head(0.1, *head) == [Abort(0)]
    assert window.end(0.1, failed_with(CurlCode.WRITE_ERROR)) == [Stop("failure")]
    assert window.row.failure_detail == detail


def test_answer_in_another_version_than_the_wanted_one_is_aborted(tmp_path: Path) -> None:
    window = Window(tmp_path, make_format(), http_version="2")
    assert window.head(0.1, "HTTP/1.1 200 OK") == [Abort(0)]
    window.end(0.1, failed_with(CurlCode.WRITE_ERROR))
    assert window.row.failure == "http_version_unavailable"


@pytest.mark.parametrize(
    ("transfer", "received", "failure"),
    [
        (failed_with(CurlCode.PARTIAL_FILE, "closed"), 300, "truncated"),
        (failed_with(CurlCode.RECV_ERROR, "Connection reset by peer"), 300, "reset"),
        (failed_with(CurlCode.RECV_ERROR, "unexpected eof"), 300, "truncated"),
        (DONE, 0, "bad_response"),  # an answer without a body
    ],
)
def test_transfer_that_breaks_keeps_what_came(tmp_path: Path, transfer: Transfer, received: int, failure: str) -> None:
    window = Window(tmp_path, make_format())
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 1000")
    window.body(0.1, received)
    assert window.end(0.2, transfer) == [Stop("failure")]
    assert window.rows("received_bytes", "failure") == [(received, failure)]
    assert (window.streams[0].received_bytes, window.streams[0].failure) == (received, failure)


# Paced: FILE is 20 segments of 2 s and 50 000 bytes behind its index (window_media.py).


def paced(folder: Path, goal_s: float = 4.0, kinds: tuple[str, ...] = ("video",)) -> Window:
    formats = [make_format(kind) for kind in kinds]
    return Window(folder, *formats, mode="paced", buffer_goal_s=goal_s, duration_s=40.0)


def test_paced_window_asks_for_the_next_range_only_below_its_goal(tmp_path: Path) -> None:
    window = paced(tmp_path)
    assert [asked(command)[2] for command in window.opened] == [(0, HEAD_BYTES - 1)]
    # The index is in the head. Goal 4 s: the segments that begin at 0 and 2 s.
    (fetch,) = window.serve(0.1, 0, HEAD_BYTES - 1, len(FILE))
    assert asked(fetch)[2] == (HEAD_BYTES, end_of(2))
    # 4 s of media at 0.2 s, and nothing played: enough. It plays from then on.
    assert window.serve(0.2, HEAD_BYTES, end_of(2), len(FILE)) == []
    assert window.streams[0].state is StreamState.RESTING
    # At the next tick 0.01 s are played, so 3.99 s are ahead: one more segment, begun before 0.01 + 4 s.
    (fetch,) = window.state.handle(Tick(0.21))
    assert asked(fetch)[2] == (end_of(2) + 1, end_of(3))
    assert window.state.handle(Tick(0.22)) == []  # it is being fetched
    # 6 s of media at 0.3 s, 0.1 s played: 5.9 s ahead. Less than 4 s are ahead when 2 s are played, at 2.2 s.
    assert window.serve(0.3, end_of(2) + 1, end_of(3), len(FILE)) == []
    assert window.state.handle(Tick(2.19)) == []
    (fetch,) = window.state.handle(Tick(2.21))
    assert asked(fetch)[2] == (end_of(3) + 1, end_of(4))
    assert window.state.received_bytes == INIT_BYTES + 3 * SEGMENT_BYTES


def test_paced_window_keeps_the_times_without_demand(tmp_path: Path) -> None:
    window = paced(tmp_path)
    window.serve(0.1, 0, HEAD_BYTES - 1, len(FILE))
    window.serve(0.2, HEAD_BYTES, end_of(2), len(FILE))  # enough from 0.2 s
    window.state.handle(Tick(0.21))  # asks again
    window.serve(0.3, end_of(2) + 1, end_of(3), len(FILE))  # enough from 0.3 s
    window.state.handle(Tick(1.0))
    window.state.handle(DeadlineReached())
    window.cut(2.0)
    assert window.streams[0].no_demand == ((0.2, 0.21), (0.3, 2.0))
    assert window.rows("t_s", "range_end_bytes", "failure") == [
        (0.0, HEAD_BYTES - 1, None),
        (0.1, end_of(2), None),
        (0.21, end_of(3), None),
    ]


def test_paced_stream_waits_for_the_slower_one(tmp_path: Path) -> None:
    window = paced(tmp_path, kinds=("video", "audio"))
    window.serve(0.1, 0, HEAD_BYTES - 1, len(FILE), stream=0)
    assert window.serve(0.2, HEAD_BYTES, end_of(2), len(FILE), stream=0) == []
    # Nothing plays while the audio has no media: the video's 4 s stay ahead, whatever the time.
    assert window.state.handle(Tick(5.0)) == []
    window.serve(6.0, 0, HEAD_BYTES - 1, len(FILE), stream=1)
    assert window.serve(6.1, HEAD_BYTES, end_of(2), len(FILE), stream=1) == []  # plays from 6.1 s
    assert [asked(command)[:3] for command in window.state.handle(Tick(6.2))] == [
        (0, HOST, (end_of(2) + 1, end_of(3))),
        (1, HOST, (end_of(2) + 1, end_of(3))),
    ]


def test_paced_window_of_a_short_file_is_complete(tmp_path: Path) -> None:
    window = paced(tmp_path, goal_s=100.0)
    commands, answers = window.opened, 0
    while isinstance(commands[0], Fetch) and answers < 20:
        first, last = commands[0].request.range or (0, 0)
        commands, answers = window.serve(0.1 * answers, first, min(last, len(FILE) - 1), len(FILE)), answers + 1
    assert commands == [Stop("complete")]
    # The head, then requests of 12 s, six segments, at most: 20 segments are 6 + 6 + 6 + 2.
    assert answers == 5
    assert window.state.received_bytes == len(FILE)


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


def test_curl_codes_are_those_of_libcurl() -> None:
    names = {"WEIRD_SERVER_REPLY": "E_FTP_WEIRD_SERVER_REPLY"}
    known = {code: getattr(pycurl, names.get(code.name, f"E_{code.name}"), None) for code in CurlCode}
    assert {code for code, number in known.items() if number not in {code.value, None}} == set()
    # pycurl has no name for the later ones.
    unnamed = {code for code, number in known.items() if number is None}
    assert unnamed <= {CurlCode.HTTP2_STREAM, CurlCode.HTTP3, CurlCode.QUIC_CONNECT, CurlCode.PROXY, CurlCode.TOO_LARGE}
