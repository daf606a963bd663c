"""Child processes that import what they are given and nothing of the command that starts them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def no_main_module() -> Iterator[None]:
    """Start a spawned process inside: it does not import the program that we were started as.

    multiprocessing has every spawned child import its parent's main module, for functions that are defined there. Ours
    would be all of Scrapy: a process that only measures, or only serves, would take twice as long to start.
    Source: multiprocessing.spawn.get_preparation_data.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
