"""Has yt-dlp look at an address that nobody answers, as a resolution does. Asked for as a command."""

from __future__ import annotations

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.measure.resolve.client import extract

if __name__ == "__main__":
    extract("https://host.invalid/", ResolveConfig(timeout_s=0.1), "", 5.0)
