"""The report as a PDF: vector graphs, averages and explanations, with or without the web page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fpdf import FPDF
from sqlalchemy import Connection

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis import lists, overview
from pytomo_scrapy.analysis.distribution import curves
from pytomo_scrapy.analysis.era import Change
from pytomo_scrapy.analysis.figures import GROUPS, PARAMETERS, Figure
from pytomo_scrapy.analysis.report_selection import asked_for, report_selection
from pytomo_scrapy.analysis.selection import Selection, period_of
from pytomo_scrapy.analysis.series import Buckets, Series, series
from pytomo_scrapy.analysis.statement import sentence_of
from pytomo_scrapy.failures import NotReadyError
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.cause_tables import cause_table
from pytomo_scrapy.reporting.format import instant_of, number
from pytomo_scrapy.reporting.pdf_chart import Box, Chart, ChartLine, draw_chart
from pytomo_scrapy.reporting.tables import (
    TableLayout,
    average_table,
    estimate_table,
    failure_table,
    outage_table,
    refusal_table,
)
from pytomo_scrapy.reporting.verdict import verdict
from pytomo_scrapy.storage.read_only import ReadDatabase

_BUCKETS = 240
_WIDTH, _LEFT = 180.0, 15.0
_CHART_HEIGHT = 46.0
_INK, _SOFT = (27, 31, 36), (85, 96, 108)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a report holds besides its first page. Empty: that page alone."""

    parameters: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    compare: str | None = None


def contents_of(group: str = "main") -> Contents:
    """Return a group's graphs, and how startup and delivery are distributed."""
    return Contents(GROUPS[group].parameters, ("startup_delay_s", "delivery_bps"))


def write_pdf_report(database: str | Path, path: Path, selection: Selection | None = None) -> None:
    """Write the report of a database, by its URL or file, to `path`: of what was measured within the selection.

    Without one it is of everything.

    Raises NotReadyError where nothing is measured yet, StorageError where the database cannot be read.
    """
    reader = ReadDatabase(database)
    try:
        with reader.read() as connection:
            if period_of(connection) is None:
                raise NotReadyError("There is no measurement to report.")
            chosen = report_selection(connection, selection or asked_for(None, None))
            path.write_bytes(make_report(connection, chosen, contents_of(), reader.shown_url))
    finally:
        reader.close()


def make_report(connection: Connection, selection: Selection, contents: Contents, source: str) -> bytes:
    """Return the report of a selection whose era is settled as a PDF file."""
    page = _Page(selection, source)
    page.front(connection)
    for name in contents.parameters:
        parameter = PARAMETERS[name]
        compare = contents.compare if _is_comparable(parameter, contents.compare) else None
        found = series(connection, selection, parameter, compare=compare, buckets=Buckets(_BUCKETS))
        page.series(found)
    for name in contents.distributions:
        page.distribution(connection, PARAMETERS[name], contents.compare)
    return page.finish()


def _is_comparable(parameter: Figure, compare: str | None) -> bool:
    if compare == "player":
        return parameter.is_playback
    return compare != "resolver" or parameter.name == "dns_elapsed_s"


def plain(text: str) -> str:
    """Return what the PDF's own fonts can show; other letters become question marks."""
    return text.replace("\u202f", " ").encode("latin-1", "replace").decode("latin-1")


