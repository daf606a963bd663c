"""Headings, sentences and tables of a PDF page, from top to bottom."""

from __future__ import annotations

from fpdf import FPDF

from pytomo_scrapy import __version__
from pytomo_scrapy.reporting.tables import TableLayout

LEFT = 15.0
_INK, _SOFT = (27, 31, 36), (85, 96, 108)


def plain(text: str) -> str:
    """Return what the PDF's own fonts can show; other letters become question marks."""
    return text.replace("\u202f", " ").encode("latin-1", "replace").decode("latin-1")


class TextPdf:
    """A PDF that text is written to. `size` is that of its sentences in points; all else follows from it."""

    def __init__(self, title: str, size: float = 9, margin: float = LEFT) -> None:
        self.pdf = FPDF(format="A4")
        self._size = size
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
        self.pdf.multi_cell(0, size * 0.5, plain(text), align="L", new_x="LMARGIN", new_y="NEXT")
        self.pdf.ln(self._size / 9)

    def text(self, text: str, *, bold: bool = False, soft: bool = False) -> None:
        """Write a sentence, or several."""
        self.pdf.set_font("helvetica", "B" if bold else "", self._size)
        self.pdf.set_text_color(*(_SOFT if soft else _INK))
        self.pdf.multi_cell(0, self._size * 0.49, plain(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def table(self, layout: TableLayout, widths: tuple[int, ...], *, has_head: bool = True) -> None:
        """Write a table under its title, if it has one."""
        if layout.title:
            self.heading(layout.title, self._size * 4 / 3)
        self.pdf.set_font("helvetica", size=self._size - 1)
        self.pdf.set_text_color(*_INK)
        self.pdf.set_draw_color(200, 205, 210)
        # A chart leaves its own behind, which cells would take.
        self.pdf.set_fill_color(255, 255, 255)
        with self.pdf.table(
            col_widths=widths,
            width=sum(widths),
            line_height=self._size * 0.467,
            align="LEFT",
            text_align="LEFT",
            v_align="TOP",
            borders_layout="HORIZONTAL_LINES",
            first_row_as_headings=has_head,
        ) as table:
            for cells in (layout.columns, *layout.rows) if has_head else layout.rows:
                row = table.row()
                for cell in cells:
                    row.cell(plain(cell))
