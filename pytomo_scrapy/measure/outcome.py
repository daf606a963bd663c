"""The outcome of a session: the playback that reports put first, the join time, and a sentence for the log."""

from __future__ import annotations

from pytomo_scrapy.failures import Attribution, attribution_of
from pytomo_scrapy.items import PlaybackResult, VideoItem, headline_player
from pytomo_scrapy.items.in_words import counted


def headline(item: VideoItem) -> PlaybackResult | None:
    """Return the playback that reports put first, of the first window. None when there is none."""
    # A slow line may bring too few bytes for any media time: such a session counts, as one that did not start.
    of_player: dict[str, PlaybackResult] = {}
    for playback in reversed(item.playbacks):
        says_something = playback.failure is None or attribution_of(playback.failure) is Attribution.NETWORK
        if says_something and playback.place == 0:
            of_player[playback.player] = playback
    first = headline_player(of_player)
    return None if first is None else of_player[first]


def join_time_s(item: VideoItem) -> float | None:
    """Return resolution + DNS of the media host + startup (docs/metrics.md). None where the video did not start."""
    playback = headline(item)
    if item.resolve is None or item.dns is None or playback is None or playback.startup_delay_s is None:
        return None
    if item.resolve.elapsed_s is None or item.dns.elapsed_s is None:
        return None
    return item.resolve.elapsed_s + item.dns.elapsed_s + playback.startup_delay_s


def _stalls(playback: PlaybackResult) -> str:
    if not playback.stall_count:
        return "no stall"
    return f"{counted(playback.stall_count, 'stall')} of {playback.stalled_s:.1f} s in all"


def sentence(item: VideoItem) -> str:
    """Say in one line how the measurement went, for the log."""
    playback, download = headline(item), item.downloads[0] if item.downloads else None
    parts = []
    if item.failure is not None:
        parts.append(f"{item.failure} ({attribution_of(item.failure)})")
    if playback is not None and playback.startup_delay_s is not None:
        parts.append(f"started after {playback.startup_delay_s:.2f} s")
        parts.append(_stalls(playback))
    elif playback is not None and (download is None or download.gated_at_s is None):
        parts.append(f"not started within {playback.horizon_s:.0f} s")
    if download is not None and download.throughput.delivery_bps is not None:
        parts.append(f"{download.throughput.delivery_bps / 1e6:.2f} Mbit/s from {download.host} ({download.address})")
    if download is not None and download.gated_at_s is not None:
        parts.append(f"refused to go on after {(download.gated_at_bytes or 0) / 1e6:.2f} MB of a stream")
    return ", ".join(parts) or "nothing measured"
