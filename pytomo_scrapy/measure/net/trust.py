"""TLS contexts that are kept: reading the trusted certificates takes longer than most of what they are read for."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Hashable
from pathlib import Path

from pytomo_scrapy.measure.net.path import ca_file

_MOST_CONTEXTS = 8
_OTHERS = ("SSL_CERT_DIR", "SSLKEYLOGFILE")  # what else a context depends on
_contexts: dict[Hashable, ssl.SSLContext] = {}


def kept_context(use: Hashable, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return the context of this `use`; made anew where the file of trusted certificates is another than before.

    A context holds no connection, and clients resume a session only where they are given it.
    """
    path = ca_file()
    state = Path(path).stat()
    key = (use, path, state.st_ino, state.st_mtime_ns, state.st_size, *map(os.environ.get, _OTHERS))
    context = _contexts.get(key)
    if context is None:
        # Of two threads at once both make one, and either will do.
        context = make()
        if len(_contexts) >= _MOST_CONTEXTS:
            _contexts.clear()
        _contexts[key] = context
    return context
