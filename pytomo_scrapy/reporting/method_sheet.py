"""The method sheet: on one page how something was measured, what it says, and how to cite it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from pytomo_scrapy.analysis.publication.publication import Publication
from pytomo_scrapy.analysis.publication.words import Section, citation, figures_section, method_rows, paste_text
from pytomo_scrapy.failures import NotReadyError
from pytomo_scrapy.reporting.format import instant_of
from pytomo_scrapy.reporting.pdf_text import TextPdf
from pytomo_scrapy.reporting.tables import TableLayout, section_table

# A sheet of many lines and notes is set smaller, until it fits.
_SIZES = (9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0, 4.5, 4.0)
_MARGIN = 14.0


def method_sheet(found: Publication) -> bytes:
    """Return the sheet as a PDF file of one page. Raises NotReadyError for what does not fit on it."""
    letter_count = sum(map(len, _texts(found)))
    for size in _SIZES:
        # To lay out what cannot fit takes long, and grows with the square of it.
        if letter_count > _most_letters(size):
            continue
        sheet = _written(found, size)
        if sheet.pdf.pages_count == 1:
            return sheet.finish()
    raise NotReadyError("The method does not fit on one page: choose fewer lines or a shorter period.")


def _texts(found: Publication) -> Iterator[str]:
    yield from (text for row in method_rows(found) for text in row)
    yield from figures_section(found).sentences
    yield from paste_text(found)


def _most_letters(size: float) -> float:
    """Return more letters than a page of A4 holds at this size, by the narrowest line and letter that there are."""
    return (210 / (0.35 * size * 0.3528)) * (297 / (size * 0.467))


def _written(found: Publication, size: float) -> TextPdf:
    sheet = TextPdf("pytomo method sheet", size, _MARGIN)
    sheet.heading("Method sheet: how online videos play on this line", size * 1.6)
    sheet.text(f"Written {instant_of(datetime.now(UTC).timestamp())} UTC.", soft=True)
    _section(sheet, Section("How it was measured", (), ("", ""), list(method_rows(found))), (34, 148), size)
    figures = figures_section(found)
    # Period and notes stand above.
    notes = set(found.selection["notes"])
    figures = replace(figures, sentences=[one for one in figures.sentences[1:] if one not in notes])
    _section(sheet, figures, (36, 30, 46, 20, 25, 25), size)
    _section(sheet, Section("Text to paste", paste_text(found)), (), size)
    _section(sheet, Section("How to cite", [citation()]), (), size)
    return sheet


def _section(sheet: TextPdf, section: Section, widths: tuple[int, ...], size: float) -> None:
    sheet.heading(section.title, size * 1.25)
    for sentence in section.sentences:
        sheet.text(sentence)
    if section.rows:
        layout: TableLayout = section_table(section)
        sheet.table(layout, widths, has_head=any(section.columns))
