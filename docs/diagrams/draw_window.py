"""One window on the time axis, with the names of the columns on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from all_tables import metadata
from svg import Picture, width_of
from window_example import MEDIA_BYTES_PER_S, MEDIA_S, NO_DEMAND, WINDOW_S, Example, example

from pytomo_scrapy.measure.window.throughput import BIN_S, SLOW_START_S, bins

WIDTH, LEFT, RIGHT = 1040, 24, 1016
X0, PER_S = 172, 23.8  # where t0 is, and how wide a second
ZOOM_X = 474  # t0 of the part that is not to scale
SIZE = 12.5  # of a column's name


def draw() -> str:
    """Return the picture."""
    found = example()
    picture = Picture(
        WIDTH,
        "One window on the time axis",
        "What the columns of a window and of its playback measure. Before t0: the resolution, look-up and pings. "
        "From t0: the connection and the first byte, the bytes with their pauses, the rates in bins of 1 s, the media "
        f"ahead of the playhead, and the playback with its start and a stall, until the horizon at {WINDOW_S:.0f} s.",
    )
    picture.text(LEFT, 38, "One window on the time axis", size=20, is_bold=True)
    words = "An example: a paced window of one file, played by the player classic. The code that computes real figures"
    picture.text(LEFT, 61, words, colour="soft")
    picture.text(LEFT, 78, "computed these. Names like", colour="soft")
    _column(picture, LEFT + 190, 78, "download.elapsed_s")
    picture.text(LEFT + 266, 78, "are columns of the database.", colour="soft")
    _before(picture, 112)
    _first_request(picture, 112)
    top = 290.0
    lanes: list[Callable[[Picture, Example, float], float]] = [_bytes, _bins, _media, _playback, _whole]
    y = top + 34
    marks = Picture(WIDTH, "", "")
    for lane in lanes:
        y = lane(marks, found, y)
    _axis(picture, found, top, y - 14)
    picture.add(marks)
    return picture.drawn(_endings(picture, _formulas(picture, found, y + 6)))


def at(t_s: float) -> float:
    """Return where on the axis a time is."""
    return X0 + t_s * PER_S


def name_of(column: str) -> str:
    """Return the name of TABLE.COLUMN as it is shown. Raises KeyError where there is no such column."""
    table, _, name = column.partition(".")
    return str(metadata.tables[table].columns[name].name)


def _column(picture: Picture, x: float, y: float, column: str, colour: str = "ink", anchor: str = "start") -> None:
    picture.text(x, y, name_of(column), size=SIZE, colour=colour, anchor=anchor, is_code=True)


def _span(
    picture: Picture, start_x: float, end_x: float, y: float, column: str, colour: str, *, is_whole: bool = False
) -> None:
    """Draw |-- name --|, with the name behind it where it is too short. `is_whole`: as TABLE.COLUMN."""
    name = column if is_whole and name_of(column) else name_of(column)
    width = width_of(name, SIZE, is_code=True) + 10
    is_inside, middle = width + 20 <= end_x - start_x, (start_x + end_x) / 2
    pieces = [(start_x, middle - width / 2), (middle + width / 2, end_x)] if is_inside else [(start_x, end_x)]
    for left, right in pieces:
        picture.path([(left, y), (right, y)], colour)
    for x in (start_x, end_x):
        picture.path([(x, y - 6), (x, y + 6)], colour)
    x, anchor = (middle, "middle") if is_inside else (end_x + 7, "start")
    picture.text(x, y + 4, name, size=SIZE, colour=colour, anchor=anchor, is_code=True)


def _upright(picture: Picture, x: float, low_y: float, high_y: float, colour: str) -> None:
    picture.path([(x, low_y), (x, high_y)], colour)
    for y in (low_y, high_y):
        picture.path([(x - 5, y), (x + 5, y)], colour)


def _lane(picture: Picture, y: float, title: str, *lines: str) -> None:
    picture.text(LEFT, y, title, is_bold=True)
    picture.lines(LEFT, y + 16, list(lines), size=11.5, step=15, colour="soft")


def _boxes(picture: Picture, x: float, y: float, boxes: Sequence[tuple[str, str | None, str, float]]) -> float:
    """Draw pieces of time in a row, each with its column below. Returns where the last one ends."""
    for title, column, colour, width in boxes:
        fill = "raised" if colour == "soft" else f"{colour}-tint"
        picture.rect(x, y, width, 34, fill=fill, stroke=colour)
        picture.text(x + width / 2, y + 22, title, size=12.5, anchor="middle")
        if column is not None:
            _column(picture, x + width / 2, y + 52, column, colour, "middle")
        x += width
    return x


def _before(picture: Picture, y: float) -> None:
    """Draw what comes before t0, not to scale."""
    picture.text(LEFT, y, "Before the window", is_bold=True)
    picture.text(LEFT + 146, y, "(not to scale)", size=12, colour="soft")
    stages = [
        ("resolve", "measurement.resolve_elapsed_s", "blue", 146.0),
        ("dns", "measurement.dns_elapsed_s", "teal", 112.0),
        ("ping", "measurement.ping_elapsed_s", "teal", 118.0),
        ("gate", None, "soft", ZOOM_X - LEFT - 376.0),
    ]
    _boxes(picture, LEFT, y + 14, stages)
    picture.text(LEFT, y + 96, f"{name_of('measurement.join_time_s')} =", size=12, is_code=True)
    parts = ("measurement.resolve_elapsed_s", "measurement.dns_elapsed_s", "playback.startup_delay_s")
    picture.text(LEFT, y + 113, " + ".join(name_of(part) for part in parts), size=12, is_code=True)


def _first_request(picture: Picture, y: float) -> None:
    """Draw the first media request from t0 on, not to scale."""
    picture.text(ZOOM_X, y, "t0", is_bold=True, colour="orange")
    picture.text(ZOOM_X + 26, y, "The first request: a row of", is_bold=True)
    picture.text(ZOOM_X + 228, y, "http_request", is_code=True)
    picture.text(ZOOM_X + 332, y, "(not to scale)", size=12, colour="soft")
    picture.path([(ZOOM_X, y + 6), (ZOOM_X, y + 138)], "orange", width=2)
    phases = [
        ("TCP", "http_request.connect_s", "purple", 88.0),
        ("TLS", "http_request.tls_s", "purple", 76.0),
        ("asked, no answer yet", "http_request.first_byte_s", "purple", 168.0),
        ("header", None, "soft", 66.0),
    ]
    body_x = _boxes(picture, ZOOM_X, y + 14, phases)
    picture.rect(body_x, y + 14, RIGHT - body_x, 34, fill="green-tint", stroke="green")
    picture.text((body_x + RIGHT) / 2, y + 36, "body", size=12.5, anchor="middle")
    _span(picture, ZOOM_X, RIGHT, y + 80, "http_request.total_s", "purple")
    _span(picture, ZOOM_X, body_x, y + 106, "download.first_byte_s", "green", is_whole=True)
    picture.text(body_x + 10, y + 110, "of the body", size=12, colour="soft")
    _span(picture, ZOOM_X, ZOOM_X + phases[0][3], y + 131, "download.connect_s", "green", is_whole=True)
    picture.text(ZOOM_X + phases[0][3] + 152, y + 135, "of the first connection of the window", size=12, colour="soft")


def _axis(picture: Picture, found: Example, y: float, bottom: float) -> None:
    """Draw the axis, the time without demand, and the instants that everything counts from."""
    for start_s, end_s in NO_DEMAND:
        picture.rect(at(start_s), y + 8, (end_s - start_s) * PER_S, bottom - y - 8, fill="grey-tint")
    picture.text(LEFT, y + 4, "Seconds from t0", is_bold=True)
    picture.path([(at(0), y + 8), (at(WINDOW_S), y + 8)], "ink")
    for t_s in range(int(WINDOW_S) + 1):
        length = 7 if t_s % 5 == 0 else 4
        picture.path([(at(t_s), y + 8), (at(t_s), y + 8 - length)], "ink", width=1)
        if t_s % 5 == 0:
            picture.text(at(t_s), y - 4, f"{t_s}", size=12, anchor="middle")
    picture.path([(at(0), y + 8), (at(0), bottom)], "orange", width=2)
    picture.path([(at(WINDOW_S), y + 8), (at(WINDOW_S), bottom)], "orange", width=2)
    picture.text(at(WINDOW_S) + 8, y + 4, "deadline", colour="orange", is_bold=True)
    start_s, end_s = max(NO_DEMAND, key=lambda span: span[1] - span[0])
    picture.text(at((start_s + end_s) / 2), y + 24, "no demand", size=12, colour="soft", anchor="middle")
    for t_s in (found.first_s, found.last_s):
        picture.path([(at(t_s), y + 8), (at(t_s), bottom)], "green", width=1, dash="3 3")


def _bytes(picture: Picture, found: Example, y: float) -> float:
    """Draw the arrivals, and the time that counts as active."""
    height = 104.0
    _lane(picture, y + 16, "Bytes arrived", "all streams together;", "a stream's arrivals are", "its arrival_trace")
    per_byte = height / found.received_bytes
    points = [(at(t_s), y + height - total * per_byte) for t_s, total in found.totals]
    picture.path([*points, (at(found.last_s), y + height)], None, fill="green-tint")
    picture.path([(at(0), y + height), (at(WINDOW_S), y + height)], "line")
    picture.path(points, "green", width=2.5)
    picture.circle(*points[-1], 4, fill="green")
    _column(picture, at(found.last_s) + 10, y + 8, "download.received_bytes", "green")
    after_s = found.first_s + SLOW_START_S
    picture.path([(at(after_s), y + 34), (at(after_s), y + height)], "soft", width=1, dash="3 3")
    _column(picture, at(after_s) + 6, y + 32, "download.delivery_after_2s_bps", "soft")
    picture.text(at(after_s) + 6, y + 47, "counts from 2 s after the first byte", size=12, colour="soft")
    y += height + 20
    _span(picture, at(0), at(found.first_s), y, "download.first_byte_s", "green")
    pauses = [found.first_s, *(t_s for span in NO_DEMAND for t_s in span), found.last_s]
    for start_s, end_s in list(pairwise(pauses))[::2]:
        picture.rect(at(start_s), y + 16, (end_s - start_s) * PER_S, 14, fill="green")
    for start_s, end_s in NO_DEMAND:
        picture.rect(at(start_s), y + 36, (end_s - start_s) * PER_S, 14, fill="soft")
    _column(picture, at(found.last_s) + 10, y + 28, "download.active_s", "green")
    picture.text(at(found.last_s) + 80, y + 28, "sum", size=12, colour="soft")
    picture.text(at(0) - 10, y + 28, "with demand", size=12, colour="soft", anchor="end")
    _column(picture, at(found.last_s) + 10, y + 48, "download.no_demand_s", "soft")
    picture.text(at(found.last_s) + 102, y + 48, "sum", size=12, colour="soft")
    picture.text(at(0) - 10, y + 48, "without demand", size=12, colour="soft", anchor="end")
    return y + 74


def _bins(picture: Picture, found: Example, y: float) -> float:
    """Draw the rate of every whole second; those with a pause in them do not count."""
    height = 72.0
    _lane(picture, y + 16, "Rate", "whole seconds from", "the first byte; one with", "a pause in it is left out")
    rates, figures = iter(bins(found.arrivals, NO_DEMAND)), found.throughput
    highest = figures.bin_max_bps or 1.0
    for index in range(int((found.last_s - found.first_s) / BIN_S)):
        start_s = found.first_s + index * BIN_S
        if any(start_s < end and start_s + BIN_S > start for start, end in NO_DEMAND):
            picture.rect(at(start_s) + 3, y + height - 15, PER_S - 6, 12, stroke="soft", dash="2 2")
        else:
            tall = height * next(rates) / highest
            picture.rect(at(start_s) + 1, y + height - tall, PER_S - 2, tall, fill="blue-tint", stroke="blue")
    picture.path([(at(0), y + height), (at(WINDOW_S), y + height)], "line")
    for name in ("bin_max_bps", "bin_median_bps", "bin_min_bps"):
        level = y + height - height * (getattr(figures, name) or 0.0) / highest
        picture.path([(at(0), level), (at(WINDOW_S), level)], "blue", width=1, dash="2 4")
        _column(picture, at(WINDOW_S) + 8, level + 4, f"download.{name}", "blue")
    return y + height + 24


def _media(picture: Picture, found: Example, y: float) -> float:
    """Draw how much media is there, and where the playhead is."""
    height, played = 128.0, found.playback
    _lane(picture, y + 16, "Media", "the buffer is what lies", "between the two lines")
    per_s = height / MEDIA_S
    arrived = [(at(t_s), y + height - total / MEDIA_BYTES_PER_S * per_s) for t_s, total in found.totals]
    arrived.append((at(WINDOW_S), arrived[-1][1]))
    playhead = [(at(t_s), y + height - media_s * per_s) for t_s, media_s in found.positions]
    picture.path([*arrived, *reversed(playhead)], None, fill="green-tint")
    picture.path(arrived, "green", width=2.5)
    picture.path(playhead, "purple", width=2.5)
    picture.path([(at(0), y + height), (at(WINDOW_S), y + height)], "line")
    picture.text(at(13), y + 34, "media that has arrived", size=12, colour="green", anchor="end")
    picture.text(at(20), y + height - 34, "playhead", size=12, colour="purple")
    picture.text(at(20.2), y + 50, "buffer", size=12, colour="green", anchor="middle")
    _column(picture, at(WINDOW_S) + 8, y + 5, "playback.media_received_s", "green")
    buffered = played.buffer_end_s or 0.0
    _upright(picture, at(WINDOW_S) - 10, arrived[-1][1], playhead[-1][1], "ink")
    _column(picture, at(WINDOW_S) - 18, y + 4 + buffered * per_s / 2, "playback.buffer_end_s", anchor="end")
    start_s, initial_s = played.startup_delay_s or 0.0, played.initial_buffer_s or 0.0
    _upright(picture, at(start_s), y + height, y + height - initial_s * per_s, "ink")
    _column(picture, at(start_s) - 4, y + height - initial_s * per_s - 22, "playback.initial_buffer_s")
    return y + height + 22


def _playback(picture: Picture, found: Example, y: float) -> float:
    """Draw what the viewer has: waiting, playing, stalled, playing."""
    _lane(picture, y + 16, "Playback", "one row for each", "player; a stall is a row", "of playback_event")
    times = [t_s for t_s, _ in found.positions]
    for index, (start_s, end_s) in enumerate(pairwise(times)):
        is_playing, width = index % 2 == 1, (end_s - start_s) * PER_S
        colour = "purple" if is_playing else "orange"
        picture.rect(at(start_s), y, width, 30, fill=f"{colour}-tint", stroke=colour)
        word = "plays" if is_playing else ("stalls" if index else "waits")
        picture.text(at(start_s) + width / 2, y + 20, word, size=12.5, anchor="middle")
    _span(picture, at(0), at(found.playback.startup_delay_s or 0.0), y + 44, "playback.startup_delay_s", "orange")
    for stall in found.playback.stalls:
        x = at(stall.start_s)
        _span(picture, x, at(stall.start_s + stall.duration_s), y + 44 + 20, "playback_event.duration_s", "orange")
        _column(picture, x - 6, y + 68, "playback_event.start_s", "orange", "end")
    x = at(15)
    for column, words in (("playback.played_s", "all that plays"), ("playback.stalled_s", "all that stalls")):
        _column(picture, x, y + 48, column, "purple" if "played" in column else "orange")
        picture.text(x, y + 65, words, size=12, colour="soft")
        x += 112
    _column(picture, x, y + 48, "playback.stall_count", "orange")
    picture.text(x, y + 65, "of 0.1 s and more", size=12, colour="soft")
    return y + 92


def _whole(picture: Picture, found: Example, y: float) -> float:
    """Draw the three lengths of a window."""
    _lane(picture, y + 4, "As a whole", "all from t0")
    _span(picture, at(0), at(found.last_s), y, "download.elapsed_s", "green")
    picture.text(at(found.last_s) + 10, y + 4, "at the last byte", size=12, colour="soft")
    _span(picture, at(0), at(WINDOW_S), y + 24, "download.window_s", "orange")
    picture.text(at(WINDOW_S) + 8, y + 28, "as set", size=12, colour="soft")
    _span(picture, at(0), at(WINDOW_S), y + 48, "playback.horizon_s", "purple")
    picture.text(at(WINDOW_S) + 8, y + 52, "playback ends", size=12, colour="soft")
    return y + 74


def _formulas(picture: Picture, found: Example, y: float) -> float:
    """Write how the other figures follow, with the numbers of the picture."""
    figures, played = found.throughput, found.playback
    mega = (figures.delivery_bps or 0.0) / 1e6
    first_bps = (played.initial_rate_bps or 0.0) / 1e6
    rows = (
        (
            "download.delivery_bps",
            f"= 8 × received_bytes / active_s = 8 × {found.received_bytes / 1e6:g} MB / "
            f"{figures.active_s:g} s = {mega:.2f} Mbit/s",
        ),
        (
            "playback.stall_ratio",
            f"= stalled_s / (played_s + stalled_s) = {played.stalled_s:.1f} s / ({played.played_s:.1f} s + "
            f"{played.stalled_s:.1f} s) = {played.stall_ratio:.3f}",
        ),
        (
            "playback.initial_rate_bps",
            "= 8 × initial_buffer_bytes / startup_delay_s = "
            f"8 × {(played.initial_buffer_bytes or 0) / 1e6:g} MB / {played.startup_delay_s:.1f} s "
            f"= {first_bps:.2f} Mbit/s",
        ),
    )
    picture.path([(LEFT, y), (RIGHT, y)], "line", width=1)
    for index, (column, formula) in enumerate(rows):
        _column(picture, LEFT, y + 26 + index * 20, column)
        picture.text(LEFT + 200, y + 26 + index * 20, formula, size=12, is_code=True, colour="soft")
    return y + 26 + len(rows) * 20


def _endings(picture: Picture, y: float) -> float:
    """Write what ends a window, and what its lengths are then."""
    _column(picture, LEFT, y + 14, "download.ended_by")
    _column(picture, LEFT + 200, y + 14, "download.elapsed_s")
    _column(picture, LEFT + 560, y + 14, "playback.horizon_s")
    rows = (
        ("complete", "until the last byte of all streams", "window_s: what is buffered plays on"),
        ("deadline", "window_s: at most 0.25 s more", "window_s"),
        ("failure", "until every stream had ended or failed", "window_s: the viewer waits on"),
        ("byte_cap", "until the cap was reached", "elapsed_s: nobody knows what would have followed"),
    )
    for index, cells in enumerate(rows):
        for x, cell in zip((0, 200, 560), cells, strict=True):
            word, colon, rest = cell.partition(":")
            is_code = x == 0 or word in {"window_s", "elapsed_s"}
            line_y = y + 36 + index * 19
            picture.text(LEFT + x, line_y, word, size=12.5, is_code=is_code)
            if rest:
                behind_x = LEFT + x + width_of(word, 12.5, is_code=True)
                picture.text(behind_x, line_y, colon + rest, size=12.5)
    return y + 36 + len(rows) * 19 + 6
