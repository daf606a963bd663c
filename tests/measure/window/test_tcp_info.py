"""TCP_INFO: the struct, and what a window keeps of real connections."""

from __future__ import annotations

import socket
import struct
import sys
import time
from pathlib import Path

import pytest

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import MediaFormat, TcpConnection
from pytomo_scrapy.measure.window.loop import WindowPlan, download_window
from pytomo_scrapy.measure.window.tcp_info import parse_tcp_info, sampling_interval_s, summarise_tcp
from tests.measure.window.window_servers import BODY, Request, media_head, serve_body, serving

HOST = "rr1---sn-test.example"
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is read on Linux only")


def make_info(length: int = 248, **fields: int) -> bytes:
    """A struct tcp_info with values at the offsets of include/uapi/linux/tcp.h."""
    raw = bytearray(256)
    offsets = {"rcv_mss": 20, "rcv_rtt": 92, "rcv_space": 96, "min_rtt": 148, "data_segs_in": 152}
    for name, value in fields.items():
        if name in {"bytes_received", "delivery_rate"}:
            struct.pack_into("=Q", raw, {"bytes_received": 128, "delivery_rate": 160}[name], value)
        else:
            struct.pack_into("=I", raw, offsets.get(name) or {"rcv_ooopack": 224, "rcv_wnd": 232}[name], value)
    return bytes(raw[:length])


def test_tcp_info_fields_have_their_units() -> None:
    info = parse_tcp_info(
        make_info(rcv_rtt=20_500, min_rtt=10_250, bytes_received=5_000_000_000, delivery_rate=1000, rcv_ooopack=3)
    )
    assert (info.receiver_rtt_s, info.rtt_min_s) == (pytest.approx(0.0205), pytest.approx(0.01025))
    assert (info.received_bytes, info.sent_delivery_rate_bps) == (5_000_000_000, 8000)
    assert info.out_of_order_count == 3


def test_tcp_info_of_an_old_kernel_has_no_later_fields() -> None:
    info = parse_tcp_info(make_info(104, rcv_rtt=1000, rcv_space=14_600))
    assert (info.rtt_min_s, info.received_bytes, info.out_of_order_count) == (None, None, None)
    assert info.receive_window_bytes == 14_600
    with pytest.raises(ValueError, match="too short"):
        parse_tcp_info(bytes(92))


def test_tcp_info_rtt_that_was_never_measured_is_none() -> None:
    assert parse_tcp_info(make_info(min_rtt=0xFFFFFFFF)).rtt_min_s is None


@pytest.mark.parametrize(("window_s", "expected_s"), [(3, 0.1), (30, 0.1), (120, 0.2), (3600, 1.0)])
def test_sampling_is_bounded_for_any_window(window_s: float, expected_s: float) -> None:
    assert sampling_interval_s(window_s) == pytest.approx(expected_s)


def test_tcp_summary_of_two_connections() -> None:
    one = TcpConnection(0, "a", 1, 2, rtt_min_s=0.02, out_of_order_count=2, sample_receiver_rtt_s=(0.0, 0.03, 0.05))
    two = TcpConnection(1, "a", 1, 3, rtt_min_s=0.01, out_of_order_count=1, sample_receiver_rtt_s=(0.04,))
    summary = summarise_tcp([one, two])
    assert (summary.rtt_min_s, summary.out_of_order_count) == (0.01, 3)
    assert summary.receiver_rtt_median_s == pytest.approx(0.04)
    assert summary.received_segment_count is None
    assert summarise_tcp([]).rtt_min_s is None


def fetch(server_port: int, spool: Path, window_s: float = 1.0, **overrides: object) -> tuple[TcpConnection, ...]:
    url = f"http://{HOST}:{server_port}/v"
    media = MediaFormat("muxed", "18", url, HOST, server_port, **overrides)  # type: ignore[arg-type]
    plan = WindowPlan((media,), {HOST: "127.0.0.1"}, spool_directory=str(spool))
    return download_window(plan, DownloadConfig(window_s=window_s, mode="bulk", loaded_probes_per_s=0)).tcp


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
    assert tcp.rtt_min_s is not None and 0 < tcp.rtt_min_s < 0.05
    assert tcp.received_segment_count is not None and tcp.received_segment_count > 8
    assert 4 <= len(tcp.sample_s) <= 10
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
