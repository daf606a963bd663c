"""Reads from the bytes received of one media stream how many media seconds are complete after each of them.

Runs in the measuring process, after the window. Figures say when *bytes* are there: decoding time is left out.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import av
import av.error
import av.logging

from pytomo_scrapy.items import MediaTimeline, StreamPart
from pytomo_scrapy.measure.media import boxes, packet_times
from pytomo_scrapy.measure.media.fragments import segments_of_fragments
from pytomo_scrapy.measure.media.layout import Layout
from pytomo_scrapy.measure.media.masked_file import MaskedFile
from pytomo_scrapy.measure.media.packet_ends import adts_tick_s, packet_ends
from pytomo_scrapy.measure.media.packet_times import StreamPackets
from pytomo_scrapy.measure.media.parts import (
    has_several_headers,
    header_bytes,
    join_runs,
    listed_rate_bps,
    listed_s,
    segments_of_parts,
    timeline_of_parts,
)
from pytomo_scrapy.measure.media.tracks import main_stream, may_reorder, wanted_streams

MAX_PACKETS = 300_000  # more than an hour of video with sound; they take some 100 MB
MAX_STREAMS = 32
MEMORY_BYTES = 200 * 1024 * 1024  # what the analysis may take on top of what the process has
HEADER_BYTES = 64 * 1024  # a cut file shorter than this may simply lack the rest of its header
EARLIEST_S = 1.0  # a stream that starts later has a clock of its own
LINEAR_STEPS = 1000
_BATCH = 4096
_PACKET_FIELDS = attrgetter("stream_index", "pos", "size", "dts", "pts", "duration", "is_corrupt", "is_keyframe")
_FIELD_COUNT = 8

# The demultiplexer for each container that it can read without a decoder; of those that are not here it cannot.
_DEMULTIPLEXERS = {
    "mp4": "mov",
    "webm": "matroska",
    "flv": "flv",
    "mpegts": "mpegts",
    "m2ts": "mpegts",
    "mpegts204": "mpegts",
    "mpegps": "mpeg",
    "ogg": "ogg",
    "avi": "avi",
    "mp3": "mp3",
    "adts": "aac",
    "wav": "wav",
    "flac": "flac",
}
# No playlists, scripts or other protocols: a hostile file must not make the demultiplexer open anything else.
_OPTIONS = {
    "protocol_whitelist": "file",
    "max_streams": str(MAX_STREAMS),
    # No decoder ever sees the bytes: headers and packets are enough, in a seventh of the time to open.
    "codec_whitelist": "none",
}
# These two carry exact times of their own, so the parsers can be left out; their boxes are all that is read.
_OPTIONS_MP4 = _OPTIONS | {"fflags": "+nofillin+noparse", "probesize": "32768"}
# Where a container leaves times out, the library would guess them without a decoder, and guess wrong.
_OPTIONS_AS_WRITTEN = _OPTIONS | {"fflags": "+nofillin"}
_AS_WRITTEN = {"webm", "mpegts", "m2ts", "mpegts204", "mpegps"}
# These say when a packet is decoded; in the others the order of packets and their presentation times are all there is.
_STATE_DECODING_TIMES = {"mp4", "flv", "avi"}
# These say it where it differs, and some writers never do: times that run back are then presentation times.
_MAY_STATE_DECODING_TIMES = {"mpegts", "m2ts", "mpegts204", "mpegps"}
# Of these the library derives a duration from the mean rate of their first frames, or takes a clock's last reading.
_WITHOUT_DURATION = {"mp3", "adts", "ogg"}


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of the file before it is opened. `size_bytes` and `declared_duration_s` may be unknown."""

    path: str
    kind: str  # "video", "audio" or "muxed"
    received_bytes: int
    size_bytes: int | None = None
    declared_duration_s: float | None = None
    parts: Sequence[StreamPart] = ()  # it came in segments, which lie end to end in the file

    @property
    def is_whole(self) -> bool:
        """Tell whether every byte of the file is there."""
        return self.size_bytes is not None and self.received_bytes >= self.size_bytes


