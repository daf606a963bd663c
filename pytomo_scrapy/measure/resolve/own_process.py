"""What is called in the process of a resolution. yt-dlp is imported there alone, before the first call."""

from __future__ import annotations

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.items import ResolveResult

PRELOAD = ("pytomo_scrapy.measure.resolve.resolution",)


def resolve_here(url: str, config: ResolveConfig, guest_salt: str) -> ResolveResult:
    """Resolve as `resolve_video` does. `guest_salt` is in hexadecimal digits."""
    from pytomo_scrapy.measure.resolve.resolution import resolve_video

    return resolve_video(url, config, bytes.fromhex(guest_salt))
