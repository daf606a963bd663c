"""The method sheet: one page, whatever was measured, with the figures of the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy.analysis.publication.publication import Publication, publication_of
from pytomo_scrapy.analysis.publication.words import interval, shown
from pytomo_scrapy.analysis.report_selection import asked_for, report_selection
from pytomo_scrapy.failures import NotReadyError
from pytomo_scrapy.reporting.method_sheet import method_sheet
from pytomo_scrapy.storage.database import open_database
from tests.pdf_texts import pdf_text

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(filled: Path) -> Publication:
    database = open_database(f"sqlite:///{filled}")
    with database.read() as connection:
        made = publication_of(connection, report_selection(connection, asked_for(None, None)), who="Example Institute")
    database.close()
    assert made is not None
    return made


def page_count(sheet: bytes) -> int:
    return sheet.count(b"/Type /Page\n") + sheet.count(b"/Type /Page ")


def test_sheet_names_who_what_and_how_on_one_page(found: Publication) -> None:
    sheet = method_sheet(found)
    text = pdf_text(sheet)
    assert page_count(sheet) == 1
    assert "Example Institute" in text and found.statement in text and "paris, provider ISP A" in text
    assert "yt-dlp 2026.6.1, 2026.8.19" in text and "bulk, 30 s" in text
    for one in found.figures:
        if one.estimate.value is not None:
            assert f"{shown(one, one.estimate.value)} {interval(one)}".replace("\u202f", " ") in text


def test_sheet_of_many_lines_and_notes_is_set_smaller_and_stays_one_page(found: Publication) -> None:
    line = found.method.lines[0]
    lines = [replace(line, name=f"line {number}") for number in range(40)]
    notes = [f"Note {number}: {'what was left out and why ' * 3}" for number in range(12)]
    many = replace(found, method=replace(found.method, lines=lines), selection={**found.selection, "notes": notes})
    sheet = method_sheet(many)
    assert page_count(sheet) == 1
    assert "and 28 more" in pdf_text(sheet) and "Note 11" in pdf_text(sheet)


def test_method_that_fits_on_no_page_is_refused_in_a_sentence(found: Publication) -> None:
    endless = replace(found, selection={**found.selection, "notes": ["left out " * 400] * 40})
    with pytest.raises(NotReadyError, match="does not fit on one page"):
        method_sheet(endless)
