"""What the log shows: which page was asked for, and nothing that is signed, secret or another's."""

from __future__ import annotations

import logging

import pytest

from pytomo_scrapy.crawl.printable_log import PrintableLog
from pytomo_scrapy.items.secret_texts import scrub_log


@pytest.mark.parametrize(
    "text",
    [
        "Crawled (200) <GET https://www.youtube.com/watch?v=abcdefghijk&hl=en> (referer: None)",
        "youtube abcdefghijk: 3 stalls, 12.5 Mbit/s",
        "Line 3 of the list is skipped: The link is empty.",
        "first line\n  second line\n",
        "What is wrong?",
    ],
)
def test_harmless_line_stays(text: str) -> None:
    assert scrub_log(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "GET https://rr1.example/videoplayback?expire=1&sig=SECRET failed",
        "GET https://www.youtube.com/watch?v=abcdefghijk&t=SECRET",
        "https://rr1.example/videoplayback/sig/SECRET/file",
        "UnicodeEncodeError('ascii', 'http://m.example/f\u00edlm.mp4?a=SECRET', 21, 22, 'ordinal not in range')",
        "Cookie: SID=SECRET; HSID=SECRET",
        "headers {'Authorization': 'Bearer SECRET'}",
        "proxy http://me:SECRET@proxy.example:3128 refused",
        "sqlite or postgresql://me:SECRET@db.example/pytomo",
        'visitorData": "SECRET"',
        "https://m.example/a#access_token=SECRET",
        "many words\nand https://m.example/?key=SECRET below\n",
    ],
)
def test_secret_is_in_no_line(text: str) -> None:
    assert "SECRET" not in scrub_log(text)


def test_record_and_its_traceback_lose_their_secrets() -> None:
    try:
        raise ValueError("https://m.example/v?sig=SECRET")
    except ValueError as error:
        record = logging.LogRecord(
            "a", logging.ERROR, "p", 1, "failed: %r", (error,), (ValueError, error, error.__traceback__)
        )
    assert PrintableLog().filter(record)
    shown = logging.Formatter().format(record)
    assert "SECRET" not in shown
    assert "ValueError" in shown and "Traceback" in shown
