"""Texts from outside: cut behind a word, and shown by a terminal without steering it."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from pytomo_scrapy.crawl.printable_log import PrintableLog
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items.foreign_text import MAX_TITLE_CHARS, first_words, printable, title_of
from pytomo_scrapy.reporting.terminal import print_measurement
from pytomo_scrapy.storage.database import Database
from tests.storage.factories import begin, make_download, make_failed, make_item, make_resolve

# Clear the screen, set the window's title, move the cursor, the same by one sign, turn the line around.
HOSTILE = ("\x1b[2J", "\x1b]0;owned\x07", "\r", "\x08", "\x9b31m", "\x85", "\u202e", "\u2028", "\ud800", "\x7f")


@pytest.mark.parametrize(
    ("text", "limit", "first"),
    [("short", 10, "short"), ("one two three", 9, "one two "), ("x" * 20, 10, ""), ("a'b" + "c" * 20, 10, "a'")],
)
def test_text_is_cut_behind_a_word(text: str, limit: int, first: str) -> None:
    assert first_words(text, limit) == first


@pytest.mark.parametrize("hostile", HOSTILE)
def test_terminal_shows_a_text_and_does_not_obey_it(hostile: str) -> None:
    shown = printable(f"a {hostile} title")
    assert shown.startswith("a ?") and shown.endswith(" title") and all(sign.isprintable() for sign in shown)
    printable(hostile, has_lines=True).encode()


def test_text_of_every_script_stays_as_it_is() -> None:
    for text in ("Größe", "\u4e2d\u6587", "\u0627\u0644", "\U0001f468\u200d\U0001f469", "a b"):
        assert printable(text) == text
    assert printable("a\tb\nc", has_lines=True) == "a\tb\nc"


@pytest.mark.parametrize(
    ("value", "title"), [("x", "x"), ("x" * 3_000_000, "x" * MAX_TITLE_CHARS), ({"a": 1}, None), (3, None), ("", None)]
)
def test_title_is_text_and_bounded(value: object, title: str | None) -> None:
    assert title_of(value) == title


@pytest.mark.parametrize("hostile", HOSTILE)
def test_measurement_is_printed_without_a_word_that_the_terminal_obeys(hostile: str, database: Database) -> None:
    repository, run = begin(database)
    resolve = make_resolve(title=f"t{hostile}" + "[red]x" * 100_000, client=f"c{hostile}", extractor=f"e{hostile}")
    windows = (make_download(host=f"h{hostile}", failure="reset", failure_detail=f"d{hostile}"),)
    failed = make_failed(Stage.RESOLVE, "unknown_failure", f"detail {hostile}", url=f"https://x/{hostile}")
    for item in (make_item(resolve=resolve, downloads=windows, url=f"https://x/{hostile}"), failed):
        saved = repository.save(item, run)
        out = io.StringIO()
        print_measurement(Console(file=out, width=200), repository.measurement(saved.measurement_id) or {})
        assert not [sign for sign in out.getvalue() if sign in hostile and not sign.isprintable() and sign != "\n"]
        assert len(out.getvalue()) < 20_000


def test_log_is_printable_with_its_tracebacks() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(PrintableLog())
    logger = logging.getLogger("tests.printable")
    logger.addHandler(handler)
    try:
        logger.error("from %s", "host\x1b[2J")
        try:
            raise ValueError("said \x1b]0;owned\x07")
        except ValueError:
            logger.exception("It failed\x9b")
    finally:
        logger.removeHandler(handler)
    lines = out.getvalue()
    assert "from host?[2J" in lines and "Traceback" in lines and "said ?]0;owned?" in lines
    assert all(sign.isprintable() or sign == "\n" for sign in lines)