def read_timeline(
    path: str,
    kind: str,
    received_bytes: int,
    size_bytes: int | None,
    *,
    declared_duration_s: float | None = None,
    parts: Sequence[StreamPart] = (),
    budget_s: float = 15.0,
    clock: Callable[[], float] = time.monotonic,
) -> MediaTimeline:
    """Read the media timeline of the first `received_bytes` bytes of a stream of `size_bytes`, kept at `path`.

    Where it came in `parts`, their list says how long each lasts, and stands in where the bytes cannot be read.

    Never raises for bad media: `failure` is then `wrong_content` (not a media file), `no_media_data` (too few bytes) or
    `unreadable_container`. Where the container cannot be read but `declared_duration_s` and the size are known, the
    linear model stands in: `method` is "linear" and `fallback_reason` says why. Memory is bounded by MEMORY_BYTES
    where the system can limit it, time by `budget_s`.
    """
    empty = MediaTimeline(kind=kind, method="packets")
    try:
        present = min(received_bytes, Path(path).stat().st_size)
    except OSError as error:
        return replace(empty, failure="no_media_data", failure_detail=f"no file to read: {error.strerror}")
    if present <= 0:
        return replace(empty, failure="no_media_data", failure_detail="no byte arrived")
    source = Source(path, kind, present, size_bytes, listed_s(parts) or declared_duration_s, parts)
    try:
        with Path(path).open("rb") as file:
            layout = boxes.read_layout(file, present, size_bytes)
    except (OSError, ValueError, OverflowError) as error:
        return replace(empty, failure="unreadable_container", failure_detail=f"{type(error).__name__}: {error}")
    if layout.container is None:
        return replace(empty, failure="wrong_content", failure_detail="the first bytes are of no media container")
    if layout.container not in _DEMULTIPLEXERS:
        detail = f"no demultiplexer here reads a file of the kind {layout.container}"
        unread = replace(empty, container=layout.container, failure="unreadable_container", failure_detail=detail)
        return _with_fallback(unread, source)
    if parts:
        # An index in a segment speaks of that segment alone.
        layout.segments, layout.duration_s, layout.init_bytes = (), None, header_bytes(parts)
        if has_several_headers(parts):
            return timeline_of_parts(replace(empty, container=layout.container), parts, None)
    with _no_collection():
        timeline = _demultiplexed(source, layout, clock() + budget_s, budget_s, clock)
    return _with_fallback(timeline, source) if timeline.failure else timeline


def _demultiplexed(
    source: Source, layout: Layout, deadline_s: float, budget_s: float, clock: Callable[[], float]
) -> MediaTimeline:
    timeline = MediaTimeline(kind=source.kind, method="packets", container=layout.container)
    if layout.is_index_missing:
        where = "lies behind the media and has not arrived" if _has_media_first(layout) else "has not arrived whole"
        failure = "unreadable_container" if _has_media_first(layout) else _lacking(source)
        # A whole file without an index is damaged; one that is cut has its index behind the media, where it belongs.
        is_index_last = _has_media_first(layout) and not source.is_whole
        detail = f"the file's index (moov) {where}"
        return replace(timeline, failure=failure, failure_detail=detail, is_index_last=is_index_last)
    try:
        with _memory_limit(MEMORY_BYTES), _masked(source, layout) as file, _open(file, layout, budget_s) as media:
            timeline = _described(timeline, source, layout, media)
            streams = _read_packets(source, layout, media, deadline_s, clock)
    except (av.error.FFmpegError, ValueError, OverflowError, MemoryError, OSError, LookupError) as error:
        failure = "unreadable_container"
        if not source.is_whole and source.received_bytes < HEADER_BYTES:
            failure = "no_media_data"
        return replace(timeline, failure=failure, failure_detail=f"{type(error).__name__}: {error}"[:200])
    return _with_times(timeline, source, layout, streams)


def _lacking(source: Source) -> str:
    """Return the class of a file that says too little: where all of it came, the line is not to blame."""
    return "unreadable_container" if source.is_whole else "no_media_data"


def _has_media_first(layout: Layout) -> bool:
    return all(kind != b"moov" for kind, _, _ in layout.boxes)


@contextlib.contextmanager
def _masked(source: Source, layout: Layout) -> Iterator[MaskedFile | str]:
    """Give what the library opens: the file's name, or a view of the file where it must not see all of it."""
    if layout.whole_bytes is None and not layout.hidden_boxes:
        yield f"file:{source.path}"
        return
    end_byte = source.received_bytes if layout.whole_bytes is None else layout.whole_bytes
    with MaskedFile(source.path, end_byte, layout.hidden_boxes) as file:
        yield file


def _open(file: MaskedFile | str, layout: Layout, budget_s: float) -> Any:
    container = layout.container or ""
    options = _OPTIONS_MP4 if container == "mp4" else _OPTIONS_AS_WRITTEN if container in _AS_WRITTEN else _OPTIONS
    return av.open(
        file,
        format=_DEMULTIPLEXERS[container],
        options=dict(options),
        timeout=(budget_s, budget_s),
        metadata_errors="replace",
    )


