"""Scrapy commands, thin over the functions they call.

Scrapy imports the modules of all commands before it runs one: what takes long to import (the database, the probes, the
lab, NumPy) is imported by the functions that use it.
"""

from __future__ import annotations

import sys
from typing import NoReturn

EXIT_USAGE = 2
EXIT_FAILED = 3
EXIT_INTERRUPTED = 130


def refuse(sentence: object, exit_code: int = EXIT_USAGE) -> NoReturn:
    """End the command with one sentence and nothing else: Scrapy's UsageError would print the usage around it."""
    sys.stderr.write(f"{sentence}\n")
    sys.exit(exit_code)
