"""Media formats out of yt-dlp's answer: which are chosen, and what their URLs say about the delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import MediaFormat, MediaPart, ServiceHints
from pytomo_scrapy.measure.net.cache_site import read_cache_site
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.resolve.delivery import Fetch, dash_parts, delivery_of, first_address, parts_of
from pytomo_scrapy.measure.resolve.fields import mapping, moment, positive, video_length_s, whole, word

Format = Mapping[str, Any]
CookieHeader = Callable[[str], str | None]
Selector = Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]]

MAX_RUNG_CHARS = 512 * 1024  # of the addresses of one quality's segments: two dozen of them go from process to process
_KIND_ORDER = {"muxed": 0, "video": 1, "audio": 2}


def only_fetchable(select: Selector) -> Selector:
    """Wrap yt-dlp's format selector so that it sees only what an HTTP client can fetch.

    Files come first, what is delivered in segments (HLS, DASH) where no file fits. Storyboards and live broadcasts are
    left out. Variants with compressed loudness (DRC) come in only where nothing else fits.
    """

    def choose(context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        fetchable = [entry for entry in context["formats"] if _is_fetchable(entry)]
        direct = [entry for entry in fetchable if delivery_of(entry) == "file"]
        if _is_incomplete(direct) and not _is_incomplete(fetchable):
            direct = []  # sound alone, say, beside an HLS list of the video
        tried: list[list[dict[str, Any]]] = [[]]
        for pool in (_plain(direct), direct, _plain(fetchable), fetchable):
            chosen = list(select({**context, **_pool_context(pool)})) if pool not in tried else []
            if chosen:
                return iter(chosen)
            tried.append(pool)
        return iter(())

    return choose


def _plain(pool: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in pool if "drc" not in str(entry.get("format_id")).split("-")]


def _is_fetchable(entry: Format) -> bool:
    return (
        delivery_of(entry) is not None
        and not entry.get("has_drm")
        and not (entry.get("vcodec") == "none" and entry.get("acodec") == "none")
        and _has_address(entry)
    )


def _has_address(entry: Format) -> bool:
    try:
        return bool(first_address(entry))
    except (ValueError, TypeError, LookupError, AttributeError):
        return False  # no host, or a port that is none


def _pool_context(pool: list[dict[str, Any]]) -> dict[str, Any]:
    # What yt-dlp's `_select_formats` derives from the formats, which are fewer here.
    return {
        "formats": pool,
        "has_merged_format": any("none" not in (entry.get("acodec"), entry.get("vcodec")) for entry in pool),
        "incomplete_formats": _is_incomplete(pool),
    }


def _is_incomplete(pool: list[dict[str, Any]]) -> bool:
    """Tell whether there is no picture among the formats, or no sound."""
    return any(all(entry.get(codec) == "none" for entry in pool) for codec in ("vcodec", "acodec"))


def media_formats(info: Format, cookie_header: CookieHeader, fetch: Fetch) -> tuple[MediaFormat, ...]:
    """Return the chosen formats, the video first: one of each kind, or the muxed one alone; with their segments.

    Raises MeasurementError where a list of segments cannot be had or is of no use.
    """
    chosen = info.get("requested_formats") or ([info] if _has_address(info) else [])
    by_kind: dict[str, MediaFormat] = {}
    for entry in chosen:
        if _is_fetchable(entry) and _kind(entry) not in by_kind:
            parts = parts_of(entry, _headers(entry, cookie_header), video_length_s(info.get("duration")), fetch)
            by_kind[_kind(entry)] = media_format(entry, cookie_header, parts)
    return tuple(sorted(by_kind.values(), key=lambda media: _KIND_ORDER[media.kind]))


def declared_format(entry: Format, cookie_header: CookieHeader, duration_s: float | None) -> MediaFormat | None:
    """Return a format that an HTTP client can fetch. None for any other, and for compressed loudness.

    The segments of HLS are not asked for: its address is that of the playlist.
    """
    if not _is_fetchable(entry) or not _plain([dict(entry)]):
        return None
    try:
        parts = tuple(dash_parts(entry, duration_s)) if delivery_of(entry) == "dash" else ()
    except MeasurementError:
        return None
    if sum(len(part.url) for part in parts) > MAX_RUNG_CHARS:
        return None
    return media_format(entry, cookie_header, parts)


def media_format(entry: Format, cookie_header: CookieHeader, parts: tuple[MediaPart, ...] = ()) -> MediaFormat:
    """Return one format of yt-dlp as ours; bit rates come in kbit/s there. Raises ValueError where its URL is none."""
    target = read_target(parts[0].url if parts else entry["url"])
    bitrate = positive(entry.get("tbr")) or positive(entry.get("vbr")) or positive(entry.get("abr"))
    site = read_cache_site(target.host)
    return MediaFormat(
        kind=_kind(entry),
        format_id=str(entry.get("format_id") or ""),
        url=target.url,
        host=target.host,
        port=target.port,
        http_headers=_headers(entry, cookie_header, target.url),
        extension=word(entry.get("ext")),
        container=word(entry.get("container")),
        video_codec=_codec(entry.get("vcodec")),
        audio_codec=_codec(entry.get("acodec")),
        width_px=whole(entry.get("width")),
        height_px=whole(entry.get("height")),
        frame_rate_fps=positive(entry.get("fps")),
        declared_bitrate_bps=bitrate * 1000 if bitrate else None,
        declared_size_bytes=None if parts else whole(entry.get("filesize")) or None,
        chunk_bytes=None if parts else whole(mapping(entry.get("downloader_options")).get("http_chunk_size")) or None,
        available_at=moment(entry.get("available_at")),
        hints=hints_of(target.url),
        cache_site=site.name if site else None,
        cache_airport=site.airport if site else None,
        delivery=delivery_of(entry),
        parts=parts,
    )


def _headers(entry: Format, cookie_header: CookieHeader, url: str | None = None) -> dict[str, str]:
    """Return the header fields for `url`, by default the format's own: cookies are those of its host."""
    headers = {str(name): value for name, value in mapping(entry.get("http_headers")).items() if word(value)}
    if cookies := cookie_header(url or first_address(entry)):
        headers["Cookie"] = cookies
    return headers


