"""One window after its end: what its media are worth in seconds, and how every player would have shown them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytomo_scrapy.config import PlaybackConfig
from pytomo_scrapy.items import DownloadResult, LadderResult, MediaTimeline, PlaybackResult, StreamDownload
from pytomo_scrapy.items.precision import round_ladder, round_timeline
from pytomo_scrapy.measure.media.announced import announced_timeline
from pytomo_scrapy.measure.playback.adaptive_result import LadderSource
from pytomo_scrapy.measure.playback.best_quality import judge_ladder
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.ladder_building import build_ladder, ladder_source
from pytomo_scrapy.measure.playback.simulation import PLAYERS, default_player, simulate_playback
from pytomo_scrapy.measure.playback.window_replay import (
    horizon_s,
    line_facts,
    on_windows_clock,
    window_traces,
)


def analyse_window(
    download: DownloadResult, declared: DeclaredVideo, config: PlaybackConfig
) -> tuple[tuple[MediaTimeline, ...], tuple[PlaybackResult, ...], LadderResult | None]:
    """Read the timelines of the spooled streams and simulate every player on them. Runs in a process without network.

    Players see the timelines as they are stored, so that a replay from the database gives exactly the same figures.
    The ladder is None where it is switched off, or the window says nothing.
    """
    timelines = tuple(round_timeline(_timeline(stream, declared.duration_s)) for stream in download.streams)
    playbacks = simulate_window(download, timelines, declared, config)
    return timelines, playbacks, window_ladder(download, timelines, declared, config)


def window_ladder(
    download: DownloadResult, timelines: tuple[MediaTimeline, ...], declared: DeclaredVideo, config: PlaybackConfig
) -> LadderResult | None:
    """Return the window's ladder with the best quality that plays."""
    end_s = horizon_s(download)
    if config.ladder == "off" or end_s is None or download.received_bytes is None:
        return None
    # An adaptive window has streams of many rungs, and read the segments of all.
    if download.live_ladder is None and not all(stream.is_one_file for stream in download.streams):
        return None  # of several qualities in turn, none tells what its file is like
    ladder = download.live_ladder or build_ladder(declared.rungs, download, timelines, declared.known)
    result = LadderResult(place=download.place)
    if download.place == 0:
        known = declared.known
        result = replace(result, head_bytes=known.received_bytes, head_request_count=known.request_count)
    if ladder is not None:
        result = replace(
            result,
            source=ladder_source(ladder),
            video_rung_count=len(ladder.video),
            audio_rung_count=len(ladder.audio),
            top_height_px=ladder.video[-1].height_px,
            ladder=round_ladder(ladder),
        )
    return judge_ladder(result, download, window_traces(download, timelines), end_s, config)


def _timeline(stream: StreamDownload, declared_duration_s: float | None) -> MediaTimeline:
    if (lost := _lost(stream)) is not None:
        return MediaTimeline(stream.kind, "packets", failure="spool_lost", failure_detail=lost)
    if not stream.spool_path:
        return MediaTimeline(stream.kind, "packets", failure="no_media_data")
    # Here, so that a crawl, which only names the function above, does not load FFmpeg.
    from pytomo_scrapy.measure.media.timeline import read_timeline

    timeline = read_timeline(
        stream.spool_path,
        stream.kind,
        stream.spooled_bytes,
        stream.size_bytes or stream.declared_size_bytes,
        declared_duration_s=declared_duration_s,
        parts=stream.parts,
    )
    is_read = stream.is_one_file and timeline.failure is None and timeline.method != "linear"
    return timeline if is_read else announced_timeline(timeline, stream.announced_segments)


def _lost(stream: StreamDownload) -> str | None:
    """Say what the disk did not keep, which says nothing of the line. None where all is there."""
    if stream.spool_lost_bytes:
        return f"{stream.spool_lost_bytes} bytes could not be written"
    if not stream.spool_path:
        return None
    try:
        is_whole = Path(stream.spool_path).stat().st_size >= stream.spooled_bytes
    except OSError as error:
        return f"the file is gone: {error.strerror}"
    return None if is_whole else "the file was cut"


def _is_in_segments(download: DownloadResult) -> bool:
    return any(stream.parts for stream in download.streams)


def simulate_window(
    download: DownloadResult, timelines: tuple[MediaTimeline, ...], declared: DeclaredVideo, config: PlaybackConfig
) -> tuple[PlaybackResult, ...]:
    """Simulate the classic player, the player that fits the streams, and the service's own where it is known.

    Empty where the window says nothing.
    """
    end_s = horizon_s(download)
    if end_s is None:
        return ()
    if download.live_playback is not None:
        # Its player chose what came: what another would have shown of it says nothing.
        return (replace(download.live_playback, place=download.place),)
    classic = {
        "initial_buffer_s": config.initial_buffer_s,
        "min_buffer_s": config.min_buffer_s,
        "restart_buffer_s": config.restart_buffer_s,
    }
    players: dict[str, dict[str, float] | None] = {
        "classic": classic,
        default_player([stream.kind for stream in download.streams], is_in_segments=_is_in_segments(download)): None,
        **{
            name: None
            for name, player in PLAYERS.items()
            if player.extractor and player.extractor == declared.extractor
        },
    }
    if download.received_bytes is None:
        # Its process was lost: the bytes that arrived are not known, so they cannot be judged too few.
        return tuple(PlaybackResult(name, place=download.place, failure="skipped_after_download") for name in players)
    traces = window_traces(download, timelines)
    results = (
        simulate_playback(
            traces,
            name,
            parameters,
            horizon_s=end_s,
            window_index=download.place,
            declared=declared,
            source=LadderSource(line=line_facts(download)),
        )
        for name, parameters in players.items()
    )
    return tuple(on_windows_clock(result, download.ad_waits) for result in results)
