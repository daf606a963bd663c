"""Child processes that import what they are given, and have nothing of the command that starts them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

# What a child that measures needs of the environment: how to start, which way to take, what to trust. A proxy's
# password is part of the way. `_MEI` and `_PYI` are the executable's own.
_NEEDED_PREFIXES = (
    "LC_",
    "PYTHON",
    "LD_LIBRARY",
    "DYLD_",
    "_MEI",
    "_PYI",
    "SSL_CERT_",
    "OPENSSL_",
    "COV_CORE_",
    "COVERAGE_",
)
_NEEDED = frozenset(
    (
        "PATH",
        "LANG",
        "TZ",
        "TMPDIR",
        "TEMP",
        "TMP",
        "VIRTUAL_ENV",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SYSTEMROOT",
    )
)


@contextmanager
def bare_environment() -> Iterator[None]:
    """Start a spawned process inside: it inherits what it needs of the environment, and none of our secrets.

    Only the C library's environment is changed, which a child inherits: our own threads go on reading `os.environ`.
    """
    hidden = {name: value for name, value in os.environ.items() if not _is_needed(name)}
    for name in hidden:
        os.unsetenv(name)
    try:
        yield
    finally:
        for name, value in hidden.items():
            os.putenv(name, value)


def _is_needed(name: str) -> bool:
    return name.upper() in _NEEDED or name.startswith(_NEEDED_PREFIXES)


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
