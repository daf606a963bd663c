"""Headings, sentences and tables of a PDF page, from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from fpdf import FPDF

from pytomo_scrapy import __version__
from pytomo_scrapy.reporting.tables import TableLayout

LEFT = 15.0
_INK, _SOFT = (27, 31, 36), (85, 96, 108)


def plain(text: str) -> str:
    """Return what the PDF's own fonts can show; other letters become question marks."""
    # The narrow space between thousands is none of Latin-1's.
    return text.replace("\u202f", " ").encode("latin-1", "replace").decode("latin-1")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table as it is drawn: each column's width and lines, in a font's style."""

    style: Literal["", "B"]
    columns: list[tuple[float, list[str]]]
    height: float


class TextPdf:
    """A PDF that text is written to. `size` is that of its sentences in points; all else follows from it."""

    def __init__(self, title: str, size: float = 9, margin: float = LEFT) -> None:
        self.pdf = FPDF(format="A4")
        self._size = size
        self._row_line = size * 0.467  # the height of a line in a table
        self._widths: dict[tuple[str, float, str], float] = {}  # of words, by style and size of the font
        self.pdf.set_margins(margin, margin, margin)
        self.pdf.set_auto_page_break(True, margin=margin)
        self.pdf.set_title(title)
        self.pdf.set_creator(f"pytomo-scrapy {__version__}")
        self.pdf.add_page()

    def finish(self) -> bytes:
        """Return the file."""
        return bytes(self.pdf.output())

    def keep(self, height: float) -> None:
        """Begin a new page where less than this many millimetres are left."""
        if self.pdf.get_y() + height > self.pdf.h - self.pdf.b_margin:
            self.pdf.add_page()

    def heading(self, text: str, size: float) -> None:
        """Write a heading."""
        self.pdf.ln(self._size / 3)
        self.pdf.set_font("helvetica", "B", size)
        self.pdf.set_text_color(*_INK)
        self._write(text, size * 0.5)
        self.pdf.ln(self._size / 9)

    def text(self, text: str, *, bold: bool = False, soft: bool = False) -> None:
        """Write a sentence, or several."""
        self.pdf.set_font("helvetica", "B" if bold else "", self._size)
        self.pdf.set_text_color(*(_SOFT if soft else _INK))
        self._write(text, self._size * 0.49)

    def table(self, layout: TableLayout, widths: tuple[int, ...], *, has_head: bool = True) -> None:
        """Write a table under its title, if it has one. Its head is repeated where a page begins."""
        if layout.title:
            self.heading(layout.title, self._size * 4 / 3)
        self.pdf.set_text_color(*_INK)
        self.pdf.set_draw_color(200, 205, 210)
        head = self._row(layout.columns, widths, "B") if has_head else None
        rows = [part for cells in layout.rows for part in self._parts(self._row(cells, widths))]
        for index, row in enumerate(rows):
            is_new_page = self.pdf.will_page_break(row.height + (head.height if head is not None and not index else 0))
            if is_new_page:
                self.pdf.add_page()
            if head is not None and (is_new_page or not index):
                self._draw(head, has_line=True)
            self._draw(row, has_line=index < len(rows) - 1)
        if head is not None and not rows:
            self._draw(head, has_line=False)

    def _write(self, text: str, line_height: float) -> None:
        for line in self._lines(plain(text), self.pdf.epw):
            if self.pdf.will_page_break(line_height):
                self.pdf.add_page()
            top = self.pdf.get_y()
            self._put(line, self.pdf.l_margin, top, line_height)
            self.pdf.set_xy(self.pdf.l_margin, top + line_height)

    def _row(self, cells: Sequence[str], widths: Sequence[float], style: Literal["", "B"] = "") -> _Row:
        self.pdf.set_font("helvetica", style, self._size - 1)
        columns = [(width, self._lines(plain(cell), width)) for width, cell in zip(widths, cells, strict=False)]
        return _Row(style, columns, self._row_line * max(len(lines) for _, lines in columns))

    def _parts(self, row: _Row) -> Iterator[_Row]:
        """Give a row; one that no page has room for below a head of three lines, in parts that a page has."""
        most = int(self.pdf.eph / self._row_line) - 3
        for first in range(0, max(len(lines) for _, lines in row.columns), most):
            columns = [(width, lines[first : first + most]) for width, lines in row.columns]
            yield _Row(row.style, columns, self._row_line * max(len(lines) for _, lines in columns))

    def _draw(self, row: _Row, *, has_line: bool) -> None:
        self.pdf.set_font("helvetica", row.style, self._size - 1)
        left, top = self.pdf.l_margin, self.pdf.get_y()
        for width, lines in row.columns:
            for number, line in enumerate(lines):
                self._put(line, left, top + number * self._row_line, self._row_line)
            left += width
        self.pdf.set_xy(self.pdf.l_margin, top + row.height)
        if has_line:
            self.pdf.line(self.pdf.l_margin, top + row.height, left, top + row.height)

    def _put(self, line: str, left: float, top: float, height: float) -> None:
        """Write a line where a cell of that height would have it: a cell takes ten times as long."""
        if line:
            self.pdf.text(left + self.pdf.c_margin, top + 0.5 * height + 0.3 * self.pdf.font_size, line)

    def _lines(self, text: str, width: float) -> list[str]:
        """Break a text into lines of a width, between its words where it can be. Each word is measured once a file.

        fpdf's own cells measure the whole line again for every letter, which was half of the time that a report took,
        and it copies all that is set of a font for each word that it is asked for.
        """
        room = width - 2 * self.pdf.c_margin
        space = self._width(" ")
        lines: list[str] = []
        for paragraph in text.split("\n"):
            line, used = "", 0.0
            for word in paragraph.rstrip(" ").split(" "):
                pieces = self._pieces(word, room)
                for number, (piece, length) in enumerate(pieces):
                    if number == 0 and line and used + space + length <= room:
                        line, used = f"{line} {piece}", used + space + length
                        continue
                    if line:
                        lines.append(line)
                    line, used = piece, length
            lines.append(line)
        return lines

    def _pieces(self, word: str, room: float) -> list[tuple[str, float]]:
        """Return a word with its length; one that is longer than a line, in pieces that are not."""
        length = self._width(word)
        if length <= room or len(word) < 2:
            return [(word, length)]
        middle = len(word) // 2
        return [*self._pieces(word[:middle], room), *self._pieces(word[middle:], room)]

    def _width(self, word: str) -> float:
        key = (self.pdf.font_style, self.pdf.font_size_pt, word)
        if key not in self._widths:
            self._widths[key] = self.pdf.get_string_width(word)
        return self._widths[key]
