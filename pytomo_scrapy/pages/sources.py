"""Where popular videos come from, as values: what to ask the service for, and a stable name for each source.

A name such as `charts:VIDEOS:WEEKLY:GB` or `search:week:GB:music` is all that the frontier stores; `source_request`
turns it back into its request. No name, URL or representation holds the Data API's key. docs/sources.md says what each
source can and cannot tell of a time frame.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from pytomo_scrapy.config import SourceConfig
from pytomo_scrapy.pages.urls import watch_url

TIME_FRAMES = ("today", "week", "month", "all_time")

# Versions as the service's own pages sent them in 2026; it accepts them for a year or more.
_WEB = {"clientName": "WEB", "clientVersion": "2.20260708.00.00", "platform": "DESKTOP"}
_CHARTS = {"clientName": "WEB_MUSIC_ANALYTICS", "clientVersion": "2.0"}
_CLIENT_NUMBERS = {"WEB": "1", "WEB_MUSIC_ANALYTICS": "31"}
_WEB_API = "https://www.youtube.com/youtubei/v1/"
_CHARTS_API = "https://charts.youtube.com/youtubei/v1/browse?alt=json&prettyPrint=false"
_DATA_API = "https://www.googleapis.com/youtube/v3/"
# An unknown program may be given a page without ytInitialData.
_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# SOCS=CAI declines optional cookies: without it the EU is sent to consent.youtube.com. hl=en: our parsers read English.
CONSENT_COOKIE = "SOCS=CAI"
_COOKIES = f"{CONSENT_COOKIE}; PREF=hl=en&tz=UTC"
# Destinations of one kind of video: browse id and the tab that lists what is watched now. The service also understands
# the shorter form that gaming's tab had until 2026, Egh0cmVuZGluZw%3D%3D.
_DESTINATIONS = {
    "gaming": ("UCOpNcN46UbXVtpKMrmU4Abg", "Egh0cmVuZGluZ7gBAJIDAPIGBAoCMgA"),
    "podcasts": ("FEpodcasts_destination", "qgcCCAM%3D"),
    "sports": ("UCEgdi0XIXXZ-qJOFPf4JSKw", "EglzcG9ydHN0YWK4AQCSAwDyBgQKAjIA"),
}
# Search filter (protobuf, base64): type video, uploaded within the frame, in the given order.
_SEARCH_FILTERS = {
    "popularity": {"today": "CAMSBAgCEAE=", "week": "CAMSBAgDEAE=", "month": "CAMSBAgEEAE=", "all_time": "CAMSAhAB"},
    "relevance": {"today": "EgQIAhAB", "week": "EgQIAxAB", "month": "EgQIBBAB", "all_time": "EgIQAQ=="},
}
_LISTS_OF_FRAME: Mapping[str, tuple[str, ...]] = {
    "today": (
        *("charts:VIDEOS:DAILY", "charts:TRENDING_VIDEOS", "charts:TRENDING_MOVIES"),
        *("gaming", "podcasts", "sports"),
    ),
    "week": ("charts:VIDEOS:WEEKLY", "podcasts", "sports"),
    "month": (),
    "all_time": (),
}
_FRAME_DAYS = {"today": 1, "week": 7, "month": 30}
_CHART_NAME = re.compile(r"charts:(TRENDING_VIDEOS|TRENDING_MOVIES|VIDEOS:DAILY|VIDEOS:WEEKLY):([A-Z]{2})")
_SEARCH_NAME = re.compile(r"search:(today|week|month|all_time):([A-Z]{2}):(.+)", re.DOTALL)
_DATA_NAME = re.compile(r"data_api:(search:(?:today|week|month|all_time)|most_popular):([A-Z]{2})")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request of a page, as plain values. `headers` may hold the Data API's key: never stored, logged or shown."""

    source: str
    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    is_robots_disallowed: bool = False
    page: int = 1  # 2 and up after a continuation


def watch_request(video_id: str, country: str = "US") -> PageRequest:
    """Ask for a video's watch page, which lists its related videos; robots.txt allows it."""
    url = watch_url(video_id) + "&" + urlencode({"hl": "en", "gl": _country(country)})
    headers = {"User-Agent": _USER_AGENT, "Accept-Language": "en", "Cookie": _COOKIES}
    return PageRequest(f"watch:{video_id}", url, headers=MappingProxyType(headers))


def next_request(video_id: str, country: str = "US") -> PageRequest:
    """Ask the API for the object that a watch page holds, for one that came without it."""
    body = {"videoId": video_id, "contentCheckOk": True, "racyCheckOk": True}
    return _web_request(f"next:{video_id}", "next", _country(country), body)


def popular_sources(
    time_frame: str, country: str, config: SourceConfig, *, now: datetime | None = None
) -> tuple[PageRequest, ...]:
    """Return the sources of popular videos of a time frame, best first.

    The Data API comes first where a key is set, then charts and destinations (for today and week only), then search; of
    these, the ones that the configuration names. Raises ValueError if `time_frame` or `country` is not one.
    """
    if time_frame not in TIME_FRAMES:
        raise ValueError(f"{time_frame!r} is no time frame: use one of {', '.join(TIME_FRAMES)}.")
    country = _country(country)
    names = []
    if config.api_key:
        names += [f"data_api:most_popular:{country}"] if time_frame == "today" else []
        names.append(f"data_api:search:{time_frame}:{country}")
    names += [f"{name}:{country}" for name in _LISTS_OF_FRAME[time_frame]]
    names += [f"search:{time_frame}:{country}:{term}" for term in config.search_terms]
    chosen = [name for name in names if name.partition(":")[0] in config.sources]
    return tuple(source_request(name, config, now=now) for name in chosen)


