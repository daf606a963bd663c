"""Keep texts from outside from steering the terminal that shows the log, and secrets out of it."""

from __future__ import annotations

import logging

from pytomo_scrapy.items.foreign_text import printable
from pytomo_scrapy.items.secret_texts import scrub_log

_FORMATTER = logging.Formatter()


class PrintableLog(logging.Filter):
    """Replaces what a terminal would obey, and what is signed or secret, in every line and traceback of a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record; none is left out."""
        message = record.getMessage()
        if (clean := _clean(message)) != message:
            # Formatted already: a `%` of a title must not be taken for a place again.
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        if record.exc_text:
            # Cleaned even where it was there: another handler may have formatted it, and it stays with the record.
            record.exc_text = _clean(record.exc_text)
        return True


def _clean(text: str) -> str:
    return printable(scrub_log(text), has_lines=True)


def guard_log() -> None:
    """Let every handler of the process's log write printable lines only."""
    for handler in logging.root.handlers:
        if not any(isinstance(held, PrintableLog) for held in handler.filters):
            handler.addFilter(PrintableLog())
