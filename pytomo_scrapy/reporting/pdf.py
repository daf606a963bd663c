"""The report as a PDF: vector graphs, averages and explanations, with or without the web page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from pytomo_scrapy.analysis import lists, overview
from pytomo_scrapy.analysis.bad_sessions import BadSessions, BadSums
from pytomo_scrapy.analysis.distribution import curves
from pytomo_scrapy.analysis.era import Change
from pytomo_scrapy.analysis.figures import GROUPS, PARAMETERS, Figure
from pytomo_scrapy.analysis.good_or_not import by_fault
from pytomo_scrapy.analysis.grade import grade_of
from pytomo_scrapy.analysis.publication.publication import publication_of
from pytomo_scrapy.analysis.publication.words import Section, sections_of
from pytomo_scrapy.analysis.quality_course import quality_course
from pytomo_scrapy.analysis.report_selection import asked_for, report_selection
from pytomo_scrapy.analysis.selection import Selection, period_of
from pytomo_scrapy.analysis.series import Buckets, Series, series
from pytomo_scrapy.analysis.statement import sentence_of
from pytomo_scrapy.config import GradeConfig
from pytomo_scrapy.failures import NotReadyError
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.cause_tables import cause_table
from pytomo_scrapy.reporting.differential_text import name_test_table
from pytomo_scrapy.reporting.format import instant_of, number
from pytomo_scrapy.reporting.grade_text import bad_sentences, day_table, exposure_table, fault_table, grade_sentence
from pytomo_scrapy.reporting.pdf_chart import Box, Chart, ChartLine, draw_chart
from pytomo_scrapy.reporting.pdf_text import LEFT, TextPdf, plain
from pytomo_scrapy.reporting.quality_text import course_tables
from pytomo_scrapy.reporting.tables import (
    average_table,
    estimate_table,
    failure_table,
    outage_table,
    refusal_table,
    section_table,
)
from pytomo_scrapy.reporting.verdict import verdict
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.read_only import ReadDatabase

# More points than a printed line of 168 mm shows apart.
_BUCKETS = 240
_FAULT_BUCKETS = 12
_WIDTH = 180.0
_CHART_HEIGHT = 46.0
# Of the tables of what is to be published, by the number of their columns.
_SECTION_WIDTHS = {2: (36, 144), 4: (24, 44, 52, 60), 6: (34, 28, 46, 20, 26, 26)}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a report holds besides its first page. Empty: that page alone."""

    parameters: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    compare: str | None = None
    grade: GradeConfig = field(default_factory=GradeConfig)  # from where on a line is good or poor


def contents_of(group: str = "main", *, grade: GradeConfig | None = None) -> Contents:
    """Return a group's graphs, and how startup and delivery are distributed."""
    return Contents(GROUPS[group].parameters, ("startup_delay_s", "delivery_bps"), grade=grade or GradeConfig())


def write_pdf_report(
    database: str | Path | Database,
    path: Path,
    selection: Selection | None = None,
    *,
    who: str | None = None,
    grade: GradeConfig | None = None,
) -> None:
    """Write the report of a database, open or by its URL or file, to `path`: of what was measured within the selection.

    Without one it is of everything. `who` measured, as the user says.

    Raises NotReadyError where nothing is measured yet, StorageError where the database cannot be read.
    """
    # Read only, in one transaction: a crawl may be writing, and all pages must be of the same rows.
    reader = database if isinstance(database, Database) else ReadDatabase(database)
    try:
        with reader.read() as connection:
            if period_of(connection) is None:
                raise NotReadyError("There is no measurement to report.")
            chosen = report_selection(connection, selection or asked_for(None, None))
            contents = contents_of(grade=grade)
            path.write_bytes(make_report(connection, chosen, contents, reader.shown_url, who=who))
    finally:
        if reader is not database:
            reader.close()


