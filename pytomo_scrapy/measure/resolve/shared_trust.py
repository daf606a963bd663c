"""One TLS context for all resolutions of a process, and not one for each.

yt-dlp makes a context for each of its instances, and we have one for each video: reading some 140 trusted certificates
was half of a resolution's processor time. A context holds no connection and no session: what two videos share of it is
the certificates and the ciphers. Source: ssl.SSLContext, whose clients resume a session only where they are given it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from ssl import SSLContext
from typing import Any

from yt_dlp.networking import common

from pytomo_scrapy.measure.net.path import ca_file

_MOST_CONTEXTS = 4
_contexts: dict[Hashable, SSLContext] = {}


def use_shared_contexts() -> None:
    """Make yt-dlp ask here for its contexts, in this process."""
    if not hasattr(common.make_ssl_context, "makes"):
        common.make_ssl_context = _Shared(common.make_ssl_context)


class _Shared:
    """Stands for `make_ssl_context`: the same context for the same options and the same file of certificates."""

    def __init__(self, makes: Callable[..., SSLContext]) -> None:
        self.makes = makes

    def __call__(self, **options: Any) -> SSLContext:
        key = _key_of(options)
        if key not in _contexts:
            if len(_contexts) >= _MOST_CONTEXTS:
                _contexts.clear()
            _contexts[key] = self.makes(**options)
        return _contexts[key]


def _key_of(options: Mapping[str, Any]) -> Hashable:
    path = ca_file()
    state = Path(path).stat()
    trust = path, state.st_ino, state.st_mtime_ns, state.st_size, os.environ.get("SSL_CERT_DIR")
    return (tuple(sorted(options.items())), trust, os.environ.get("SSLKEYLOGFILE"))