def source_request(name: str, config: SourceConfig, *, now: datetime | None = None) -> PageRequest:
    """Turn a source's name back into the request of its first page.

    Raises ValueError if the name is no source's, or is the Data API's while no key is set.
    """
    kind, _, rest = name.partition(":")
    if match := _CHART_NAME.fullmatch(name):
        return _charts_request(name, match[1], match[2])
    if kind in _DESTINATIONS:
        browse_id, tab = _DESTINATIONS[kind]
        return _web_request(name, "browse", _country(rest), {"browseId": browse_id, "params": tab})
    if match := _SEARCH_NAME.fullmatch(name):
        filters = _SEARCH_FILTERS[config.search_order]
        return _web_request(name, "search", match[2], {"query": match[3], "params": filters[match[1]]})
    if match := _DATA_NAME.fullmatch(name):
        return _data_api_request(name, match[1], match[2], config.api_key, now or datetime.now(UTC))
    if kind == "watch":
        return watch_request(rest)
    raise ValueError(f"{name!r} is not the name of a source of videos.")


def next_page_request(request: PageRequest, continuation: str) -> PageRequest:
    """Ask for the page that follows. Raises ValueError where the source has one page only (charts)."""
    kind = request.source.partition(":")[0]
    if kind == "data_api":
        # A third page begins at the second one's address: its token has to go first.
        url = re.sub(r"&pageToken=[^&]*", "", request.url) + "&" + urlencode({"pageToken": continuation})
        return replace(request, url=url, page=request.page + 1)
    method = "browse" if kind in _DESTINATIONS else {"watch": "next", "next": "next", "search": "search"}.get(kind)
    if method is None:
        raise ValueError(f"{request.source} has no further page.")
    country = _country_of(request)
    return replace(_web_request(request.source, method, country, {"continuation": continuation}), page=request.page + 1)


def _country_of(request: PageRequest) -> str:
    found = re.search(rb'"gl":"([A-Z]{2})"', request.body or b"") or re.search(
        rb"[?&]gl=([A-Z]{2})", request.url.encode()
    )
    return found[1].decode() if found else "US"


def _country(text: str) -> str:
    country = text.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise ValueError(f"{text!r} is no country: use two letters such as GB.")
    return country


def _charts_request(name: str, chart: str, country: str) -> PageRequest:
    chart_type, _, period = chart.partition(":")
    query = f"perspective=CHART_DETAILS&chart_params_country_code={country}&chart_params_chart_type={chart_type}"
    if period:
        query += f"&chart_params_period_type={period}"
    body = {"browseId": "FEmusic_analytics_charts_home", "query": query}
    return _post(name, _CHARTS_API, _CHARTS, country, body)


def _web_request(name: str, method: str, country: str, body: Mapping[str, Any]) -> PageRequest:
    return _post(name, f"{_WEB_API}{method}?prettyPrint=false", _WEB, country, body)


def _post(name: str, url: str, client: Mapping[str, str], country: str, body: Mapping[str, Any]) -> PageRequest:
    origin = "/".join(url.split("/")[:3])
    context: dict[str, Any] = {
        # Offset 0: the service counts "today" by the client's clock, and frames are days of UTC.
        "client": {**client, "hl": "en", "gl": country, "utcOffsetMinutes": 0},
        "request": {"internalExperimentFlags": [], "useSsl": True},
        "user": {"lockedSafetyMode": False},
    }
    headers = {
        "User-Agent": _USER_AGENT,
        "Accept-Language": "en",
        "Content-Type": "application/json",
        "Cookie": _COOKIES,
        "Origin": origin,
        "Referer": origin,
        "X-YouTube-Client-Name": _CLIENT_NUMBERS[client["clientName"]],
        "X-YouTube-Client-Version": client["clientVersion"],
    }
    content = json.dumps({"context": context, **body}, separators=(",", ":")).encode()
    return PageRequest(name, url, "POST", MappingProxyType(headers), content, is_robots_disallowed=True)


def _data_api_request(name: str, listing: str, country: str, api_key: str | None, now: datetime) -> PageRequest:
    if not api_key:
        raise ValueError(f"{name} needs PYTOMO_YOUTUBE_API_KEY.")
    if listing == "most_popular":
        method = "videos"
        query = {"part": "snippet,contentDetails,statistics", "chart": "mostPopular"}
    else:
        method = "search"
        query = {"part": "snippet", "type": "video", "order": "viewCount"}
        if days := _FRAME_DAYS.get(listing.partition(":")[2]):
            query["publishedAfter"] = (now - timedelta(days=days)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    url = f"{_DATA_API}{method}?" + urlencode({**query, "regionCode": country, "maxResults": "50"})
    # The key travels in a header, so that no URL in a log or in an error carries it.
    headers = {"X-Goog-Api-Key": api_key, "Accept": "application/json"}
    return PageRequest(name, url, headers=MappingProxyType(headers))
