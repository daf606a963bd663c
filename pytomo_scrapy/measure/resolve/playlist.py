"""Reads an HLS media playlist into the parts of a stream. Text from the network: bounded in size and in time.

Source: RFC 8216 and its second edition (draft-pantos-hls-rfc8216bis), read by the library m3u8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from m3u8.parser import parse

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import MediaPart
from pytomo_scrapy.measure.net.redirects import read_target

MAX_PLAYLIST_BYTES = 8 * 1024 * 1024  # twelve hours of segments of two seconds, each with a signed address
MAX_PARTS = 50_000
# Of one stream together: relative addresses are short in the list and long behind it. They go from process to process.
MAX_ADDRESS_CHARS = 8 * 1024 * 1024
MAX_LINE_CHARS = 16_384
# The library compares every key and every header with all that came before.
MAX_KEYS = 1_000
MAX_SEGMENT_S = 3_600.0
_MARK = "#EXTM3U"
# Of keys that players fetch from anywhere. Any other format, and samples that are encrypted one by one, is a system of
# rights that gives its keys to whom it knows. Source: RFC 8216, 4.3.2.4.
_FETCHED_METHOD = "AES-128"
_FETCHED_FORMAT = "identity"


def read_playlist(text: str, url: str) -> tuple[MediaPart, ...]:
    """Return the parts of the stream that the media playlist from `url` lists, headers in front of what needs them.

    Raises MeasurementError: `broken_playlist` for what is none, or lists nothing; `live` where more is to come;
    `media_encrypted` or `drm_protected` where the segments are encrypted.
    """
    if not text.lstrip("\ufeff \r\n").startswith(_MARK):
        raise MeasurementError("broken_playlist", f"it does not begin with {_MARK}")
    if any(len(line) > MAX_LINE_CHARS for line in text.splitlines()):
        raise MeasurementError("broken_playlist", f"a line is longer than {MAX_LINE_CHARS} letters")
    if max(text.count("#EXT-X-KEY"), text.count("#EXT-X-MAP")) > MAX_KEYS:
        raise MeasurementError("broken_playlist", f"it has more than {MAX_KEYS} keys or headers")
    try:
        playlist = parse(text)
    except Exception as error:  # noqa: BLE001 - the library raises whatever a wrong value leads to
        raise MeasurementError("broken_playlist", f"{type(error).__name__}: {error}"[:200]) from None
    if playlist["is_variant"]:
        raise MeasurementError("broken_playlist", "it lists further playlists and no segments")
    if not playlist["is_endlist"] and playlist["playlist_type"] != "vod":
        raise MeasurementError("live", "the playlist has no end")
    _refuse_encrypted(playlist)
    parts = tuple(_parts(playlist["segments"], url))
    if all(part.is_header for part in parts):
        raise MeasurementError("broken_playlist", "it lists no segment")
    return bounded(parts)


def bounded(parts: tuple[MediaPart, ...]) -> tuple[MediaPart, ...]:
    """Return the parts. Raises MeasurementError `broken_playlist` where their addresses are too long together."""
    if sum(len(part.url) for part in parts) > MAX_ADDRESS_CHARS:
        raise MeasurementError("broken_playlist", f"its addresses have more than {MAX_ADDRESS_CHARS} letters together")
    return parts


def _refuse_encrypted(playlist: Mapping[str, Any]) -> None:
    for key in (*playlist["keys"], *playlist["session_keys"]):
        method = (key or {}).get("method", "NONE")
        if method == "NONE":
            continue
        key_format = key.get("keyformat") or _FETCHED_FORMAT
        is_fetched = method == _FETCHED_METHOD and key_format == _FETCHED_FORMAT
        raise MeasurementError("media_encrypted" if is_fetched else "drm_protected", f"{method}, key of {key_format}")


def _parts(segments: list[dict[str, Any]], url: str) -> Iterator[MediaPart]:
    header, start_s, run = None, 0.0, 0
    ends: dict[str, int] = {}  # of the last range of each resource: the next one may begin there without saying so
    for number, segment in enumerate(segments):
        if "uri" not in segment:
            break  # the parts of a segment that a live playlist is about to list
        if number >= MAX_PARTS:
            raise MeasurementError("broken_playlist", f"it lists more than {MAX_PARTS} segments")
        duration_s = segment.get("duration")
        if duration_s is None or not 0 <= duration_s <= MAX_SEGMENT_S or math.isnan(duration_s):
            raise MeasurementError("broken_playlist", f"segment {number} has no usable length")
        run += bool(segment.get("discontinuity")) and number > 0
        section = segment.get("init_section")
        if section and section.get("uri") and section != header:
            header = section
            where = _address(section["uri"], url)
            yield MediaPart(where, start_s, None, *_range(section.get("byterange"), where, {}), run=run)
        where = _address(segment["uri"], url)
        span = _range(segment.get("byterange"), where, ends)
        if not segment.get("gap_tag"):  # of which the service says itself that it has no media
            yield MediaPart(where, start_s, duration_s, *span, run=run)
        start_s += duration_s


def _address(uri: str, url: str) -> str:
    try:
        return read_target(urljoin(url, uri)).url
    except ValueError:
        raise MeasurementError("broken_playlist", "a segment's address is no http or https URL") from None


def _range(text: str | None, where: str, ends: dict[str, int]) -> tuple[int | None, int | None]:
    """Return the first byte and the one behind the last of `LENGTH[@OFFSET]`; both None where all is meant."""
    if not text:
        return None, None
    length, _, offset = text.strip('"').partition("@")
    if not _is_count(length) or not (_is_count(offset) if offset else where in ends) or not int(length):
        raise MeasurementError("broken_playlist", "a range of bytes that is none")
    start = int(offset) if offset else ends[where]
    ends[where] = start + int(length)
    return start, ends[where]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
