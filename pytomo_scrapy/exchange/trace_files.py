"""Reads the files that `scrapy simulate` plays: traces of one quality, and sessions with a ladder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import isfinite
from pathlib import Path
from typing import Any

from pytomo_scrapy.items import Ladder, MediaTimeline, MediaTrack, TrackSegment
from pytomo_scrapy.measure.playback.adaptive_result import NO_LADDER, LadderSource
from pytomo_scrapy.measure.playback.simulation import StreamTrace

TRACE_SHAPE = '{"window_s": 32, "streams": [{"media": PATH, "arrivals": [[t_s, cumulative_bytes], ...]}, ...]}'
SESSION_SHAPE = (
    '{"window_s": 45, "ladder": PATH, "files": {"video": NAME, "audio": NAME}, '
    '"arrivals": {"video": [[t_s, cumulative_bytes], ...], "audio": [...]}}'
)


@dataclass(frozen=True, slots=True)
class TraceFile:
    """What a file holds: arrivals, how long they were watched, and the ladder of a session."""

    streams: tuple[StreamTrace, ...]
    window_s: float
    source: LadderSource = NO_LADDER


def read_trace_file(path: Path) -> TraceFile:
    """Read a trace, or a session. Raises OSError, or what broken JSON raises."""
    trace = json.loads(path.read_text())
    window_s = _finite(trace["window_s"])
    if isinstance(trace, dict) and "ladder" in trace:
        ladder = read_ladder(_beside(path, trace["ladder"]))
        streams = tuple(_session_stream(kind, trace, ladder) for kind in trace["arrivals"])
        return TraceFile(streams, window_s, LadderSource(ladder))
    entries = trace["streams"]
    return TraceFile(tuple(_stream(path, entry, len(entries), place) for place, entry in enumerate(entries)), window_s)


@lru_cache(maxsize=8)
def read_ladder(path: Path) -> Ladder:
    """Read a ladder: of each kind the rungs, the lowest first, each with its segments (docs/playback.md)."""
    parts = json.loads(path.read_text())
    return Ladder(*(tuple(_track(kind, rung) for rung in parts.get(kind, ())) for kind in ("video", "audio")))


def _track(kind: str, rung: Mapping[str, Any]) -> MediaTrack:
    segments = tuple(
        TrackSegment(
            float(segment["start_s"]),
            float(segment["duration_s"]),
            int(segment["end_byte"]) - int(segment["start_byte"]) + 1,
            int(segment["start_byte"]),
        )
        for segment in rung["segments"]
    )
    init, index = rung.get("init") or (0, -1), rung.get("index") or (0, -1)
    return MediaTrack(
        kind,
        str(rung["file"]),
        float(rung["bandwidth_bps"]),
        segments,
        height_px=rung.get("height"),
        width_px=rung.get("width"),
        codec=rung.get("codecs"),
        size_bytes=int(rung["bytes"]),
        init_bytes=int(init[1]) - int(init[0]) + 1,
        index_bytes=int(index[1]) - int(index[0]) + 1,
    )


def _session_stream(kind: str, session: Mapping[str, Any], ladder: Ladder) -> StreamTrace:
    sizes = {track.format_id: track.size_bytes for track in ladder.rungs(kind)}
    size_bytes = sizes.get(session["files"][kind])
    return _trace(session["arrivals"][kind], MediaTimeline(kind, "segments"), size_bytes)


def _stream(trace_path: Path, entry: Mapping[str, Any], stream_count: int, place: int) -> StreamTrace:
    media = _beside(trace_path, entry["media"])
    size_bytes = media.stat().st_size
    kind = "muxed" if stream_count == 1 else ("video", "audio")[min(place, 1)]
    return _trace(entry["arrivals"], _timeline(str(media), kind, size_bytes), size_bytes)


def _trace(arrivals: Sequence[Sequence[float]], timeline: MediaTimeline, size_bytes: int | None) -> StreamTrace:
    # Clocks of several threads may have been written out of order by a hair: what had arrived stays arrived.
    arrival_s = tuple(accumulate((_finite(t_s) for t_s, _ in arrivals), max))
    arrival_bytes = tuple(accumulate((int(_finite(count)) for _, count in arrivals), max))
    is_complete = bool(arrival_bytes) and size_bytes is not None and arrival_bytes[-1] >= size_bytes
    return StreamTrace(arrival_s, arrival_bytes, timeline, is_complete=is_complete)


def _finite(value: float) -> float:
    number = float(value)
    # JSON as Python writes it may hold NaN, and 1e999 is infinite.
    if not isfinite(number):
        raise ValueError(f"{value!r} is no number of seconds or bytes")
    return number


def _beside(trace_path: Path, name: str) -> Path:
    # From where the command runs, as its other words are read; else beside the file that names it.
    found = Path(name)
    return found if found.exists() else trace_path.parent / found


@lru_cache(maxsize=64)
def _timeline(media: str, kind: str, size_bytes: int) -> MediaTimeline:
    from pytomo_scrapy.measure.media.timeline import read_timeline

    return read_timeline(media, kind, size_bytes, size_bytes)
