"""A window over streams that are delivered in segments: what is asked for, in which order, and how each turn ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.items import MediaFormat, MediaPart, StreamPart
from pytomo_scrapy.measure.window.events import Abort, Command, Fetch, HostLookedUp, LookUp, Stop, Tick
from pytomo_scrapy.measure.window.judge import CurlCode
from tests.measure.window.window_machine import HOST, OTHER, T0_S, Window, failed_with, make_format, redirect


@pytest.fixture(autouse=True)
def no_proxy_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def part(number: int, *, host: str = HOST, span: tuple[int, int] | None = None) -> MediaPart:
    """A segment of 4 s."""
    start, end = span or (None, None)
    return MediaPart(f"https://{host}/{number}.ts?sig=SECRET", 4.0 * number, 4.0, start, end)


HEADER = MediaPart(f"https://{HOST}/init.mp4", 0.0, None)
RANGES = (
    MediaPart(f"https://{HOST}/v.mp4", 0.0, None, 0, 700),
    MediaPart(f"https://{HOST}/v.mp4", 0.0, 4.0, 700, 1700),
    MediaPart(f"https://{HOST}/v.mp4", 4.0, 4.0, 1700, 2000),
)


def in_segments(*parts: MediaPart, kind: str = "muxed") -> MediaFormat:
    return make_format(kind, url=parts[0].url, delivery="hls", parts=parts)


def asked(command: Command) -> tuple[str, tuple[int, int] | None]:
    """Return (file, range) of a request."""
    assert isinstance(command, Fetch)
    return command.request.hop.target.url.partition("?")[0].rpartition("/")[2], command.request.range


def serve(window: Window, now_s: float, size: int, status: str = "200 OK", *lines: str) -> list[Command]:
    assert window.head(now_s, f"HTTP/1.1 {status}", f"Content-Length: {size}", *lines) == []
    window.body(now_s, size)
    return window.end(now_s)


def test_segments_follow_each_other_and_lie_end_to_end(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(HEADER, part(0), part(1)))
    assert [asked(command) for command in window.opened] == [("init.mp4", None)]
    assert [asked(command) for command in serve(window, 0.1, 50)] == [("0.ts", None)]
    assert [asked(command) for command in serve(window, 0.5, 400)] == [("1.ts", None)]
    assert serve(window, 0.9, 300) == [Stop("complete")]
    stream = window.streams[0].close(T0_S)
    assert (stream.is_complete, stream.size_bytes, stream.failure) == (True, 750, None)
    assert stream.arrival_bytes == (50, 450, 750)
    assert stream.parts == (
        StreamPart(0, 50, 0.0, None, 0, is_whole=True),
        StreamPart(50, 450, 0.0, 4.0, 0, is_whole=True),
        StreamPart(450, 750, 4.0, 4.0, 0, is_whole=True),
    )
    assert window.rows("segment", "t_s", "received_bytes", "range_start_bytes") == [
        (0, 0.0, 50, None), (1, 0.1, 400, None), (2, 0.5, 300, None),
    ]  # fmt: skip


def test_ranges_of_a_file_are_asked_for_one_by_one(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(*RANGES))
    assert [asked(command) for command in window.opened] == [("v.mp4", (0, 699))]
    commands = serve(window, 0.1, 700, "206 Partial Content", "Content-Range: bytes 0-699/9000")
    assert [asked(command) for command in commands] == [("v.mp4", (700, 1699))]
    commands = serve(window, 0.2, 1000, "206 Partial Content", "Content-Range: bytes 700-1699/9000")
    assert [asked(command) for command in commands] == [("v.mp4", (1700, 1999))]
    # 2 000 bytes of a file of 9 000: the list says where the stream ends, and not the file.
    assert serve(window, 0.3, 300, "206 Partial Content", "Content-Range: bytes 1700-1999/9000") == [Stop("complete")]
    assert window.streams[0].close(T0_S).size_bytes == 2000


def test_range_that_is_shorter_than_listed_is_a_wrong_length(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(*RANGES))
    assert serve(window, 0.1, 350, "206 Partial Content", "Content-Range: bytes 0-349/350") == [Stop("failure")]
    stream = window.streams[0].close(T0_S)
    assert (stream.failure, stream.failure_detail) == ("wrong_length", "segment 0: 350 bytes, listed 700")


def test_whole_file_in_place_of_a_range_is_refused_at_its_head(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(*RANGES))
    assert window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 9000") == [Abort(0)]
    assert window.end(0.1, failed_with(CurlCode.WRITE_ERROR)) == [Stop("failure")]
    assert (window.row.failure, window.row.failure_detail) == ("bad_response", "the range was ignored")


@pytest.mark.parametrize(
    ("status", "failure", "ended_by"),
    [
        ("404 Not Found", "http_404", "failure"),
        ("403 Forbidden", "media_gated", "failure"),
        ("410 Gone", "media_gated", "failure"),
        ("429 Too Many Requests", "http_429", "failure"),
        ("503 Service Unavailable", "http_5xx", "failure"),
    ],
)
def test_segment_that_is_refused_in_mid_download_has_its_class(
    tmp_path: Path, status: str, failure: str, ended_by: str
) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1), part(2)))
    serve(window, 0.5, 400)
    window.head(0.6, f"HTTP/1.1 {status}", "Content-Length: 0")
    assert window.end(0.6) == [Stop(ended_by)]
    stream = window.streams[0].close(T0_S)
    assert stream.failure == failure and (stream.failure_detail or "").startswith("segment 1: HTTP ")
    assert [one.is_whole for one in stream.parts] == [True, False, False]
    assert [(one.start_byte, one.end_byte) for one in stream.parts] == [(0, 400), (400, 400), (400, 400)]
    assert (window.state.gate is not None) == (failure == "media_gated")


def test_first_segment_that_is_refused_was_never_begun(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1)))
    window.head(0.1, "HTTP/1.1 403 Forbidden", "Content-Length: 0")
    window.end(0.1)
    assert window.row.failure == "http_403" and window.state.gate is None


def test_segment_that_breaks_off_ends_its_stream_and_keeps_what_came(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1), kind="video"), in_segments(part(0), kind="audio"))
    serve(window, 0.5, 400)
    window.head(0.6, "HTTP/1.1 200 OK", "Content-Length: 400")
    window.body(0.7, 100)
    assert window.end(0.8, failed_with(CurlCode.PARTIAL_FILE)) == []  # the sound goes on
    assert [(one.end_byte, one.is_whole) for one in window.streams[0].close(T0_S).parts] == [(400, True), (500, False)]
    assert window.streams[0].failure == "truncated"


def test_redirect_of_a_segment_is_followed_and_the_next_one_is_asked_for_at_its_own_address(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1)))
    (command,) = redirect(window, 0.1, f"https://{HOST}/moved.ts")
    assert asked(command) == ("moved.ts", None)
    assert [asked(command) for command in serve(window, 0.2, 10)] == [("1.ts", None)]
    assert window.rows("segment", "hop") == [(0, 0), (0, 1)]


def test_segment_on_a_host_that_was_not_looked_up_waits_for_its_address(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1, host=OTHER)))
    assert serve(window, 0.5, 400) == [LookUp(0, OTHER, 4)]
    (command,) = window.state.handle(HostLookedUp(0.6, 0, 0.1, "192.0.2.9"))
    assert isinstance(command, Fetch) and command.request.hop.address == "192.0.2.9"


def test_host_of_a_segment_that_does_not_exist_fails_the_stream_with_the_look_ups_class(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1, host=OTHER)))
    serve(window, 0.5, 400)
    assert window.state.handle(HostLookedUp(0.6, 0, 0.1, None, "dns_nxdomain")) == [Stop("failure")]
    assert (window.row.failure, window.row.segment, window.row.host) == ("dns_nxdomain", 1, OTHER)


def test_text_in_place_of_a_segment_is_no_media_and_a_wrong_type_alone_is(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1)))
    assert window.head(0.1, "HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Length: 1000") == []
    window.body(0.1, (b"\x47" + bytes(187)) * 5)  # a transport stream under a wrong name
    assert [asked(command) for command in window.end(0.1)] == [("1.ts", None)]
    window.head(0.2, "HTTP/1.1 200 OK", "Content-Type: text/html", "Content-Length: 1000")
    window.body(0.2, b"<html>" * 100)
    assert window.end(0.3) == [Stop("failure")]
    assert window.row.failure == "wrong_content"


def test_byte_cap_cuts_a_segment_without_a_failure(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1)), max_bytes=300)
    window.head(0.1, "HTTP/1.1 200 OK", "Content-Length: 400")
    assert window.body(0.2, 300) == -1
    assert window.end(0.2, failed_with(CurlCode.WRITE_ERROR)) == [Stop("byte_cap")]
    assert [one.is_whole for one in window.streams[0].close(T0_S).parts] == [False, False]


def test_paced_window_rests_with_the_buffer_goal_ahead_and_then_asks_for_one_segment(tmp_path: Path) -> None:
    parts = [HEADER, *(part(number) for number in range(10))]
    window = Window(tmp_path, in_segments(*parts), mode="paced", buffer_goal_s=10.0)
    serve(window, 0.1, 50)
    serve(window, 0.2, 400)
    serve(window, 0.3, 400)
    # Two segments are 8 s: less than the goal, one more. Three are 12 s; it has played since 0.2 s.
    assert serve(window, 0.4, 400) == []
    # The goal is reached as long as 12 - 10 = 2 s are not played: that is until 0.2 + 2.0 s.
    assert window.state.handle(Tick(2.1)) == []
    assert [asked(command) for command in window.state.handle(Tick(2.3))] == [("3.ts", None)]
    serve(window, 2.4, 400)
    window.cut(30.0)
    assert window.streams[0].close(T0_S).no_demand == ((0.4, 2.3), (2.4, 30.0))


def test_stream_in_segments_fetches_all_that_is_listed_for_a_sound_that_is_shorter(tmp_path: Path) -> None:
    window = Window(tmp_path, in_segments(part(0), part(1), kind="video"), in_segments(part(0), kind="audio"))
    assert len(window.opened) == 2
    window.head(0.2, "HTTP/1.1 200 OK", "Content-Length: 10", stream=1)
    window.body(0.2, 10, stream=1)
    assert window.end(0.2, stream=1) == []
    serve(window, 0.3, 400)
    assert serve(window, 0.4, 400) == [Stop("complete")]
