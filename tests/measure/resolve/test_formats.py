"""Media formats out of hand-made answers of yt-dlp: which are chosen, and what their URLs say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from pytomo_scrapy.items import ServiceHints
from pytomo_scrapy.measure.resolve.formats import (
    client_address_of,
    hints_of,
    media_format,
    media_formats,
    only_fetchable,
)

MEDIA = "https://rr1---sn-25ge7nsk.googlevideo.com/videoplayback"


def make_entry(**overrides: Any) -> dict[str, Any]:
    values = {"format_id": "18", "url": MEDIA, "protocol": "https", "vcodec": "avc1", "acodec": "mp4a"}
    return {**values, **overrides}


def no_cookies(url: str) -> str | None:
    return None


def no_fetch(url: str, headers: Mapping[str, str]) -> tuple[str, str]:
    raise AssertionError(f"nothing is to be fetched from {url}")


class Selector:
    """Stands in for yt-dlp's: takes what `wanted` names, and notes what it was shown."""

    def __init__(self, *wanted: str) -> None:
        self.wanted = wanted
        self.shown: list[Mapping[str, Any]] = []

    def __call__(self, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        self.shown.append(context)
        return iter([entry for entry in context["formats"] if entry["format_id"] in self.wanted])


@pytest.mark.parametrize(
    ("overrides", "is_fetchable"),
    [
        ({}, True),
        ({"protocol": "http"}, True),
        ({"vcodec": "none"}, True),
        ({"acodec": "none"}, True),
        ({"vcodec": "none", "acodec": "none"}, False),  # a storyboard
        ({"protocol": "m3u8_native"}, True),
        ({"protocol": "m3u8"}, True),
        ({"protocol": "http_dash_segments", "fragments": [{"url": MEDIA}]}, True),
        ({"protocol": "http_dash_segments", "fragments": [{"path": "1"}], "fragment_base_url": MEDIA}, True),
        ({"protocol": "http_dash_segments", "url": None, "fragments": [{"path": "1"}]}, False),  # nowhere
        ({"protocol": "http_dash_segments"}, False),  # its segments are not told
        ({"protocol": "http_dash_segments_generator", "fragments": [{"url": MEDIA}]}, False),  # a live broadcast
        ({"protocol": None}, False),
        ({"protocol": "rtmp"}, False),
        ({"fragments": [{"path": "1"}]}, True),
        ({"fragments": []}, True),
        ({"has_drm": True}, False),
        ({"url": None}, False),
        ({"url": "videoplayback"}, False),  # no host to connect to
    ],
)
def test_selector_sees_only_what_an_http_client_can_fetch(overrides: dict[str, Any], is_fetchable: bool) -> None:
    chosen = list(only_fetchable(Selector("18"))({"formats": [make_entry(**overrides)]}))
    assert len(chosen) == is_fetchable


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen", "asked_count"),
    [
        (["140", "140-drc"], ("140", "140-drc"), ["140"], 1),  # the plain one is enough
        (["140-drc"], ("140-drc",), ["140-drc"], 1),
        (["140", "140-drc"], ("140-drc",), ["140-drc"], 2),  # nothing plain fits: then all are offered
        (["drcaudio"], ("drcaudio",), ["drcaudio"], 1),  # a name that only begins so
        (["140"], (), [], 1),  # no more to offer
        ([], ("140",), [], 0),
    ],
)
def test_selector_takes_compressed_loudness_only_where_nothing_else_fits(
    offered: list[str], wanted: tuple[str, ...], chosen: list[str], asked_count: int
) -> None:
    select = Selector(*wanted)
    found = only_fetchable(select)({"formats": [make_entry(format_id=name) for name in offered]})
    assert [entry["format_id"] for entry in found] == chosen
    assert len(select.shown) == asked_count


def test_selector_is_offered_segments_only_where_no_file_fits() -> None:
    file, playlist = make_entry(format_id="file"), make_entry(format_id="hls", protocol="m3u8_native")
    select = Selector("file", "hls")
    assert [entry["format_id"] for entry in only_fetchable(select)({"formats": [playlist, file]})] == ["file"]
    select = Selector("hls")
    assert [entry["format_id"] for entry in only_fetchable(select)({"formats": [playlist, file]})] == ["hls"]
    assert [[entry["format_id"] for entry in shown["formats"]] for shown in select.shown] == [["file"], ["hls", "file"]]


def test_sound_alone_as_a_file_is_no_reason_to_pass_over_the_video_in_segments() -> None:
    sound = make_entry(format_id="sound", vcodec="none")
    playlist = make_entry(format_id="hls", protocol="m3u8_native")
    chosen = only_fetchable(Selector("sound", "hls"))({"formats": [sound, playlist]})
    assert [entry["format_id"] for entry in chosen] == ["sound", "hls"]


VIDEO, AUDIO, MUXED = {"acodec": "none"}, {"vcodec": "none"}, dict[str, str]()


@pytest.mark.parametrize(
    ("kinds", "has_merged_format", "incomplete_formats"),
    [
        ([VIDEO, AUDIO], False, False),
        ([VIDEO, VIDEO], False, True),
        ([AUDIO], False, True),
        ([MUXED], True, False),
        ([MUXED, AUDIO], True, False),
    ],
)
def test_selector_is_told_what_the_direct_formats_are_together(
    kinds: list[dict[str, str]], has_merged_format: bool, incomplete_formats: bool
) -> None:
    """A broadcast's list would be a merged format: it must not count."""
    select = Selector("18")
    broadcast = make_entry(protocol="rtmp")
    context = {"formats": [broadcast, *(make_entry(**kind) for kind in kinds)], "ctx": 1}
    list(only_fetchable(select)(context))
    (shown,) = select.shown
    assert (shown["has_merged_format"], shown["incomplete_formats"], shown["ctx"]) == (
        has_merged_format, incomplete_formats, 1,
    )  # fmt: skip