class _Page:
    """Writes the report from top to bottom."""

    def __init__(self, selection: Selection, source: str) -> None:
        self._selection = selection
        self._source = source
        self._pdf = FPDF(format="A4")
        self._pdf.set_margins(_LEFT, 15, _LEFT)
        self._pdf.set_auto_page_break(True, margin=15)
        self._pdf.set_title("pytomo report")
        self._pdf.set_creator(f"pytomo-scrapy {__version__}")
        self._pdf.add_page()

    def finish(self) -> bytes:
        return bytes(self._pdf.output())

    def front(self, connection: Connection) -> None:
        """The verdict, the figures with their intervals, the averages and the failures."""
        chosen = self._selection
        found = overview.overview(connection, chosen)
        self._heading("How online videos play on this line", 16)
        self._text(sentence_of(connection, chosen))
        self._text(f"From {self._source}, written {instant_of(datetime.now(UTC).timestamp())} UTC.", soft=True)
        for sentence in verdict(found, "this selection", lambda one: overview.change_since(connection, chosen, one)):
            self._text(sentence.text, bold=True)
        for note in found.notes:
            self._text(note)
        self._table(estimate_table(found.estimates), (32, 26, 38, 18, 66))
        videos = f"{counted(found.video_count, 'video')} on {counted(found.day_count, 'day')}"
        self._text(f"{counted(found.row_count, 'measurement')}, {found.valid_count} valid, of {videos}.")
        self._table(average_table(lists.averages(connection, chosen)), (50, 60))
        if found.failures:
            self._table(failure_table(found.failures[:12]), (34, 22, 14, 110))
        if found.causes:
            self._table(cause_table(found.causes), (34, 24, 26, 22, 30))
        if found.outages:
            self._table(outage_table(found.outages[-12:]), (40, 46, 46, 18, 20))
        refused = refusal_table(found.refusals)
        self._pdf.ln(2)
        for line in found.refusals.sentences:
            self._text(line)
        if refused.rows:
            self._table(refused, (30, 44, 18, 18, 20, 32))

    def series(self, found: Series) -> None:
        """One figure over time."""
        one = found.parameter
        self._chart_heading(one.title, one)
        known = sum(line.known_count for line in found.lines)
        unknown = sum(line.unknown_count for line in found.lines)
        if known < 3:
            self._text(f"{known} known values: a graph needs at least 3.")
            return
        has_band = len(found.lines) == 1
        lines = [_line(line, one, has_band) for line in found.lines]
        self._chart(
            Chart(
                found.start_s,
                lines,
                (self._selection.start_s, self._selection.end_s),
                (0, _top(lines)),
                cuts=_cuts(found.breaks),
            )
        )
        means = [
            f"{line.label}: {word} {number(middle * one.factor, one.decimals)} {one.unit}"
            for line in found.lines
            for word, middle in (("mean", line.mean), ("median", line.median))
            if middle is not None
        ]
        self._text(plain(f"{known} known values, {unknown} unknown. {'; '.join(means)}"), soft=True)

    def distribution(self, connection: Connection, one: Figure, compare: str | None) -> None:
        """One figure's CDF, on a logarithmic axis."""
        found, _ = curves(connection, self._selection, one, compare=compare if _is_comparable(one, compare) else None)
        xs = sorted({value * one.factor for curve in found for value in curve.value if value > 0})
        self._chart_heading(f"CDF of {one.title.lower()}", one)
        if len(xs) < 2:
            self._text("Too few values for a distribution.")
            return
        lines = []
        for curve in found:
            steps = dict(zip((value * one.factor for value in curve.value), curve.share, strict=True))
            share, shares = 0.0, []
            for x in xs:
                share = steps.get(x, share)
                shares.append(share)
            lines.append(
                ChartLine(plain(f"{curve.label} (n {curve.known_count}, {curve.censored_count} censored)"), shares)
            )
        self._chart(Chart(xs, lines, (xs[0], xs[-1]), (0, 1), is_time=False, is_log_x=True, x_label=one.unit))

    def _heading(self, text: str, size: int) -> None:
        self._pdf.ln(3)
        self._pdf.set_font("helvetica", "B", size)
        self._pdf.set_text_color(*_INK)
        self._pdf.multi_cell(0, size * 0.5, plain(text), new_x="LMARGIN", new_y="NEXT")
        self._pdf.ln(1)

    def _text(self, text: str, *, bold: bool = False, soft: bool = False) -> None:
        self._pdf.set_font("helvetica", "B" if bold else "", 9)
        self._pdf.set_text_color(*(_SOFT if soft else _INK))
        self._pdf.multi_cell(0, 4.4, plain(text), new_x="LMARGIN", new_y="NEXT")

    def _table(self, layout: TableLayout, widths: tuple[int, ...]) -> None:
        self._heading(layout.title, 12)
        self._pdf.set_font("helvetica", size=8)
        self._pdf.set_text_color(*_INK)
        self._pdf.set_draw_color(200, 205, 210)
        with self._pdf.table(
            col_widths=widths,
            width=sum(widths),
            line_height=4.2,
            align="LEFT",
            text_align="LEFT",
            borders_layout="HORIZONTAL_LINES",
        ) as table:
            for cells in (layout.columns, *layout.rows):
                row = table.row()
                for cell in cells:
                    row.cell(plain(cell))

    def _chart_heading(self, title: str, one: Figure) -> None:
        if self._pdf.get_y() + _CHART_HEIGHT + 40 > self._pdf.h - 15:
            self._pdf.add_page()
        self._heading(f"{title}{f' ({one.unit})' if one.unit else ''}", 12)
        self._text(one.help, soft=True)

    def _chart(self, chart: Chart) -> None:
        top = self._pdf.get_y() + 6
        draw_chart(self._pdf, chart, Box(_LEFT + 12, top, _WIDTH - 12, _CHART_HEIGHT))
        self._pdf.set_xy(_LEFT, top + _CHART_HEIGHT + 8)


def _line(line: Any, one: Figure, has_band: bool) -> ChartLine:
    def shown(values: Sequence[float | None]) -> list[float | None]:
        return [None if value is None else value * one.factor for value in values]

    band = "95 % interval" if one.is_flag else "10 to 90 %"
    label = plain(line.label if not has_band else f"{'median' if one.is_censored else 'mean'}, {band}")
    return ChartLine(
        label, shown(line.value), shown(line.low) if has_band else (), shown(line.high) if has_band else ()
    )


def _top(lines: Sequence[ChartLine]) -> float:
    values = [value for line in lines for value in (*line.y, *line.high) if value is not None]
    return max(values, default=0) * 1.05 or 1.0


def _cuts(breaks: Sequence[Change]) -> list[tuple[float, str]]:
    return [(one.at_s, plain(f"{one.what} {one.new}")) for one in breaks]
