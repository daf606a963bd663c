"""A stored window that every player can play again."""

from __future__ import annotations

from pytomo_scrapy.items import DownloadResult, MediaSegment, MediaTimeline, StreamDownload

HORIZON_S = 30.0


def make_window() -> tuple[DownloadResult, tuple[MediaTimeline, ...]]:
    """Twelve seconds of media at once, nothing for a long time, and the rest late: one stall for every player."""
    streams, timelines = [], []
    for kind, rate in (("video", 1000), ("audio", 200)):
        segments = tuple(MediaSegment(i * 5 * rate, (i + 1) * 5 * rate, i * 5.0, 5.0) for i in range(6))
        offsets = tuple(rate * second for second in range(1, 31))
        timeline = MediaTimeline(
            kind, "packets", offsets, tuple(float(second) for second in range(1, 31)), segments,
            container="mp4", video_codec="h264" if kind == "video" else None,
            audio_codec="aac" if kind == "audio" else None, width_px=426, height_px=240, frame_rate_fps=25.0,
            bitrate_bps=rate * 8.0, duration_s=30.0,
        )  # fmt: skip
        arrivals = ((1.0, 12 * rate), (22.0, 20 * rate), (23.0, 30 * rate))
        streams.append(
            StreamDownload(
                kind, "1", received_bytes=30 * rate, size_bytes=30 * rate, is_complete=True,
                arrival_s=tuple(t for t, _ in arrivals), arrival_bytes=tuple(count for _, count in arrivals),
            )
        )  # fmt: skip
        timelines.append(timeline)
    return DownloadResult(window_s=HORIZON_S, elapsed_s=23.0, ended_by="complete", streams=tuple(streams)), tuple(
        timelines
    )
