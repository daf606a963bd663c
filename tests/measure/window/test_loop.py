"""The window against servers that behave: what is asked for, what is kept, and how it ends."""

from __future__ import annotations

import dataclasses
import errno
import pickle
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.window.curl_transfers import CurlTransfers
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress
from pytomo_scrapy.measure.window.state import WindowState
from pytomo_scrapy.measure.window.tcp_info import TcpSampler
from tests.measure.window.window_fetch import CONFIG, HOST, LATE_S, fetch, make_format
from tests.measure.window.window_servers import (
    BODY,
    Authority,
    Request,
    answer,
    media_head,
    serve_body,
    serve_range,
    serving,
)

pytestmark = pytest.mark.process

WINDOW_S = 1.0


def trickle(connection: socket.socket, request: Request) -> None:
    """Send without end: 10 kB each 10 ms."""
    connection.sendall(media_head(10**9))
    while True:
        connection.sendall(bytes(10_000))
        time.sleep(0.01)


def test_window_whole_file_is_complete_and_spooled(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port))
    (stream,) = result.streams
    assert (result.ended_by, result.failure) == ("complete", None)
    assert stream.is_complete
    assert stream.received_bytes == stream.size_bytes == stream.spooled_bytes == len(BODY)
    assert Path(stream.spool_path or "").read_bytes() == BODY
    assert stream.arrival_bytes[-1] == len(BODY)
    assert list(stream.arrival_s) == sorted(stream.arrival_s)
    assert result.host == HOST
    assert (result.address, result.address_family) == ("127.0.0.1", 4)
    assert result.elapsed_s is not None and result.elapsed_s < WINDOW_S


def test_window_ranges_follow_on_one_connection(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port, chunk_bytes=300_000))
        ranges = [request.range for request in server.requests]
        connection_count = server.connection_count
    # 1 048 576 bytes: three ranges of 300 000 and one of 148 576.
    assert ranges == [(0, 299_999), (300_000, 599_999), (600_000, 899_999), (900_000, 1_048_575)]
    assert connection_count == 1
    assert [row.status for row in result.requests] == [206] * 4
    assert [row.received_bytes for row in result.requests] == [300_000, 300_000, 300_000, 148_576]
    assert result.requests[0].connect_s is not None
    assert [row.connect_s for row in result.requests[1:]] == [None] * 3
    assert Path(result.streams[0].spool_path or "").read_bytes() == BODY


def test_window_video_and_audio_arrive_at_once(tmp_path: Path) -> None:
    with serving(trickle) as server:
        result = fetch(tmp_path, make_format(server.port, "video"), make_format(server.port, "audio"))
    video, audio = result.streams
    assert result.ended_by == "deadline"
    assert result.failure is None
    assert video.arrival_s[0] < audio.arrival_s[-1] and audio.arrival_s[0] < video.arrival_s[-1]
    assert result.received_bytes == video.received_bytes + audio.received_bytes > 0


def test_window_ends_at_its_deadline_while_bytes_flow(tmp_path: Path) -> None:
    with serving(trickle) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert result.ended_by == "deadline"
    assert result.failure is None
    assert result.elapsed_s is not None and WINDOW_S <= result.elapsed_s < WINDOW_S + LATE_S
    assert not result.streams[0].is_complete
    assert result.throughput.bin_max_bps is None  # no bin of a whole second
    # 10 kB each 10 ms or a little more: under 8 Mbit/s.
    assert result.throughput.delivery_bps is not None and 5e5 < result.throughput.delivery_bps < 9e6


def test_window_over_tls_checks_the_name_and_names_the_version(tmp_path: Path, authority: Authority) -> None:
    with serving(serve_body, authority.context(HOST)) as server:
        result = fetch(tmp_path, make_format(server.port, scheme="https", chunk_bytes=600_000))
    assert result.failure is None
    first, second = result.requests
    assert first.tls_version == second.tls_version == "TLSv1.3"
    assert first.http_version == "1.1"
    assert first.connect_s is not None and first.tls_s is not None and first.first_byte_s is not None
    assert second.tls_s is None and second.connect_s is None
    assert first.total_s is not None and first.connect_s + first.tls_s + first.first_byte_s <= first.total_s + 0.001


