"""TCP_INFO: what a window keeps of real connections."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig, PathConfig
from pytomo_scrapy.items import MediaFormat, TcpConnection
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.tcp_info import sampling_interval_s, summarise_tcp
from tests.measure.window.window_servers import BODY, Request, media_head, serve_body, serving

pytestmark = pytest.mark.process

HOST = "rr1---sn-test.example"
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is read on Linux only")


@pytest.mark.parametrize(("window_s", "expected_s"), [(3, 0.1), (30, 0.1), (120, 0.2), (3600, 1.0)])
def test_sampling_is_bounded_for_any_window(window_s: float, expected_s: float) -> None:
    assert sampling_interval_s(window_s) == pytest.approx(expected_s)


def test_tcp_summary_of_two_connections() -> None:
    first = TcpConnection(0, "a", 1, 2, rtt_min_s=0.02, out_of_order_count=2, sample_receiver_rtt_s=(0.0, 0.03, 0.05))
    second = TcpConnection(1, "a", 1, 3, rtt_min_s=0.01, out_of_order_count=1, sample_receiver_rtt_s=(0.04,))
    summary = summarise_tcp([first, second])
    assert (summary.rtt_min_s, summary.out_of_order_count) == (0.01, 3)
    assert summary.receiver_rtt_median_s == pytest.approx(0.04)
    assert summary.received_segment_count is None
    assert summarise_tcp([]).rtt_min_s is None


def fetch(server_port: int, spool: Path, window_s: float = 1.0, **overrides: object) -> tuple[TcpConnection, ...]:
    url = f"http://{HOST}:{server_port}/v"
    media = MediaFormat("muxed", "18", url, HOST, server_port, **overrides)  # type: ignore[arg-type]
    plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(spool))
    return download_window(
        plan,
        DownloadConfig(window_s=window_s, mode="bulk", loaded_probes_per_s=0, path=PathConfig(is_private_allowed=True)),
    ).tcp


@LINUX_ONLY
def test_window_keeps_what_the_kernel_says_of_its_connection(tmp_path: Path) -> None:
    def half_a_second(connection: socket.socket, request: Request) -> None:
        connection.sendall(media_head(len(BODY)))
        for start in range(0, len(BODY), len(BODY) // 8):
            connection.sendall(BODY[start : start + len(BODY) // 8])
            time.sleep(0.07)

    with serving(half_a_second) as server:
        (tcp,) = fetch(server.port, tmp_path)
        assert (tcp.stream, tcp.address, tcp.port) == (0, "127.0.0.1", server.port)
    assert tcp.received_bytes is not None and len(BODY) < tcp.received_bytes < len(BODY) + 1000
    assert tcp.rtt_min_s is not None and 0 < tcp.rtt_min_s < 0.5
    assert tcp.received_segment_count is not None and tcp.received_segment_count > 8
    assert 3 <= len(tcp.sample_s) <= 11
    assert list(tcp.sample_received_bytes) == sorted(tcp.sample_received_bytes)
    assert (
        len({len(series) for series in (tcp.sample_s, tcp.sample_receiver_rtt_s, tcp.sample_out_of_order_count)}) == 1
    )


@LINUX_ONLY
def test_window_of_one_connection_for_many_ranges_has_one_tcp_row(tmp_path: Path) -> None:
    with serving(serve_body) as server:
        assert len(fetch(server.port, tmp_path, chunk_bytes=100_000)) == 1


@LINUX_ONLY
def test_window_without_a_connection_has_no_tcp_row(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert fetch(port, tmp_path) == ()
