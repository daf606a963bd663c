"""Page text to video ids and continuations; no request objects, no network, standard library only.

The whole of it: `parse_page(page, url)` reads any saved page or API answer into a `ParsedPage`;
`popular_sources(time_frame, country, config)` and `source_request(name, config)` say what to fetch for popular videos,
`watch_request` for related ones, `next_request` where a watch page holds no data, `next_page_request` for the rest of a
list; `parse_video_url(text)` and `read_video_list(lines)` read what a user typed.
"""

from pytomo_scrapy.pages.page_model import PageVideo, ParsedPage
from pytomo_scrapy.pages.sources import (
    TIME_FRAMES,
    PageRequest,
    next_page_request,
    next_request,
    popular_sources,
    source_request,
    watch_request,
)
from pytomo_scrapy.pages.urls import BadLine, VideoRef, parse_video_url, read_video_list
from pytomo_scrapy.pages.youtube_pages import parse_page

__all__ = [
    "TIME_FRAMES",
    "BadLine",
    "PageRequest",
    "PageVideo",
    "ParsedPage",
    "VideoRef",
    "next_page_request",
    "next_request",
    "parse_page",
    "parse_video_url",
    "popular_sources",
    "read_video_list",
    "source_request",
    "watch_request",
]
