"""What a child says, written and read again: nothing of a result is lost or altered on the way."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytomo_scrapy.config import DownloadConfig, PlaybackConfig, load
from pytomo_scrapy.items import LadderResult, StreamDownload
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.resolve.own_process import resolve_here
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan, WindowProgress
from pytomo_scrapy.measure.worker.plain_messages import (
    HEADER,
    MAX_MESSAGE_BYTES,
    BrokenMessage,
    length_of,
    pack,
    pack_call,
    progress_type,
    read_as,
    result_type,
    unpack,
    unpack_call,
)
from tests.factories import make_download, make_format, make_playback, make_timeline
from tests.storage.factories import make_item as make_full_item

ENTRIES = 20_000


def said(kind: object, value: object) -> object:
    return read_as(kind, unpack(pack("result", value))[1])


def test_window_comes_back_as_it_was() -> None:
    windows = [make_download(), *make_full_item().downloads]
    assert [said(result_type(download_window), window) for window in windows] == windows


def test_analysis_comes_back_as_it_was() -> None:
    item = make_full_item()
    for analysis in (
        ((make_timeline(),), (make_playback(),), None),
        (item.timelines[0], item.playbacks, LadderResult()),
    ):
        assert said(result_type(analyse_window), analysis) == analysis


def test_progress_is_read_as_what_the_window_shows() -> None:
    assert progress_type(download_window) is WindowProgress
    assert said(progress_type(download_window), WindowProgress(0.25, 10)) == WindowProgress(0.25, 10)


def test_longest_traces_are_far_from_the_bound() -> None:
    times, totals = tuple(0.1 + place / 3 for place in range(ENTRIES)), tuple(range(10**9, 10**9 + ENTRIES))
    stream = StreamDownload("video", "134", arrival_s=times, arrival_bytes=totals)
    window = replace(make_download(), streams=(stream, stream))
    assert len(pack("result", window)) < MAX_MESSAGE_BYTES / 10
    assert said(result_type(download_window), window) == window


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (
            download_window,
            (WindowPlan((make_format(),), {"a.example": "192.0.2.1"}, seed="x"), DownloadConfig(window_s=30.0)),
        ),
        (analyse_window, (make_download(), DeclaredVideo(61.0, player_config={"a": {"b": 1}}), PlaybackConfig())),
        (resolve_here, ("https://a.example/", load({"PYTOMO_HTTP_PROXY": "http://a:1"}.get).resolve, "00ff")),
    ],
)
def test_call_comes_as_it_was_made(function: Callable[..., object], args: tuple[object, ...]) -> None:
    assert unpack_call(pack_call(function, args, wants_progress=False)) == (function, args, False)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[]",
        b"{}",
        b'{"function": "os:no_such", "args": [], "wants_progress": false}',
        b'{"function": "no_such_module:f", "args": [], "wants_progress": false}',
        b'{"function": ":", "args": [], "wants_progress": false}',
        b'{"function": "shutil:which", "args": [1, 2, 3, 4], "wants_progress": false}',
        pickle.dumps((print, ("run",), False)),
    ],
)
def test_call_that_is_none_is_told_apart(message: bytes) -> None:
    with pytest.raises(BrokenMessage):
        unpack_call(message)


@pytest.mark.parametrize("length", [MAX_MESSAGE_BYTES + 1, 2**63])
def test_message_beyond_the_bound_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(BrokenMessage):
        length_of(HEADER.pack(length))
