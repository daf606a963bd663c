"""Tells the container of a media file by its first bytes, as browsers do: what a server says of it may be wrong.

Source: ISO/IEC 14496-12 (MP4), RFC 8794 (EBML), FLV 10.1, ISO/IEC 13818-1 (TS, PS), RFC 3533 (Ogg), RFC 9639 (FLAC),
ISO/IEC 11172-3 and 13818-3 (MPEG audio), 13818-7 (ADTS), ID3v2.4, Microsoft's RIFF and ASF.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

SNIFF_BYTES = 8192  # two frames of MPEG audio and three packets of a transport stream are among them
# A time stamp stands before every packet of an M2TS file, and parity behind those of a broadcast.
TS_PACKET_BYTES: Mapping[str, int] = {"mpegts": 188, "m2ts": 192, "mpegts204": 204}
_TS_FIRST_SYNC: Mapping[str, int] = {"mpegts": 0, "m2ts": 4, "mpegts204": 0}
_TS_SYNC = 0x47
_TS_SYNC_PACKETS = 3
_TS_LATE_SYNC_PACKETS = 8  # where the file begins within a packet

_MP4_FIRST_BOXES = {
    *(b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"sidx", b"moof", b"pnot", b"uuid"),
    *(b"emsg", b"prft", b"meta", b"ssix"),
}
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x1a\x45\xdf\xa3", "webm"),
    (b"FLV", "flv"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"\0\0\1\xba", "mpegps"),
    # The rest are media that a player may know and we do not read.
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b".RMF", "realmedia"),
    (b"#!AMR", "amr"),
    (b"caff", "caf"),
    (b".snd", "au"),
    (b"\x0b\x77", "ac3"),
    (b"MAC ", "ape"),
    (b"wvpk", "wavpack"),
    (b"DKIF", "ivf"),
    (b"nut/multimedia container", "nut"),
    (b"\x06\x0e\x2b\x34", "mxf"),
    (b"\0\0\0\1\x67", "h264"),
    (b"\0\0\0\1\x40\1", "hevc"),
    *((start + b"\x09", "h264") for start in (b"\0\0\0\1", b"\0\0\1")),  # an access unit's delimiter
    (b"\0\0\1\x67", "h264"),
    *((start + unit, "hevc") for start in (b"\0\0\0\1", b"\0\0\1") for unit in (b"\x46\1", b"\x42\1")),
    (b"\0\0\1\x40\1", "hevc"),
    (b"\x12\0\x0a", "av1"),
    (b"\0\0\1\xb3", "mpegvideo"),
    (b"\0\0\1\xb0", "mpegvideo"),
    (b"BBCD", "dirac"),
    *((sync, "dts") for sync in (b"\x7f\xfe\x80\1", b"\xfe\x7f\1\x80", b"\x1f\xff\xe8\0", b"\xff\x1f\0\xe8")),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"TTA1", "tta"),
    (b"MPCK", "musepack"),
    (b"MP+", "musepack"),
    (b"tBaK", "tak"),
    (b"OFR ", "optimfrog"),
    (b"DSD ", "dsf"),
    (b"FRM8", "dsdiff"),
    (b"ADIF", "adif"),
    (b".ra\xfd", "realmedia"),
    (b"NSVf", "nsv"),
    (b"NSVs", "nsv"),
    (b"YUV4MPEG2", "y4m"),
    (b"MThd", "midi"),
)
_RIFF_FORMS = {b"AVI ": "avi", b"WAVE": "wav", b"CDXA": "cdxa", b"RMID": "midi"}

ID3_HEADER_BYTES = 10
_TAG_MARK = b"ID3"
# Bit rates in kbit/s of layers 1 to 3: MPEG 1, then MPEG 2 and 2.5.
_MPEG1_KBPS = (
    (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
_MPEG2_KBPS = (
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MPEG_RATES_HZ = (44100, 48000, 32000)
_FRAME_HEADER_BYTES = 7
_LATE_SYNC_FRAMES = 5


def sniff(head: bytes) -> str | None:
    """Return the container that the first bytes of a file announce. None when they are no media that we know of."""
    if head[4:8] in _MP4_FIRST_BOXES:
        return "mp4"
    if head[:4] in {b"RIFF", b"RF64", b"BW64"}:
        return _RIFF_FORMS.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    for signature, container in _SIGNATURES:
        if head.startswith(signature):
            return container
    return _sniff_transport(head) or _sniff_audio(head)


def _sniff_transport(head: bytes) -> str | None:
    for container, packet_bytes in TS_PACKET_BYTES.items():
        marks = head[_TS_FIRST_SYNC[container] :: packet_bytes][:_TS_SYNC_PACKETS]
        if len(head) >= packet_bytes and not marks.strip(bytes([_TS_SYNC])):
            return container
    for container, packet_bytes in TS_PACKET_BYTES.items():
        wanted = bytes([_TS_SYNC]) * _TS_LATE_SYNC_PACKETS
        if any(head[first::packet_bytes].startswith(wanted) for first in range(packet_bytes)):
            return container
    return None


def _sniff_audio(head: bytes) -> str | None:
    """Look for frames of audio without a container, behind the tags and the padding that may stand before them."""
    tags = tag_bytes(head)
    frames = head[tags:].lstrip(b"\0")
    if tags and frames.startswith(b"fLaC"):
        return "flac"
    for frame_bytes, container in _FRAMES:
        length = frame_bytes(frames)
        # One header may be chance (a text in UTF-16 begins so): the next frame must follow, or a tag.
        if length and (frame_bytes(frames[length:]) or frames.startswith(_TAG_MARK, length)):
            return container
    late = late_frame(frames)
    return late[1] if late else "mp3" if tags else None  # damaged perhaps; a tag stands before media alone


def late_frame(head: bytes) -> tuple[int, str] | None:
    """Return where the first whole frame of audio begins, and whose it is: a broadcast is joined within a frame."""
    at = head.find(b"\xff")
    while at >= 0:
        for frame_bytes, container in _FRAMES:
            if _is_run(head, at, frame_bytes):
                return at, container
        at = head.find(b"\xff", at + 1)
    return None


def _is_run(head: bytes, at: int, frame_bytes: Callable[[bytes], int]) -> bool:
    """Tell whether frames of one kind follow one another from there on."""
    kind = head[at + 1 : at + 2]
    for _ in range(_LATE_SYNC_FRAMES):
        length = frame_bytes(head[at : at + _FRAME_HEADER_BYTES])
        if not length or head[at + 1 : at + 2] != kind:
            return False
        at += length
    return True


def tag_bytes(head: bytes) -> int:
    """Return the length of the ID3v2 tags at the start of a file, which may be more than `head`."""
    start = 0
    while head.startswith(_TAG_MARK, start) and len(head) >= start + ID3_HEADER_BYTES:
        size = 0
        for byte in head[start + 6 : start + 10]:  # 28 bits in four bytes
            size = size << 7 | byte & 0x7F
        start += size + ID3_HEADER_BYTES * (2 if head[start + 5] & 0x10 else 1)  # perhaps with a footer
    return start


def adts_frame_bytes(head: bytes) -> int:
    """Return the length of the ADTS frame at the start of `head`. 0 where there is none."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 0xF > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def _mpeg_frame_bytes(head: bytes) -> int:
    """Return the length of the MPEG audio frame at the start of `head`. 0 where there is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer, rate, sampling = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or rate in (0, 15) or sampling == 3:
        return 0
    kbps = (_MPEG1_KBPS if version == 3 else _MPEG2_KBPS)[layer - 1][rate]
    rate_hz = _MPEG_RATES_HZ[sampling] >> {3: 0, 2: 1, 0: 2}[version]
    padding = head[2] >> 1 & 1
    if layer == 1:
        return (12000 * kbps // rate_hz + padding) * 4
    return (72000 if layer == 3 and version != 3 else 144000) * kbps // rate_hz + padding


_FRAMES: tuple[tuple[Callable[[bytes], int], str], ...] = ((adts_frame_bytes, "adts"), (_mpeg_frame_bytes, "mp3"))
