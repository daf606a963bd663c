"""Says for each packet of a stream after which byte of the file it is whole, container by container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add
from pathlib import Path
from typing import Protocol

from pytomo_scrapy.measure.media.layout import read_at
from pytomo_scrapy.measure.media.sniffing import (
    ID3_HEADER_BYTES,
    SNIFF_BYTES,
    TS_PACKET_BYTES,
    adts_frame_bytes,
    late_frame,
    tag_bytes,
)

# Bytes from a packet's position to the end of its data, beyond its size (see docs/playback.md).
_EXTRA_BYTES = {
    **{("webm", "video"): 4, ("webm", "audio"): 4, ("flv", "video"): 16, ("flv", "audio"): 13},
    **{("avi", "video"): 8, ("avi", "audio"): 8},
}
# In these a packet's bytes are spread over the container's own packets, between those of other streams.
_SPREAD = {*TS_PACKET_BYTES, "mpegps"}
_BARE_FRAMES = {"mp3", "adts", "flac"}
_PAGE_MARK = b"OggS"
_PAGE_HEADER_BYTES = 27
_RESYNC_BYTES = 65_536 + 282  # the longest page
MAX_PAGES = 200_000
ADTS_SAMPLES = 1024  # of one frame; a frame of several blocks, which no encoder writes, would be longer
_ADTS_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class ReceivedFile(Protocol):
    """What there is of the file."""

    @property
    def path(self) -> str: ...
    @property
    def received_bytes(self) -> int: ...
    @property
    def is_whole(self) -> bool: ...


def packet_ends(
    container: str, kind: str, file: ReceivedFile, positions: Sequence[int | None], sizes: Sequence[int]
) -> list[int]:
    """Return the byte after which each packet is whole. A packet without a position begins where the one before did."""
    starts = _starts(positions)
    if container in _SPREAD:
        return _spread_ends(starts, file, TS_PACKET_BYTES.get(container, 0))
    if container == "ogg":
        return _page_ends(starts, sizes, file)
    extra = _EXTRA_BYTES.get((container, kind), 0)
    ends = list(map(add, starts, sizes))
    if extra:
        ends = [end + extra for end in ends]
    if container in _BARE_FRAMES and not file.is_whole:
        # What is left at the cut is handed out as a frame; that it is whole shows by the next one only.
        return [end + (end >= file.received_bytes) for end in ends]
    return ends


def _starts(positions: Sequence[int | None]) -> list[int]:
    starts = [at for at in positions if at is not None]
    if len(starts) == len(positions):
        return starts
    known = accumulate(positions, lambda before, at: before if at is None else at, initial=0)
    return [at or 0 for at in known][1:]


def _spread_ends(positions: list[int], file: ReceivedFile, packet_bytes: int) -> list[int]:
    """Return where a demultiplexer of a transport or program stream knows each packet to be whole: at the next one."""
    following = file.received_bytes if file.is_whole else file.received_bytes + 1
    ends: list[int] = []
    for index in range(len(positions) - 1, -1, -1):
        if index + 1 < len(positions) and positions[index + 1] > positions[index]:
            following = positions[index + 1] + packet_bytes
        ends.append(following)
    return ends[::-1]


@dataclass(frozen=True, slots=True)
class _Page:
    start_byte: int
    body_bytes: int
    end_byte: int


def _page_ends(positions: list[int], sizes: Sequence[int], file: ReceivedFile) -> list[int]:
    """Return the end of the page that holds a packet's last byte; `positions` are those of the pages they begin in."""
    places = {page.start_byte: (run, number) for run in _pages(file) for number, page in enumerate(run)}
    used_bytes: dict[int, int] = {}  # of a page, by the packets before
    ends: list[int] = []
    for position, size in zip(positions, sizes, strict=True):
        run, number = places.get(position, ([], 0))
        left_bytes = used_bytes.get(position, 0) + size
        # A packet that is longer than the rest of its page goes on in the next page of its stream.
        while number < len(run) and left_bytes > run[number].body_bytes:
            left_bytes -= run[number].body_bytes
            number += 1
        if number < len(run):
            used_bytes[run[number].start_byte] = left_bytes
        ends.append(run[number].end_byte if number < len(run) else file.received_bytes + 1)
    return ends


def _pages(file: ReceivedFile) -> list[list[_Page]]:
    """Return the pages of an Ogg file, those of each of its streams in a list of their own."""
    runs: dict[bytes, list[_Page]] = {}
    with Path(file.path).open("rb") as source:
        position = 0
        for _ in range(MAX_PAGES):
            head = read_at(source, position, _RESYNC_BYTES)
            skipped = head.find(_PAGE_MARK)  # where a page is damaged or missing
            position, head = position + max(0, skipped), head[max(0, skipped) :]
            if skipped < 0 or len(head) < _PAGE_HEADER_BYTES:
                break
            lengths = head[_PAGE_HEADER_BYTES : _PAGE_HEADER_BYTES + head[26]]
            end = position + _PAGE_HEADER_BYTES + head[26] + sum(lengths)
            runs.setdefault(head[14:18], []).append(_Page(position, sum(lengths), end))  # by serial number
            position = end
    return list(runs.values())


def adts_tick_s(path: str) -> float:
    """Return the seconds of a frame of an ADTS file, as its first header says. Source: ISO/IEC 13818-7, 6.2."""
    with Path(path).open("rb") as file:
        position = 0
        # Tag by tag: each says where it ends.
        while tags := tag_bytes(read_at(file, position, ID3_HEADER_BYTES)):
            position += tags
        head = read_at(file, position, SNIFF_BYTES).lstrip(b"\0")
    if not adts_frame_bytes(head) and (late := late_frame(head)):
        head = head[late[0] :]
    if not adts_frame_bytes(head):
        raise ValueError("no frame of ADTS where the first one should be")
    return ADTS_SAMPLES / _ADTS_RATES_HZ[head[2] >> 2 & 0xF]
