"""One TLS context for all resolutions of a process, and not one for each.

yt-dlp makes a context for each of its instances, and we have one for each video: reading some 140 trusted certificates
was half of a resolution's processor time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ssl import SSLContext
from typing import Any

from yt_dlp.networking import common

from pytomo_scrapy.measure.net.trust import kept_context


def use_shared_contexts() -> None:
    """Make yt-dlp ask here for its contexts, in this process."""
    if not isinstance(common.make_ssl_context, _Shared):
        common.make_ssl_context = _Shared(common.make_ssl_context)


class _Shared:
    """Stands for `make_ssl_context`: the same context for the same options and the same certificates."""

    def __init__(self, makes: Callable[..., SSLContext]) -> None:
        self._makes = makes

    def __call__(self, **options: Any) -> SSLContext:
        return kept_context(("yt-dlp", *sorted(options.items())), partial(self._makes, **options))
