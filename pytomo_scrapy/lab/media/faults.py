"""What a media host answers, its faults among it, decided before a byte is sent. No sockets."""

from __future__ import annotations

import random
from dataclasses import replace

from pytomo_scrapy.lab.clips.file_parts import Part, ebml_elements, mp4_boxes
from pytomo_scrapy.lab.http.ranges import RangeRefused, Span, choose_span
from pytomo_scrapy.lab.http.request_heads import Request
from pytomo_scrapy.lab.http.transfers import Answer, Ending, plain_answer

SLOW_FIRST_BYTE_S = 120.0
RETRY_AFTER_S = 30

_ERROR_STATUS = {"http_403": 403, "http_404": 404, "http_500": 500, "media_429": 429}
_NOT_VIDEO = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>" + b"<p>No video here.</p>" * 100
_EVERYTHING = "everything"
_DAMAGED_PARTS = {"moov", "moof", "sidx", "Info", "Tracks", "Cues", "Cluster", _EVERYTHING}
# A cluster or fragment needs no more than this to be lost; the rest of it stays.
_DAMAGE_MAX_BYTES = 4096


def media_answer(request: Request, content: memoryview, mime: str, fault: str | None) -> Answer:
    """Return the answer to a permitted request for `content`, with the video's `fault` applied.

    The faults that begin "at a quarter" mean a quarter of the file, wherever the request's range begins.
    """
    if fault in _ERROR_STATUS:
        retry = [("Retry-After", str(RETRY_AFTER_S))] if fault == "media_429" else []
        return plain_answer(_ERROR_STATUS[fault], "refused", retry)
    if fault == "not_video":
        return Answer(200, [("Content-Type", "text/html; charset=utf-8")], memoryview(_NOT_VIDEO))
    if fault == "endless_header":
        return Answer(200, has_endless_header=True)
    if fault == "wrong_length":
        content = content[: len(content) // 2]
    try:
        span = choose_span(request, len(content))
    except RangeRefused:
        return plain_answer(416, "no such range", [("Content-Range", f"bytes */{len(content)}")])
    if fault == "http_403_middle" and span.first >= len(content) // 4:
        return plain_answer(403, "refused in the middle")
    if fault == "http_403_middle" and span.is_partial:
        # A server may answer with less than was asked for; the request for the rest meets the refusal.
        span = replace(span, end=min(span.end, len(content) // 4))
    end, ending = _cut(fault, span, len(content))
    headers = [("Content-Type", mime), ("Accept-Ranges", "bytes"), ("Cache-Control", "private, max-age=21299")]
    if span.is_partial:
        headers.append(("Content-Range", f"bytes {span.first}-{span.end - 1}/{len(content)}"))
    return Answer(
        status=206 if span.is_partial else 200,
        headers=headers,
        body=content[span.first : end],
        declared_bytes=span.size_bytes,
        first_byte=span.first,
        ending=ending,
        delay_s=SLOW_FIRST_BYTE_S if fault == "slow_first_byte" else 0.0,
    )


def _cut(fault: str | None, span: Span, size_bytes: int) -> tuple[int, Ending]:
    """Return where a body really ends and what comes then.

    `http_403_middle` resets a request without a range that crosses its place, which it cannot answer in part.
    """
    if fault == "truncated":
        return span.first + span.size_bytes // 2, Ending.CLOSE
    endings = {"reset": Ending.RESET, "http_403_middle": Ending.RESET, "stall": Ending.HANG}
    quarter = size_bytes // 4
    if fault not in endings or span.end <= quarter:
        return span.end, Ending.NORMAL
    return max(span.first, quarter), endings[fault]


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
