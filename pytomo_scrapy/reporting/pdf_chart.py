"""Charts as vectors on a PDF page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fpdf import FPDF

COLOURS = ((22, 100, 192), (194, 65, 12), (21, 128, 61), (147, 51, 234), (161, 98, 7), (14, 116, 144), (190, 24, 93))
_GRID, _SOFT, _MARK, _BAND = (225, 229, 233), (85, 96, 108), (138, 75, 8), (214, 228, 245)
_DAY = 86400
_TIME_STEPS = (
    60,
    300,
    900,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    _DAY,
    2 * _DAY,
    7 * _DAY,
    30 * _DAY,
    90 * _DAY,
    365 * _DAY,
)


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A line from point to point; None has none. `low` and `high` make a band behind it."""

    label: str
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw. `cuts` are marked places on the x axis, which no line crosses."""

    x: Sequence[float]
    lines: Sequence[ChartLine]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    is_time: bool = True
    is_log_x: bool = False
    x_label: str = ""
    cuts: Sequence[tuple[float, str]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Box:
    """Where on the page, in mm: the plot's own rectangle."""

    left: float
    top: float
    width: float
    height: float


def draw_chart(pdf: FPDF, chart: Chart, box: Box) -> None:
    """Draw axes, grid, bands, lines and legend into the box; labels lie outside of it, left and below."""
    # From back to front: grid, bands, lines, marks.
    to_x, to_y = _scales(chart, box)
    _draw_grid(pdf, chart, box, to_x, to_y)
    for index, line in enumerate(chart.lines):
        if line.low and line.high:
            _draw_band(pdf, chart, line, to_x, to_y)
        _draw_line(pdf, chart, line, COLOURS[index % len(COLOURS)], to_x, to_y)
    _draw_cuts(pdf, chart, box, to_x)
    _draw_legend(pdf, chart, box)


def _scales(chart: Chart, box: Box) -> tuple[Callable[[float], float], Callable[[float], float]]:
    low, high = chart.x_range
    bottom, top = chart.y_range

    def to_x(value: float) -> float:
        if chart.is_log_x:
            share = math.log(max(value, low) / low) / (math.log(high / low) or 1)
        else:
            share = (value - low) / ((high - low) or 1)
        # What lies outside of the range is drawn at its edge: fpdf does not clip.
        return box.left + box.width * min(max(share, 0), 1)

    def to_y(value: float) -> float:
        return box.top + box.height * (1 - min(max((value - bottom) / ((top - bottom) or 1), 0), 1))

    return to_x, to_y


def _draw_grid(
    pdf: FPDF, chart: Chart, box: Box, to_x: Callable[[float], float], to_y: Callable[[float], float]
) -> None:
    pdf.set_line_width(0.1)
    pdf.set_font("helvetica", size=7)
    pdf.set_text_color(*_SOFT)
    pdf.set_draw_color(*_GRID)
    for tick in ticks(*chart.y_range):
        y = to_y(tick)
        pdf.line(box.left, y, box.left + box.width, y)
        word = f"{tick:g}"
        pdf.text(box.left - pdf.get_string_width(word) - 1.5, y + 0.9, word)
    for tick, word in _x_ticks(chart):
        x = to_x(tick)
        pdf.line(x, box.top, x, box.top + box.height)
        pdf.text(x - pdf.get_string_width(word) / 2, box.top + box.height + 3.4, word)
    if chart.x_label:
        pdf.text(box.left + box.width - pdf.get_string_width(chart.x_label), box.top + box.height + 6.6, chart.x_label)


def _x_ticks(chart: Chart) -> list[tuple[float, str]]:
    low, high = chart.x_range
    if chart.is_time:
        return _time_ticks(low, high)
    if chart.is_log_x:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        steps = (1.0, 2.0, 5.0) if last - first <= 3 else (1.0,)
        values = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        return [(value, f"{value:g}") for value in values if low <= value <= high]
    return [(value, f"{value:g}") for value in ticks(low, high)]


