"""A user's own list: arguments, a file, standard input, bad lines, and going on behind what was read."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.spiders import user_list as module
from pytomo_scrapy.spiders.arguments import WalkArguments
from pytomo_scrapy.spiders.user_list import VideoList, check_list

ONE, TWO, THREE = "aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc"
OTHER = "https://vimeo.com/76979871"


def read_all(videos: VideoList) -> list[tuple[list[str], int, bool]]:
    """Return the batches as (ids, position, whether it was the end)."""
    batches = [videos.next_batch()]
    while not batches[-1].is_end:
        batches.append(videos.next_batch())
    return [([video.video_id for video in one.videos], one.position, one.is_end) for one in batches]


@pytest.mark.parametrize(
    ("lines", "batch", "batches"),
    [
        ([], 2, [([], 0, True)]),
        ([ONE], 2, [([ONE], 1, True)]),
        # A batch that is full does not know whether it was the last.
        ([ONE, TWO], 2, [([ONE, TWO], 2, False), ([], 2, True)]),
        ([ONE, TWO, THREE], 2, [([ONE, TWO], 2, False), ([THREE], 3, True)]),
        ([ONE, "", "# words", TWO], 2, [([ONE, TWO], 4, False), ([], 4, True)]),
        ([ONE, "not a video!", TWO], 3, [([ONE, TWO], 3, True)]),
        ([ONE, ONE], 3, [([ONE, ONE], 2, True)]),  # the frontier admits it once
        # What goes on from there goes on behind a whole line.
        (
            [",".join(f"https://youtu.be/{name}" for name in (ONE, TWO, THREE)), ONE],
            2,
            [([ONE, TWO, THREE], 1, False), ([ONE], 2, True)],
        ),
    ],
)
def test_list_comes_in_batches_with_how_far_it_was_read(
    lines: list[str],
    batch: int,
    batches: list[tuple[list[str], int, bool]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BATCH_VIDEOS", batch)
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    assert read_all(VideoList(WalkArguments(input_file=str(path)))) == batches


@pytest.mark.parametrize(
    ("done", "ids", "position"),
    [((0, False), [ONE, TWO, THREE], 3), ((1, False), [TWO, THREE], 3), ((3, False), [], 3), ((9, False), [], 9)],
)
def test_list_goes_on_behind_what_was_read(done: tuple[int, bool], ids: list[str], position: int) -> None:
    assert read_all(VideoList(WalkArguments(urls=(ONE, TWO, THREE)), done)) == [(ids, position, True)]


def test_list_that_was_read_to_its_end_says_so() -> None:
    assert VideoList(WalkArguments(urls=(ONE,)), (1, True)).is_end


def test_bad_line_is_logged_by_its_number_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    assert read_all(VideoList(WalkArguments(urls=(ONE, "not a video!", TWO)))) == [([ONE, TWO], 3, True)]
    (record,) = caplog.records
    assert record.getMessage().startswith("Line 2 of the list is skipped: ")


@pytest.mark.parametrize(
    ("line", "service", "url"),
    [
        (ONE, "youtube", None),
        (f"https://youtu.be/{ONE}", "youtube", None),
        (OTHER, "other", OTHER),  # its address does not follow from its id
    ],
)
def test_video_keeps_its_address_only_where_that_does_not_follow_from_its_id(
    line: str, service: str, url: str | None
) -> None:
    (video,) = VideoList(WalkArguments(urls=(line,))).next_batch().videos
    assert (video.service, video.url) == (service, url)


def test_lists_of_arguments_and_of_a_file_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(f"{TWO}\n".encode() + b"\xff\xfe\n" + THREE.encode())  # a line that is no UTF-8 is a bad line
    batches = read_all(VideoList(WalkArguments(urls=(ONE,), input_file=str(path))))
    assert batches == [([ONE, TWO, THREE], 4, True)]


def test_list_of_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{ONE}\n{TWO}\n"))
    assert read_all(VideoList(WalkArguments(input_file="-"))) == [([ONE, TWO], 2, True)]


def test_file_of_a_list_is_checked_before_the_crawl_starts(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(ONE)
    for input_file in (None, "-", str(path)):
        check_list(WalkArguments(input_file=input_file))
    for bad, reason in ((tmp_path / "gone.txt", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(SettingError) as raised:
            check_list(WalkArguments(input_file=str(bad)))
        assert str(raised.value) == f"Argument input_file: {bad} cannot be read ({reason})."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_list_is_read_in_the_encoding_that_it_was_saved_in(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(f"{ONE}\r\n# \u00e9t\u00e9\r\nhttps://youtu.be/{TWO}\r\n".encode(encoding))
    assert read_all(VideoList(WalkArguments(input_file=str(path)))) == [([ONE, TWO], 3, True)]


def test_standard_input_of_utf_16_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{ONE}\r\n{TWO}\r\n".encode("utf-16")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text), encoding="utf-8"))
    assert read_all(VideoList(WalkArguments(input_file="-")))[0][0] == [ONE, TWO]
