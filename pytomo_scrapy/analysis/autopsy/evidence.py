"""What the rules look at: one session as it is stored, and what the line did in its recent windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytomo_scrapy.analysis.autopsy.limits import DEFAULTS, Limits
from pytomo_scrapy.items import ControlWindow, DnsLookup, DownloadResult, MediaTimeline, Ping, PlaybackResult


@dataclass(frozen=True, slots=True)
class PastWindow:
    """An earlier window of the same measuring point. None: not measured."""

    started_s: float  # since 1970
    host: str | None = None
    is_bad: bool = False
    is_bulk: bool = False
    rate_bps: float | None = None  # of its good seconds: `bin_p95_bps`, else `delivery_bps`
    rtt_min_s: float | None = None
    gateway_rtt_min_s: float | None = None
    access_rtt_min_s: float | None = None


@dataclass(frozen=True, slots=True)
class LineHistory:
    """The recent windows of a measuring point, as seen from one session."""

    now_s: float = 0.0  # the session's start, since 1970
    windows: tuple[PastWindow, ...] = ()

    def line_bps(self, limits: Limits = DEFAULTS) -> float | None:
        """Return the rate that this line reaches, by its bulk windows where there are enough. None: too few windows."""
        known = [window for window in self.windows if window.rate_bps is not None]
        bulk = [window for window in known if window.is_bulk]
        chosen = bulk if len(bulk) >= limits.least_past_windows else known
        if len(chosen) < limits.least_past_windows:
            return None
        rates = sorted(window.rate_bps or 0.0 for window in chosen)
        return rates[min(len(rates) - 1, int(limits.line_quantile * len(rates)))]

    def has_other_host_well(self, host: str | None, limits: Limits = DEFAULTS) -> bool:
        """Tell whether another media host was fine a short time ago."""
        return any(
            window.host not in (None, host) and not window.is_bad and self.now_s - window.started_s <= limits.others_s
            for window in self.windows
        )

    def usual_rtt_s(self, host: str | None) -> float | None:
        """Return the median idle round trip to other media hosts."""
        return _median([w.rtt_min_s for w in self.windows if w.host != host and w.rtt_min_s is not None])

    def least(self, name: str) -> float | None:
        """Return the least known value of a field over the windows."""
        return min((value for w in self.windows if (value := getattr(w, name)) is not None), default=None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One session as it is stored: its first window, the headline's playback, and what came before."""

    window: DownloadResult | None = None
    timelines: tuple[MediaTimeline, ...] = ()
    playback: PlaybackResult | None = None
    pings: tuple[Ping, ...] = ()
    lookups: tuple[DnsLookup, ...] = ()
    controls: tuple[ControlWindow, ...] = ()  # right after it, from other hosts
    resolve_elapsed_s: float | None = None
    dns_elapsed_s: float | None = None
    failure: str | None = None
    failure_stage: str | None = None
    attribution: str | None = None
    is_line_out: bool = False  # the crawl found that no resolver answered
    history: LineHistory = LineHistory()


def _median(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else None
