"""In a copy of the package: make what `make schema` makes, and run a test. A module for the server of commands."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.running.elsewhere import take


def make_schema(message: str) -> object:
    """Return what is true where it failed."""
    generate = importlib.import_module("docs.generate")
    importlib.import_module("pytomo_scrapy.storage.schema.revisions").main(message)
    sys.argv = ["generate"]
    failed = generate.main() or importlib.import_module("draw").main([])
    # It has read which migration is the newest.
    importlib.reload(importlib.import_module("pytomo_scrapy.storage.migrate"))
    return failed


def run_test(path: str) -> int:
    """Return pytest's exit code."""
    import pytest

    # Plain assertions: to rewrite all modules of the copy takes seconds, and only what a failure says needs it.
    words = ["-q", "-p", "no:cacheprovider", "--assert=plain", "--noconftest", "-p", "tests.measure.conftest"]
    return int(pytest.main([*words, path]))


if __name__ == "__main__":
    take(Path.cwd(), Path("docs", "diagrams").resolve())
    name, test = sys.argv[1:]
    raise SystemExit(make_schema(name) or run_test(test))
