"""From the text of a page or API answer of YouTube to its videos and its continuation.

A watch page's `ytInitialData` is the object that the `next` API returns, so HTML and JSON share every parser below the
detection. Each parser reads one root; a root that is not known is a failure, never a page without links.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pytomo_scrapy.failures.refusal_texts import classify_text
from pytomo_scrapy.items.foreign_numbers import length_s
from pytomo_scrapy.pages import data_api
from pytomo_scrapy.pages.access import detail, dig, entries, find_key, items, text_of, video_id, whole
from pytomo_scrapy.pages.embedded import embedded_objects, load_json
from pytomo_scrapy.pages.page_model import PageVideo, ParsedPage
from pytomo_scrapy.pages.playability import classify_playability
from pytomo_scrapy.pages.renderers import ItemList, view_count

# Far above any page of the service (the largest seen has 2 MB): beyond it a page is refused, not read for minutes.
MAX_PAGE_CHARACTERS = 64 * 1024 * 1024
# The head of a page without the service's data is enough to recognise it.
_HEAD_CHARACTERS = 300_000
_CONSENT = re.compile(
    r"consent\.(?:youtube|google)\.[a-z.]{2,6}/|before you continue to (?:youtube|google)", re.IGNORECASE
)
_BOT_CHECK = re.compile(
    r"google\.com/sorry|[\"']/sorry/|unusual traffic from|captcha-form|class=[\"']g-recaptcha"
    r"|confirm you(?:'|\u2019|&#39;)re not a bot",
    re.IGNORECASE,
)
# Which API an answer of each kind comes from: the name of its shape.
_ANSWERS = {
    "related": "next answer",
    "search": "search answer",
    "browse": "browse answer",
    "charts": "browse answer",
    "data": "Data API answer",
    "player": "player answer",
}
_CONTINUATION_ROOTS = {
    "onResponseReceivedEndpoints": "related_continuation",
    "onResponseReceivedCommands": "search_continuation",
    "onResponseReceivedActions": "browse_continuation",
}
_OLD_CONTINUATIONS = {
    "secondaryResultsContinuation": ("related_continuation", "results"),
    "itemSectionContinuation": ("search_continuation", "contents"),
    "sectionListContinuation": ("browse_continuation", "contents"),
    "gridContinuation": ("browse_continuation", "items"),
    "richGridContinuation": ("browse_continuation", "contents"),
    "playlistVideoListContinuation": ("browse_continuation", "contents"),
}


def parse_page(page: str | bytes, url: str | None = None) -> ParsedPage:
    """Read a saved page or API answer, whatever it is.

    `url` is the address that the page came from after redirects; it helps where the text says little (a consent host,
    the player API's `{}` for an unknown id). Raises nothing for any content: errors are in `failure`.
    """
    if len(page) > MAX_PAGE_CHARACTERS:
        return _unknown(f"{len(page)} characters are no page of the service")
    text = page.decode("utf-8", "replace") if isinstance(page, bytes) else page
    text = text.lstrip("\ufeff \t\r\n").removeprefix(")]}'").lstrip()
    if text[:1] in ("{", "["):
        try:
            answer = load_json(text)
        except ValueError as error:
            return _unknown(f"JSON that cannot be read: {error}")
        return _parse_answer(answer, url)
    return _parse_html(text, url)


def _unknown(what: str) -> ParsedPage:
    return ParsedPage("unknown", failure="unknown_page_shape", failure_detail=detail(what))


def _parse_html(html: str, url: str | None) -> ParsedPage:
    host, path = _host_and_path(url)
    if host.startswith("consent."):
        return ParsedPage("consent", failure="consent_wall", failure_detail=f"sent to {host}")
    keys: tuple[str, ...] | None = None
    for shape, value in embedded_objects(html, "ytInitialData"):
        parsed = _parse_object(value)
        if parsed is not None:
            return replace(_explain_empty(parsed, html), shape=shape)
        keys = keys or tuple(value)[:8]
    head = html[:_HEAD_CHARACTERS]
    if path.startswith("/sorry") or _BOT_CHECK.search(head):
        return ParsedPage(
            "bot_check", failure="bot_check", failure_detail="the page asks to prove that we are not a bot"
        )
    if _CONSENT.search(head):
        return ParsedPage("consent", failure="consent_wall", failure_detail="the page asks for consent to cookies")
    if keys is not None:
        return _unknown("ytInitialData holds only " + ", ".join(keys))
    title = re.search(r"<title[^>]{0,200}>([^<]{0,300})", head, re.IGNORECASE)
    return _unknown(
        "no ytInitialData" + (f" in the page {title[1].strip()!r}" if title else f" in {len(html)} characters")
    )


def _host_and_path(url: str | None) -> tuple[str, str]:
    try:
        parts = urlsplit(url or "")
        return parts.hostname or "", parts.path
    except ValueError:
        return "", ""


def _explain_empty(parsed: ParsedPage, html: str) -> ParsedPage:
    """Return why a watch page lists nothing, if its player's answer says so."""
    if parsed.failure != "empty_page":
        return parsed
    for _, player in embedded_objects(html, "ytInitialPlayerResponse"):
        failure, why = classify_playability(player.get("playabilityStatus"))
        if "playabilityStatus" in player and failure:
            return replace(parsed, failure=failure, failure_detail=why)
    return parsed


def _parse_answer(answer: Any, url: str | None) -> ParsedPage:
    if isinstance(answer, list):  # the older form of an answer: one object a part
        parts = [part for part in answer[:20] if isinstance(part, dict) and _object_in(part)]
        answer = next((part for part in parts if "response" in part), parts[0] if parts else None)
    if not isinstance(answer, dict):
        return _unknown("JSON without an object of the service")
    parsed = _parse_object(answer) or _parse_object(_object_in(answer) or {})
    if parsed is not None:
        return replace(parsed, shape=_ANSWERS.get(parsed.kind.partition("_")[0]))
    _, path = _host_and_path(url)
    if path.endswith(("/player", "/reel_item_watch")) and not answer:
        return ParsedPage("player", failure="removed", failure_detail="an empty answer: the id does not exist")
    return _unknown("a JSON object with " + (", ".join(list(answer)[:8]) or "nothing in it"))


def _object_in(answer: dict[str, Any]) -> dict[str, Any] | None:
    for key in ("response", "playerResponse"):
        if isinstance(answer.get(key), dict) and answer[key]:
            return dict(answer[key])
    return None


def _parse_object(answer: dict[str, Any]) -> ParsedPage | None:
    """Read an answer by the first root that it has. None where it has none that is known."""
    for read in _READERS:
        parsed = read(answer)
        if parsed is not None:
            return parsed
    return None


def _finish(kind: str, listed: ItemList, why_empty: str = "no video in the list") -> ParsedPage:
    if listed.videos:
        return ParsedPage(kind, listed.videos, listed.continuation)
    failure = classify_text(why_empty) or "empty_page"
    return ParsedPage(kind, (), listed.continuation, failure, detail(why_empty))


def _read_error(answer: dict[str, Any]) -> ParsedPage | None:
    error = answer.get("error")
    code = whole(dig(error, "code"))
    if code is None:
        return None
    reason = dig(error, "errors", 0, "reason")
    said = ", ".join(str(part) for part in (code, reason, dig(error, "message")) if isinstance(part, str | int))
    return ParsedPage("error", failure=_error_class(code, reason), failure_detail=detail(said))


def _error_class(code: int, reason: Any) -> str:
    if reason in ("quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded"):
        return "rate_limited"
    if code in (403, 404, 410, 416, 429):
        return f"http_{code}"
    return "http_5xx" if code >= 500 else "http_4xx"


def _read_related(answer: dict[str, Any]) -> ParsedPage | None:
    contents = answer.get("contents")
    listed = ItemList(has_shelves=False)
    root = dig(contents, "twoColumnWatchNextResults")
    mobile = dig(contents, "singleColumnWatchNextResults")
    if isinstance(root, dict):
        results = dig(root, "secondaryResults", "secondaryResults") or dig(root, "secondaryResults")
        listed.add(dig(results, "results"))
        listed.add_old_continuation(results)
    elif isinstance(mobile, dict):
        listed.add(dig(mobile, "results", "results", "contents"))
    else:
        return None
    promo = find_key(dig(root, "results"), "backgroundPromoRenderer")
    page = _finish("related", listed, text_of(dig(promo, "title")) or "no related video")
    return replace(page, about=_about(answer, root))


def _about(answer: dict[str, Any], root: Any) -> PageVideo | None:
    """Read a watch page's facts about its own video. None where it names none."""
    own_id = video_id(dig(answer, "currentVideoEndpoint", "watchEndpoint", "videoId"))
    details = find_key(dig(root, "results"), "videoPrimaryInfoRenderer")
    if own_id is None or not isinstance(details, dict):
        return None
    views = text_of(dig(details, "viewCount", "videoViewCountRenderer", "viewCount"))
    return PageVideo(
        own_id,
        title=text_of(dig(details, "title")),
        view_count=view_count(views) if views else None,
        published=text_of(dig(details, "dateText")),
    )


def _read_search(answer: dict[str, Any]) -> ParsedPage | None:
    contents = answer.get("contents")
    root = dig(contents, "twoColumnSearchResultsRenderer", "primaryContents")
    if root is None and "sectionListRenderer" in (contents if isinstance(contents, dict) else {}):
        root = {"sectionListRenderer": dig(contents, "sectionListRenderer")}
    if not isinstance(root, dict):
        return None
    listed = ItemList(has_shelves=False)
    listed.add(root)
    return _finish("search", listed, "no video among the search results")


def _read_charts(answer: dict[str, Any]) -> ParsedPage | None:
    sections = items(answer, "contents", "sectionListRenderer", "contents")
    charts = [dig(section, "musicAnalyticsSectionRenderer") for section in sections]
    if not any(isinstance(chart, dict) for chart in charts):
        return None
    videos: dict[str, PageVideo] = {}
    for chart in charts:
        for chart_list in items(chart, "content", "videos"):
            for view in items(chart_list, "videoViews"):
                found = video_id(dig(view, "id"))
                if found:
                    videos.setdefault(found, _charted(found, view))
    failure = None if videos else "empty_page"
    return ParsedPage("charts", tuple(videos.values()), None, failure, None if videos else "no video in the charts")


def _charted(found: str, view: Any) -> PageVideo:
    duration_s, date = whole(dig(view, "videoDuration")), dig(view, "releaseDate")
    year, month, day = (whole(dig(date, part)) for part in ("year", "month", "day"))
    return PageVideo(
        found,
        title=text_of(dig(view, "title")),
        duration_s=length_s(duration_s),
        view_count=whole(dig(view, "viewCount")),
        published=f"{year:04}-{month:02}-{day:02}" if year and month and day else None,
    )


def _read_browse(answer: dict[str, Any]) -> ParsedPage | None:
    contents, alerts = answer.get("contents"), items(answer, "alerts")
    columns = [dig(contents, f"{width}ColumnBrowseResultsRenderer") for width in ("two", "single")]
    if not alerts and not any(isinstance(column, dict) for column in columns):
        return None
    tabs = [tab for column in columns for tab in items(column, "tabs")]
    shown = [dig(tab, "tabRenderer") for tab in tabs if isinstance(dig(tab, "tabRenderer", "content"), dict)]
    listed = ItemList(has_shelves=True)
    # The tab that was asked for; where none says that it is shown, the service sent one alone.
    for tab in [tab for tab in shown if dig(tab, "selected") is True][:1] or shown[:1]:
        listed.add(dig(tab, "content"))
    alert = next((text_of(dig(body, "text")) for entry in alerts for _, body in entries(entry)), None)
    return _finish("browse", listed, alert or "no video in the shown tab")


def _read_continuation(answer: dict[str, Any]) -> ParsedPage | None:
    for root, kind in _CONTINUATION_ROOTS.items():
        found = [
            dig(body, "continuationItems")
            for action in items(answer, root)
            for name, body in entries(action)
            if name in ("appendContinuationItemsAction", "reloadContinuationItemsCommand")
        ]
        if not found:
            continue
        listed = ItemList(has_shelves=kind.startswith("browse"))
        for added in found:
            listed.add(added)
        return _finish(kind, listed)
    for name, body in entries(answer.get("continuationContents")):
        if name in _OLD_CONTINUATIONS:
            kind, where = _OLD_CONTINUATIONS[name]
            listed = ItemList(has_shelves=kind.startswith("browse"))
            listed.add(dig(body, where))
            listed.add_old_continuation(body)
            return _finish(kind, listed)
    return None


def _read_player(answer: dict[str, Any]) -> ParsedPage | None:
    about, status = answer.get("videoDetails"), answer.get("playabilityStatus")
    found = video_id(dig(about, "videoId"))
    if not isinstance(status, dict) and found is None:
        return None
    failure, why = classify_playability(status) if isinstance(status, dict) else (None, None)
    if found is None:
        return ParsedPage("player", failure=failure, failure_detail=why)
    duration_s = whole(dig(about, "lengthSeconds"))
    video = PageVideo(
        found,
        title=text_of(dig(about, "title")),
        duration_s=length_s(duration_s),
        view_count=whole(dig(about, "viewCount")),
        published=text_of(dig(answer, "microformat", "playerMicroformatRenderer", "publishDate")),
        is_live=dig(about, "isLive") is True,
        is_upcoming=dig(about, "isUpcoming") is True,
    )
    return ParsedPage("player", (video,), None, failure, why)


# Contents before continuations: a first answer of `next` and `browse` also carries unrelated received actions.
_READERS: tuple[Callable[[dict[str, Any]], ParsedPage | None], ...] = (
    _read_error,
    _read_related,
    _read_charts,
    _read_search,
    data_api.read_list,
    _read_player,
    _read_continuation,
    _read_browse,
)
