"""The kernel's struct tcp_info: units, and what older kernels do not tell."""

from __future__ import annotations

import socket
import struct
import sys

import pytest

from pytomo_scrapy.measure.net import tcp_struct
from pytomo_scrapy.measure.net.tcp_struct import parse_tcp_info, read_tcp_info


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


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is read on Linux only")
def test_tcp_info_of_a_connection_has_its_handshake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as opened:
        info = parse_tcp_info(read_tcp_info(opened))
    assert 0 < info.rtt_s < 1.0 and info.sent_retransmission_count == 0


def test_tcp_info_of_another_system_is_no_struct_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_struct.sys, "platform", "freebsd14")
    with socket.socket() as unused, pytest.raises(OSError, match="Linux"):
        read_tcp_info(unused)