@contextlib.contextmanager
def _memory_limit(extra_bytes: int) -> Iterator[None]:
    """Let the process grow by at most `extra_bytes` of address space: a hostile index then fails, not the machine."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = pages * resource.getpagesize() + extra_bytes
        resource.setrlimit(resource.RLIMIT_AS, (wanted if soft < 0 else min(soft, wanted), hard))
    except (ImportError, OSError, ValueError):  # not Linux: the parent's deadline is the only bound
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking over a growing list of plain numbers: a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read_packets(
    source: Source, layout: Layout, media: Any, deadline_s: float, clock: Callable[[], float]
) -> list[StreamPackets]:
    wanted = wanted_streams(source.kind, media)
    if not wanted:
        raise ValueError("the file holds neither video nor audio")
    # One flat list of all values of a packet: it costs a third less than a list of rows.
    flat: list[Any] = []
    is_cut_short = False
    packets = media.demux(wanted)
    while not is_cut_short:
        length_before = len(flat)
        try:
            flat.extend(chain.from_iterable(map(_PACKET_FIELDS, islice(packets, _BATCH))))
        except av.error.FFmpegError:  # damage: what was read before it is certain
            is_cut_short = True
        if len(flat) - length_before < _BATCH * _FIELD_COUNT:
            break
        is_cut_short = len(flat) > MAX_PACKETS * _FIELD_COUNT or clock() > deadline_s
    columns = [flat[field::_FIELD_COUNT] for field in range(_FIELD_COUNT)]
    ticks_s = {stream.index: float(stream.time_base) for stream in wanted}
    join_runs(columns[0], columns[1], (columns[3], columns[4]), ticks_s, source.parts)
    is_whole = source.is_whole and not is_cut_short
    streams = [_stream_packets(source, layout, stream, columns, is_whole) for stream in wanted]
    if layout.container in _MAY_STATE_DECODING_TIMES:
        packet_times.start_at_zero(streams)
    packet_times.cut_streams(streams, layout.declared_s, source.declared_duration_s)
    # A track without a packet in a whole file is an empty one; in a cut file it is still to come.
    return [stream for stream in streams if stream.pts or not source.is_whole]


def _stream_packets(
    source: Source, layout: Layout, stream: Any, columns: list[list[Any]], is_whole: bool
) -> StreamPackets:
    container = layout.container or ""
    packets = StreamPackets(stream.type, float(stream.time_base), is_whole=is_whole)
    packets.may_reorder = may_reorder(stream)
    is_index_whole = bool(layout.segments) and not layout.is_index_partial
    if container == "mp4" and stream.duration and (is_index_whole or not layout.fragments):
        packets.declared_end_s = stream.duration * packets.tick_s
    # Packets without bytes only mark the end of a stream.
    number = stream.index
    is_own = [index == number and size for index, size in zip(columns[0], columns[2], strict=True)]
    positions, sizes, dts, pts, duration = (list(compress(column, is_own)) for column in columns[1:6])
    is_key = list(compress(columns[7], is_own)) if layout.fragments else []
    packets.dts, packets.pts, packets.duration, packets.is_key = dts, pts, duration, is_key
    if container == "avi":  # it numbers packets: when a picture is shown would be a guess
        packets.pts = list(dts)
    if container == "adts":
        packet_times.number_packets(packets, adts_tick_s(source.path))
    packets.end_bytes = packet_ends(container, stream.type, source, positions, sizes)
    if packets.end_bytes and max(packets.end_bytes) >= source.received_bytes + source.is_whole:
        damage = compress(columns[6], is_own)
        packets.cut(_first_cut(packets.end_bytes, damage, source.received_bytes))
    if layout.index_end_bytes is not None:
        # A plain download can play nothing that lies before the index until the index is there.
        packets.end_bytes = [max(end, layout.index_end_bytes) for end in packets.end_bytes]
    if packets.end_bytes:
        packet_times.fill_times(packets, has_decoding_times=_has_decoding_times(container, dts))
    return packets


def _has_decoding_times(container: str, dts: list[int | None]) -> bool:
    stated = [tick for tick in dts if tick is not None]
    is_in_order = container in _MAY_STATE_DECODING_TIMES and stated == sorted(stated)
    return container in _STATE_DECODING_TIMES or is_in_order


def _first_cut(ends: list[int], damage: Iterable[bool], received_bytes: int) -> int:
    """Return the first packet that is not whole; the library hands it out shortened and marked."""
    is_cut = (end > received_bytes or (end == received_bytes and bad) for end, bad in zip(ends, damage, strict=True))
    return next((index for index, cut in enumerate(is_cut) if cut), len(ends))


def _described(timeline: MediaTimeline, source: Source, layout: Layout, media: Any) -> MediaTimeline:
    """Add what the file says of itself."""
    video, audio = main_stream("video", media), main_stream("audio", media)
    duration_s = layout.duration_s
    # Without an index the library derives a duration from what it sees of a cut file: then the announced one is better.
    # From the indexes of single fragments it takes the first.
    is_told = source.is_whole and layout.container not in _WITHOUT_DURATION
    if layout.container == "mp4":
        is_told = not layout.fragments
    if duration_s is None and media.duration and media.duration > 0 and is_told:
        duration_s = media.duration / av.time_base
    rate = video.average_rate if video is not None else None
    picture = video.codec_context if video is not None else None  # None too where no decoder is known
    return replace(
        timeline,
        video_codec=_codec_name(video),
        audio_codec=_codec_name(audio),
        width_px=(picture.width or None) if picture is not None else None,
        height_px=(picture.height or None) if picture is not None else None,
        frame_rate_fps=float(rate) if rate else None,
        duration_s=duration_s,
    )


def _codec_name(stream: Any) -> str | None:
    """Return the codec's name. None where there is no stream, or no decoder is known."""
    if stream is None or stream.codec_context is None or stream.codec_context.codec is None:
        return None
    name: str = stream.codec_context.name
    return name