def _kind(entry: Format) -> str:
    if entry.get("vcodec") == "none":
        return "audio"
    return "video" if entry.get("acodec") == "none" else "muxed"


def _codec(name: object) -> str | None:
    return None if name == "none" else word(name)


def hints_of(url: str) -> ServiceHints:
    """Return what a media URL says of its delivery. `initcwndbps` counts bytes per second, whatever its name says."""
    query = _signed_query(url)

    def value(name: str) -> str | None:
        return query.get(name, [None])[0]

    caches = (value("mn") or "").split(",")
    estimate = _whole(value("initcwndbps"))
    return ServiceHints(
        primary_cache=caches[0] or None,
        fallback_cache=caches[1] if len(caches) > 1 else None,
        cache_kind=value("mm"),
        cache_status=value("ms"),
        prefix_length=_whole(value("pl")),
        service_estimate_bps=estimate * 8 if estimate is not None else None,
        client=value("c"),
        experiments=value("fexp"),
    )


def client_address_of(url: str) -> str | None:
    """Return the address that the service signed into a media URL: the window's exit address must be the same."""
    return _signed_query(url).get("ip", [None])[0]


def _signed_query(url: str) -> dict[str, list[str]]:
    # Other sites' parameters may have the same names and mean anything.
    parts = urlsplit(url)
    return parse_qs(parts.query) if parts.path == "/videoplayback" else {}


def _whole(text: str | None) -> int | None:
    return whole(text) if text and text.isascii() and text.isdigit() else None
