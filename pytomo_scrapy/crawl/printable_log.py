"""Keep texts from outside - hosts, titles, messages of a service - from steering the terminal that shows the log."""

from __future__ import annotations

import logging

from pytomo_scrapy.items.foreign_text import printable

_FORMATTER = logging.Formatter()


class PrintableLog(logging.Filter):
    """Replaces what a terminal would obey in every line and traceback of a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record; none is left out."""
        message = record.getMessage()
        if (clean := printable(message, has_lines=True)) != message:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = printable(_FORMATTER.formatException(record.exc_info), has_lines=True)
        return True


def guard_log() -> None:
    """Let every handler of the process's log write printable lines only."""
    for handler in logging.root.handlers:
        if not any(isinstance(held, PrintableLog) for held in handler.filters):
            handler.addFilter(PrintableLog())
