"""The few shapes that the pictures are made of, as SVG text that is the same on every machine.

Colours have names. Every shape carries its light colour as an attribute, which no security policy of a page can take
away; a style sheet inside the picture replaces the colours where the reader's system is dark.
"""

from __future__ import annotations

from html import escape
from textwrap import wrap

# name: (light, dark)
COLOURS = {
    "ground": ("#fbfbfa", "#14171a"),
    "raised": ("#ffffff", "#1f2429"),
    "ink": ("#1b1f24", "#e7eaee"),
    "soft": ("#55606c", "#a9b2bc"),
    "line": ("#c9cfd6", "#424b54"),
    "blue": ("#1664c0", "#6db1ff"),
    "blue-tint": ("#e4effb", "#1d2f44"),
    "teal": ("#0e7490", "#57cfe5"),
    "teal-tint": ("#e0f2f6", "#17343b"),
    "orange": ("#c2410c", "#ff9d5c"),
    "orange-tint": ("#fdeade", "#41291a"),
    "purple": ("#7e22ce", "#cf9bff"),
    "purple-tint": ("#f2e6fc", "#33224a"),
    "green": ("#146c37", "#7fdba0"),
    "green-tint": ("#e3f4e8", "#1b3325"),
    "grey-tint": ("#eceff2", "#2a3036"),
}
# Widths of a character, as a share of the font's size: of the widest fonts that browsers commonly use.
CODE_WIDTH, WORD_WIDTH = 0.605, 0.575


def number(value: float) -> str:
    """Write a coordinate with at most one decimal."""
    return f"{round(value, 1) + 0.0:g}"


def width_of(text: str, size: float, *, is_code: bool = False) -> float:
    """Return how wide a text is at most, about."""
    return len(text) * size * (CODE_WIDTH if is_code else WORD_WIDTH)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines that are no wider than `width`."""
    return wrap(text, max(1, int(width / (size * WORD_WIDTH))), break_long_words=False)


class Picture:
    """A picture that shapes are added to, on a card of its own."""

    def __init__(self, width: float, title: str, description: str) -> None:
        self.width = width
        self._title, self._description = title, description
        self._shapes: list[str] = []
        self._used: set[tuple[str, str]] = set()

    def _paint(self, fill: str | None, stroke: str | None, width: float, dash: str | None) -> str:
        classes, attributes = [], []
        for kind, colour in (("fill", fill), ("stroke", stroke)):
            if colour is None:
                attributes.append(f'{kind}="none"' if kind == "fill" else "")
                continue
            self._used.add((kind, colour))
            classes.append(f"{kind[0]}-{colour}")
            attributes.append(f'{kind}="{COLOURS[colour][0]}"')
        if stroke is not None:
            attributes.append(f'stroke-width="{number(width)}"')
        if dash is not None:
            attributes.append(f'stroke-dasharray="{dash}"')
        named = f'class="{" ".join(classes)}" ' if classes else ""
        return named + " ".join(attribute for attribute in attributes if attribute)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str | None = None,
        stroke: str | None = None,
        radius: float = 0,
        dash: str | None = None,
        line_width: float = 1,
    ) -> None:
        """Add a box."""
        rounded = f' rx="{number(radius)}"' if radius else ""
        self._shapes.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"{rounded} '
            f"{self._paint(fill, stroke, line_width, dash)}/>"
        )

    def path(
        self,
        points: list[tuple[float, float]],
        stroke: str | None,
        *,
        width: float = 1.5,
        fill: str | None = None,
        dash: str | None = None,
    ) -> None:
        """Add a line through all points, or a filled shape."""
        words = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        shape = "polygon" if stroke is None else "polyline"
        self._shapes.append(f'<{shape} points="{words}" {self._paint(fill, stroke, width, dash)}/>')

    def arrow(
        self, points: list[tuple[float, float]], colour: str, *, width: float = 1.5, dash: str | None = None
    ) -> None:
        """Add a line with a head at its last point. The last piece is horizontal or vertical."""
        (x0, y0), (x1, y1) = points[-2:]
        dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
        back_x, back_y = x1 - 8 * dx, y1 - 8 * dy
        self.path([*points[:-1], (back_x, back_y)], colour, width=width, dash=dash)
        self.path(
            [(x1, y1), (back_x + 4.5 * dy, back_y + 4.5 * dx), (back_x - 4.5 * dy, back_y - 4.5 * dx)],
            None,
            fill=colour,
        )

    def add(self, other: Picture) -> None:
        """Add all shapes of another picture on top."""
        self._shapes += other._shapes
        self._used |= other._used

    def circle(self, x: float, y: float, radius: float, *, fill: str | None = None, stroke: str | None = None) -> None:
        """Add a circle."""
        self._shapes.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" {self._paint(fill, stroke, 1.5, None)}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 13,
        colour: str = "ink",
        anchor: str = "start",
        is_bold: bool = False,
        is_code: bool = False,
    ) -> None:
        """Add a line of text; `y` is its base line. `is_code`: a name as it stands in the program."""
        family = "monospace" if is_code else "sans-serif"
        weight = ' font-weight="bold"' if is_bold else ""
        placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._shapes.append(
            f'<text x="{number(x)}" y="{number(y)}" font-family="{family}" font-size="{number(size)}"{weight}{placed} '
            f"{self._paint(colour, None, 0, None)}>{escape(text)}</text>"
        )

    def lines(
        self, x: float, y: float, lines: list[str], *, size: float = 13, step: float = 17, colour: str = "ink"
    ) -> None:
        """Add several lines of text below each other."""
        for index, line in enumerate(lines):
            self.text(x, y + index * step, line, size=size, colour=colour)

    def drawn(self, height: float) -> str:
        """Return the whole picture, on a card of the given height."""
        dark = "".join(
            f".{kind[0]}-{colour}{{{kind}:{COLOURS[colour][1]}}}"
            for kind, colour in sorted({*self._used, ("fill", "ground"), ("stroke", "line")})
        )
        size = f"{number(self.width)} {number(height)}"
        card = (
            f'<rect x="0.5" y="0.5" width="{number(self.width - 1)}" height="{number(height - 1)}" rx="8" '
            f'class="f-ground s-line" fill="{COLOURS["ground"][0]}" stroke="{COLOURS["line"][0]}"/>'
        )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{number(self.width)}" '
                f'height="{number(height)}" role="img" aria-labelledby="title desc">',
                f'<title id="title">{escape(self._title)}</title>',
                f'<desc id="desc">{escape(self._description)}</desc>',
                f"<style>@media (prefers-color-scheme: dark){{{dark}}}</style>",
                card,
                *self._shapes,
                "</svg>",
                "",
            ]
        )
