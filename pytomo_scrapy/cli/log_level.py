"""The log level, which every command takes."""

from __future__ import annotations

import argparse

from pytomo_scrapy.commands import refuse

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def check_level(opts: argparse.Namespace) -> None:
    """Take the log level in letters of any case. Ends the command with a sentence for any other word."""
    if getattr(opts, "loglevel", None) is not None:  # the lab takes none: what runs in it does
        opts.loglevel = opts.loglevel.upper()
        if opts.loglevel not in LEVELS:
            refuse(f"-L {opts.loglevel} is not usable: it must be one of {', '.join(LEVELS)}.")
