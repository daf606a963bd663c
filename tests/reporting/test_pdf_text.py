"""Sentences and tables of a PDF: lines end between words, and a table's head stands on each of its pages."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from pytomo_scrapy.reporting.pdf_text import TextPdf
from pytomo_scrapy.reporting.tables import TableLayout
from tests.pdf_texts import pdf_text

LAYOUT = TableLayout("The title", ("name", "value"), tuple((f"row {number}", "1") for number in range(100)))


def lines_of(text: str, width: float) -> list[str]:
    document = TextPdf("a test")
    document.pdf.set_font("helvetica", size=9)
    lines = document._lines(text, width)
    assert all(document.pdf.get_string_width(line) <= width - 2 * document.pdf.c_margin for line in lines)
    return lines


@pytest.mark.parametrize("width", [20.0, 55.0, 180.0])
def test_line_takes_as_many_words_as_have_room(width: float) -> None:
    text = "The startup delay is 0.52 s (0.31 to 0.77 s), of 1 234 sessions. " * 4
    lines = lines_of(text, width)
    assert " ".join(lines) == text.rstrip()
    document = TextPdf("a test")
    document.pdf.set_font("helvetica", size=9)
    for line, following in pairwise(lines):
        with_one_more = f"{line} {following.split()[0]}"
        assert document.pdf.get_string_width(with_one_more) > width - 2 * document.pdf.c_margin


def test_word_longer_than_a_line_is_cut_and_a_new_line_is_kept() -> None:
    address = "https://example.org/" + "a" * 200
    assert "".join(lines_of(address, 50.0)) == address
    assert lines_of("first\nsecond", 50.0) == ["first", "second"]
    assert lines_of("", 50.0) == [""]


def test_head_of_a_table_is_on_each_of_its_pages_and_every_row_once() -> None:
    document = TextPdf("a test")
    document.table(LAYOUT, (60, 30))
    document.text("the end")
    text = pdf_text(document.finish())
    assert document.pdf.page == 2 and text.count("name value") == 2
    assert [int(number) for number in re.findall(r"row (\d+)", text)] == list(range(100))
    assert text.startswith("The title name value row 0 1") and text.endswith("row 99 1 the end")


def test_table_without_rows_shows_its_head_and_one_without_a_head_its_rows() -> None:
    document = TextPdf("a test")
    document.table(TableLayout("", ("name", "value"), ()), (60, 30))
    document.table(TableLayout("", ("", ""), (("a", "b"),)), (60, 30), has_head=False)
    assert pdf_text(document.finish()) == "name value a b"


def test_row_longer_than_a_page_goes_on_where_the_next_page_begins() -> None:
    document = TextPdf("a test")
    words = [f"word{number}" for number in range(1500)]
    document.table(TableLayout("", ("name", "value"), ((" ".join(words), "1"), ("after", "2"))), (60, 30))
    text = pdf_text(document.finish())
    assert document.pdf.page == text.count("name value") == 6
    assert re.findall(r"word\d+", text) == words and text.endswith("after 2")


def test_sentence_that_has_no_room_begins_a_page() -> None:
    document = TextPdf("a test")
    for number in range(100):
        document.text(f"sentence {number}")
    assert document.pdf.page == 2 and pdf_text(document.finish()).endswith("sentence 98 sentence 99")
