"""What a user may type as a video."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytomo_scrapy.pages import BadLine, VideoRef, parse_video_url, read_video_list
from tests.texts import CHARACTERS

ID = "M4gD1WSo5mA"
WATCH = f"https://www.youtube.com/watch?v={ID}"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"  {ID}\n",
        WATCH,
        f"<{WATCH}>",
        f'"{WATCH}"',
        f"http://youtube.com/watch?v={ID}",
        f"HTTPS://WWW.YouTube.COM/watch?v={ID}",
        f"https://www.youtube.com/watch?feature=share&list=RD{ID}&v={ID}&t=42s#comments",
        f"https://www.youtube.com/watch?v={ID}&amp;list=PL1",
        f"https://m.youtube.com/watch?app=desktop&v={ID}",
        f"https://music.youtube.com/watch?v={ID}&list=x",
        f"https://www.youtube.com:443/watch/?v={ID}",
        f"https://youtu.be/{ID}",
        f"https://youtu.be/{ID}?si=abc&t=3",
        f"https://youtu.be/{ID}/",
        f"https://www.youtube.com/shorts/{ID}?feature=share",
        f"https://www.youtube.com/embed/{ID}?autoplay=1",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"https://www.youtube.com/live/{ID}",
        f"https://www.youtube.com/v/{ID}&hl=en_US",
        f"https://www.youtube.com/e/{ID}",
        f"https://www.youtube.com/watch/{ID}",
        f"https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3D{ID}%26feature%3Dshare",
        f"https://consent.youtube.com/m?continue=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3D{ID}&gl=DE",
        f"https://www.youtube.com/#!v={ID}",
        f"//www.youtube.com/watch?v={ID}",
        f"www.youtube.com/watch?v={ID}",
        f"youtube.com/shorts/{ID}",
        f"youtu.be/{ID}",
    ],
)
def test_any_form_of_a_youtube_link_gives_its_id(text: str) -> None:
    assert parse_video_url(text) == VideoRef("youtube", ID, WATCH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "M4gD1WSo5m",
        ID + "x",
        "M4gD1WSo5m!",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=",
        "https://www.youtube.com/watch?v=tooshort",
        f"https://www.youtube.com/watch?v={ID}x",
        "https://www.youtube.com/playlist?list=PL1",
        "https://www.youtube.com/@somebody",
        "https://www.youtube.com/embed/videoseries?list=PL1",
        "https://www.youtube.com/embed/live_stream?channel=UC1",
        "https://youtu.be/",
        f"https://www.youtube.com/redirect?q=https%3A%2F%2Fexample.org%2Fwatch%3Fv%3D{ID}",
        "ftp://example.org/a.mp4",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "example.org/video",
        "https://",
        "https://[::1",
        "https://example.org:port/",
        f"https://www.youtube.com/watch?v={ID} and more",
        f"https://www.youtube.com/\x00watch?v={ID}",
        "https://example.org/" + "a" * 5000,
        "\u0661" * 11,
    ],
)
def test_malformed_link_is_refused_with_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n\x00]{5,250}\.$"):
        parse_video_url(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.dailymotion.com/video/x8abc",
        f"https://youtube.com.example.org/watch?v={ID}",
        f"https://notyoutube.com/watch?v={ID}",
        f"https://www.youtube.com@example.org/watch?v={ID}",
    ],
)
def test_link_to_another_site_is_kept_as_it_is(url: str) -> None:
    ref = parse_video_url(url)
    assert (ref.service, ref.url, len(ref.video_id)) == ("other", url, 16)
    assert ref == parse_video_url(url)
    assert ref.video_id != parse_video_url(url + "1").video_id


@pytest.mark.slow
@given(st.text(CHARACTERS))
def test_any_text_gives_a_video_or_a_value_error(text: str) -> None:
    for typed in (text, f"https://www.youtube.com/{text}", f"youtu.be/{text}", f"https://youtube.com/watch?v={text}"):
        try:
            assert parse_video_url(typed).service in ("youtube", "other")
        except ValueError as error:
            assert str(error)


def test_list_reports_bad_lines_by_number_and_skips_comments() -> None:
    lines = [f"\ufeff{WATCH}\r\n", "\n", "# a comment\n", f"  {ID}  # mine\n", "nonsense\n", f"{WATCH}#t=3\n"]
    ref = VideoRef("youtube", ID, WATCH)
    found = list(read_video_list(lines))
    assert [number for number, _ in found] == [1, 4, 5, 6]
    assert [found[0][1], found[1][1], found[3][1]] == [ref, ref, ref]
    bad = found[2][1]
    assert isinstance(bad, BadLine)
    assert (bad.line_number, bad.text) == (5, "nonsense")
    assert "nonsense" in bad.reason


def test_list_is_read_as_it_comes() -> None:
    endless = (ID for _ in itertools.count())
    assert len(list(itertools.islice(read_video_list(endless), 3))) == 3


@pytest.mark.parametrize(
    "text",
    [
        f"https://www.youtube.com/watch?v={ID}?t=5",
        f"https://www.youtube.com/watch?v={ID}%3Ft=5",
        f"https://www.youtube.com/watch?v={ID}?si=abc&t=5",
        f"https://youtu.be/{ID}?t=5?feature=shared",
        f"https://youtu.be/{ID}&t=5",
        f"https://www.youtube.com/shorts/{ID},",
        f"https://youtu.be/{ID},",
        f"https://youtu.be/{ID}.",
        f"(https://youtu.be/{ID}).",
        f'"https://youtu.be/{ID}",',
        f"\u201chttps://youtu.be/{ID}\u201d",
        f"[https://youtu.be/{ID}]",
        f"https://youtu.be/{ID}\u200b",
        f"\u200ehttps://youtu.be/{ID}\u2060",
        f"https://you\u00adtu.be/{ID[:4]}\u200d{ID[4:]}",
        f"\ufeff{ID}\u200f,",
        f"{ID};",
        f"https://youtu.be/{ID}\ufe0f",
        f"https://www.youtube.com/watch?v={ID}\u2026",
        f"\u300chttps://youtu.be/{ID}\u300d",
        f"https://youtu.be/{ID}\uff01",
        f"| https://youtu.be/{ID} |",
        f"[a clip](https://youtu.be/{ID})",
        f"https://www.youtube.com/watch%3Fv%3D{ID}",
        f"https://www.youtube.com/watch?v%3D{ID}",
        f"https://www.youtube.com/watch?v={ID}\\",
    ],
)
def test_link_as_people_paste_it_names_its_video(text: str) -> None:
    assert parse_video_url(text) == VideoRef("youtube", ID, WATCH)


@pytest.mark.parametrize(
    "url", ["https://example.org/a_(b)", "https://example.org/watch?list=a,b", "https://example.org/a."]
)
def test_signs_at_the_end_of_another_sites_link_stay(url: str) -> None:
    assert parse_video_url(url).url == url


def test_list_of_utf_16_that_was_read_as_utf_8_is_read_all_the_same() -> None:
    text = f"{WATCH}\r\n{ID}\r\n".encode("utf-16-le")
    for mark in (b"", b"\xff\xfe"):
        lines = (mark + text).decode("utf-8", "replace").splitlines(keepends=True)
        found = [entry for _, entry in read_video_list(lines)]
        assert found == [VideoRef("youtube", ID, WATCH)] * 2


def test_link_with_bytes_of_another_encoding_is_refused_with_what_to_do() -> None:
    (entry,) = [entry for _, entry in read_video_list(["https://example.org/f\ufffdlm\n"])]
    assert isinstance(entry, BadLine) and "save the list in UTF-8" in entry.reason


OTHER = "A1b2C3d4E5-"


@pytest.mark.parametrize(
    "text",
    [
        f"https://youtu.be/{ID},https://youtu.be/{OTHER}\n",
        f"https://youtu.be/{ID};http://youtu.be/{OTHER}\n",
        f"https://youtu.be/{ID} https://youtu.be/{OTHER}\n",
        f'"a, b","https://youtu.be/{ID}"\n"c","https://youtu.be/{OTHER}"\n',
        f"a\thttps://youtu.be/{ID}\nb\thttps://youtu.be/{OTHER}\n",
        f"1. https://youtu.be/{ID}\n2) https://youtu.be/{OTHER}\n",
        f"- https://youtu.be/{ID}\n* https://youtu.be/{OTHER}\n",
        f'<a href="https://youtu.be/{ID}">x</a>\n<a href="https://youtu.be/{OTHER}">y</a>\n',
        f"https://youtu.be/{ID}\x85https://youtu.be/{OTHER}\x85",
        f"https://youtu.be/{ID}\u2028https://youtu.be/{OTHER}",
    ],
)
def test_lines_that_are_more_than_a_link_give_all_that_are_in_them(text: str) -> None:
    found = [entry for _, entry in read_video_list(text.splitlines(keepends=True) if "\n" in text else [text])]
    assert found == [parse_video_url(ID), parse_video_url(OTHER)]


def test_comment_ends_where_its_line_ends_whatever_ends_it() -> None:
    found = list(read_video_list([f"# mine\u2028https://youtu.be/{ID}\x85nonsense"]))
    assert found[0] == (2, parse_video_url(ID))
    assert found[1][0] == 3 and isinstance(found[1][1], BadLine)


@pytest.mark.parametrize(
    "line", [f"see https://example.org/a and https://youtu.be/{ID}", f"https://youtu.be/{ID} https://youtu.be/short"]
)
def test_line_of_which_a_part_names_no_video_is_a_bad_one(line: str) -> None:
    (entry,) = [entry for _, entry in read_video_list([line])]
    assert isinstance(entry, BadLine) and entry.text == line
