"""Where the files of a clip are cut into segments, for the playlists and manifests that list them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytomo_scrapy.lab.clips.clip import ClipStream
from pytomo_scrapy.lab.clips.file_parts import mp4_boxes

HEADER = "header"  # in place of a segment's number in a media URL
ADTS_SAMPLES = 1024  # of a frame
SEGMENT_S = 4.0
# Source: RFC 8216, 3.4: a tag with the time stamp of the segment's first sample stands before packed audio.
_OWNER = b"com.apple.streaming.transportStreamTimestamp\0"
_CLOCK_HZ = 90_000


@dataclass(frozen=True, slots=True)
class Cut:
    """One segment of a file: its bytes are `start` up to, without, `end`."""

    start: int
    end: int
    duration_s: float


def cuts_of(stream: ClipStream) -> tuple[Cut, ...]:
    """Return the segments of a file: those that were noted when it was written, or those of its own index."""
    if stream.cuts:
        return tuple(Cut(start, end, duration_s) for start, end, duration_s in stream.cuts)
    return _cuts_of_index(stream.path)


@cache
def _cuts_of_index(path: Path) -> tuple[Cut, ...]:
    """Read the segments that the `sidx` box of a fragmented MP4 file lists. Source: ISO/IEC 14496-12, 8.16.3."""
    content = path.read_bytes()
    box = next(part for part in mp4_boxes(content) if part.name == "sidx")
    version, timescale = content[box.body], struct.unpack_from(">I", content, box.body + 8)[0]
    counts_at = box.body + (28 if version else 20)
    position = box.end
    cuts = []
    for number in range(struct.unpack_from(">H", content, counts_at + 2)[0]):
        size, ticks, _ = struct.unpack_from(">III", content, counts_at + 4 + 12 * number)
        cuts.append(Cut(position, position + (size & 0x7FFFFFFF), ticks / timescale))
        position = cuts[-1].end
    return tuple(cuts)


def read_written_cuts(playlist: str) -> tuple[tuple[int, int, float], ...]:
    """Return the segments that FFmpeg's `hls` muxer noted while it wrote one file."""
    cuts, duration_s = [], 0.0
    for line in playlist.splitlines():
        name, _, value = line.partition(":")
        if name == "#EXTINF":
            duration_s = float(value.rstrip(","))
        elif name == "#EXT-X-BYTERANGE":
            length, _, start = value.partition("@")
            cuts.append((int(start), int(start) + int(length), duration_s))
    return tuple(cuts)


def pack_audio(frames: bytes, rate_hz: int) -> tuple[bytes, tuple[tuple[int, int, float], ...]]:
    """Cut a file of ADTS frames into segments, each behind a tag with its time. Return the file and its segments."""
    packed, cuts = bytearray(), []
    position, frame_count = 0, 0
    while position < len(frames):
        start, first_frame = len(packed), frame_count
        packed += _tag(frame_count * ADTS_SAMPLES / rate_hz)
        while position < len(frames) and (frame_count - first_frame) * ADTS_SAMPLES / rate_hz < SEGMENT_S:
            length = (frames[position + 3] & 3) << 11 | frames[position + 4] << 3 | frames[position + 5] >> 5
            packed += frames[position : position + length]
            position, frame_count = position + length, frame_count + 1
        cuts.append((start, len(packed), (frame_count - first_frame) * ADTS_SAMPLES / rate_hz))
    return bytes(packed), tuple(cuts)


def _tag(time_s: float) -> bytes:
    private = _OWNER + struct.pack(">Q", round(time_s * _CLOCK_HZ) & (1 << 33) - 1)
    frame = b"PRIV" + struct.pack(">IH", len(private), 0) + private
    return b"ID3\4\0\0" + struct.pack(">I", len(frame)) + frame  # shorter than 128 bytes: no bit is to be left out
