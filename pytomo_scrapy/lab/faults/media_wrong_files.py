"""Faults of a media host that sends, in good order, something that cannot be played."""

from __future__ import annotations

import random

from pytomo_scrapy.lab.clips.file_parts import Part, ebml_elements, mp4_boxes
from pytomo_scrapy.lab.faults.kinds import MediaFault
from pytomo_scrapy.lab.http.transfers import Answer

_NOT_VIDEO = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>" + b"<p>No video here.</p>" * 100
_EVERYTHING = "everything"
_DAMAGED_PARTS = {"moov", "moof", "sidx", "Info", "Tracks", "Cues", "Cluster", _EVERYTHING}
# A cluster or fragment needs no more than this to be lost; the rest of it stays.
_DAMAGE_MAX_BYTES = 4096


def damage(content: bytes, seed: str) -> bytes:
    """Return `content` with noise over every part that tells its structure; the same `seed` gives the same noise."""
    noise = random.Random(seed)
    damaged = bytearray(content)
    for part in _parts(content):
        if part.name in _DAMAGED_PARTS:
            end = part.end if part.name == _EVERYTHING else min(part.end, part.body + _DAMAGE_MAX_BYTES)
            damaged[part.body : end] = noise.randbytes(end - part.body)
    return bytes(damaged)


def _parts(content: bytes) -> list[Part]:
    if content[4:8] == b"ftyp":
        return list(mp4_boxes(content))
    if content[:4] == b"\x1a\x45\xdf\xa3":
        return list(ebml_elements(content))
    # FLV and MPEG-TS have their structure everywhere: all but the file's signature is lost.
    return [Part(_EVERYTHING, 0, min(16, len(content)), len(content))]


ROWS = (
    MediaFault(
        "not_video",
        "an HTML page in place of the media",
        "wrong_content",
        instead=Answer(200, [("Content-Type", "text/html; charset=utf-8")], memoryview(_NOT_VIDEO)),
    ),
    MediaFault(
        "corrupt",
        "a media file with damaged structure",
        "unreadable_container",
        content=lambda whole, seed: memoryview(damage(bytes(whole), seed)),
    ),
)