def test_window_ipv6_address_is_pinned(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with serving(serve_body, address="::1") as server:
        result = fetch(tmp_path, make_format(server.port), address="::1")
    assert result.failure is None
    assert (result.address, result.address_family) == ("::1", 6)


def test_window_sends_the_formats_headers_without_those_that_break(tmp_path: Path) -> None:
    headers = {"User-Agent": "Player/1", "Accept-Encoding": "gzip", "Range": "bytes=5-", "Host": "other"}
    with serving(serve_body) as server:
        result = fetch(tmp_path, make_format(server.port, http_headers=headers))
        request = server.requests[0]
    assert result.failure is None
    assert request.field("User-Agent") == "Player/1"
    assert request.field("Host") == f"{HOST}:{server.port}"
    assert request.field("Accept-Encoding") == "identity"
    assert request.field("Range") is None


def test_window_source_address_is_where_it_comes_from(tmp_path: Path) -> None:
    peers: list[str] = []

    def note_peer(connection: socket.socket, request: Request) -> None:
        peers.append(connection.getpeername()[0])
        serve_body(connection, request)

    config = dataclasses.replace(CONFIG, path=PathConfig(source_address="127.0.0.9", is_private_allowed=True))
    with serving(note_peer) as server:
        result = fetch(tmp_path, make_format(server.port), config=config)
    assert result.failure is None
    assert peers == ["127.0.0.9"]


def test_window_progress_tells_bytes_and_time(tmp_path: Path) -> None:
    seen: list[WindowProgress] = []
    with serving(trickle) as server:
        plan = WindowPlan((make_format(server.port),), {HOST: "127.0.0.1"}, spool_directory=str(tmp_path))
        result = download_window(plan, CONFIG, progress=seen.append)
    assert len(seen) >= 3
    assert [progress.received_bytes for progress in seen] == sorted(progress.received_bytes for progress in seen)
    assert seen[-1].received_bytes <= result.received_bytes


def test_window_plan_and_result_travel_between_processes(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        plan = WindowPlan((make_format(server.port),), {HOST: "127.0.0.1"}, spool_directory=str(tmp_path))
        result = download_window(pickle.loads(pickle.dumps(plan)), CONFIG)
    assert pickle.loads(pickle.dumps(result)) == result


def test_window_rows_hold_no_signature(tmp_path: Path) -> None:
    with serving(lambda connection, request: connection.sendall(answer("403 Forbidden"))) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert result.failure == "http_403"
    assert "SECRET" not in repr(result)


def test_window_chunked_answer_without_length_is_complete_at_its_end(tmp_path: Path) -> None:
    def chunked(connection: socket.socket, request: Request) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, 40_000, 10_000):
            connection.sendall(b"2710\r\n" + BODY[start : start + 10_000] + b"\r\n")
        connection.sendall(b"0\r\n\r\n")

    with serving(chunked) as server:
        result = fetch(tmp_path, make_format(server.port))
    assert (result.ended_by, result.failure) == ("complete", None)
    assert result.streams[0].received_bytes == result.streams[0].size_bytes == 40_000


def test_window_through_a_proxy_says_so(tmp_path: Path) -> None:
    def as_proxy(connection: socket.socket, request: Request) -> None:
        assert request.target.startswith(f"http://{HOST}")
        serve_body(connection, request)

    with serving(as_proxy) as proxy:
        config = dataclasses.replace(CONFIG, path=PathConfig(proxy=f"http://127.0.0.1:{proxy.port}"))
        plan = WindowPlan((make_format(80),), {}, spool_directory=str(tmp_path))
        result = download_window(plan, config)
    assert result.failure is None
    assert result.via_proxy
    assert result.received_bytes == len(BODY)
    assert result.address == "127.0.0.1"


def test_window_through_a_proxy_tunnel_keeps_the_hosts_own_answer(tmp_path: Path, authority: Authority) -> None:
    context = authority.context(HOST)

    def as_tunnel(connection: socket.socket, request: Request) -> None:
        assert request.head.startswith("CONNECT ")
        connection.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
        inner = context.wrap_socket(connection, server_side=True)
        head = inner.recv(65536)
        serve_range(inner, Request(head), BODY)
        inner.close()

    with serving(as_tunnel) as proxy:
        config = dataclasses.replace(CONFIG, path=PathConfig(proxy=f"http://127.0.0.1:{proxy.port}"))
        plan = WindowPlan((make_format(443, scheme="https"),), {}, spool_directory=str(tmp_path))
        result = download_window(plan, config)
    assert result.failure is None
    assert result.streams[0].size_bytes == len(BODY)
    assert result.requests[0].content_type == "video/mp4"


def test_window_follows_a_redirect_and_ranges_stay_where_it_led(tmp_path: Path) -> None:
    with serving(serve_body) as cache:

        def send_away(connection: socket.socket, request: Request) -> None:
            connection.sendall(answer("302 Found", f"Location: http://127.0.0.1:{cache.port}/moved?sig=SECRET"))

        with serving(send_away) as front:
            result = fetch(tmp_path, make_format(front.port, chunk_bytes=600_000))
            front_count = len(front.requests)
    assert result.failure is None
    assert [(row.hop, row.status, row.host) for row in result.requests] == [
        (0, 302, HOST),
        (1, 206, "127.0.0.1"),
        (0, 206, "127.0.0.1"),
    ]
    assert front_count == 1
    assert result.streams[0].received_bytes == len(BODY)


def test_window_of_a_host_that_is_an_ipv6_address(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with serving(serve_body, address="::1") as server:
        media = make_format(server.port, url=f"http://[::1]:{server.port}/videoplayback", host="::1")
        result = download_window(WindowPlan((media,), {"::1": "::1"}, spool_directory=str(tmp_path)), CONFIG)
    assert (result.failure, result.ended_by, result.address) == (None, "complete", "::1")


def test_window_without_a_file_descriptor_for_its_connection_is_the_tools(tmp_path: Path) -> None:
    def none_left(sampler: TcpSampler, stream_index: int) -> Callable[..., socket.socket]:
        def open_socket(purpose: int, address: object) -> socket.socket:
            raise OSError(errno.EMFILE, "Too many open files")

        return open_socket

    with serving(serve_body) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TcpSampler, "opener", none_left)
        result = fetch(tmp_path, make_format(server.port))
    assert result.failure == "out_of_resources"


@pytest.mark.parametrize("trouble", [OSError(errno.EMFILE, "Too many open files"), ValueError("not foreseen")])
def test_window_that_breaks_leaves_no_spool_file(tmp_path: Path, trouble: Exception) -> None:
    def broken(self: WindowState, event: object) -> None:
        raise trouble

    with pytest.MonkeyPatch.context() as patch, pytest.raises((MeasurementError, ValueError)) as caught:
        patch.setattr(WindowState, "handle", broken)
        fetch(tmp_path, make_format(9, "video"), make_format(9, "audio"))
    assert list(tmp_path.iterdir()) == []
    assert "out_of_resources" in str(caught.value) or caught.value is trouble


def test_window_that_asks_for_nothing_sleeps_as_long_as_it_may() -> None:
    """A player with a full buffer: curl, which has no socket to wait for, would return at once."""
    transfers = CurlTransfers(CONFIG, time.monotonic)
    started_s = time.monotonic()
    transfers.wait(0.05)
    assert time.monotonic() - started_s >= 0.05
    transfers.close()
