"""One video from its first stage to its last: which stage runs after what failed, and what each is given.

Numbered in the order of the flow: 1 start, 2 resolve, 3 look up, 4 ping, 5 window, 6 playback, 7 finish. An earlier
failure that ends the session turns the later network stages into `skipped_after_<stage>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pytomo_scrapy.config import DnsConfig, PathConfig, PingConfig, PlaybackConfig
from pytomo_scrapy.failures import Attribution, MeasurementError, Stage, attribution_of
from pytomo_scrapy.items import (
    DnsResult,
    DownloadResult,
    MediaTimeline,
    PingResult,
    PlaybackResult,
    ResolveResult,
    StreamDownload,
    VideoItem,
    headline_player,
)
from pytomo_scrapy.measure.dns.asn import NetworkFinder
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.media.timeline import read_timeline
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.ping.gateway import gateway_towards
from pytomo_scrapy.measure.ping.round_trips import ping_addresses
from pytomo_scrapy.measure.playback.simulation import default_player, simulate_playback
from pytomo_scrapy.measure.playback.window_replay import horizon_s, window_traces
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.planning import look_up_legs


@dataclass(frozen=True, slots=True)
class Declared:
    """What the resolution says of the media, for files that say nothing of themselves."""

    duration_s: float | None = None


def start_item(item: VideoItem, *, clock: Callable[[], float]) -> None:
    """Read both clocks, once: all `t_s` of the item count from here."""
    item.started_at = datetime.now(UTC)
    item.started_s = clock()


def set_resolve(item: VideoItem, result: ResolveResult) -> None:
    """Keep the resolution; its failure ends the session."""
    item.resolve = result
    item.title = result.title or item.title
    if result.failure is not None:
        item.fail(Stage.RESOLVE, result.failure, result.failure_detail)


def _no_dns(item: VideoItem, failure: str) -> None:
    item.dns = DnsResult(failure=failure)


def _no_ping(item: VideoItem, failure: str) -> None:
    item.ping = PingResult(failure=failure)


def _no_window(item: VideoItem, failure: str) -> None:
    item.downloads = (DownloadResult(mode=None, via_proxy=None, received_bytes=None, failure=failure),)


# What each stage leaves behind where an earlier one ended the session. None: it runs all the same.
SKIPPED: Mapping[Stage, Callable[[VideoItem, str], None] | None] = {
    Stage.RESOLVE: None,
    Stage.DNS: _no_dns,
    Stage.PING: _no_ping,
    Stage.DOWNLOAD: _no_window,
    Stage.PLAYBACK: None,  # what a window received before it failed is analysed too
}


def skip(item: VideoItem, stage: Stage) -> bool:
    """Record `skipped_after_<stage>` where an earlier stage ended the session, and say whether it did.

    Raises LookupError for a stage without a row in SKIPPED.
    """
    if stage not in SKIPPED:
        raise LookupError(f"The stage {stage} has no row in SKIPPED: say what it leaves behind when it is skipped.")
    leave = SKIPPED[stage]
    if leave is None or item.failure is None or item.failure_stage is None:
        return False
    leave(item, f"skipped_after_{item.failure_stage}")
    return True


def media_hosts(item: VideoItem) -> tuple[str, ...]:
    """Return the distinct hosts of the media URLs, video first."""
    formats = item.resolve.formats if item.resolve else ()
    return tuple(dict.fromkeys(media.host for media in formats))


def _media_proxies(item: VideoItem, path: PathConfig) -> tuple[str, ...]:
    """Return the distinct proxies that lead to the media, one a family at most."""
    hosts = media_hosts(item)
    paths = [replace(path, family=str(leg.family)) for leg in item.legs] or [path]
    proxies = [proxy_for(f"https://{hosts[0]}/", one) for one in paths] if hosts else []
    return tuple(dict.fromkeys(proxy for proxy in proxies if proxy))


def look_up(item: VideoItem, config: DnsConfig) -> None:
    """Ask every resolver for the media hosts. A failure of the first resolver ends the session."""
    if item.legs:
        item.dns = look_up_legs(item, config)
    else:
        family = item.resolve.address_family if item.resolve else None
        item.dns = look_up_hosts(media_hosts(item), family, config, started_s=item.started_s or 0.0)
    if item.dns.failure is not None:
        item.fail(Stage.DNS, item.dns.failure, item.dns.failure_detail)


def ping(item: VideoItem, config: PingConfig, path: PathConfig) -> None:
    """Ping every distinct address that any resolver gave and the first gateway; behind a proxy, the proxy alone."""
    if proxies := _media_proxies(item, path):
        results = [_ping_proxy(proxy, config) for proxy in proxies]
        item.ping = replace(results[0], pings=tuple(one for result in results for one in result.pings))
        return
    lookups = item.dns.lookups if item.dns else ()
    chosen = item.dns.chosen.values() if item.dns else ()
    addresses = list(dict.fromkeys([*chosen, *(address for lookup in lookups for address in lookup.addresses)]))
    port = item.resolve.formats[0].port if item.resolve and item.resolve.formats else 443
    gateway = gateway_towards(addresses[0]) if addresses else None
    item.ping = ping_addresses(addresses, config, port=port, gateway=gateway)


def _ping_proxy(proxy: str, config: PingConfig) -> PingResult:
    result = ping_addresses([urlsplit(proxy).hostname or ""], config, port=urlsplit(proxy).port or 80)
    return replace(result, pings=tuple(replace(one, via_proxy=True, role="proxy") for one in result.pings))


def redirect_addresses(item: VideoItem) -> tuple[str, ...]:
    """Return the addresses that no resolver gave and only a redirect led to. Empty behind a proxy."""
    given = {address for lookup in (item.dns.lookups if item.dns else ()) for address in lookup.addresses}
    met = [
        request.address
        for window in item.downloads
        if not window.via_proxy
        for request in window.requests
        if request.hop > 0 and request.address is not None
    ]
    return tuple(address for address in dict.fromkeys(met) if address not in given)


def ping_redirects(item: VideoItem, config: PingConfig) -> None:
    """Ping what the windows were redirected to, after them. Their failure is no failure of the stage."""
    ports = {row.address: row.port for window in item.downloads for row in window.requests if row.hop > 0}
    addresses = redirect_addresses(item)
    result = ping_addresses(addresses, config, port=ports[addresses[0]])
    pings = tuple(replace(one, role="redirect") for one in result.pings)
    before = item.ping or PingResult()
    item.ping = replace(before, pings=(*before.pings, *pings))


def find_networks(item: VideoItem, finder: NetworkFinder) -> None:
    """Set the network of every address that a resolver gave or a redirect led to."""
    lookups = item.dns.lookups if item.dns else ()
    given = [address for lookup in lookups for address in lookup.addresses]
    item.networks = finder.find([*given, *(item.dns.chosen.values() if item.dns else ()), *redirect_addresses(item)])


def failed_window(plan: WindowPlan, error: MeasurementError, window_s: float) -> DownloadResult:
    """Return the row of a window whose process was lost: its class, and no figure."""
    host = plan.formats[0].host if plan.formats else None
    return DownloadResult(
        place=plan.window_index,
        host=host,
        address=plan.chosen.get(host or ""),
        window_s=window_s,
        ended_by="failure",
        received_bytes=None,
        failure=error.failure,
        failure_detail=error.detail,
    )


def declared(item: VideoItem) -> Declared:
    """Return what the resolution announced of the media."""
    return Declared(item.resolve.duration_s if item.resolve else None)


def analyse_window(
    download: DownloadResult,
    announced: Declared,
    config: PlaybackConfig,
    as_stored: Callable[[MediaTimeline], MediaTimeline],
) -> tuple[tuple[MediaTimeline, ...], tuple[PlaybackResult, ...]]:
    """Read the timelines of the spooled streams and simulate every player on them. Runs in the measuring process.

    Players see the timelines `as_stored`, so that a replay from the database gives exactly the same figures.
    """
    timelines = tuple(as_stored(_timeline(stream, announced)) for stream in download.streams)
    return timelines, simulate_window(download, timelines, config)


def _timeline(stream: StreamDownload, announced: Declared) -> MediaTimeline:
    if not stream.spool_path:
        return MediaTimeline(stream.kind, "packets", failure="no_media_data")
    return read_timeline(
        stream.spool_path,
        stream.kind,
        stream.spooled_bytes,
        stream.size_bytes or stream.declared_size_bytes,
        declared_duration_s=announced.duration_s,
    )


def simulate_window(
    download: DownloadResult, timelines: tuple[MediaTimeline, ...], config: PlaybackConfig
) -> tuple[PlaybackResult, ...]:
    """Simulate the classic player, and the player that fits the streams. Empty where the window says nothing."""
    end_s = horizon_s(download)
    if end_s is None:
        return ()
    classic = {
        "initial_buffer_s": config.initial_buffer_s,
        "min_buffer_s": config.min_buffer_s,
        "restart_buffer_s": config.restart_buffer_s,
    }
    players: dict[str, dict[str, float] | None] = {
        "classic": classic,
        default_player([stream.kind for stream in download.streams]): None,
    }
    if download.received_bytes is None:
        # Its process was lost: what arrived is not known, so nobody can say that too little did.
        return tuple(PlaybackResult(name, place=download.place, failure="skipped_after_download") for name in players)
    traces = window_traces(download, timelines)
    return tuple(
        replace(simulate_playback(traces, name, parameters, horizon_s=end_s), place=download.place)
        for name, parameters in players.items()
    )


def add_playbacks(item: VideoItem, timelines: tuple[MediaTimeline, ...], playbacks: tuple[PlaybackResult, ...]) -> None:
    """Add one window's analysis.

    Media of the first window that nobody could read fail the session, unless the line failed it before.
    """
    is_first = not item.timelines
    item.timelines = (*item.timelines, timelines)
    item.playbacks = (*item.playbacks, *playbacks)
    for timeline in timelines if is_first else ():
        if timeline.failure is not None and attribution_of(timeline.failure) is not Attribution.NETWORK:
            item.fail(Stage.PLAYBACK, timeline.failure, timeline.failure_detail)
        elif timeline.method == "linear" and not timeline.is_index_last:
            # The linear model's figures are kept, but nobody can play what is damaged. An index behind the media is
            # in order: players fetch it from there, and the linear model stands in for what they would know.
            item.fail(Stage.PLAYBACK, "unreadable_container", timeline.fallback_reason)


def headline(item: VideoItem) -> PlaybackResult | None:
    """Return the playback that reports put first, of the first window. None when there is none."""
    # Too few bytes to tell any media time is what a slow line looks like: such a session did not start.
    told = [one for one in item.playbacks if one.failure is None or attribution_of(one.failure) is Attribution.NETWORK]
    of_player = {one.player: one for one in reversed(told) if one.place == 0}
    first = headline_player(of_player)
    return None if first is None else of_player[first]


def finish(item: VideoItem) -> None:
    """Set `join_time_s`: resolution + DNS of the media host + startup (docs/metrics.md)."""
    playback = headline(item)
    if item.resolve is None or item.dns is None or playback is None or playback.startup_delay_s is None:
        return
    if item.resolve.elapsed_s is not None and item.dns.elapsed_s is not None:
        item.join_time_s = item.resolve.elapsed_s + item.dns.elapsed_s + playback.startup_delay_s


def remove_spool(download: DownloadResult) -> None:
    """Delete the media that a window left on disk; a file that is gone is no trouble."""
    for stream in download.streams:
        if stream.spool_path:
            Path(stream.spool_path).unlink(missing_ok=True)


def sentence(item: VideoItem) -> str:
    """Say in one line how the measurement went, for the log."""
    playback, download = headline(item), item.downloads[0] if item.downloads else None
    parts = []
    if item.failure is not None:
        parts.append(f"{item.failure} ({attribution_of(item.failure)})")
    if playback is not None and playback.startup_delay_s is not None:
        parts.append(f"started after {playback.startup_delay_s:.2f} s")
        parts.append(f"{playback.stall_count} stalls, {playback.stalled_s:.1f} s")
    elif playback is not None:
        parts.append(f"not started within {playback.horizon_s:.0f} s")
    if download is not None and download.throughput.delivery_bps is not None:
        parts.append(f"{download.throughput.delivery_bps / 1e6:.2f} Mbit/s from {download.host} ({download.address})")
    return ", ".join(parts) or "nothing measured"
