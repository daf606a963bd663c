"""Round trips of the idle line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ping:
    """Round trips to one address, idle line. Statistics are over real replies only; late replies are losses."""

    address: str
    method: str | None = None  # "icmp_raw", "icmp_datagram", "tcp_connect", ...
    port: int | None = None  # of the TCP method
    sent_count: int = 0
    received_count: int = 0
    loss_ratio: float | None = None
    rtt_min_s: float | None = None
    rtt_avg_s: float | None = None
    rtt_median_s: float | None = None
    rtt_max_s: float | None = None
    rtt_stddev_s: float | None = None
    via_proxy: bool = False
    failure: str | None = None
    failure_detail: str | None = None
    role: str = "media"  # what the address is: "media", "redirect" (found in the window), "proxy", "gateway"


@dataclass(frozen=True, slots=True)
class PingResult:
    """The pings of all distinct addresses of a video's hosts."""

    pings: tuple[Ping, ...] = ()
    elapsed_s: float | None = None
    failure: str | None = None
    failure_detail: str | None = None
