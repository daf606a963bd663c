"""Round trips of the idle line."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytomo_scrapy.items.stored import about, failure_detail, failure_of, stored


@dataclass(frozen=True, slots=True)
class Ping:
    """Round trips to one address, idle line. Statistics are over real replies only; late replies are losses."""

    address: str = field(metadata=about("address that was pinged; the word `gateway` for the first gateway"))
    method: str | None = stored(
        None, "way to ping: icmp_raw, icmp_datagram, tcp_connect, ...; ways are never mixed", null="none permitted"
    )
    port: int | None = stored(None, "port of the pings by TCP", null="ICMP")
    sent_count: int = stored(0, "probes that were sent", unit="probes")
    received_count: int = stored(0, "probes that were answered in time", unit="probes")
    loss_ratio: float | None = stored(
        None, "share of the probes without an answer in time: 1 − received / sent", null="nothing sent"
    )
    rtt_min_s: float | None = stored(None, "smallest round trip of the answered probes", null="no reply")
    rtt_avg_s: float | None = stored(None, "mean round trip of the answered probes", null="no reply")
    rtt_median_s: float | None = stored(None, "median round trip of the answered probes", null="no reply")
    rtt_max_s: float | None = stored(None, "largest round trip of the answered probes", null="no reply")
    rtt_stddev_s: float | None = stored(
        None, "standard deviation of the round trips of the answered probes", null="no reply"
    )
    via_proxy: bool = stored(False, "whether the address is that of the proxy", null="unknown")
    failure: str | None = failure_of("this ping")
    failure_detail: str | None = failure_detail("this ping")
    role: str = stored(
        "media",
        "what the address is: media, redirect (met in the window, pinged after it), proxy, gateway",
    )


@dataclass(frozen=True, slots=True)
class PingResult:
    """The pings of all distinct addresses of a video's hosts."""

    pings: tuple[Ping, ...] = ()
    elapsed_s: float | None = stored(None, "time that all pings took together", null="not pinged")
    failure: str | None = failure_of("the pings as a whole")
    failure_detail: str | None = failure_detail("the pings as a whole")
