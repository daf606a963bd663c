"""Draws one session: bytes and media seconds over time, the playhead, and what the viewer waited for.

The drawing is a list of plain shapes first, so that SVG (written here) and PNG (drawn by Pillow) show the same.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from pytomo_scrapy.items import DownloadResult, Interval, MediaTimeline
from pytomo_scrapy.measure.playback.player_model import media_steps
from pytomo_scrapy.measure.playback.window_replay import window_traces

WIDTH_PX, HEIGHT_PX, LEFT_PX, RIGHT_PX, TOP_PX, PANEL_PX, GAP_PX = 960, 560, 70, 20, 70, 190, 50
MAX_POINTS = 1500  # of a line: more than there are pixels
FONT_PX = 13
STARTUP, STALL, FREEZE, GRID, INK = "#e8e8e8", "#f4a9a0", "#fbe3a6", "#d0d0d0", "#222222"
STREAM_COLOURS = ("#1f77b4", "#2ca02c", "#9467bd")
MEDIA, PLAYHEAD = "#8c564b", "#d62728"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: Sequence[Point]
    colour: str
    width_px: float = 1.5


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text; `anchor` is "start", "middle" or "end" of it at `x`."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    colour: str = INK


@dataclass(slots=True)
class Drawing:
    """Shapes from back to front, on white."""

    shapes: list[Line | Box | Label] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shown:
    """One session as it is drawn; `freezes` may be the stalls again where the player tells no picture."""

    title: str
    subtitle: str
    download: DownloadResult
    timelines: Sequence[MediaTimeline]
    horizon_s: float
    startup_delay_s: float | None
    played_s: float
    stalls: Sequence[Interval] = ()
    freezes: Sequence[Interval] = ()
    player: str | None = None


@dataclass(frozen=True, slots=True)
class _Panel:
    """Maps values to pixels."""

    top: float
    horizon_s: float
    largest: float

    def x(self, t_s: float) -> float:
        return LEFT_PX + (WIDTH_PX - LEFT_PX - RIGHT_PX) * min(t_s, self.horizon_s) / self.horizon_s

    def y(self, value: float) -> float:
        return self.top + PANEL_PX * (1 - min(value, self.largest) / self.largest)


def draw_session(shown: Shown) -> Drawing:
    """Return the picture of a session."""
    drawing = Drawing()
    # A window that ended at once has no length to divide by.
    horizon_s = max(shown.horizon_s, 0.1)
    arrived = [stream.arrival_bytes[-1] for stream in shown.download.streams if stream.arrival_bytes]
    top = _Panel(TOP_PX, horizon_s, _round_up(max(arrived, default=1) / 1e6))
    media = _media_points(shown, horizon_s)
    playhead = playhead_points(shown.startup_delay_s, shown.played_s, shown.stalls, horizon_s)
    bottom_largest = max([value for _, value in media + playhead], default=1.0)
    bottom = _Panel(TOP_PX + PANEL_PX + GAP_PX, horizon_s, _round_up(bottom_largest))
    # The waits first: the lines are drawn over their shade.
    for panel in (top, bottom):
        _shade(drawing, panel, shown)
    _axes(drawing, top, "MB received")
    _axes(drawing, bottom, "media seconds")
    for index, stream in enumerate(shown.download.streams):
        points = [(t_s, count / 1e6) for t_s, count in zip(stream.arrival_s, stream.arrival_bytes, strict=True)]
        _plot(drawing, top, _steps([(0.0, 0.0), *points], horizon_s), STREAM_COLOURS[index % len(STREAM_COLOURS)])
    _plot(drawing, bottom, _steps([(0.0, 0.0), *media], horizon_s), MEDIA)
    _plot(drawing, bottom, playhead, PLAYHEAD)
    drawing.shapes += [Label(LEFT_PX, 22, shown.title), Label(LEFT_PX, 40, shown.subtitle)]
    _legend(drawing, [stream.kind for stream in shown.download.streams])
    return drawing


def playhead_points(
    startup_delay_s: float | None, played_s: float, stalls: Sequence[Interval], horizon_s: float
) -> list[Point]:
    """Return the playhead over time: media seconds played, flat in stalls."""
    # It never moved: a line at 0 would look like one that waits.
    if startup_delay_s is None:
        return []
    points = [(startup_delay_s, 0.0)]
    for stall in stalls:
        position_s = points[-1][1] + stall.start_s - points[-1][0]
        points += [(stall.start_s, position_s), (stall.start_s + stall.duration_s, position_s)]
    # A stall that lasts beyond the window leaves nothing to play after it.
    rest_s = min(played_s - points[-1][1], horizon_s - points[-1][0])
    if rest_s > 0:
        points.append((points[-1][0] + rest_s, points[-1][1] + rest_s))
    return points


def _media_points(shown: Shown, horizon_s: float) -> list[Point]:
    # A stream whose media time is not known: what is complete of both cannot be said.
    if len(shown.timelines) != len(shown.download.streams):
        return []
    steps = media_steps(window_traces(shown.download, shown.timelines), horizon_s)
    return list(zip(steps.at_s, steps.complete_s, strict=True))


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    base = 10.0 ** math.floor(math.log10(value))
    # Not the next step for a value that is a hair above, by rounding.
    return next(factor * base for factor in (1, 2, 5, 10) if factor * base >= value * 0.999)


def _shade(drawing: Drawing, panel: _Panel, shown: Shown) -> None:
    waits = [(Interval(0.0, shown.horizon_s if shown.startup_delay_s is None else shown.startup_delay_s), STARTUP)]
    # Stalls last: in a stall the picture stands as well, and the stall is the stronger word.
    waits += [(freeze, FREEZE) for freeze in shown.freezes] + [(stall, STALL) for stall in shown.stalls]
    for wait, colour in waits:
        left, right = panel.x(wait.start_s), panel.x(wait.start_s + wait.duration_s)
        drawing.shapes.append(Box(left, panel.top, right - left, PANEL_PX, colour))


def _axes(drawing: Drawing, panel: _Panel, name: str) -> None:
    for tick in range(5):
        value = panel.largest * tick / 4
        y = panel.y(value)
        drawing.shapes.append(Line([(LEFT_PX, y), (WIDTH_PX - RIGHT_PX, y)], GRID, 0.5))
        drawing.shapes.append(Label(LEFT_PX - 6, y + 4, f"{value:g}", "end"))
    step_s = _round_up(panel.horizon_s / 8)
    for tick in range(int(panel.horizon_s / step_s + 1e-9) + 1):
        x = panel.x(tick * step_s)
        drawing.shapes.append(Line([(x, panel.top), (x, panel.top + PANEL_PX)], GRID, 0.5))
        drawing.shapes.append(Label(x, panel.top + PANEL_PX + 16, f"{tick * step_s:g} s", "middle"))
    drawing.shapes.append(Label(LEFT_PX, panel.top - 6, name))


def _steps(points: Sequence[Point], horizon_s: float) -> list[Point]:
    """Turn values that hold until the next one into corners, few enough to draw."""
    times = [t_s for t_s, _ in points]
    points = list(points[: bisect_right(times, horizon_s)])
    stride = max(1, len(points) // MAX_POINTS)
    kept = [*points[::stride], points[-1]] if points else []
    corners: list[Point] = []
    for t_s, value in kept:
        # A value holds until the next: a slanted line would show bytes before they came.
        if corners:
            corners.append((t_s, corners[-1][1]))
        corners.append((t_s, value))
    return [*corners, (horizon_s, corners[-1][1])] if corners else []


def _plot(drawing: Drawing, panel: _Panel, points: Sequence[Point], colour: str) -> None:
    if len(points) > 1:
        drawing.shapes.append(Line([(panel.x(t_s), panel.y(value)) for t_s, value in points], colour))


def _legend(drawing: Drawing, kinds: Sequence[str]) -> None:
    entries = [(kind, STREAM_COLOURS[index % len(STREAM_COLOURS)]) for index, kind in enumerate(kinds)]
    entries += [("media received", MEDIA), ("playhead", PLAYHEAD)]
    entries += [("startup", STARTUP), ("stall", STALL), ("picture frozen", FREEZE)]
    x, y = float(LEFT_PX), HEIGHT_PX - 14.0
    for name, colour in entries:
        drawing.shapes += [Box(x, y - 9, 14, 9, colour), Label(x + 18, y, name)]
        x += 40 + 7.2 * len(name)


def as_svg(drawing: Drawing) -> str:
    """Return the drawing as an SVG document."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{HEIGHT_PX}" '
        f'viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" font-family="sans-serif" font-size="{FONT_PX}">',
        f'<rect width="{WIDTH_PX}" height="{HEIGHT_PX}" fill="#ffffff"/>',
    ]
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{shape.colour}" stroke-width="{shape.width_px}"/>'
            )
        elif isinstance(shape, Box):
            parts.append(
                f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" height="{shape.height:.1f}" '
                f'fill="{shape.colour}"/>'
            )
        else:
            parts.append(
                f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" text-anchor="{shape.anchor}" fill="{shape.colour}">'
                f"{escape(shape.text)}</text>"
            )
    return "\n".join([*parts, "</svg>", ""])


def as_png(drawing: Drawing, scale: int = 2) -> bytes:
    """Return the drawing as a PNG of `scale` times the size. Raises ImportError where Pillow is not installed."""
    # Here, as SVG needs no Pillow, which is not among the requirements.
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH_PX * scale, HEIGHT_PX * scale), "#ffffff")
    canvas = ImageDraw.Draw(image)
    font = ImageFont.load_default(FONT_PX * scale)
    anchors = {"start": "ls", "middle": "ms", "end": "rs"}
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            points = [(x * scale, y * scale) for x, y in shape.points]
            canvas.line(points, fill=shape.colour, width=max(1, round(shape.width_px * scale)), joint="curve")
        elif isinstance(shape, Box):
            right, lower = (shape.x + shape.width) * scale, (shape.y + shape.height) * scale
            canvas.rectangle((shape.x * scale, shape.y * scale, right, lower), fill=shape.colour)
        else:
            at = (shape.x * scale, shape.y * scale)
            canvas.text(at, shape.text, fill=shape.colour, font=font, anchor=anchors[shape.anchor])
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
