"""What belongs together in the result of a window: parts of its row in the table `download`."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytomo_scrapy.items.stored import stored


@dataclass(frozen=True, slots=True)
class Throughput:
    """The figures of an arrival trace (docs/metrics.md). None where the window is too short for it."""

    active_s: float | None = stored(None, "first byte to last, no-demand time left out", null="no byte came")
    no_demand_s: float | None = stored(
        None, "time in which a paced or adaptive window asked for nothing; 0 of any other", null="no byte came"
    )
    delivery_bps: float | None = stored(None, "delivery rate: 8 × received_bytes / active_s", null="no byte came")
    delivery_after_2s_bps: float | None = stored(
        None, "delivery rate without the first 2 s after the first byte", null="shorter than 2 s"
    )
    bin_min_bps: float | None = stored(None, "rate of the slowest whole second of the active time", null="no whole bin")
    bin_median_bps: float | None = stored(
        None, "rate of the median whole second of the active time", null="no whole bin"
    )
    bin_p95_bps: float | None = stored(
        None, "95th percentile of the rates of the whole seconds of the active time", null="no whole bin"
    )
    bin_max_bps: float | None = stored(None, "rate of the fastest whole second of the active time", null="no whole bin")


@dataclass(frozen=True, slots=True)
class TcpSummary:
    """The figures of all connections of a window together."""

    rtt_min_s: float | None = stored(
        None, "smallest kernel round trip over all connections (TCP_INFO)", null="not Linux"
    )
    receiver_rtt_median_s: float | None = stored(
        None,
        "median of the kernel's own estimates of the round trip as the receiver, queues included",
        null="not Linux",
    )
    received_segment_count: int | None = stored(
        None, "TCP segments with data that arrived, over all connections", null="not Linux", unit="segments"
    )
    out_of_order_count: int | None = stored(
        None, "TCP segments that overtook another, over all connections", null="not Linux", unit="segments"
    )
    receive_window_max_bytes: int | None = stored(None, "largest TCP receive window that was seen", null="not Linux")


@dataclass(frozen=True, slots=True)
class LoadedRtt:
    """Round trips of small probes while the window was open: those of the line under load."""

    sent_count: int | None = stored(
        None, "small probes to the media host during the window", null="none were sent", unit="probes"
    )
    received_count: int | None = stored(
        None, "probes to the media host that were answered", null="none were sent", unit="probes"
    )
    rtt_min_s: float | None = stored(
        None, "smallest loaded round trip: TCP handshakes, timed by the kernel", null="none answered"
    )
    rtt_median_s: float | None = stored(None, "median loaded round trip", null="none answered")
    rtt_max_s: float | None = stored(None, "largest loaded round trip", null="none answered")
    sample_s: tuple[float, ...] = field(default=(), repr=False)  # when each answered probe was sent, from t0
    sample_rtt_s: tuple[float, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Facts of the media route's interface and of the system."""

    interface_kind: str | None = stored(
        None, "kind of the media route's interface: ethernet, wifi, cellular, tunnel, loopback, other", null="not known"
    )
    kernel: str | None = stored(None, "operating system and its release", null="no window was opened")
    congestion_control: str | None = stored(None, "congestion control of TCP for our own sending", null="not Linux")
    link_rate_bps: int | None = stored(None, "rate of the link as the interface says", null="it does not say")
    wifi_signal_dbm: int | None = stored(
        None, "signal level of the wireless driver", null="not wireless, or not reported in dBm"
    )
    mtu_bytes: int | None = stored(None, "largest packet of the interface (MTU)", null="not known")
    is_vpn: bool | None = stored(None, "a guess: the route's interface is a tunnel by kind or name", null="not known")
    disk_free_bytes: int | None = stored(None, "free space where the window's bytes are spooled", null="not known")


@dataclass(frozen=True, slots=True)
class HostState:
    """What this machine's clock and processor were like during a window."""

    clock_offset_s: float | None = stored(
        None,
        "our wall clock minus that of the media servers, by their `Date` (docs/download.md)",
        null="no usable `Date`",
    )
    clock_offset_error_s: float | None = stored(
        None, "largest possible error of `clock_offset_s`", null="as `clock_offset_s`"
    )
    cpu_throttled_s: float | None = stored(
        None, "time in which a processor quota (cgroup) held us back during the window", null="no quota, or not Linux"
    )
    cpu_steal_ratio: float | None = stored(
        None, "share of all cores' time that the hypervisor took", null="not reported"
    )
    is_clock_synchronised: bool | None = stored(
        None, "the kernel holds its clock for synchronised at the window's end", null="not Linux"
    )
    is_cpu_throttled: bool | None = stored(
        None,
        "a core was slowed for its heat, a quota held us back for 5 % of the window, or the hypervisor took 5 % of "
        "the cores' time",
        null="not reported",
    )
    cpu_waited_s: float | None = stored(
        None, "time in which the measuring process was ready to run and got no processor", null="not Linux"
    )
    probe_paused_s: float | None = stored(
        None, "all times of 50 ms and more together in which the measuring process did not run", null="not opened"
    )


@dataclass(frozen=True, slots=True)
class HostSamples:
    """What this machine did while a window was open, every half second: each counts from the window's start.

    Packed into `download.host_samples`. Empty where the system does not tell.
    """

    sample_s: tuple[float, ...] = field(default=(), repr=False)  # from t0
    received_bytes: tuple[int, ...] = field(default=(), repr=False)  # of the media route's interface, all programs
    sent_bytes: tuple[int, ...] = field(default=(), repr=False)
    waited_s: tuple[float, ...] = field(default=(), repr=False)  # this process was ready and got no processor
    paused_s: tuple[float, ...] = field(default=(), repr=False)  # this process did not run, see `probe_paused_s`


@dataclass(frozen=True, slots=True)
class SabrFigures:
    """What a window over SABR tells besides (docs/sabr.md)."""

    quality: str | None = stored(
        None,
        "fixed: one format pinned; server: the service chose (experimental: `PYTOMO_SABR_QUALITY`)",
        null="the window was plain",
    )
    ad_wait_s: float | None = stored(
        None,
        "time in which the service held media back for an advertisement and ordered a wait; left out of startup and "
        "stalls",
        null="the window was plain",
        column="ad_wait_s",
    )
    protection_status: int | None = stored(
        None,
        "last status of the stream's protection: 1 fine, 2 proof of origin pending, 3 proof required",
        null="the window was plain, or the service did not say",
        unit="code",
    )
    start_s: float | None = stored(
        None, "media that the service wants ahead before a player starts (part 47)", null="not said"
    )
    resume_s: float | None = stored(
        None, "media that the service wants ahead before a player resumes after a stall (part 47)", null="not said"
    )
    readahead_s: float | None = stored(
        None, "media ahead of the playhead that the service sends up to (part 35)", null="not said"
    )
    ahead_max_s: float | None = stored(
        None, "most media that any track had ahead of the simulated playhead", null="no segment came whole"
    )
    empty_answer_count: int | None = stored(
        None, "answers over SABR that held no media", null="the window was plain", unit="answers"
    )
    overhead_bytes: int | None = stored(
        None, "bytes of the answers over SABR that are no media", null="the window was plain"
    )
    repeated_bytes: int | None = stored(
        None, "media that came more than once; counted in no stream", null="the window was plain"
    )
    switch_count: int | None = stored(
        None, "changes of the video's quality by the service", null="the window was plain", unit="switches"
    )
    mean_bitrate_bps: float | None = stored(
        None, "8 × bytes / seconds of the video that came whole", null="the window was plain, or no segment came whole"
    )
