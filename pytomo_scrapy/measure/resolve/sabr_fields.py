"""What a player's answer says of SABR, and as which client it was asked for: what a SABR session needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytomo_scrapy.items.sabr_source import SabrClient, SabrFormat, SabrSource
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.resolve.fields import mapping, positive, whole, word

# Numbers by which the protocol names clients, where a request's header does not say it.
# Source: yt-dlp, extractor/youtube/_base.py: INNERTUBE_CONTEXT_CLIENT_NAME.
_CLIENT_NUMBERS = {
    "WEB": 1,
    "MWEB": 2,
    "ANDROID": 3,
    "IOS": 5,
    "TVHTML5": 7,
    "ANDROID_VR": 28,
    "WEB_EMBEDDED_PLAYER": 56,
    "WEB_REMIX": 67,
    "VISIONOS": 101,
}
_NUMBER_HEADER = "x-youtube-client-name"
# Hosts of this domain have the same names in the other, which answers (WEB_CREATOR).
_OTHER_DOMAIN, _DOMAIN = ".c.youtube.com", ".googlevideo.com"
_HAS_ADDRESS = frozenset({"url", "signatureCipher", "cipher"})
_MARK = "&itag="
MAX_CONFIG_CHARS = 16_384
MAX_FORMATS = 200


def read_sabr_source(headers: Mapping[str, str], question: Any, answer: Any) -> SabrSource | None:
    """Return what the answer says of SABR. None where it names no address, or one that a script must be run for.

    `headers` are those of the request, `question` and `answer` what its body and the answer's say.
    """
    answer = mapping(mapping(answer).get("playerResponse") or answer)
    streaming = mapping(answer.get("streamingData"))
    request_config: Any = answer
    for name in ("playerConfig", "mediaCommonConfig", "mediaUstreamerRequestConfig"):
        request_config = mapping(mapping(request_config).get(name))
    url, config = word(streaming.get("serverAbrStreamingUrl")), word(request_config.get("videoPlaybackUstreamerConfig"))
    client = _read_client(headers, mapping(mapping(question).get("context")).get("client"))
    if url is None or config is None or client is None or len(config) > MAX_CONFIG_CHARS:
        return None
    parts = urlsplit(url)
    if "n" in parse_qs(parts.query):
        return None  # a challenge, which the service's own script solves
    if (parts.hostname or "").endswith(_OTHER_DOMAIN):
        url = url.replace(_OTHER_DOMAIN, _DOMAIN, 1)
    try:
        target = read_target(url)
    except ValueError:
        return None
    listed = streaming.get("adaptiveFormats")
    formats = [_read_format(mapping(entry)) for entry in (listed if isinstance(listed, list) else [])[:MAX_FORMATS]]
    found = tuple(media for media in formats if media is not None)
    return SabrSource(target.url, target.host, target.port, config, client, found)


def add_sabr_addresses(answer: Any, source: SabrSource) -> bool:
    """Give each format of an answer without any plain URL the address of SABR, so that yt-dlp chooses among them.

    Tells whether it did: where one has a URL, or a cipher of one, nothing is changed.
    """
    streaming = mapping(mapping(mapping(answer).get("playerResponse") or answer).get("streamingData"))
    listed = [streaming.get(name) for name in ("formats", "adaptiveFormats")]
    entries = [entry for part in listed if isinstance(part, list) for entry in part if isinstance(entry, dict)]
    if not entries or any(not _HAS_ADDRESS.isdisjoint(entry) for entry in entries):
        return False
    for entry in entries:
        entry["url"] = f"{source.url}{_MARK}{entry.get('itag')}"
    return True


def is_sabr_address(url: str, source: SabrSource) -> bool:
    """Tell whether `add_sabr_addresses` made a format's URL."""
    return url.startswith(source.url + _MARK)


def _read_client(headers: Mapping[str, str], named: Any) -> SabrClient | None:
    named = mapping(named)
    numbers = {name.lower(): value for name, value in headers.items()}
    number = whole(numbers.get(_NUMBER_HEADER)) or _CLIENT_NUMBERS.get(str(named.get("clientName")))
    version = word(named.get("clientVersion"))
    if number is None or version is None:
        return None
    return SabrClient(
        number=number,
        version=version,
        device_make=word(named.get("deviceMake")),
        device_model=word(named.get("deviceModel")),
        os_name=word(named.get("osName")),
        os_version=word(named.get("osVersion")),
        android_sdk=whole(named.get("androidSdkVersion")),
    )


def _read_format(entry: Mapping[Any, Any]) -> SabrFormat | None:
    itag, mime_type = whole(entry.get("itag")), word(entry.get("mimeType"))
    kind = (mime_type or "").partition("/")[0]
    if itag is None or mime_type is None or kind not in {"video", "audio"}:
        return None
    # Of a recording that still grows only its own players know the end.
    if entry.get("targetDurationSec") is not None:
        return None
    return SabrFormat(
        itag=itag,
        kind=kind,
        last_modified=whole(entry.get("lastModified")) or 0,
        xtags=word(entry.get("xtags")),
        height_px=whole(entry.get("height")),
        bitrate_bps=positive(entry.get("averageBitrate")) or positive(entry.get("bitrate")),
        size_bytes=whole(entry.get("contentLength")) or None,
        mime_type=mime_type[:200],
        is_drc=entry.get("isDrc") is True,
    )
