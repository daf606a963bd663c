"""Tables as lines of text: columns where they fit, a block a row where they do not. Nothing is ever cut."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

from pytomo_scrapy.reporting.format import NOTHING
from pytomo_scrapy.reporting.tables import PROSE, TableLayout

GAP = "  "
# A column of prose that has less room than this reads badly: then the row becomes a block.
_LEAST_PROSE = 24
# In a block it may be narrower: below its name a cell would lose its place in a column.
_LEAST_BESIDE = 16


def table_lines(layout: TableLayout, width: int) -> list[str]:
    """Return the lines of a table, its title left out, for a place of `width` cells; a long word alone goes beyond."""
    widths = [max(map(cell_len, column)) for column in zip(layout.columns, *layout.rows, strict=True)]
    room = width - sum(widths) - len(GAP) * (len(widths) - 1)
    # Prose gives way first: figures that are broken over two lines are misread.
    if room < 0 and layout.columns[-1] in PROSE:
        widths[-1] += room
        if widths[-1] >= _LEAST_PROSE:
            room = 0
    if room < 0:
        return _blocks(layout, width)
    are_figures = [all(map(_is_figure, cells)) for cells in zip(*layout.rows, strict=True)]
    return [line for row in (layout.columns, *layout.rows) for line in _row(row, widths, are_figures)]


def _is_figure(cell: str) -> bool:
    return not cell.strip(NOTHING) or cell[0].isdigit()


def _row(row: Sequence[str], widths: Sequence[int], are_figures: Sequence[bool]) -> list[str]:
    """Return a row in columns, figures at their right; prose in the last one goes on below itself."""
    *ahead, last = (
        _right(cell, width) if is_figure else _left(cell, width)
        for cell, width, is_figure in zip(row, widths, are_figures, strict=True)
    )
    if cell_len(last) <= widths[-1]:
        return [GAP.join([*ahead, last]).rstrip()]
    first, *further = _wrapped(last, widths[-1])
    indent = " " * sum(width + len(GAP) for width in widths[:-1])
    return [GAP.join([*ahead, first]), *(indent + line for line in further)]


def _blocks(layout: TableLayout, width: int) -> list[str]:
    """Return a line for each cell, or more where it is longer than that, and an empty line between two rows."""
    indent = max(map(cell_len, layout.columns)) + len(GAP)
    room = width - indent
    lines: list[str] = []
    for row in layout.rows:
        lines += [""] if lines else []
        for name, cell in zip(layout.columns, row, strict=True):
            if cell_len(cell) <= room:
                lines.append((_left(name, indent) + cell).rstrip())
            elif room < _LEAST_BESIDE:
                # Beside its name it would be a column of single words.
                lines += [name, *(GAP + part for part in _wrapped(cell, width - len(GAP)))]
            else:
                first, *further = _wrapped(cell, room)
                lines += [_left(name, indent) + first, *(" " * indent + part for part in further)]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    # A path, a command or a name with hyphens must stay whole, to be copied.
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]


def _left(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