def make_report(
    connection: Connection, selection: Selection, contents: Contents, source: str, *, who: str | None = None
) -> bytes:
    """Return the report of a selection whose era is settled as a PDF file; `who` measured, as the user says."""
    page = _Page(selection, source)
    summed_up = page.front(connection, contents.grade)
    for name in contents.parameters:
        parameter = PARAMETERS[name]
        compare = contents.compare if _is_comparable(parameter, contents.compare) else None
        found = series(connection, selection, parameter, compare=compare, buckets=Buckets(_BUCKETS))
        page.series(found)
    for name in contents.distributions:
        page.distribution(connection, PARAMETERS[name], contents.compare)
    published = publication_of(connection, selection, summed_up, who=who)
    if published is not None:
        page.sections(sections_of(published))
    return page.finish()


def _is_comparable(parameter: Figure, compare: str | None) -> bool:
    # A figure without players would show the same line for each of them.
    if compare == "player":
        return parameter.is_playback
    return compare != "resolver" or parameter.name == "dns_elapsed_s"


class _Page:
    """Writes the report from top to bottom."""

    def __init__(self, selection: Selection, source: str) -> None:
        self._selection = selection
        self._source = source
        self._page = TextPdf("pytomo report")
        self._pdf = self._page.pdf

    def finish(self) -> bytes:
        return self._page.finish()

    def front(self, connection: Connection, grade: GradeConfig) -> overview.Overview:
        """The grade, the verdict, the figures with their intervals, the averages and the failures."""
        chosen = self._selection
        sums = BadSums(connection, chosen)
        found, bad = overview.overview(connection, chosen, sums), sums.result()
        self._page.heading("How online videos play on this line", 16)
        self._page.text(sentence_of(connection, chosen))
        self._page.text(f"From {self._source}, written {instant_of(datetime.now(UTC).timestamp())} UTC.", soft=True)
        self._page.text(grade_sentence(grade_of(found.estimates, grade)), bold=True)
        for line in bad_sentences(bad):
            self._page.text(line)
        way = found.ping_method
        for sentence in verdict(
            found, "this selection", lambda one: overview.change_since(connection, chosen, one, way)
        ):
            self._page.text(sentence.text, bold=True)
        for note in found.notes:
            self._page.text(note)
        self._page.table(estimate_table(found.estimates), (32, 26, 38, 18, 66))
        videos = f"{counted(found.video_count, 'video')} on {counted(found.day_count, 'day')}"
        self._page.text(
            f"{counted(found.row_count, 'measurement')}, {number(found.valid_count, 0)} valid, of {videos}."
        )
        self._goes_with(bad)
        self._quality(connection)
        averages = average_table(lists.averages(connection, chosen))
        self._page.table(averages, (50, 60))
        self._page.text(averages.note, soft=True)
        # The most frequent classes, and the last outages: more than that would push what follows off its page.
        for layout, widths in (
            (failure_table(found.failures[:12]), (34, 22, 14, 110)),
            (cause_table(found.causes), (34, 24, 26, 22, 30)),
            (outage_table(found.outages[-12:]), (40, 46, 46, 18, 20)),
            (name_test_table(found.name_tests), (10, 34, 22, 22, 18, 74)),
        ):
            if layout.rows:
                self._page.table(layout, widths)
        refused = refusal_table(found.refusals)
        self._pdf.ln(2)
        for line in found.refusals.sentences:
            self._page.text(line)
        if refused.rows:
            self._page.table(refused, (30, 44, 18, 18, 20, 32))
            self._page.text(refused.note, soft=True)
        faults = fault_table(by_fault(lists.failures(connection, chosen, _FAULT_BUCKETS)))
        if faults.rows:
            self._page.table(faults, (30, 18, *[18] * (len(faults.columns) - 3), 40))
            self._page.text(faults.note, soft=True)
        return found

    def _quality(self, connection: Connection) -> None:
        """Which qualities play, by hour and by day."""
        course = quality_course(connection, self._selection)
        for layout in course_tables(course) if course is not None else ():
            self._page.table(layout, (18, 16, *[28] * (len(layout.columns) - 2)))
            self._page.text(layout.note, soft=True)

    def _goes_with(self, bad: BadSessions) -> None:
        """What goes with bad sessions, and a typical day."""
        found = exposure_table(bad)
        if found.rows:
            self._page.table(found, (26, 34, 16, 16, 18, 22, 30, 18))
            self._page.text(found.note, soft=True)
        day = day_table(bad)
        if day.rows:
            self._page.table(day, (20, 24, 24, 40, 24))
            self._page.text(day.note, soft=True)

    def sections(self, sections: Sequence[Section]) -> None:
        """What is to be published: the block that ends terminal report and export too."""
        self._pdf.add_page()
        for section in sections:
            self._page.keep(40)
            self._page.heading(section.title, 12)
            for sentence in section.sentences:
                self._page.text(sentence)
            if section.rows:
                self._pdf.ln(1)
                self._page.table(section_table(section), _SECTION_WIDTHS[len(section.columns)])

    def series(self, found: Series) -> None:
        """One figure over time."""
        one = found.parameter
        self._chart_heading(one.title, one)
        known = sum(line.known_count for line in found.lines)
        unknown = sum(line.unknown_count for line in found.lines)
        # A line through two points looks like a trend.
        if known < 3:
            self._page.text(f"{known} known values: a graph needs at least 3.")
            return
        # Bands of several lines cover each other.
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
            f"{line.label}: {word} {number(middle * one.factor, one.decimals, one.unit)} {one.unit}"
            for line in found.lines
            for word, middle in (("mean", line.mean), ("median", line.median))
            if middle is not None
        ]
        self._page.text(
            plain(f"{number(known, 0)} known values, {number(unknown, 0)} unknown. {'; '.join(means)}"), soft=True
        )

    def distribution(self, connection: Connection, one: Figure, compare: str | None) -> None:
        """One figure's CDF, on a logarithmic axis."""
        found, _ = curves(connection, self._selection, one, compare=compare if _is_comparable(one, compare) else None)
        # The axis is logarithmic, and has no place for 0.
        xs = sorted({value * one.factor for curve in found for value in curve.value if value > 0})
        self._chart_heading(f"CDF of {one.title.lower()}", one)
        if len(xs) < 2:
            self._page.text("Too few values for a distribution.")
            return
        lines = []
        for curve in found:
            shares = shares_at(xs, [value * one.factor for value in curve.value], curve.share)
            n, censored = (number(count, 0) for count in (curve.known_count, curve.censored_count))
            lines.append(ChartLine(plain(f"{curve.label} (n {n}, {censored} censored)"), shares))
        self._chart(Chart(xs, lines, (xs[0], xs[-1]), (0, 1), is_time=False, is_log_x=True, x_label=one.unit))

    def _chart_heading(self, title: str, one: Figure) -> None:
        # A heading at the foot of a page would be torn from its chart.
        if self._pdf.get_y() + _CHART_HEIGHT + 40 > self._pdf.h - 15:
            self._pdf.add_page()
        self._page.heading(f"{title}{f' ({one.unit})' if one.unit else ''}", 12)
        self._page.text(one.help, soft=True)

    def _chart(self, chart: Chart) -> None:
        top = self._pdf.get_y() + 6
        draw_chart(self._pdf, chart, Box(LEFT + 12, top, _WIDTH - 12, _CHART_HEIGHT))
        self._pdf.set_xy(LEFT, top + _CHART_HEIGHT + 8)


def shares_at(xs: Sequence[float], values: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Return the share of a distribution at each of rising places, of which its own values are some."""
    # What lies at 0 is below the first place already, though the axis has no room for it.
    share = max((share for value, share in zip(values, shares, strict=True) if value <= 0), default=0.0)
    steps, found = dict(zip(values, shares, strict=True)), []
    for x in xs:
        # A curve has steps at its own values only: between them it stays where it was.
        share = steps.get(x, share)
        found.append(share)
    return found


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
    # From 0 always: an axis that begins elsewhere makes a small change look large.
    return max(values, default=0) * 1.05 or 1.0


def _cuts(breaks: Sequence[Change]) -> list[tuple[float, str]]:
    return [(one.at_s, plain(f"{one.what} {one.new}")) for one in breaks]
