"""The state machine of a paced window: the next range only below the goal, and the times without demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.measure.window.events import (
    DeadlineReached,
    Fetch,
    Stop,
    Tick,
)
from pytomo_scrapy.measure.window.pacing import HEAD_BYTES, common_spans
from pytomo_scrapy.measure.window.stream import StreamState
from pytomo_scrapy.measure.window.throughput import join_arrivals, measure_throughput
from tests.measure.window.window_machine import (
    HOST,
    T0_S,
    Window,
    make_format,
    requested,
)
from tests.measure.window.window_media import FILE, INIT_BYTES, SEGMENT_BYTES, end_of

# Paced: FILE is 20 segments of 2 s and 50 000 bytes behind its index (window_media.py).


def paced(folder: Path, goal_s: float = 4.0, kinds: tuple[str, ...] = ("video",)) -> Window:
    formats = [make_format(kind) for kind in kinds]
    return Window(folder, *formats, mode="paced", buffer_goal_s=goal_s, duration_s=40.0)


def test_rate_so_far_is_the_one_that_the_row_will_have(tmp_path: Path) -> None:
    window = paced(tmp_path)
    assert window.state.delivery_bps(0.05) is None
    window.serve(0.1, 0, HEAD_BYTES - 1, len(FILE))
    window.serve(0.3, HEAD_BYTES, end_of(2), len(FILE))
    # Resting from 0.3 s on: what came from 0.1 s to 0.3 s, whatever the time. It goes on at 0.31 s.
    first_bps = window.state.received_bytes * 8 / 0.2
    assert window.state.delivery_bps(0.305) == pytest.approx(first_bps)
    window.state.handle(Tick(0.31))
    window.serve(0.5, end_of(2) + 1, end_of(3), len(FILE))
    # 0.4 s from the first to the last, 0.01 s of them without demand.
    rate_bps = window.state.received_bytes * 8 / 0.39
    assert window.state.delivery_bps(5.0) == pytest.approx(rate_bps)
    window.cut(5.0)
    streams = [stream.close(T0_S) for stream in window.streams]
    arrivals = join_arrivals((stream.arrival_s, stream.arrival_bytes) for stream in streams)
    stored = measure_throughput(arrivals, common_spans([stream.no_demand for stream in streams]))
    assert stored.delivery_bps == pytest.approx(rate_bps)


def test_paced_window_asks_for_the_next_range_only_below_its_goal(tmp_path: Path) -> None:
    window = paced(tmp_path)
    assert [requested(command)[2] for command in window.opened] == [(0, HEAD_BYTES - 1)]
    # The index is in the head. Goal 4 s: the segments that begin at 0 and 2 s.
    (fetch,) = window.serve(0.1, 0, HEAD_BYTES - 1, len(FILE))
    assert requested(fetch)[2] == (HEAD_BYTES, end_of(2))
    # 4 s of media at 0.2 s, and nothing played: enough. It plays from then on.
    assert window.serve(0.2, HEAD_BYTES, end_of(2), len(FILE)) == []
    assert window.streams[0].state is StreamState.RESTING
    # At the next tick 0.01 s are played, so 3.99 s are ahead: one more segment, begun before 0.01 + 4 s.
    (fetch,) = window.state.handle(Tick(0.21))
    assert requested(fetch)[2] == (end_of(2) + 1, end_of(3))
    assert window.state.handle(Tick(0.22)) == []  # it is being fetched
    # 6 s of media at 0.3 s, 0.1 s played: 5.9 s ahead. Less than 4 s are ahead when 2 s are played, at 2.2 s.
    assert window.serve(0.3, end_of(2) + 1, end_of(3), len(FILE)) == []
    assert window.state.handle(Tick(2.19)) == []
    (fetch,) = window.state.handle(Tick(2.21))
    assert requested(fetch)[2] == (end_of(3) + 1, end_of(4))
    assert window.state.received_bytes == INIT_BYTES + 3 * SEGMENT_BYTES


def test_paced_window_keeps_the_times_without_demand(tmp_path: Path) -> None:
    window = paced(tmp_path)
    window.serve(0.1, 0, HEAD_BYTES - 1, len(FILE))
    window.serve(0.2, HEAD_BYTES, end_of(2), len(FILE))  # enough from 0.2 s
    window.state.handle(Tick(0.21))  # asks again
    window.serve(0.3, end_of(2) + 1, end_of(3), len(FILE))  # enough from 0.3 s
    window.state.handle(Tick(1.0))
    window.state.handle(DeadlineReached())
    window.cut(2.0)
    assert window.streams[0].no_demand == ((0.2, 0.21), (0.3, 2.0))
    assert window.rows("t_s", "range_end_bytes", "failure") == [
        (0.0, HEAD_BYTES - 1, None),
        (0.1, end_of(2), None),
        (0.21, end_of(3), None),
    ]


def test_paced_stream_waits_for_the_slower_one(tmp_path: Path) -> None:
    window = paced(tmp_path, kinds=("video", "audio"))
    window.serve(0.1, 0, HEAD_BYTES - 1, len(FILE), stream=0)
    assert window.serve(0.2, HEAD_BYTES, end_of(2), len(FILE), stream=0) == []
    # Nothing plays while the audio has no media: the video's 4 s stay ahead, whatever the time.
    assert window.state.handle(Tick(5.0)) == []
    window.serve(6.0, 0, HEAD_BYTES - 1, len(FILE), stream=1)
    assert window.serve(6.1, HEAD_BYTES, end_of(2), len(FILE), stream=1) == []  # plays from 6.1 s
    assert [requested(command)[:3] for command in window.state.handle(Tick(6.2))] == [
        (0, HOST, (end_of(2) + 1, end_of(3))),
        (1, HOST, (end_of(2) + 1, end_of(3))),
    ]


def test_paced_window_of_a_short_file_is_complete(tmp_path: Path) -> None:
    window = paced(tmp_path, goal_s=100.0)
    commands, answers = window.opened, 0
    while isinstance(commands[0], Fetch) and answers < 20:
        first, last = commands[0].request.range or (0, 0)
        commands, answers = window.serve(0.1 * answers, first, min(last, len(FILE) - 1), len(FILE)), answers + 1
    assert commands == [Stop("complete")]
    # The head, then requests of 12 s, six segments, at most: 20 segments are 6 + 6 + 6 + 2.
    assert answers == 5
    assert window.state.received_bytes == len(FILE)
