"""The lab's service: which answer belongs to which request. It is a function of the request and connects nowhere."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from pytomo_scrapy.lab.faults import PageFault, fault_at
from pytomo_scrapy.lab.guests import read_visitor_name
from pytomo_scrapy.lab.http.service_messages import Request, Response, json_response, page, redirect, to_consent
from pytomo_scrapy.lab.model import World
from pytomo_scrapy.lab.service import watch_pages
from pytomo_scrapy.lab.service.dailymotion_service import DAILYMOTION_HOSTS, PLAYLIST_HOST, Dailymotion
from pytomo_scrapy.lab.service.manifests import Manifests
from pytomo_scrapy.lab.service.player_api import PlayerApi, PlayerRequest
from pytomo_scrapy.lab.service.popular_pages import PopularPages
from pytomo_scrapy.lab.service.watch_pages import WatchPages, page_html, read_token

Json = dict[str, Any]

SERVICE_HOSTS: tuple[str, ...] = (
    *("www.youtube.com", "m.youtube.com", "youtube.com", "youtu.be", "youtubei.googleapis.com", "charts.youtube.com"),
    *DAILYMOTION_HOSTS,
    *("consent.youtube.com", "www.googleapis.com", "www.google.com", "manifest.googlevideo.com"),
)

ROBOTS_TXT = """# robots.txt file for the offline lab, with the rules of the service that matter to a crawler
User-agent: *
Disallow: /api/
Disallow: /comment
Disallow: /feeds/videos.xml
Disallow: /get_video
Disallow: /get_video_info
Disallow: /get_midroll_info
Disallow: /live_chat
Disallow: /login
Disallow: /qr
Disallow: /results
Disallow: /signup
Disallow: /t/terms
Disallow: /timedtext_video
Disallow: /verify_age
Disallow: /watch_ajax
Disallow: /watch_fragments_ajax
Disallow: /watch_popup
Disallow: /watch_queue_ajax
Disallow: /youtubei/
"""


_VISITOR_COOKIE = "VISITOR_INFO1_LIVE"


def _bad_request() -> Response:
    error = {"message": "Request contains an invalid argument.", "domain": "global", "reason": "badRequest"}
    return json_response(
        {"error": {"code": 400, "message": error["message"], "errors": [error], "status": "INVALID_ARGUMENT"}}, 400
    )


def _not_found() -> Response:
    return page("<html><head><title>404 Not Found</title></head><body>Not Found</body></html>", 404)


class Service:
    """Answers every request for one of SERVICE_HOSTS from the world."""

    def __init__(self, world: World, player: PlayerApi) -> None:
        self._world = world
        self._player = player
        self._watch = WatchPages(world, player)
        self._popular = PopularPages(world, player)
        self._dailymotion = Dailymotion(world, player)
        self._manifests = Manifests(world, player.clips, player.media_url)
        self._apis: Mapping[str, Callable[[Request], Response]] = {
            "player": self._player_api,
            "reel/reel_item_watch": self._reel_api,
            "next": self._next_api,
            "browse": self._browse_api,
            "search": self._search_api,
            "visitor_id": lambda request: self._json(request, {}),
            "config": lambda request: self._json(request, {}),
        }

    def answer(self, request: Request) -> Response:
        """Return the answer to any request. A host that is not the service's gets 502 with a sentence."""
        host = request.host.lower()
        if host not in SERVICE_HOSTS:
            sentence = (
                f"The offline lab has no host {host}: it answers for {', '.join(SERVICE_HOSTS)} and connects nowhere.\n"
            )
            return Response(502, sentence.encode(), "text/plain; charset=utf-8")
        if host == PLAYLIST_HOST:
            return self._manifests.answer(request) or _not_found()
        if host in DAILYMOTION_HOSTS:
            text = request.body.decode(errors="replace")
            code, found = self._dailymotion.answer(host, request.path, request.query, text)
            return json_response(found, code)
        if host == "consent.youtube.com":
            return _consent_page(request)
        if host == "www.google.com":
            return _sorry_page() if request.path.startswith("/sorry") else _not_found()
        if host == "www.googleapis.com":
            key = request.headers.get("x-goog-api-key", "")
            status, body = self._popular.data_api(request.path, {"key": key, **request.query})
            return json_response(body, status)
        if host == "youtu.be":
            return redirect(f"https://www.youtube.com/watch?v={request.path.strip('/')}&feature=youtu.be")
        if request.path.startswith("/youtubei/v1/"):
            return self._api(request)
        return self._site(request)

    def _visitor_of(self, request: Request) -> str:
        """Return the guest identity of a request, a new one where it carries none."""
        sent = _client_of(request).get("visitorData") or request.headers.get("x-goog-visitor-id")
        return self._player.guests.greet(str(sent) if sent else None, _cookies(request).get(_VISITOR_COOKIE))

    def _json(self, request: Request, answer: Json) -> Response:
        """Return an API's answer, which names the guest that asked."""
        context = {"visitorData": self._visitor_of(request), **answer.get("responseContext", {})}
        return json_response({**answer, "responseContext": context})

    def _api(self, request: Request) -> Response:
        api = self._apis.get(request.path.removeprefix("/youtubei/v1/"))
        if api is None:
            return _not_found()
        if request.method != "POST":
            return page("<title>Error 405 (Method Not Allowed)</title>", 405)
        return api(request)

    def _player_api(self, request: Request) -> Response:
        body = request.json()
        client = str(_client_of(request).get("clientName", "WEB"))
        asked = PlayerRequest(request.client_address, client, self._visitor_of(request))
        status, answer = self._player.answer(str(body.get("videoId", "")), asked)
        return json_response(answer, status)

    def _reel_api(self, request: Request) -> Response:
        video_id = str(request.json().get("playerRequest", {}).get("videoId", ""))
        asked = PlayerRequest(request.client_address, "ANDROID", self._visitor_of(request))
        status, answer = self._player.answer(video_id, asked)
        return json_response({"playerResponse": answer} if answer else {}, status)

    def _next_api(self, request: Request) -> Response:
        body = request.json()
        if "continuation" not in body:
            video_id = str(body.get("videoId", ""))
            fault = self._page_fault(video_id)
            # What a bare page lacks is here; a page of garbage has nothing behind it either.
            if fault is not None and fault.failure == "unknown_page_shape":
                return fault.answer(request)
            return self._json(request, self._watch.next_answer(video_id))
        token = read_token(str(body["continuation"]))
        answer = self._watch.continue_related(token) if token else None
        return self._json(request, answer) if answer else _bad_request()

    def _browse_api(self, request: Request) -> Response:
        body = request.json()
        browse_id = str(body.get("browseId"))
        if browse_id == "FEmusic_analytics_charts_home" and request.host == "charts.youtube.com":
            answer = self._popular.chart(dict(parse_qsl(str(body.get("query", "")))))
        else:
            # FEtrending has no answer: the page is gone from the service.
            answer = self._popular.destination(browse_id, str(body.get("params", "")))
        return self._json(request, answer) if answer else _bad_request()

    def _search_api(self, request: Request) -> Response:
        body = request.json()
        if "continuation" not in body:
            found = self._popular.search(str(body.get("query", "")), str(body.get("params", "")))
            return self._json(request, found)
        token = read_token(str(body["continuation"])) or {}
        offset = token.get("offset")
        if "query" not in token or not isinstance(offset, int):
            return _bad_request()
        return self._json(request, self._popular.search(str(token["query"]), str(token.get("sp", "")), offset))

    def _site(self, request: Request) -> Response:
        path = request.path
        if request.host != "www.youtube.com":
            return redirect(f"https://www.youtube.com{request.target}")
        if path == "/robots.txt":
            return Response(200, ROBOTS_TXT.encode(), "text/plain")
        if path.startswith("/s/player/"):
            return Response(200, watch_pages.PLAYER_SCRIPT.encode(), "text/javascript")
        if manifest := self._manifests.answer(request):
            return manifest
        if path.startswith("/api/manifest/hls_variant/"):
            return Response(200, _LIVE_PLAYLIST, "application/vnd.apple.mpegurl")
        if path in {"/sw.js_data", "/generate_204"}:
            return Response(200 if path == "/sw.js_data" else 204)
        # Without that cookie the service asks for consent before it shows anything.
        if "SOCS" not in _cookies(request):
            return to_consent(request)
        if path == "/results":
            query = request.query
            found = self._popular.search(query.get("search_query", ""), query.get("sp", ""))
            return page(page_html("results", found, visitor_data=self._visitor_of(request)))
        if match := re.fullmatch(r"/(?:watch|(?:embed|shorts|live|v)/([^/]*))/?", path):
            return self._watch_page(request, match[1] or request.query.get("v", ""))
        nothing: Json = {"contents": {"twoColumnBrowseResultsRenderer": {"tabs": []}}}
        return page(page_html("YouTube", nothing, visitor_data=self._visitor_of(request)), 200 if path == "/" else 404)

    def _watch_page(self, request: Request, video_id: str) -> Response:
        fault = self._page_fault(video_id)
        if fault is not None:
            return fault.answer(request)
        visitor_data = self._visitor_of(request)
        name = read_visitor_name(visitor_data)
        cookie = f"{_VISITOR_COOKIE}={name}; Domain=.youtube.com; Path=/; Secure; HttpOnly; SameSite=none"
        text = self._watch.watch_page(video_id, request.client_address, visitor_data)
        return page(text, 200, ("Set-Cookie", cookie))

    def _page_fault(self, video_id: str) -> PageFault | None:
        video = self._world.videos.get(video_id)
        return fault_at(PageFault, video.fault) if video else None


