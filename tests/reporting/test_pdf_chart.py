"""Charts of a PDF on a page that only notes what is drawn: places in mm, worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytomo_scrapy.reporting.pdf_chart import Box, Chart, ChartLine, draw_chart, ticks

# 100 mm for the range of x, 50 mm for that of y, from (10, 20) on.
BOX = Box(10, 20, 100, 50)
DAY = 86_400.0
MAY = datetime(2026, 5, 1, tzinfo=UTC).timestamp()


class Page:
    """Notes what is drawn; a letter is 1 mm wide."""

    def __init__(self) -> None:
        self.drawn: dict[str, list[Any]] = {}

    def get_string_width(self, text: str) -> float:
        return float(len(text))

    def __getattr__(self, name: str) -> Any:
        return lambda *values, **options: self.drawn.setdefault(name, []).append(values)

    def words(self) -> list[str]:
        return [text for _, _, text in self.drawn.get("text", [])]

    def polylines(self) -> list[list[tuple[float, float]]]:
        return [[(round(x, 3), round(y, 3)) for x, y in points] for (points,) in self.drawn.get("polyline", [])]


def drawn(*lines: ChartLine, **options: Any) -> Page:
    values: dict[str, Any] = {"x": (0, 5, 10), "x_range": (0, 10), "y_range": (0, 10), "is_time": False}
    page: Any = Page()
    draw_chart(page, Chart(lines=lines, **{**values, **options}), BOX)
    found: Page = page
    return found


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 6, [0, 1, 2, 3, 4, 5, 6]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 0.6, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),  # and not 0.30000000000000004
        (0, 15, [0, 2.5, 5, 7.5, 10, 12.5, 15]),
        (3, 21, [5, 10, 15, 20]),
        (-1, 1, [-1, -0.5, 0, 0.5, 1]),
        (0, 1e9, [0, 2e8, 4e8, 6e8, 8e8, 1e9]),
        (7, 7, [7]),
        (9, 2, [9]),
    ],
)
def test_ticks_are_round_values_within_the_range(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected


def test_line_is_drawn_in_the_box_and_what_lies_outside_of_the_range_at_its_edge() -> None:
    page = drawn(ChartLine("a", (0, 5, 10)), ChartLine("b", (-5, 10, 99)))
    # y runs down the page: 0 is at 70 mm, 10 at 20 mm.
    assert page.polylines() == [[(10, 70), (60, 45), (110, 20)], [(10, 70), (60, 20), (110, 20)]]
    assert drawn(ChartLine("a", (0, 5, 10)), x=(-99, 5, 99)).polylines() == [[(10, 70), (60, 45), (110, 20)]]


def test_range_of_no_length_is_drawn_and_not_divided_by() -> None:
    page = drawn(ChartLine("a", (3, 3)), x=(4, 4), x_range=(4, 4), y_range=(3, 3))
    assert page.polylines() == [[(10, 70), (10, 70)]]


@pytest.mark.parametrize(
    ("y", "cuts", "lines", "dot_count"),
    [
        ((1, 2, 3), [], 1, 0),
        ((1, None, 3), [], 1, 0),
        ((None, None, None), [], 0, 0),
        ((None, 2, None), [], 0, 1),  # a single value is a dot, or nobody saw it
        # Before and after a change is not one series: the point at the change belongs to what follows.
        ((1, 2, 3), [5], 1, 1),
        ((1, 2, 3), [5, 10], 0, 3),
        ((1, None, 3), [7], 0, 2),
        ((1, 2, 3), [-1, 11], 1, 0),
    ],
)
def test_line_ends_at_a_change_and_leaves_out_what_is_not_known(
    y: tuple[float | None, ...], cuts: list[float], lines: int, dot_count: int
) -> None:
    page = drawn(ChartLine("a", y), cuts=[(at, "window") for at in cuts])
    assert (len(page.polylines()), len(page.drawn.get("circle", []))) == (lines, dot_count)


def test_band_is_between_its_bounds_and_only_where_both_are_known() -> None:
    page = drawn(ChartLine("a", (5, 5, 5), low=(4, 4, None), high=(6, 8, 9)))
    ((corners,),) = page.drawn["polygon"]
    # 6 and 8 along the upper side, back along 4.
    assert [(round(x, 3), round(y, 3)) for x, y in corners] == [(10, 40), (60, 30), (60, 50), (10, 50)]
    assert "polygon" not in drawn(ChartLine("a", (5, 5, 5), low=(4, None, 4), high=(6, 6, None))).drawn
    assert "polygon" not in drawn(ChartLine("a", (5, 5, 5))).drawn


def test_change_is_one_line_for_each_and_one_word_for_all_of_its_kind() -> None:
    page = drawn(ChartLine("a", (1, 2, 3)), cuts=[(2, "yt-dlp 2"), (4, "yt-dlp 2"), (9, "window 10 s")])
    uprights = [(x0, y0, y1) for x0, y0, x1, y1 in page.drawn["line"] if x0 == x1]
    assert [x for x, _, _ in uprights][-3:] == [30, 50, 100] and uprights[-1] == (100, 20, 70)
    assert page.words().count("yt-dlp 2") == 1
    places = {text: x for x, _, text in page.drawn["text"]}
    # At the right edge a word stands before its line: it would leave the page.
    assert places["yt-dlp 2"] == 31 and places["window 10 s"] == 100 - 1 - len("window 10 s")


def test_legend_names_the_lines_side_by_side_in_their_order_and_colours_come_again() -> None:
    page = drawn(*(ChartLine(f"line {number}", (1, 2, 3)) for number in range(8)))
    assert [text for text in page.words() if text.startswith("line")] == [f"line {number}" for number in range(8)]
    squares = [x for x, *_ in page.drawn["rect"]]
    assert squares == [10 + 13 * number for number in range(8)]  # 6 letters and 7 mm
    fills = page.drawn["set_fill_color"][-8:]
    assert fills[0] == fills[7] and len(set(fills)) == 7


@pytest.mark.parametrize(
    ("low_s", "high_s", "words"),
    [
        (0, 600, ["00:00", "00:05", "00:10"]),
        (0, 6 * 3600, ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"]),
        # Over midnight an hour alone says too little.
        (12 * 3600, 48 * 3600, ["01 May 12:00", "01 May 18:00", "02 May 00:00", "02 May 06:00", "02 May 12:00",
                                "02 May 18:00", "03 May 00:00"]),
        (0, 3 * DAY, ["01 May 00:00", "01 May 12:00", "02 May 00:00", "02 May 12:00", "03 May 00:00", "03 May 12:00",
                      "04 May 00:00"]),
        (0, 7 * DAY, [f"0{day} May" for day in range(1, 9)]),
        (0, 0, ["00:00"]),
    ],
)  # fmt: skip
def test_time_axis_has_at_most_nine_words_of_round_times(low_s: float, high_s: float, words: list[str]) -> None:
    page = drawn(x=(), is_time=True, x_range=(MAY + low_s, MAY + high_s), y_range=(0, 0))
    assert page.words()[1:] == words


@pytest.mark.parametrize("years", [1, 3, 30, 100])
def test_time_axis_of_years_is_bounded_and_names_the_year(years: int) -> None:
    words = drawn(x=(), is_time=True, x_range=(MAY, MAY + years * 365 * DAY), y_range=(0, 0)).words()[1:]
    assert 2 <= len(words) <= 12 and all(word[-4:].isdigit() for word in words)


@pytest.mark.parametrize(
    ("x_range", "words"),
    [
        ((1, 10), ["1", "2", "5", "10"]),
        ((0.3, 4), ["0.5", "1", "2"]),
        ((0.001, 1000), ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]),
    ],
)
def test_logarithmic_axis_has_powers_and_between_few_of_them_2_and_5(
    x_range: tuple[float, float], words: list[str]
) -> None:
    page = drawn(x=(), x_range=x_range, y_range=(0, 0), is_log_x=True)
    assert page.words()[1:] == words


def test_logarithmic_axis_gives_each_power_the_same_room() -> None:
    page = drawn(ChartLine("a", (0, 5, 10)), x=(1, 10, 100), x_range=(1, 100), is_log_x=True, x_label="Mbit/s")
    assert page.polylines() == [[(10, 70), (60, 45), (110, 20)]]
    assert ("Mbit/s" in page.words()) and drawn(x_label="").words().count("") == 0
