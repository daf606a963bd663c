"""Counts of a thousand or more are written in one way wherever a person reads them: with their thousands apart."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.reporting.terminal import print_report
from pytomo_scrapy.storage.database import open_database
from tests.filled_databases import ROWS
from tests.pdf_texts import pdf_text

THIN = "\u202f"
EVERYTHING = "period=all&eras=all&rows=all"
# Of what is read, no counts: years, standards, and what is glued to letters or marks, as a version is.
_NO_COUNTS = re.compile(r"\b20\d\d\b|\b(?:RFC|ISO) \d+|[\w./:#-]*[A-Za-z_./:#-]\w*")
_CLOSED = re.compile(r"(?<!\d)[1-9]\d{3,}(?!\d)")


class _Shown(HTMLParser):
    """The words of a page that are read, without its choices and marks."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in {"script", "style", "select"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style", "select"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def closed(text: str) -> list[str]:
    """Return the counts whose thousands stand together."""
    return _CLOSED.findall(_NO_COUNTS.sub(" ", text))


def test_closed_counts_are_found_and_dates_are_none() -> None:
    text = f"The service refused 9860 of 1000000 videos on 2026-11-20, n 1{THIN}203, by yt-dlp 2026.8.19 and v0001234."
    assert closed(text) == ["9860", "1000000"]


@pytest.mark.parametrize("address", ["/", "/failures", "/compare", "/runs", "/lines", "/series/delivery_bps"])
def test_counts_of_a_page_have_their_thousands_apart(client: TestClient, address: str) -> None:
    shown = _Shown()
    shown.feed(client.get(f"{address}?{'' if address in {'/runs', '/lines'} else EVERYTHING}").text)
    text = " ".join(shown.words)
    assert closed(text) == []
    if address in {"/", "/failures"}:
        assert f"{ROWS:,}".replace(",", THIN) in text
    if address == "/":
        assert re.search(rf"The service refused \d+ of \d{THIN}\d{{3}} videos", text)


@pytest.mark.slow
def test_counts_of_report_and_pdf_have_their_thousands_apart(client: TestClient, filled: Path) -> None:
    database = open_database(f"sqlite:///{filled}")
    console = Console(file=(printed := StringIO()), width=4000, highlight=False)
    print_report(console, summarise(database), "a database")
    database.close()
    assert closed(printed.getvalue()) == [] and f"{ROWS:,}".replace(",", THIN) in printed.getvalue()
    # The fonts of a PDF have no thin space.
    pdf = pdf_text(client.get(f"/report.pdf?{EVERYTHING}").content)
    assert closed(pdf) == [] and f"{ROWS:,} measurements".replace(",", " ") in pdf
