"""The kernel's figures of a TCP socket: struct tcp_info and the fields that we read (Linux only)."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from dataclasses import dataclass

_TCP_INFO = getattr(socket, "TCP_INFO", 11)
_READ_BYTES = 256
_NO_RTT = 0xFFFFFFFF

# Offsets into struct tcp_info. Source: include/uapi/linux/tcp.h; the kernel only ever appends to it.
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")
_RTT, _RCV_MSS, _SND_CWND, _RCV_RTT, _RCV_SPACE, _TOTAL_RETRANS = 68, 20, 80, 92, 96, 100
_BYTES_RECEIVED, _SEGS_OUT, _SEGS_IN, _MIN_RTT, _DATA_SEGS_IN = 128, 136, 140, 148, 152
_DELIVERY_RATE, _RCV_OOOPACK, _RCV_WND = 160, 224, 232


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """One reading of a socket. None where this kernel is too old for the field."""

    rtt_s: float  # smoothed, of what we sent; of a connection just opened: its handshake
    receiver_rtt_s: float  # 0: no estimate yet
    maximum_segment_bytes: int
    receive_window_bytes: int
    rtt_min_s: float | None
    received_bytes: int | None
    received_segment_count: int | None
    all_received_segment_count: int | None
    all_sent_segment_count: int | None
    out_of_order_count: int | None
    sent_retransmission_count: int
    sent_congestion_window_segments: int
    sent_delivery_rate_bps: int | None


def parse_tcp_info(raw: bytes) -> TcpInfo:
    """Read a struct tcp_info of whatever length the kernel gave. Raises ValueError under 104 bytes (Linux 2.6)."""
    if len(raw) < _TOTAL_RETRANS + 4:
        raise ValueError("struct tcp_info is too short")
    rtt_min_us = _read(_U32, raw, _MIN_RTT)
    rate = _read(_U64, raw, _DELIVERY_RATE)
    window = _read(_U32, raw, _RCV_WND)
    return TcpInfo(
        rtt_s=_U32.unpack_from(raw, _RTT)[0] / 1e6,
        receiver_rtt_s=_U32.unpack_from(raw, _RCV_RTT)[0] / 1e6,
        maximum_segment_bytes=_U32.unpack_from(raw, _RCV_MSS)[0],
        # Linux 6.2 reports the window itself; older ones the bytes that the receiver drains in a round trip.
        receive_window_bytes=window if window is not None else _U32.unpack_from(raw, _RCV_SPACE)[0],
        rtt_min_s=None if rtt_min_us in {None, _NO_RTT} else (rtt_min_us or 0) / 1e6,
        received_bytes=_read(_U64, raw, _BYTES_RECEIVED),
        received_segment_count=_read(_U32, raw, _DATA_SEGS_IN),
        all_received_segment_count=_read(_U32, raw, _SEGS_IN),
        all_sent_segment_count=_read(_U32, raw, _SEGS_OUT),
        out_of_order_count=_read(_U32, raw, _RCV_OOOPACK),
        sent_retransmission_count=_U32.unpack_from(raw, _TOTAL_RETRANS)[0],
        sent_congestion_window_segments=_U32.unpack_from(raw, _SND_CWND)[0],
        sent_delivery_rate_bps=None if rate is None else rate * 8,
    )


def read_tcp_info(connection: socket.socket) -> bytes:
    """Return the kernel's struct tcp_info of a socket. Raises OSError where there is none."""
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOPROTOOPT, "struct tcp_info is Linux's")
    return connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _READ_BYTES)


def _read(kind: struct.Struct, raw: bytes, offset: int) -> int | None:
    return int(kind.unpack_from(raw, offset)[0]) if len(raw) >= offset + kind.size else None
