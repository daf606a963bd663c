"""Streams of yt-dlp's answers in parts: fragments of DASH, playlists of HLS, and whose cookies go where."""

from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.resolve.delivery import dash_parts, parts_of
from pytomo_scrapy.measure.resolve.formats import media_formats

BASE = "https://cdn.example/dash/"


def entry(*fragments: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {"protocol": "http_dash_segments", "fragment_base_url": BASE, "url": BASE + "manifest.mpd"}
    return {**own, "format_id": "1", "vcodec": "avc1", "acodec": "none", "fragments": list(fragments), **more}


def test_first_fragment_without_a_length_is_the_header() -> None:
    parts = list(dash_parts(entry({"path": "init"}, {"path": "1", "duration": 4}, {"url": "/2", "duration": 2.5}), 6.5))
    assert [(part.url, part.start_s, part.duration_s) for part in parts] == [
        (BASE + "init", 0.0, None), (BASE + "1", 0.0, 4.0), ("https://cdn.example/2", 4.0, 2.5),
    ]  # fmt: skip


def test_fragments_without_lengths_share_that_of_the_video() -> None:
    parts = list(dash_parts(entry(*({"path": str(number)} for number in range(4))), 10.0))
    assert [(part.start_s, part.duration_s) for part in parts] == [(0.0, 2.5), (2.5, 2.5), (5.0, 2.5), (7.5, 2.5)]


@pytest.mark.parametrize(
    "fragments",
    [
        [{"path": "1"}],  # nobody says how long the video is
        [{"path": "1", "duration": 4}, {"path": "2"}],
        [{"path": "1", "duration": 4e9}],
        [{"path": "1", "duration": 4}, {"duration": 4}],
        [{"path": "1", "duration": 4}, {"url": "ftp://cdn.example/2", "duration": 4}],
        [{"path": "1", "duration": 4}, None],
    ],
)
def test_fragments_of_no_use_are_a_broken_list(fragments: list[Any]) -> None:
    with pytest.raises(MeasurementError) as raised:
        list(dash_parts(entry(*fragments), None))
    assert raised.value.failure == "broken_playlist"


def test_format_in_segments_has_the_host_and_the_cookies_of_its_first_segment() -> None:
    info = entry({"url": "https://media.example:8443/1", "duration": 4})
    cookies = {"https://media.example:8443/1": "segments=1", BASE + "manifest.mpd": "manifest=1"}
    (media,) = media_formats(info, cookies.get, lambda url, headers: ("", url))
    assert (media.host, media.port, media.delivery, media.http_headers["Cookie"]) == (
        "media.example", 8443, "dash", "segments=1",
    )  # fmt: skip
    assert "segments" not in repr(media) and "media.example:8443" not in repr(media)


def test_playlist_is_asked_for_with_its_own_hosts_cookies_and_read_where_redirects_led() -> None:
    asked: list[tuple[str, str | None]] = []

    def fetch(url: str, headers: Any) -> tuple[str, str]:
        asked.append((url, headers.get("Cookie")))
        return "#EXTM3U\n#EXTINF:4,\n0.ts\n#EXT-X-ENDLIST\n", "https://edge.example/7/index.m3u8"

    hls = {"protocol": "m3u8_native", "format_id": "1", "url": "https://site.example/list.m3u8", "vcodec": "avc1"}
    (media,) = media_formats(hls, {"https://site.example/list.m3u8": "a=1"}.get, fetch)
    assert asked == [("https://site.example/list.m3u8", "a=1")]
    assert (media.url, media.delivery, media.kind) == ("https://edge.example/7/0.ts", "hls", "muxed")
    assert "Cookie" not in media.http_headers


def test_file_has_no_parts() -> None:
    assert (
        parts_of({"protocol": "https", "url": "https://cdn.example/v"}, {}, None, lambda url, headers: ("", url)) == ()
    )