def _client_of(request: Request) -> Json:
    """Return what an API's request says of its client; anything may stand in its body."""
    context = request.json().get("context")
    client = context.get("client") if isinstance(context, dict) else None
    return client if isinstance(client, dict) else {}


def _cookies(request: Request) -> dict[str, str]:
    try:
        return {name: cookie.value for name, cookie in SimpleCookie(request.headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _consent_page(request: Request) -> Response:
    there = request.query.get("continue", "https://www.youtube.com/")
    if request.path == "/save" and there.startswith("https://www.youtube.com/"):
        return redirect(there, ("Set-Cookie", "SOCS=CAI; Domain=.youtube.com; Path=/; Secure"))
    title = "Before you continue to YouTube"
    hidden = f'<input type="hidden" name="continue" value="{html.escape(there)}">'
    form = f'<form action="https://consent.youtube.com/save" method="POST">{hidden}<button>Reject all</button></form>'
    return page(f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{form}</body></html>")


def _sorry_page() -> Response:
    text = "Our systems have detected unusual traffic from your computer network."
    return page(f"<!DOCTYPE html><html><head><title>Sorry...</title></head><body>{text}</body></html>", 429)


_LIVE_PLAYLIST = b"""#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=545677,CODECS="mp4a.40.2,avc1.42c015",RESOLUTION=426x240,FRAME-RATE=25,CLOSED-CAPTIONS=NONE
https://www.youtube.com/api/manifest/hls_playlist/id/live.1/itag/92/playlist/index.m3u8
"""
