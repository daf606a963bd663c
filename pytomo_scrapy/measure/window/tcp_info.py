"""What the kernel knows of the media connections: TCP_INFO, sampled while the window is open (Linux only)."""

from __future__ import annotations

import os
import socket
import statistics
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from pytomo_scrapy.items import TcpConnection, TcpSummary
from pytomo_scrapy.measure.net.tcp_struct import TcpInfo, parse_tcp_info, read_tcp_info

MIN_INTERVAL_S = 0.1
MAX_INTERVAL_S = 1.0
SERIES_ENTRIES = 600  # sought for a long window


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

    def opener(self, stream_index: int) -> Callable[[int, Any], socket.socket]:
        """Return the function that opens the sockets of one stream. curl takes a duplicate of each."""

        def open_socket(purpose: int, address: Any) -> socket.socket:
            opened = socket.socket(address.family, address.socktype, address.protocol)
            try:
                # Where there is no room for curl's duplicate it would only say that it could not connect.
                os.close(os.dup(opened.fileno()))
            except OSError:
                opened.close()
                raise
            if address.socktype & 0xF == socket.SOCK_STREAM:
                self._connections.append(_Sampled(stream_index, opened))
            else:
                self._datagram_sockets.append(opened)
            return opened

        return open_socket

    def tick(self, now_s: float) -> None:
        """Read every connection, if it is time."""
        if now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self.read(now_s)

    def read(self, now_s: float) -> None:
        """Read every connection now."""
        for connection in self._connections:
            connection.read(now_s)

    def let_go(self, local_port: int | None, now_s: float) -> None:
        """Read and close our end of the connection from this port, which curl has closed: else its host sends on."""
        for connection in self._connections:
            if local_port is not None and connection.local_port == local_port:
                connection.read(now_s)
                connection.let_go()

    def close(self) -> tuple[TcpConnection, ...]:
        """Close our ends and return what was seen of every connection that came to be."""
        for opened in self._datagram_sockets:
            opened.close()
        return tuple(seen for connection in self._connections if (seen := connection.close()) is not None)


class _Sampled:
    """One connection and its series."""

    def __init__(self, stream_index: int, opened: socket.socket) -> None:
        self._stream_index = stream_index
        self._socket = opened
        self._local_port = 0
        self._peer: tuple[str, int] | None = None
        self._last: TcpInfo | None = None
        self._times, self._rtts = array("d"), array("d")
        self._received, self._out_of_order, self._windows = array("q"), array("q"), array("q")

    @property
    def local_port(self) -> int | None:
        """The port that the connection comes from, while it is open."""
        try:
            return int(self._socket.getsockname()[1]) or None
        except OSError:
            return None

    def let_go(self) -> None:
        self._local_port = self.local_port or self._local_port
        self._socket.close()

    def read(self, now_s: float) -> None:
        try:
            if self._peer is None:
                self._peer = self._socket.getpeername()[:2]  # raises until the connection is there
            info = parse_tcp_info(read_tcp_info(self._socket))
        except (OSError, ValueError):
            return
        self._last = info
        self._times.append(now_s)
        self._rtts.append(info.receiver_rtt_s)
        self._received.append(info.received_bytes or 0)
        self._out_of_order.append(info.out_of_order_count or 0)
        self._windows.append(info.receive_window_bytes)

    def close(self) -> TcpConnection | None:
        self.let_go()
        if self._last is None or self._peer is None:
            return None
        estimates = [rtt_s for rtt_s in self._rtts if rtt_s > 0]
        return TcpConnection(
            stream=self._stream_index,
            address=self._peer[0],
            port=self._peer[1],
            local_port=self._local_port,
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
