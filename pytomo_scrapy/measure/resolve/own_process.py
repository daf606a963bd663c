"""What is called in the process of a resolution. yt-dlp is imported there alone, before the first call."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.items import ResolveResult

PRELOAD = ("pytomo_scrapy.measure.resolve.resolution",)
_LOGGER = logging.getLogger("pytomo_scrapy.measure.resolve")


class _Telling(logging.Handler):
    """Hands what is logged on, since the log is the crawler's."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(self.format(record))


def resolve_here(url: str, config: ResolveConfig, guest_salt: str, *, progress: Callable[[str], None]) -> ResolveResult:
    """Resolve as `resolve_video` does. `guest_salt` is in hexadecimal digits; `progress` gets what is to be logged."""
    from pytomo_scrapy.measure.resolve.resolution import resolve_video

    telling = _Telling(progress)
    _LOGGER.addHandler(telling)
    try:
        return resolve_video(url, config, bytes.fromhex(guest_salt))
    finally:
        _LOGGER.removeHandler(telling)
