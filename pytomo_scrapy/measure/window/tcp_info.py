"""What the kernel knows of the media connections: TCP_INFO, sampled while the window is open (Linux only)."""

from __future__ import annotations

import socket
import statistics
import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy.items import TcpConnection

MIN_INTERVAL_S = 0.1
MAX_INTERVAL_S = 1.0
SERIES_ENTRIES = 600  # sought for a long window
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
        # Linux 6.2 tells the window itself; before, what the receiver drains in a round trip stands in for it.
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
    return connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _READ_BYTES)


def sampling_interval_s(window_s: float) -> float:
    """Return the time between two samples, so that a window of any length has a series of bounded length."""
    return min(MAX_INTERVAL_S, max(MIN_INTERVAL_S, window_s / SERIES_ENTRIES))


class TcpSampler:
    """Opens the sockets of the media connections for curl, and reads them while they are used."""

    def __init__(self, window_s: float) -> None:
        self._interval_s = sampling_interval_s(window_s)
        self._next_s = 0.0
        self._connections: list[_Sampled] = []
        self._datagram_sockets: list[socket.socket] = []  # QUIC's: nothing to ask, but ours to close

    @property
    def is_supported(self) -> bool:
        """Whether this system has TCP_INFO as we read it."""
        return sys.platform == "linux"

    def opener(self, stream: int) -> Callable[[int, Any], socket.socket]:
        """Return the function that opens the sockets of one stream. curl takes a duplicate of each."""

        def open_socket(purpose: int, address: Any) -> socket.socket:
            opened = socket.socket(address.family, address.socktype, address.protocol)
            if address.socktype & 0xF == socket.SOCK_STREAM:
                self._connections.append(_Sampled(stream, opened))
            else:
                self._datagram_sockets.append(opened)
            return opened

        return open_socket

    def sample(self, t_s: float, *, is_last: bool = False) -> None:
        """Read every connection, if it is time."""
        if t_s < self._next_s and not is_last:
            return
        self._next_s = t_s + self._interval_s
        for connection in self._connections:
            connection.sample(t_s)

    def close(self) -> tuple[TcpConnection, ...]:
        """Close our ends and return what was seen of every connection that came to be."""
        for opened in self._datagram_sockets:
            opened.close()
        return tuple(seen for connection in self._connections if (seen := connection.close()) is not None)


class _Sampled:
    """One connection and its series."""

    def __init__(self, stream: int, opened: socket.socket) -> None:
        self._stream = stream
        self._socket = opened
        self._peer: tuple[str, int] | None = None
        self._last: TcpInfo | None = None
        self._times, self._rtts = array("d"), array("d")
        self._received, self._out_of_order, self._windows = array("q"), array("q"), array("q")

    def sample(self, t_s: float) -> None:
        try:
            if self._peer is None:
                self._peer = self._socket.getpeername()[:2]  # raises until the connection is there
            info = parse_tcp_info(read_tcp_info(self._socket))
        except (OSError, ValueError):
            return
        self._last = info
        self._times.append(t_s)
        self._rtts.append(info.receiver_rtt_s)
        self._received.append(info.received_bytes or 0)
        self._out_of_order.append(info.out_of_order_count or 0)
        self._windows.append(info.receive_window_bytes)

    def close(self) -> TcpConnection | None:
        local_port = 0
        with suppress(OSError):
            local_port = self._socket.getsockname()[1]
        self._socket.close()
        if self._last is None or self._peer is None:
            return None
        estimates = [rtt_s for rtt_s in self._rtts if rtt_s > 0]
        return TcpConnection(
            stream=self._stream,
            address=self._peer[0],
            port=self._peer[1],
            local_port=local_port,
            rtt_min_s=self._last.rtt_min_s,
            receiver_rtt_median_s=statistics.median(estimates) if estimates else None,
            receiver_rtt_max_s=max(estimates, default=None),
            received_bytes=self._last.received_bytes,
            received_segment_count=self._last.received_segment_count,
            out_of_order_count=self._last.out_of_order_count,
            receive_window_max_bytes=max(self._windows),
            maximum_segment_bytes=self._last.maximum_segment_bytes,
            all_received_segment_count=self._last.all_received_segment_count,
            all_sent_segment_count=self._last.all_sent_segment_count,
            sent_retransmission_count=self._last.sent_retransmission_count,
            sent_congestion_window_segments=self._last.sent_congestion_window_segments,
            sent_delivery_rate_bps=self._last.sent_delivery_rate_bps,
            sample_s=tuple(self._times),
            sample_received_bytes=tuple(self._received),
            sample_receiver_rtt_s=tuple(self._rtts),
            sample_out_of_order_count=tuple(self._out_of_order),
            sample_receive_window_bytes=tuple(self._windows),
        )


@dataclass(frozen=True, slots=True)
class TcpSummary:
    """The figures of all connections of a window together."""

    rtt_min_s: float | None = None
    receiver_rtt_median_s: float | None = None
    received_segment_count: int | None = None
    out_of_order_count: int | None = None
    receive_window_max_bytes: int | None = None


def summarise_tcp(connections: Sequence[TcpConnection]) -> TcpSummary:
    """Return minimum, median and sums over the connections. All None without any."""
    estimates = [rtt_s for connection in connections for rtt_s in connection.sample_receiver_rtt_s if rtt_s > 0]
    return TcpSummary(
        rtt_min_s=min((c.rtt_min_s for c in connections if c.rtt_min_s is not None), default=None),
        receiver_rtt_median_s=statistics.median(estimates) if estimates else None,
        received_segment_count=_total([c.received_segment_count for c in connections]),
        out_of_order_count=_total([c.out_of_order_count for c in connections]),
        receive_window_max_bytes=max(
            (c.receive_window_max_bytes for c in connections if c.receive_window_max_bytes is not None), default=None
        ),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _read(kind: struct.Struct, raw: bytes, offset: int) -> int | None:
    return int(kind.unpack_from(raw, offset)[0]) if len(raw) >= offset + kind.size else None
