"""Reads the segments of every quality: the index at a file's head, or an HLS playlist.

Before an adaptive window, and after any other of which the ladder is to be known. A player reads them as it needs them;
before a window they are there at t0. Their bytes count as the video's, not as the window's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import pycurl

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.media.boxes import read_layout
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.net.private_addresses import GuardedSockets
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.net.request_fields import header_lines
from pytomo_scrapy.measure.resolve.playlist import MAX_PLAYLIST_BYTES, read_playlist
from pytomo_scrapy.measure.resolve.playlist_fetch import fetch_text
from pytomo_scrapy.measure.window.curl_transfers import lead_to
from pytomo_scrapy.measure.window.live_ladder import LivePlan, Rung, make_ladder, read_rung

HEAD_BYTES = 4 * 1024  # asked for first: header and index of ten minutes; then twice as much, and so on
MAX_HEAD_BYTES = 1024 * 1024
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ListCost:
    """What it cost to read the lists of segments: body bytes, and requests."""

    received_bytes: int = 0
    request_count: int = 0

    def plus(self, received_bytes: int, request_count: int) -> ListCost:
        """Return the cost with that of one more list."""
        return ListCost(self.received_bytes + received_bytes, self.request_count + request_count)


def read_lists(
    rungs: Sequence[MediaFormat], chosen: Mapping[str, str], config: DownloadConfig, player: str
) -> tuple[LivePlan | None, ListCost]:
    """Return what an adaptive window chooses among, and what it cost to read that.

    A quality whose segments cannot be had is left out; None where no picture is left. Blocks for TIMEOUT_S a request.
    The player's parameters are still to be given.
    """
    found: list[Rung] = []
    cost = ListCost()
    handle = pycurl.Curl()
    try:
        for media in rungs:
            head = b""
            if media.delivery == "file":
                head, request_count = _head(handle, media, chosen, config)
                cost = cost.plus(len(head), request_count)
            elif not media.parts:
                media, length = _with_parts(media, config)
                cost = cost.plus(length, 1)
            rung = read_rung(media, head) if media.parts or head else None
            found += [rung] if rung is not None else []
    finally:
        handle.close()
    ladder = make_ladder(found)
    return (LivePlan(*ladder, player, {}) if ladder is not None else None), cost


def _with_parts(media: MediaFormat, config: DownloadConfig) -> tuple[MediaFormat, int]:
    try:
        text, url = fetch_text(media.url, media.http_headers, config.path, TIMEOUT_S, MAX_PLAYLIST_BYTES)
        parts = read_playlist(text, url)
    except MeasurementError:
        return media, 0
    target = read_target(parts[0].url)
    return replace(media, parts=parts, url=target.url, host=target.host, port=target.port), len(text)


def _head(
    handle: pycurl.Curl, media: MediaFormat, chosen: Mapping[str, str], config: DownloadConfig
) -> tuple[bytes, int]:
    """Return the first bytes of a file, as many as its index needs, and the requests for them.

    Empty where it cannot be had.
    """
    head, wanted, request_count = b"", HEAD_BYTES, 0
    while len(head) < wanted <= MAX_HEAD_BYTES:
        request_count += 1
        more = _range(handle, media, (len(head), wanted - 1), chosen, config)
        if not more:
            break
        head += more
        layout = read_layout(BytesIO(head), len(head), media.declared_size_bytes)
        if layout.segments or layout.fragments or (layout.container != "mp4" and layout.container != "webm"):
            break
        wanted *= 2
    return head, request_count


def _range(
    handle: pycurl.Curl,
    media: MediaFormat,
    span: tuple[int, int],
    chosen: Mapping[str, str],
    config: DownloadConfig,
) -> bytes:
    target, proxy, body = read_target(media.url), proxy_for(media.url, config.path), bytearray()

    def receive(more: bytes) -> int:
        body.extend(more)
        return len(more) if len(body) <= span[1] - span[0] + 1 else -1

    lead_to(handle, target, chosen.get(target.host), proxy, config)
    sockets = GuardedSockets(config.path, is_direct=proxy is None)
    handle.setopt(pycurl.OPENSOCKETFUNCTION, sockets.open)
    handle.setopt(pycurl.TIMEOUT_MS, int(TIMEOUT_S * 1000))
    handle.setopt(pycurl.HTTPHEADER, header_lines(media.http_headers))
    handle.setopt(pycurl.RANGE, f"{span[0]}-{span[1]}")
    handle.setopt(pycurl.WRITEFUNCTION, receive)
    try:
        handle.perform()
        is_range = handle.getinfo(pycurl.RESPONSE_CODE) == 206
    except pycurl.error:
        is_range = False
    finally:
        sockets.close()
    return bytes(body) if is_range else b""
