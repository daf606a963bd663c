"""HLS media playlists as text: the parts that they list, and the class of each that lists nothing of use."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.measure.resolve.playlist import MAX_KEYS, MAX_LINE_CHARS, read_playlist

URL = "https://cdn.example/videos/7/index.m3u8?sig=SECRET"
BASE = "https://cdn.example/videos/7/"


def playlist(*lines: str, kind: str = "VOD", is_ended: bool = True) -> str:
    head = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        "#EXT-X-TARGETDURATION:4",
        *([f"#EXT-X-PLAYLIST-TYPE:{kind}"] if kind else []),
    ]
    return "\n".join([*head, *lines, *(["#EXT-X-ENDLIST"] if is_ended else []), ""])


def read(text: str) -> list[tuple[object, ...]]:
    """Return (address without its folder, start, length, first byte, end byte, run) of each part."""
    return [
        (part.url.removeprefix(BASE), part.start_s, part.duration_s, part.start_byte, part.end_byte, part.run)
        for part in read_playlist(text, URL)
    ]


def failure_of(text: str) -> str:
    with pytest.raises(MeasurementError) as raised:
        read_playlist(text, URL)
    return raised.value.failure


def test_segments_have_addresses_beside_the_playlist_and_follow_each_other_in_time() -> None:
    text = playlist(
        "#EXTINF:4.0,", "0.ts?a=1", "#EXTINF:3.5,a title", "/1.ts", "#EXTINF:2,", "https://other.example/2.ts"
    )
    assert read(text) == [
        ("0.ts?a=1", 0.0, 4.0, None, None, 0),
        ("https://cdn.example/1.ts", 4.0, 3.5, None, None, 0),
        ("https://other.example/2.ts", 7.5, 2.0, None, None, 0),
    ]


def test_ranges_of_one_file_go_on_where_the_one_before_ended_where_they_say_no_place() -> None:
    text = playlist(
        '#EXT-X-MAP:URI="v.mp4",BYTERANGE="700@0"',
        *("#EXTINF:4,", "#EXT-X-BYTERANGE:1000@700", "v.mp4", "#EXTINF:4,", "#EXT-X-BYTERANGE:500", "v.mp4"),
    )
    assert read(text) == [
        ("v.mp4", 0.0, None, 0, 700, 0),
        ("v.mp4", 0.0, 4.0, 700, 1700, 0),
        ("v.mp4", 4.0, 4.0, 1700, 2200, 0),
    ]


def test_discontinuity_begins_a_run_and_a_new_header_stands_before_what_needs_it() -> None:
    text = playlist(
        *('#EXT-X-MAP:URI="a.mp4"', "#EXTINF:4,", "0.m4s", "#EXTINF:4,", "1.m4s"),
        *("#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="ad.mp4"', "#EXTINF:2,", "ad.m4s"),
    )
    assert [(part[0], part[1], part[5]) for part in read(text)] == [
        ("a.mp4", 0.0, 0), ("0.m4s", 0.0, 0), ("1.m4s", 4.0, 0), ("ad.mp4", 8.0, 1), ("ad.m4s", 8.0, 1),
    ]  # fmt: skip


def test_gap_is_not_asked_for_and_its_time_passes_all_the_same() -> None:
    text = playlist("#EXTINF:4,", "0.ts", "#EXTINF:4,", "#EXT-X-GAP", "1.ts", "#EXTINF:4,", "2.ts")
    assert [(part[0], part[1]) for part in read(text)] == [("0.ts", 0.0), ("2.ts", 8.0)]


SEGMENT = ("#EXTINF:4,", "0.ts")


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "broken_playlist"),
        ("<!DOCTYPE html><html></html>", "broken_playlist"),
        (playlist(), "broken_playlist"),  # no segment
        (playlist('#EXT-X-MAP:URI="a.mp4"'), "broken_playlist"),
        (playlist("#EXTINF:long,", "0.ts"), "broken_playlist"),
        (playlist("#EXTINF:-4,", "0.ts"), "broken_playlist"),
        (playlist("#EXTINF:nan,", "0.ts"), "broken_playlist"),
        (playlist("#EXTINF:inf,", "0.ts"), "broken_playlist"),
        (playlist("#EXTINF:99999,", "0.ts"), "broken_playlist"),
        (playlist("#EXTINF:4,", "file:///etc/passwd"), "broken_playlist"),
        (playlist("#EXTINF:4,", "data:video/mp2t;base64,AA=="), "broken_playlist"),
        (playlist("#EXTINF:4,", "#EXT-X-BYTERANGE:100", "v.ts"), "broken_playlist"),  # behind nothing
        (playlist("#EXTINF:4,", "#EXT-X-BYTERANGE:0@0", "v.ts"), "broken_playlist"),
        (playlist("#EXTINF:4,", "#EXT-X-BYTERANGE:-5@0", "v.ts"), "broken_playlist"),
        (playlist("#EXTINF:4,", "#EXT-X-BYTERANGE:99999999999999999999@0", "v.ts"), "broken_playlist"),
        (playlist("#EXTINF:4,", "0.ts?" + "a" * MAX_LINE_CHARS), "broken_playlist"),
        (playlist(*['#EXT-X-KEY:METHOD=AES-128,URI="k"'] * (MAX_KEYS + 1), *SEGMENT), "broken_playlist"),
        (playlist("#EXT-X-STREAM-INF:BANDWIDTH=1", "low.m3u8"), "broken_playlist"),
        (playlist(*SEGMENT, is_ended=False, kind=""), "live"),
        (playlist(*SEGMENT, is_ended=False, kind="EVENT"), "live"),
        (playlist('#EXT-X-KEY:METHOD=AES-128,URI="k"', *SEGMENT), "media_encrypted"),
        (playlist('#EXT-X-KEY:METHOD=AES-128,URI="k",KEYFORMAT="identity"', *SEGMENT), "media_encrypted"),
        (playlist('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://k",KEYFORMAT="com.apple.streamingkeydelivery"', *SEGMENT),
         "drm_protected"),
        (playlist('#EXT-X-KEY:METHOD=AES-128,URI="k",KEYFORMAT="urn:uuid:edef8ba9"', *SEGMENT), "drm_protected"),
    ],
)  # fmt: skip
def test_playlist_of_no_use_has_its_class(text: str, failure: str) -> None:
    assert failure_of(text) == failure


@pytest.mark.parametrize(
    "text",
    [
        playlist(*SEGMENT),
        playlist(*SEGMENT, kind=""),
        playlist(*SEGMENT, kind="EVENT"),
        playlist(*SEGMENT, is_ended=False),  # VOD: its server may not change it
        playlist("#EXT-X-KEY:METHOD=NONE", *SEGMENT),
        "\ufeff" + playlist(*SEGMENT),
        playlist(*SEGMENT).replace("\n", "\r\n"),
    ],
)
def test_playlist_that_is_whole_lists_its_segment(text: str) -> None:
    assert read(text) == [("0.ts", 0.0, 4.0, None, None, 0)]


@pytest.mark.slow
def test_long_playlist_is_read_in_time() -> None:
    text = playlist(*[line for number in range(21_600) for line in ("#EXTINF:2,", f"{number}.ts?{'s' * 200}")])
    began_s = time.process_time()
    assert len(read_playlist(text, URL)) == 21_600
    assert time.process_time() - began_s < 10


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "#EXTM3U",
                *playlist(*SEGMENT).split("\n"),
                "#EXT-X-KEY:",
                "#EXT-X-MAP:URI=",
                '"',
                ",",
                "#EXT-X-BYTERANGE:@",
                "#EXT-X-DISCONTINUITY",
                "\0",
                "#EXTINF",
                "#EXT-X-PART:DURATION",
            ]
        )
    )
)
def test_any_lines_give_parts_or_a_class(lines: list[str]) -> None:
    try:
        assert read_playlist("\n".join(["#EXTM3U", *lines]), URL)
    except MeasurementError as error:
        assert error.failure in {"broken_playlist", "live", "media_encrypted", "drm_protected"}


def test_addresses_that_are_long_together_are_refused() -> None:
    base = f"https://cdn.example/{'a' * 2000}/"
    text = playlist(*[line for number in range(5000) for line in ("#EXTINF:2,", f"{number}.ts")])
    with pytest.raises(MeasurementError) as raised:
        read_playlist(text, base + "index.m3u8")  # 5 000 of 2 kB: 10 MB from a list of 100 kB
    assert raised.value.failure == "broken_playlist"
