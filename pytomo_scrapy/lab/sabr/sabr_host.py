"""SABR at a media host: from the request of a client to the answer on its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from pytomo_scrapy.lab.clips.clip import Clip
from pytomo_scrapy.lab.http.request_heads import RequestHead
from pytomo_scrapy.lab.http.transfers import Answer, Ending, plain_answer
from pytomo_scrapy.lab.model import LabVideo
from pytomo_scrapy.lab.sabr.behaviours import BEHAVIOURS
from pytomo_scrapy.lab.sabr.sabr_answers import SabrMedia, ServedFile, answer_request
from pytomo_scrapy.lab.sabr.segment_list import read_segments

UMP_TYPE = "application/vnd.yt-ump"
MAX_POSTED_BYTES = 64 * 1024
_REDIRECTED = "redirected"


@dataclass(frozen=True, slots=True)
class SabrPlace:
    """Where a request came in, and the host that a redirect would lead to."""

    request: RequestHead
    port: int
    other_host: str | None


@dataclass(frozen=True, slots=True)
class SabrVideo:
    """What is asked for: a video, its files' contents by itag, and where its guest is cut off."""

    video: LabVideo
    clip: Clip
    contents: Mapping[int, memoryview]
    gate_at_ms: int | None = None


async def read_posted(request: RequestHead, reader: asyncio.StreamReader) -> bytes:
    """Return the body of a request. Empty where it has none, or one that is too long to be read."""
    length = request.headers.get("content-length", "")
    if request.method != "POST" or not length.isdigit() or int(length) > MAX_POSTED_BYTES:
        return b""
    return await reader.readexactly(int(length))


def sabr_answer(place: SabrPlace, asked: SabrVideo, posted: bytes, now_s: float) -> Answer:
    """Return the answer to a request whose URL is good."""
    behaviour = BEHAVIOURS[asked.video.sabr]
    if asked.gate_at_ms is not None:
        behaviour = replace(behaviour, gate_at_ms=min(asked.gate_at_ms, behaviour.gate_at_ms or asked.gate_at_ms))
    files = []
    for stream in asked.clip.streams:
        index = read_segments(stream, asked.contents[stream.itag])
        if index is not None:
            files.append(ServedFile(stream, asked.contents[stream.itag], index))
    if not files:
        return plain_answer(404, "no such video over SABR")
    media = SabrMedia(asked.video.video_id, tuple(files), behaviour, _redirect_url(place, asked.video))
    found = answer_request(posted, media, now_s)
    if found.status != 200:
        return plain_answer(found.status, "refused")
    # Without a length, as the service sends it: a chunk, and the end that a cut answer lacks.
    body = f"{len(found.body):x}\r\n".encode() + found.body + (b"" if found.is_cut else b"\r\n0\r\n\r\n")
    return Answer(
        200,
        [("Content-Type", UMP_TYPE), ("Transfer-Encoding", "chunked"), ("Cache-Control", "no-cache")],
        memoryview(body),
        # A session's first request starts the host's own time anew.
        first_byte=0 if place.request.query.get("rn", "0") in {"0", "1"} else 1,
        ending=Ending.CLOSE if found.is_cut else Ending.NORMAL,
        is_chunked=True,
    )


def _redirect_url(place: SabrPlace, video: LabVideo) -> str | None:
    behaviour, query = BEHAVIOURS[video.sabr], dict(place.request.query)
    count = int(query.get(_REDIRECTED, "0")) if query.get(_REDIRECTED, "0").isdigit() else 0
    if not behaviour.is_redirected_for_ever and not (behaviour.is_redirected and count == 0):
        return None
    query.pop("rn", None)
    query[_REDIRECTED] = str(count + 1)
    host = place.request.host if behaviour.is_redirected_for_ever else place.other_host or place.request.host
    return f"https://{host}:{place.port}/videoplayback?{urlencode(query)}"
