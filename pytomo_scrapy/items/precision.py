"""How precisely times are kept: arrivals to 0.1 ms, media times to 1 us.

A simulation must use the stored values: round a trace and a timeline first, simulate from the rounded ones, and the
stored bytes give exactly the same figures again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytomo_scrapy.items.ladder import Ladder, MediaTrack
from pytomo_scrapy.items.playback_result import MediaTimeline
from pytomo_scrapy.items.window_result import DownloadResult, StreamDownload

# Here and not with the players or the stored bytes: both follow it, and neither knows the other.
TRACE_TICKS_PER_S = 10_000  # 0.1 ms
MEDIA_TICKS_PER_S = 1_000_000  # 1 us
MAX_TRACE_POINTS = 6000
# Bins in ticks, tried in this order until a trace has few enough points; the last is taken in any case: 5 ms.
TRACE_BINS = (1, 2, 5, 10, 20, 50)


def round_trace(download: DownloadResult) -> DownloadResult:
    """Return the window with its arrival times as they will be stored.

    Times go to 0.1 ms. Arrivals of one bin (at most 5 ms, 0.1 ms where 6000 points suffice) are joined at the last
    one's time, so no byte ever appears earlier than it did. Rounding again changes nothing.
    """
    return replace(download, streams=tuple(_round_stream(stream) for stream in download.streams))


def _round_stream(stream: StreamDownload) -> StreamDownload:
    ticks = ticks_of(stream.arrival_s, TRACE_TICKS_PER_S)
    total = list(stream.arrival_bytes)
    for width in TRACE_BINS:
        bins = [tick // width for tick in ticks]
        last_of_bin = [i for i in range(len(bins)) if i + 1 == len(bins) or bins[i] != bins[i + 1]]
        if len(last_of_bin) <= MAX_TRACE_POINTS:
            break
    return replace(
        stream,
        arrival_s=tuple(ticks[i] / TRACE_TICKS_PER_S for i in last_of_bin),
        arrival_bytes=tuple(total[i] for i in last_of_bin),
    )


def round_timeline(timeline: MediaTimeline) -> MediaTimeline:
    """Return the timeline with its media times as they will be stored: to 1 us. Rounding again changes nothing."""
    return replace(
        timeline,
        complete_s=_rounded(timeline.complete_s),
        segments=tuple(
            replace(segment, start_s=start_s, duration_s=duration_s)
            for segment, start_s, duration_s in zip(
                timeline.segments,
                _rounded([segment.start_s for segment in timeline.segments]),
                _rounded([segment.duration_s for segment in timeline.segments]),
                strict=True,
            )
        ),
    )


def round_ladder(ladder: Ladder) -> Ladder:
    """Return the ladder as it will be stored: times to 1 us, and no address. Rounding again changes nothing."""
    return Ladder(
        tuple(_round_track(track) for track in ladder.video), tuple(_round_track(track) for track in ladder.audio)
    )


def _round_track(track: MediaTrack) -> MediaTrack:
    segments = track.segments
    times_s = _rounded([segment.start_s for segment in segments])
    lengths_s = _rounded([segment.duration_s for segment in segments])
    return replace(
        track,
        bitrate_bps=float(round(track.bitrate_bps)),
        init_url=None,
        url=None,
        segments=tuple(
            replace(segment, start_s=start_s, duration_s=duration_s, url="" if segment.url is not None else None)
            for segment, start_s, duration_s in zip(segments, times_s, lengths_s, strict=True)
        ),
    )


def _rounded(times_s: Sequence[float]) -> tuple[float, ...]:
    return tuple(tick / MEDIA_TICKS_PER_S for tick in ticks_of(times_s, MEDIA_TICKS_PER_S))


def ticks_of(times_s: Sequence[float], per_s: int) -> list[int]:
    """Return times as the whole ticks that they are kept in."""
    return [round(time_s * per_s) for time_s in times_s]