# What was chosen.


@pytest.mark.parametrize(
    ("info", "kinds"),
    [
        ({"requested_formats": [make_entry(vcodec="none"), make_entry(acodec="none")]}, ["video", "audio"]),
        ({"requested_formats": [make_entry(vcodec="none"), make_entry(vcodec="none")]}, ["audio"]),
        ({"requested_formats": [make_entry(protocol="rtmp"), make_entry(acodec="none")]}, ["video"]),
        ({"requested_formats": None, **make_entry()}, ["muxed"]),
        (make_entry(protocol="rtmp"), []),
        ({}, []),
    ],
)
def test_formats_are_one_of_a_kind_the_video_first(info: dict[str, Any], kinds: list[str]) -> None:
    assert [media.kind for media in media_formats(info, no_cookies, no_fetch)] == kinds


def test_first_of_two_formats_of_a_kind_counts() -> None:
    info = {"requested_formats": [make_entry(format_id="a", vcodec="none"), make_entry(format_id="b", vcodec="none")]}
    assert [media.format_id for media in media_formats(info, no_cookies, no_fetch)] == ["a"]


def test_cookies_of_a_format_are_asked_for_by_its_own_url() -> None:
    other = "https://other.example/v"
    info = {"requested_formats": [make_entry(acodec="none"), make_entry(vcodec="none", url=other)]}
    video, audio = media_formats(info, {other: "consent=1"}.get, no_fetch)
    assert ("Cookie" in video.http_headers, audio.http_headers["Cookie"]) == (False, "consent=1")


@pytest.mark.parametrize(
    ("overrides", "field", "value"),
    [
        ({}, "host", "rr1---sn-25ge7nsk.googlevideo.com"),
        ({}, "port", 443),
        ({"url": "http://a.example/v"}, "port", 80),
        ({"url": "http://a.example:8080/v"}, "port", 8080),
        # kbit/s there, bit/s here: the total, else the video's, else the audio's.
        ({"tbr": 1000.5, "vbr": 900, "abr": 128}, "declared_bitrate_bps", 1_000_500.0),
        ({"vbr": 900, "abr": 128}, "declared_bitrate_bps", 900_000.0),
        ({"tbr": 0, "abr": 128}, "declared_bitrate_bps", 128_000.0),
        ({}, "declared_bitrate_bps", None),
        ({"fps": 30}, "frame_rate_fps", 30.0),
        ({"fps": 0}, "frame_rate_fps", None),
        ({"vcodec": "none"}, "video_codec", None),
        ({"vcodec": None}, "video_codec", None),
        ({"vcodec": "avc1.4d401e"}, "video_codec", "avc1.4d401e"),
        ({"acodec": "none"}, "audio_codec", None),
        ({"format_id": None}, "format_id", ""),
        ({"format_id": 18}, "format_id", "18"),
        ({"downloader_options": {"http_chunk_size": 10_485_760}}, "chunk_bytes", 10_485_760),
        ({"downloader_options": None}, "chunk_bytes", None),
        ({"available_at": 1_700_000_000}, "available_at", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ({"available_at": 0}, "available_at", None),
        ({"filesize": 77}, "declared_size_bytes", 77),
        ({"http_headers": None}, "http_headers", {}),
        ({"http_headers": {"Accept": "*/*"}}, "http_headers", {"Accept": "*/*"}),
        ({}, "cache_site", "par10s37"),
        ({}, "cache_airport", "par"),
        ({"url": "https://media.example/v"}, "cache_site", None),
        ({"url": "https://media.example/v"}, "cache_airport", None),
    ],
)
def test_format_of_yt_dlp_becomes_ours(overrides: dict[str, Any], field: str, value: object) -> None:
    assert getattr(media_format(make_entry(**overrides), no_cookies), field) == value


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("mn=sn-a,sn-b", "primary_cache", "sn-a"),
        ("mn=sn-a,sn-b", "fallback_cache", "sn-b"),
        ("mn=sn-a", "fallback_cache", None),
        ("mn=,sn-b", "primary_cache", None),
        ("", "primary_cache", None),
        ("mm=31,29", "cache_kind", "31,29"),
        ("ms=au,rdu", "cache_status", "au,rdu"),
        ("pl=24", "prefix_length", 24),
        ("pl=x", "prefix_length", None),
        ("pl=-1", "prefix_length", None),
        ("pl=%D9%A2", "prefix_length", None),  # a digit of another script
        ("initcwndbps=1250000", "service_estimate_bps", 10_000_000),  # 1 250 000 byte/s x 8
        ("initcwndbps=0", "service_estimate_bps", 0),
        ("initcwndbps=", "service_estimate_bps", None),
        ("c=VISIONOS", "client", "VISIONOS"),
        ("fexp=1,2", "experiments", "1,2"),
    ],
)
def test_hint_of_a_signed_url_is_read(query: str, field: str, value: object) -> None:
    assert getattr(hints_of(f"{MEDIA}?{query}"), field) == value


def test_hints_are_those_of_the_service_alone() -> None:
    assert hints_of("https://media.example/file.mp4?mn=sn-a&c=WEB&pl=24") == ServiceHints()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"{MEDIA}?ip=192.0.2.7&itag=18", "192.0.2.7"),
        (f"{MEDIA}?ip=2001%3Adb8%3A%3A7", "2001:db8::7"),
        (f"{MEDIA}?itag=18", None),
        ("https://media.example/v?ip=192.0.2.7", None),
    ],
)
def test_address_that_a_url_is_signed_for_is_read(url: str, address: str | None) -> None:
    assert client_address_of(url) == address
