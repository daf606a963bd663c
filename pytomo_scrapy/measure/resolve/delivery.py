"""How a stream of yt-dlp's answer is delivered: as one file, or in parts by an HLS playlist or DASH segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import MediaPart
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.resolve.fields import mapping, positive, word
from pytomo_scrapy.measure.resolve.playlist import MAX_PARTS, MAX_SEGMENT_S, bounded, read_playlist

Entry = Mapping[str, Any]
# (address, headers) to the text there and the address that redirects led to. Raises MeasurementError.
Fetch = Callable[[str, Mapping[str, str]], tuple[str, str]]

# By yt-dlp's word for how it would download a format; a generator of segments is a live broadcast.
_DELIVERIES = {"http": "file", "https": "file", "m3u8": "hls", "m3u8_native": "hls", "http_dash_segments": "dash"}


def delivery_of(entry: Entry) -> str | None:
    """Return "file", "hls" or "dash". None where no HTTP client alone can fetch the format."""
    delivery = _DELIVERIES.get(str(entry.get("protocol")))
    has_fragments = bool(entry.get("fragments"))
    if delivery == "file":
        return "dash" if has_fragments else "file"
    return None if delivery == "dash" and not has_fragments else delivery


def first_address(entry: Entry) -> str:
    """Return the address of the file, the playlist or the first segment. Raises ValueError where there is none."""
    if delivery_of(entry) == "dash":
        return _address(entry, mapping(entry["fragments"][0]))
    return read_target(entry["url"]).url


def parts_of(entry: Entry, headers: Mapping[str, str], duration_s: float | None, fetch: Fetch) -> tuple[MediaPart, ...]:
    """Return the parts of a format; none of one that is a file.

    Raises MeasurementError as `fetch` and `read_playlist` do, and `broken_playlist` for fragments without an address.
    """
    delivery = delivery_of(entry)
    if delivery == "hls":
        text, url = fetch(first_address(entry), headers)
        return read_playlist(text, url)
    return bounded(tuple(dash_parts(entry, duration_s))) if delivery == "dash" else ()


def dash_parts(entry: Entry, duration_s: float | None) -> Iterator[MediaPart]:
    """Yield the parts that yt-dlp's `fragments` list: the first without a length, where others have one, is the header.

    Where none has a length they share that of the video. Raises MeasurementError `broken_playlist`.
    """
    fragments = [mapping(fragment) for fragment in islice(entry["fragments"], MAX_PARTS)]
    lengths = [positive(fragment.get("duration")) for fragment in fragments]
    has_lengths = any(length is not None for length in lengths)
    share_s = duration_s / len(fragments) if duration_s else None
    start_s = 0.0
    for number, (fragment, length_s) in enumerate(zip(fragments, lengths, strict=True)):
        if not has_lengths:
            length_s = share_s
        is_header = has_lengths and length_s is None and number == 0
        if not is_header and (length_s is None or length_s > MAX_SEGMENT_S):
            raise MeasurementError("broken_playlist", f"segment {number} has no usable length")
        try:
            where = _address(entry, fragment)
        except ValueError:
            raise MeasurementError("broken_playlist", "a segment's address is no http or https URL") from None
        yield MediaPart(where, start_s, None if is_header else length_s)
        start_s += length_s or 0.0


def _address(entry: Entry, fragment: Entry) -> str:
    base = word(entry.get("fragment_base_url")) or word(entry.get("url")) or ""
    where = word(fragment.get("url")) or word(fragment.get("path"))
    if where is None:
        raise ValueError("no address")
    return read_target(urljoin(base, where)).url
