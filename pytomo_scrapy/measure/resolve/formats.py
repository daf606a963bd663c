"""Media formats out of yt-dlp's answer: which are chosen, and what their URLs say about the delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytomo_scrapy.items import MediaFormat, ServiceHints
from pytomo_scrapy.measure.net.cache_site import read_cache_site
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.resolve.fields import mapping, moment, positive, whole, word

Format = Mapping[str, Any]
Selector = Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]]

_KIND_ORDER = {"muxed": 0, "video": 1, "audio": 2}


def only_direct(select: Selector) -> Selector:
    """Wrap yt-dlp's format selector so that it sees only what one HTTP client can fetch by ranges.

    Storyboards, manifests and fragment lists are left out: `http_dash_segments` would pass a selector's
    `[protocol^=http]`. Variants with compressed loudness (DRC) come in only where nothing else fits.
    """

    def choose(context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        direct = [entry for entry in context["formats"] if _is_direct(entry)]
        plain = [entry for entry in direct if "drc" not in str(entry.get("format_id")).split("-")]
        for pool in (plain, direct):
            chosen = list(select({**context, **_pool_context(pool)})) if pool else []
            if chosen:
                return iter(chosen)
        return iter(())

    return choose


def _is_direct(entry: Format) -> bool:
    return (
        str(entry.get("protocol")) in {"http", "https"}
        and not entry.get("fragments")
        and not entry.get("has_drm")
        and not (entry.get("vcodec") == "none" and entry.get("acodec") == "none")
        and _is_address(entry.get("url"))
    )


def _is_address(url: object) -> bool:
    try:
        return isinstance(url, str) and bool(read_target(url).host)
    except ValueError:
        return False  # no host, or a port that is none


def _pool_context(pool: list[dict[str, Any]]) -> dict[str, Any]:
    # What yt-dlp's `_select_formats` derives from the formats, which are fewer here.
    return {
        "formats": pool,
        "has_merged_format": any("none" not in (entry.get("acodec"), entry.get("vcodec")) for entry in pool),
        "incomplete_formats": all(entry.get("vcodec") == "none" for entry in pool)
        or all(entry.get("acodec") == "none" for entry in pool),
    }


def media_formats(info: Format, cookie_header: Callable[[str], str | None]) -> tuple[MediaFormat, ...]:
    """Return the chosen formats, the video first: one of each kind, or the muxed one alone."""
    chosen = info.get("requested_formats") or ([info] if info.get("url") else [])
    by_kind: dict[str, MediaFormat] = {}
    for entry in chosen:
        if _is_direct(entry):
            media = media_format(entry, cookie_header(entry["url"]))
            by_kind.setdefault(media.kind, media)
    return tuple(sorted(by_kind.values(), key=lambda media: _KIND_ORDER[media.kind]))


def direct_format(entry: Format, cookie_header: Callable[[str], str | None]) -> MediaFormat | None:
    """Return a format that one HTTP client can fetch by ranges. None for any other, and for compressed loudness."""
    if not _is_direct(entry) or "drc" in str(entry.get("format_id")).split("-"):
        return None
    return media_format(entry, cookie_header(entry["url"]))


def media_format(entry: Format, cookies: str | None = None) -> MediaFormat:
    """Return one format of yt-dlp as ours; bit rates come in kbit/s there. Raises ValueError where its URL is none."""
    target = read_target(entry["url"])
    headers = {str(name): value for name, value in mapping(entry.get("http_headers")).items() if word(value)}
    if cookies:
        headers["Cookie"] = cookies
    bitrate = positive(entry.get("tbr")) or positive(entry.get("vbr")) or positive(entry.get("abr"))
    site = read_cache_site(target.host)
    return MediaFormat(
        kind=_kind(entry),
        format_id=str(entry.get("format_id") or ""),
        url=target.url,
        host=target.host,
        port=target.port,
        http_headers=headers,
        extension=word(entry.get("ext")),
        container=word(entry.get("container")),
        video_codec=_codec(entry.get("vcodec")),
        audio_codec=_codec(entry.get("acodec")),
        width_px=whole(entry.get("width")),
        height_px=whole(entry.get("height")),
        frame_rate_fps=positive(entry.get("fps")),
        declared_bitrate_bps=bitrate * 1000 if bitrate else None,
        declared_size_bytes=whole(entry.get("filesize")) or None,
        chunk_bytes=whole(mapping(entry.get("downloader_options")).get("http_chunk_size")) or None,
        available_at=moment(entry.get("available_at")),
        hints=hints_of(target.url),
        cache_site=site.name if site else None,
        cache_airport=site.airport if site else None,
    )


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