def _with_times(timeline: MediaTimeline, source: Source, layout: Layout, streams: list[StreamPackets]) -> MediaTimeline:
    missing = [stream.kind for stream in streams if not stream.pts]
    if missing or not streams:
        detail = f"no packet of {' or '.join(missing) or 'it'} is whole"
        return replace(timeline, failure=_lacking(source), failure_detail=detail)
    offsets, seconds = packet_times.merge_streams(streams)
    if seconds and layout.is_index_outlasted(seconds[-1]):
        layout.segments, timeline = (), replace(timeline, duration_s=None)
    if timeline.duration_s is None and seconds and all(stream.is_whole for stream in streams):
        timeline = replace(timeline, duration_s=seconds[-1])
    if not offsets:
        return replace(timeline, failure=_lacking(source), failure_detail="no media time is complete")
    if source.parts:
        timeline = replace(timeline, duration_s=listed_s(source.parts))
    duration_s = timeline.duration_s or source.declared_duration_s or layout.movie_s
    origin_s = min(stream.first_s() for stream in streams)
    if layout.container == "webm" and duration_s and duration_s > origin_s > EARLIEST_S:
        duration_s -= origin_s  # its header has the last reading of a clock that did not start at 0
    segments = segments_of_parts(source.parts) or layout.segments or segments_of_fragments(layout.fragments, streams[0])
    return replace(
        timeline,
        duration_s=duration_s,
        bitrate_bps=_mean_bps(source, duration_s),
        offset_bytes=tuple(offsets),
        complete_s=tuple(seconds),
        segments=segments,
        init_bytes=layout.init_bytes,
        is_index_last=layout.index_end_bytes is not None and offsets[0] <= layout.index_end_bytes,
    )


def _mean_bps(source: Source, duration_s: float | None) -> float | None:
    if source.parts:
        return listed_rate_bps(source.parts)
    return source.size_bytes * 8 / duration_s if source.size_bytes and duration_s else None


def _with_fallback(timeline: MediaTimeline, source: Source) -> MediaTimeline:
    """Put the list of segments in place of an unreadable container, or where size and duration are known a line."""
    if timeline.failure == "unreadable_container" and source.parts:
        return timeline_of_parts(timeline, source.parts, timeline.failure_detail)
    duration_s, size_bytes = source.declared_duration_s, source.size_bytes
    if timeline.failure != "unreadable_container" or not duration_s or not size_bytes:
        return timeline
    count = min(LINEAR_STEPS, size_bytes)
    steps = range(1, count + 1)
    return replace(
        timeline,
        method="linear",
        offset_bytes=tuple(-(-size_bytes * step // count) for step in steps),
        complete_s=tuple(duration_s * step / count for step in steps),
        duration_s=duration_s,
        bitrate_bps=size_bytes * 8 / duration_s,
        fallback_reason=timeline.failure_detail,
        failure=None,
        failure_detail=None,
    )