def _time_ticks(low: float, high: float) -> list[tuple[float, str]]:
    # Nine labels of the longest form fit side by side.
    step = next((step for step in _TIME_STEPS if (high - low) / step <= 9), _TIME_STEPS[-1])
    first = math.ceil(low / step) * step
    form = (
        "%d %b %Y"
        if step >= 90 * _DAY
        else "%d %b"
        if step >= _DAY
        else "%d %b %H:%M"
        if high - low > _DAY
        else "%H:%M"
    )
    # Bounded also where the range is decades: the last step is the longest there is.
    count = min(12, int((high - first) // step) + 1)
    return [(at, datetime.fromtimestamp(at, UTC).strftime(form)) for at in (first + i * step for i in range(count))]


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round values between two bounds, at most about `most` of them."""
    if not high > low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    # A little less than the exact share will do: 0.1 is not exact in binary, and would take the next larger step.
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    count = min(2 * most, int((high - first * step) / step + 1e-9) + 1)
    # Else a label reads 0.30000000000000004.
    return [float(f"{(first + i) * step:.10g}") for i in range(count)]


def _pieces(chart: Chart, line: ChartLine, *columns: Sequence[float | None]) -> list[list[int]]:
    """Cut a line where something changed, and leave out the points that a column has no value for."""
    pieces: list[list[int]] = [[]]
    cuts = [at for at, _ in chart.cuts]
    for place, x in enumerate(chart.x):
        if any(column[place] is None for column in columns):
            continue
        last = pieces[-1][-1] if pieces[-1] else None
        # Values before and after a change of the software are not of one series.
        if last is not None and any(chart.x[last] < at <= x for at in cuts):
            pieces.append([])
        pieces[-1].append(place)
    return [piece for piece in pieces if piece]


def _draw_band(
    pdf: FPDF, chart: Chart, line: ChartLine, to_x: Callable[[float], float], to_y: Callable[[float], float]
) -> None:
    pdf.set_fill_color(*_BAND)
    for piece in _pieces(chart, line, line.low, line.high):
        above = [(to_x(chart.x[i]), to_y(line.high[i] or 0)) for i in piece]
        below = [(to_x(chart.x[i]), to_y(line.low[i] or 0)) for i in reversed(piece)]
        if len(piece) > 1:
            pdf.polygon(above + below, style="F")


def _draw_line(
    pdf: FPDF,
    chart: Chart,
    line: ChartLine,
    colour: tuple[int, int, int],
    to_x: Callable[[float], float],
    to_y: Callable[[float], float],
) -> None:
    pdf.set_draw_color(*colour)
    pdf.set_fill_color(*colour)
    pdf.set_line_width(0.3)
    for piece in _pieces(chart, line, line.y):
        points = [(to_x(chart.x[i]), to_y(line.y[i] or 0)) for i in piece]
        # A value between two cuts would otherwise not be seen at all.
        if len(points) > 1:
            pdf.polyline(points)
        else:
            pdf.circle(points[0][0], points[0][1], 0.5, style="F")


def _draw_cuts(pdf: FPDF, chart: Chart, box: Box, to_x: Callable[[float], float]) -> None:
    pdf.set_draw_color(*_MARK)
    pdf.set_text_color(*_MARK)
    pdf.set_font("helvetica", size=6)
    told: set[str] = set()
    for at, word in chart.cuts:
        x = to_x(at)
        pdf.set_dash_pattern(dash=1, gap=0.8)
        pdf.line(x, box.top, x, box.top + box.height)
        pdf.set_dash_pattern()
        # The same change of many vantage points is many lines, but one word.
        if word not in told:
            is_right = x > box.left + box.width * 0.75
            pdf.text(
                x + (-1 - pdf.get_string_width(word) if is_right else 1), box.top + 2.4 + 2.6 * (len(told) % 4), word
            )
            told.add(word)


def _draw_legend(pdf: FPDF, chart: Chart, box: Box) -> None:
    pdf.set_font("helvetica", size=7)
    x, y = box.left, box.top - 1.6
    for index, line in enumerate(chart.lines):
        pdf.set_fill_color(*COLOURS[index % len(COLOURS)])
        pdf.rect(x, y - 1.8, 2, 2, style="F")
        pdf.set_text_color(*_SOFT)
        pdf.text(x + 2.8, y, line.label)
        x += pdf.get_string_width(line.label) + 7
