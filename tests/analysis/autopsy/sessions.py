"""Hand-made stored sessions: a window of 20 s in which everything is well, and what a test changes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from pytomo_scrapy.analysis.autopsy.evidence import Evidence, LineHistory, PastWindow
from pytomo_scrapy.items import (
    DownloadResult,
    HostSamples,
    HttpRequest,
    Interval,
    LoadedRtt,
    MediaTimeline,
    Ping,
    PlaybackResult,
    StreamDownload,
    TcpConnection,
)

HOST = "rr1---sn-one.googlevideo.com"
ELAPSED_S, NEEDED_BPS, LINE_BPS = 20.0, 1_000_000.0, 5_000_000.0
# Idle round trips: 2 ms to the gateway, 10 ms to the access line's far end, 30 ms to the media host.
IDLE_S = {"gateway": 0.002, "access": 0.010, "host": 0.030}
_TIMES = tuple(index / 2 for index in range(1, 40))  # probes: two a second from 0.5 s on


@dataclass(frozen=True)
class Line:
    """What a window of 20 s met; a stall from 8 s to 12 s unless `started` says otherwise."""

    rate_bps: float = 500_000.0  # half of what playback needs
    rtt_s: dict[str, float] = field(default_factory=dict)  # loaded ones that differ from the idle ones
    lost: tuple[str, ...] = ()  # places to which every third probe was lost,
    lost_every: int = 3  # or one in another number
    silent: tuple[float, float] | None = None  # no byte in this time
    unanswered: tuple[str, ...] = ()  # places that answered nothing in it
    without: tuple[str, ...] = ()  # places that were never asked
    late_ratio: float = 0.0  # segments out of order
    foreign_received_bps: float = 0.0
    foreign_sent_bps: float = 0.0
    waited_ratio: float = 0.0
    wait_s: float = 0.03  # of the server, before its first byte
    past: bool = True


def make_evidence(line: Line, *, playback: PlaybackResult | None = None, **more: Any) -> Evidence:
    """Return the session of a line."""
    window = make_window(line)
    window = replace(window, **more.pop("window", {}))
    past = tuple(
        PastWindow(started_s=1000.0 - 300 * n, host=host, is_bulk=True, rate_bps=LINE_BPS, rtt_min_s=0.03)
        for n, host in enumerate((HOST, "rr2---sn-two.googlevideo.com") * 3)
    )
    return Evidence(
        **{
            "window": window,
            "timelines": (MediaTimeline("muxed", "packets", bitrate_bps=NEEDED_BPS),),
            "playback": playback or stalled(),
            "pings": (Ping("gateway", rtt_min_s=0.002, role="gateway"), Ping("192.0.2.1", rtt_min_s=0.03)),
            "history": LineHistory(1000.0, past if line.past else ()),
            **more,
        }
    )


def make_window(line: Line) -> DownloadResult:
    """Return the window of a line."""
    times = [index / 10 for index in range(1, 201) if not _is_in(index / 10, line.silent)]
    totals = [round(line.rate_bps / 80 * (count + 1)) for count in range(len(times))]
    segments = totals[-1] / 1448
    return DownloadResult(
        window_s=ELAPSED_S,
        elapsed_s=ELAPSED_S,
        host=HOST,
        first_byte_s=line.wait_s,
        received_bytes=totals[-1],
        probe_gap_s=0.01,
        streams=(
            StreamDownload(
                "muxed", "18", received_bytes=totals[-1], arrival_s=tuple(times), arrival_bytes=tuple(totals)
            ),
        ),
        requests=(
            HttpRequest(0, 0, HOST, 443, t_s=0.0, connect_s=0.03, tls_s=0.06, status=206, first_byte_s=line.wait_s),
        ),
        tcp=(
            TcpConnection(
                0, "192.0.2.1", 443, 50000,
                rtt_min_s=0.03,
                maximum_segment_bytes=1448,
                sample_s=tuple(times),
                sample_received_bytes=tuple(totals),
                sample_out_of_order_count=tuple(
                    round(line.late_ratio * segments * (index + 1) / len(times)) for index in range(len(times))
                ),
            ),
        ),
        loaded=_probes(line, "host"),
        loaded_gateway=_probes(line, "gateway"),
        loaded_access=_probes(line, "access"),
        host_samples=_machine(line, times, totals),
    )  # fmt: skip


def _probes(line: Line, place: str) -> LoadedRtt:
    if place in line.without:
        return LoadedRtt()
    rtt_s = line.rtt_s.get(place, IDLE_S[place])
    kept = [
        at_s
        for index, at_s in enumerate(_TIMES)
        if not (place in line.lost and index % line.lost_every == 1)
        and not (place in line.unanswered and _is_in(at_s, line.silent))
    ]
    return LoadedRtt(
        sent_count=len(_TIMES),
        received_count=len(kept),
        # The first probe still found the line idle.
        rtt_min_s=min(IDLE_S[place], rtt_s),
        sample_s=tuple(kept),
        sample_rtt_s=tuple(rtt_s for _ in kept),
    )


def _machine(line: Line, times: list[float], totals: list[int]) -> HostSamples:
    at = [index / 2 for index in range(41)]
    own = [max((total for t_s, total in zip(times, totals, strict=True) if t_s <= moment), default=0) for moment in at]
    return HostSamples(
        sample_s=tuple(at),
        received_bytes=tuple(
            round(total * 1.05 + line.foreign_received_bps / 8 * t_s) for total, t_s in zip(own, at, strict=True)
        ),
        sent_bytes=tuple(
            round(total * 0.04 + line.foreign_sent_bps / 8 * t_s) for total, t_s in zip(own, at, strict=True)
        ),
        waited_s=tuple(line.waited_ratio * t_s for t_s in at),
        paused_s=tuple(0.0 for _ in at),
    )


def _is_in(t_s: float, span: tuple[float, float] | None) -> bool:
    return span is not None and span[0] < t_s < span[1]


def stalled(start_s: float = 8.0, duration_s: float = 4.0) -> PlaybackResult:
    """Return a playback that started after 1 s and stalled once."""
    return _played(1.0, (Interval(start_s, duration_s),))


def slow(delay_s: float = 6.0) -> PlaybackResult:
    """Return a playback that started late and never stalled."""
    return _played(delay_s, ())


def good() -> PlaybackResult:
    """Return a playback in which nothing was bad."""
    return _played(1.0, ())


def never() -> PlaybackResult:
    """Return a playback that showed no picture."""
    return PlaybackResult("dashjs", horizon_s=ELAPSED_S)


def _played(delay_s: float, stalls: tuple[Interval, ...]) -> PlaybackResult:
    return PlaybackResult(
        "dashjs",
        is_started=True,
        horizon_s=ELAPSED_S,
        startup_delay_s=delay_s,
        stalls=stalls,
        stall_count=len(stalls),
        stalled_s=sum(stall.duration_s for stall in stalls),
        initial_buffer_bytes=250_000,
    )
