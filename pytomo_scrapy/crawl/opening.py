"""The five lines that a crawl begins with: what, how many, how, where to, and how much it will take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytomo_scrapy.config import Config
from pytomo_scrapy.crawl.data_cap import volume_sentence
from pytomo_scrapy.crawl.opened_crawl import OpenedCrawl
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.storage.frontier.crawls import OpenCrawl
from pytomo_scrapy.storage.frontier.frontier import Counts

# Nobody asked for a limit this high: it is the default.
_NO_LIMIT = 5_000_000
_FRAMES = {"today": "of today", "week": "of this week", "month": "of this month", "all_time": "of all time"}


def opening_lines(spider: str, arguments: Mapping[str, Any], config: Config, opened: OpenedCrawl) -> list[str]:
    """Return the lines. Blocking: they count what earlier runs have done. Raises StorageError."""
    return [
        f"Crawl {opened.frontier.crawl.name}: {_what(spider, arguments)}",
        f"Videos: {_how_many(opened.frontier.crawl, opened.frontier.counts())}",
        f"Window: {_window(config)}",
        f"Database: {opened.shown_database}",
        f"Volume: {volume_sentence(config)}",
    ]


def _what(spider: str, arguments: Mapping[str, Any]) -> str:
    if arguments.get("urls"):
        first = counted(len(arguments["urls"]), "video") + " that you named"
    elif arguments.get("input_file"):
        first = f"the videos of {arguments['input_file']}"
    else:
        frame = _FRAMES.get(arguments.get("time_frame", ""), "")
        first = f"popular videos {frame} in {arguments.get('country', '')} on {spider}"
    depth = arguments.get("max_rounds", 1)
    if not arguments.get("related", True) or depth == 1:
        return first
    return f"{first}, and what is related to them"


def _how_many(crawl: OpenCrawl, counts: Counts) -> str:
    most = "no limit" if counts.max_crawled_url >= _NO_LIMIT else f"{counts.max_crawled_url} at most"
    again = f", pass {crawl.pass_number}" if crawl.pass_number > 1 else ""
    # A crawl that was begun and stopped before its first video is told of as a new one.
    if not crawl.is_resumed or not (counts.done or counts.queued or counts.in_flight):
        return f"{most}{again}; Ctrl-C ends the crawl, and the same command goes on"
    return f"{most}{again}; resumed: {counts.done} done, {counts.queued + counts.in_flight} waiting"


def _window(config: Config) -> str:
    settings = config.download
    how = "as fast as the line gives"
    if settings.mode == "paced":
        how = "fetched as a player does"
        how += f", 1 in {settings.bulk_every} as fast as the line gives" if settings.bulk_every else ""
    elif settings.mode == "adaptive":
        how = f"at the qualities that {settings.adaptive_player} chooses"
    pace = f"; {config.pace_s:g} s at least from video to video" if config.pace_s > settings.window_s else ""
    return f"{settings.window_s:g} s of each video, {how}{pace}"
