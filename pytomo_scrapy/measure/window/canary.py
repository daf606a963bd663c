"""The canary: one small range behind the first minute of media tells whether the service cuts this guest off.

It goes before the window, on a connection of its own, and decides nothing. Its URL is the window's, so its answer is
about the same guest; a guest that was asked so is marked (`is_identity_clean`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pycurl

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.net.clock import utc_now
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.net.private_addresses import GuardedSockets
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.net.request_fields import header_lines
from pytomo_scrapy.measure.window.curl_transfers import lead_to
from pytomo_scrapy.measure.window.head import ResponseHead
from pytomo_scrapy.measure.window.judge import Asked, judge_status
from pytomo_scrapy.measure.window.known_gate import REPORTED_GATE_MEDIA_S

CANARY_BYTES = 1024
# Bytes tell media time by the mean rate only, and the beginning of a video may take twice that.
RATE_MARGIN = 2.0
# A video must go on for so long behind the gate that its last bytes lie behind it for certain.
LEAST_BEHIND_S = 10.0
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Canary:
    """What became of one. `is_clean` None: the answer says nothing of the guest."""

    is_clean: bool | None
    said: str
    received_bytes: int = 0


def canary_range(media: MediaFormat, duration_s: float | None) -> tuple[int, int] | None:
    """Return the first and last byte to ask for. None where the file has none that lie behind the gate for certain."""
    size_bytes = media.declared_size_bytes
    if media.parts:
        return None  # no file, and no gate of that kind
    if duration_s is None or duration_s < REPORTED_GATE_MEDIA_S + LEAST_BEHIND_S:
        return None
    if size_bytes is None and media.declared_bitrate_bps is not None:
        size_bytes = int(media.declared_bitrate_bps * duration_s / 8)
    if size_bytes is None or size_bytes < 2 * CANARY_BYTES:
        return None
    by_rate = int(size_bytes * RATE_MARGIN * REPORTED_GATE_MEDIA_S / duration_s)
    first = min(by_rate, size_bytes - CANARY_BYTES)
    return first, first + CANARY_BYTES - 1


def ask_canary(media: MediaFormat, span: tuple[int, int], chosen: Mapping[str, str], config: DownloadConfig) -> Canary:
    """Ask for a small range of a media file. Blocks for TIMEOUT_S at most; raises nothing for trouble on the way."""
    target, proxy = read_target(media.url), proxy_for(media.url, config.path)
    handle, head, received = pycurl.Curl(), ResponseHead(), [0]

    def receive(body: bytes) -> int | None:
        received[0] += len(body)
        return None if received[0] <= MAX_ANSWER_BYTES else -1

    lead_to(handle, target, chosen.get(target.host), proxy, config)
    sockets = GuardedSockets(config.path, is_direct=proxy is None)
    handle.setopt(pycurl.OPENSOCKETFUNCTION, sockets.open)
    handle.setopt(pycurl.TIMEOUT_MS, int(TIMEOUT_S * 1000))
    handle.setopt(pycurl.HTTPHEADER, header_lines(media.http_headers))
    handle.setopt(pycurl.RANGE, f"{span[0]}-{span[1]}")
    handle.setopt(pycurl.HEADERFUNCTION, lambda line: None if head.feed(line) else -1)
    handle.setopt(pycurl.WRITEFUNCTION, receive)
    error = ""
    try:
        handle.perform()
    except pycurl.error as raised:
        error = f"curl error {raised.args[0]}"
    local_address = handle.getinfo(pycurl.LOCAL_IP) or None
    handle.close()
    sockets.close()
    asked = Asked(media.url, True, proxy is not None, local_address, head.date or utc_now())
    is_clean, said = _judge(head, asked, span)
    return Canary(is_clean, error if head.status is None else said, received[0])


def _judge(head: ResponseHead, asked: Asked, span: tuple[int, int]) -> tuple[bool | None, str]:
    if head.status is None:
        return None, "no answer"
    failure = judge_status(head.status, asked)
    if failure is not None:
        # Only the gate's own class speaks of the guest: an expired URL or a busy host does not.
        return False if failure[0] == "media_gated" else None, f"{failure[1]}: {failure[0]}"
    is_range = head.status == 206 and head.body_failure(span[0]) is None
    return True if is_range else None, f"HTTP {head.status}"
