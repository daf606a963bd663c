"""Plays a stored window again: the same pure simulation, from the stored arrivals and media times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from pytomo_scrapy.items import DownloadResult, Interval, Ladder, MediaTimeline, PlaybackResult
from pytomo_scrapy.measure.playback.adaptive_result import LadderSource
from pytomo_scrapy.measure.playback.declared_video import NOTHING_DECLARED, DeclaredVideo
from pytomo_scrapy.measure.playback.player_model import LineFacts, media_received_s
from pytomo_scrapy.measure.playback.simulation import StreamTrace, simulate_playback

# Compared with what is stored; names and settings are not figures.
_NOT_FIGURES = {"player", "parameters", "parameters_source", "place", "stalls", "freezes", "switches", "failure_detail"}
FIGURES = tuple(field.name for field in fields(PlaybackResult) if field.name not in _NOT_FIGURES)

# A probe that waits for a second counts as lost: a line with a long queue loses nearly all.
LEAST_ANSWERED_RATIO = 0.9

P1203_DISPLAY = {"device": "pc", "displaySize": "1920x1080", "viewingDistance": "150cm"}


def horizon_s(download: DownloadResult) -> float | None:
    """Return until when a playback is known: to the window's end, or to where the bytes were stopped on purpose.

    That is where the media host refused to go on, or where we ourselves took no more: the silence after it is no stall.
    """
    end_s = download.window_s
    if download.gated_at_s is not None:
        end_s = download.gated_at_s
    elif download.ended_by == "byte_cap":
        end_s = download.elapsed_s
    return None if end_s is None else content_s(end_s, download.ad_waits)


def content_s(t_s: float, ad_waits: Sequence[tuple[float, float]]) -> float:
    """Return a time of the window's clock without what had passed of waits for advertisements.

    A viewer sees the advertisement: the video's own startup and stalls go on behind it.
    """
    return t_s - sum(min(t_s, end_s) - start_s for start_s, end_s in ad_waits if start_s < t_s)


def on_windows_clock(result: PlaybackResult, ad_waits: Sequence[tuple[float, float]]) -> PlaybackResult:
    """Return `result` with its stalls and freezes at their times on the window's clock, where a reader looks for them.

    Delays and lengths stay without advertisements.
    """
    if not ad_waits:
        return result

    def moved(interval: Interval) -> Interval:
        start_s = interval.start_s
        for from_s, to_s in sorted(ad_waits):
            start_s += to_s - from_s if start_s >= from_s else 0.0
        return replace(interval, start_s=start_s)

    freezes = None if result.freezes is None else tuple(moved(one) for one in result.freezes)
    return replace(result, stalls=tuple(moved(one) for one in result.stalls), freezes=freezes)


def window_traces(download: DownloadResult, timelines: Sequence[MediaTimeline]) -> list[StreamTrace]:
    """Pair what arrived of each stream with its media time."""
    ads = download.ad_waits
    return [
        StreamTrace(
            tuple(content_s(t_s, ads) for t_s in stream.arrival_s) if ads else stream.arrival_s,
            stream.arrival_bytes,
            timeline,
            stream.is_complete,
            tuple((content_s(start_s, ads), content_s(end_s, ads)) for start_s, end_s in stream.no_demand),
        )
        for stream, timeline in zip(download.streams, timelines, strict=True)
    ]


def line_facts(download: DownloadResult) -> LineFacts:
    """Return what the window shows of its line besides the arrivals.

    Without load the round trip is the kernel's least, else the handshake's. Where many probes were lost those that
    were answered are not like the others, and none counts.
    """
    loaded = download.loaded
    is_whole = (loaded.received_count or 0) >= LEAST_ANSWERED_RATIO * (loaded.sent_count or 0)
    probes = zip(loaded.sample_s, loaded.sample_rtt_s, strict=True) if is_whole else ()
    return LineFacts(
        download.tcp_summary.rtt_min_s or download.connect_s,
        tuple((content_s(sent_s, download.ad_waits), rtt_s) for sent_s, rtt_s in probes),
    )


def gated_at_media_s(download: DownloadResult, timelines: Sequence[MediaTimeline]) -> float | None:
    """Return the media seconds that were complete of the stream that the media host took back.

    None where it took none back, or the stream's media time is not known.
    """
    if download.gated_at_s is None:
        return None
    for stream, trace in zip(download.streams, window_traces(download, timelines), strict=True):
        if stream.failure is not None and stream.received_bytes == download.gated_at_bytes:
            end_s = content_s(download.gated_at_s, download.ad_waits)
            return None if trace.timeline.failure else media_received_s(trace, end_s)
    return None


def replay_window(
    download: DownloadResult,
    timelines: Sequence[MediaTimeline],
    player: str,
    parameters: Mapping[str, float],
    name: str,
    declared: DeclaredVideo = NOTHING_DECLARED,
    ladder: Ladder | None = None,
) -> PlaybackResult | None:
    """Simulate `player` on a stored window and call the result `name`. None where no trace was kept."""
    end_s = horizon_s(download)
    if end_s is None or not timelines or len(timelines) != len(download.streams):
        return None
    result = simulate_playback(
        window_traces(download, timelines),
        player,
        parameters,
        horizon_s=end_s,
        window_index=download.place,
        declared=declared,
        source=LadderSource(ladder, line_facts(download)),
    )
    return replace(on_windows_clock(result, download.ad_waits), player=name)


def differing_figures(result: PlaybackResult, stored: Mapping[str, Any]) -> list[str]:
    """Return the names of the figures that differ from a stored row; exact, not nearly."""
    return [name for name in FIGURES if name in stored and getattr(result, name) != stored[name]]


def p1203_input(result: PlaybackResult, timelines: Sequence[MediaTimeline]) -> dict[str, Any] | None:
    """Return the input of the ITU-T P.1203 software for a session of constant quality. None where it did not start.

    Stalls stand at media time, the startup delay as the one at 0. Source: ITU-T P.1203.3, the JSON format of its
    reference software, which this project neither contains nor needs.
    """
    if result.startup_delay_s is None or result.played_s is None:
        return None
    stalling = [[0.0, result.startup_delay_s]]
    stalled_s = 0.0
    for stall in result.stalls:
        stalling.append([stall.start_s - result.startup_delay_s - stalled_s, stall.duration_s])
        stalled_s += stall.duration_s
    audio = next((timeline for timeline in timelines if timeline.audio_codec), None)
    video = next((timeline for timeline in timelines if timeline.video_codec), None)
    return {
        "I11": {"streamId": 1, "segments": [_audio_segment(audio, result.played_s)] if audio else []},
        "I13": {"streamId": 1, "segments": [_video_segment(video, result.played_s)] if video else []},
        "I23": {"streamId": 1, "stalling": stalling},
        "IGen": P1203_DISPLAY,
    }


def _audio_segment(timeline: MediaTimeline, duration_s: float) -> dict[str, Any]:
    # The share of sound in a muxed file is not known: its whole rate then stands with the video.
    bitrate_bps = timeline.bitrate_bps if timeline.kind == "audio" else None
    return {"bitrate": (bitrate_bps or 128_000) / 1000, "codec": "aaclc", "duration": duration_s, "start": 0}


def _video_segment(timeline: MediaTimeline, duration_s: float) -> dict[str, Any]:
    return {
        "bitrate": (timeline.bitrate_bps or 0.0) / 1000,
        "codec": timeline.video_codec,
        "duration": duration_s,
        "fps": timeline.frame_rate_fps,
        "resolution": f"{timeline.width_px}x{timeline.height_px}",
        "start": 0,
    }
