"""Resolution through the real yt-dlp, with recorded or made answers in place of the network."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yt_dlp
from yt_dlp.networking.common import Response
from yt_dlp.networking.exceptions import HTTPError, TransportError

from pytomo_scrapy.config import PathConfig, ResolveConfig
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.resolve.availability import with_ordered_wait
from pytomo_scrapy.measure.resolve.resolution import resolve_video

pytestmark = pytest.mark.process

RECORDINGS = Path(__file__).resolve().parents[3].parent / "shared" / "recordings"
LEAN = "player_client=visionos;player_skip=webpage,configs,js,initial_data;skip=hls,dash"
SELECTOR = "bestvideo[height<=720][vcodec^=avc1]+bestaudio[acodec^=mp4a]/best"
VIDEO_ID = "M4gD1WSo5mA"
Answer = dict[str, Any] | Exception | None


def watch_url(video_id: str) -> str:
    return f"https://www.youtube.com/watch?v={video_id}"


def load_recording(name: str) -> dict[str, Any]:
    path = RECORDINGS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"recordings are not here: {path}")
    answer: dict[str, Any] = json.loads(path.read_text())
    return answer.get("playerResponse", answer)


def media_url(itag: int, **overrides: str) -> str:
    query = {"ip": "192.0.2.7", "itag": str(itag), "c": "VISIONOS", "mn": "sn-a,sn-b", "initcwndbps": "1250000"}
    query.update(overrides)
    return "https://rr1---sn-a.googlevideo.com:8443/videoplayback?" + "&".join(f"{k}={v}" for k, v in query.items())


def make_format(itag: int, mime_type: str, **overrides: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "itag": itag,
        "url": media_url(itag),
        "mimeType": mime_type,
        "averageBitrate": 800_000,
        "contentLength": "1000000",
        "approxDurationMs": "60000",
    }
    if mime_type.startswith("video"):
        entry |= {"height": 360, "width": 640, "fps": 25, "qualityLabel": "360p", "quality": "medium"}
    return entry | overrides


AVC, AAC = 'video/mp4; codecs="avc1.4d401e"', 'audio/mp4; codecs="mp4a.40.2"'


def make_answer(*formats: dict[str, Any], status: str = "OK", reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "playabilityStatus": {"status": status} | ({"reason": reason} if reason else {}),
        "streamingData": {"adaptiveFormats": list(formats)},
        "videoDetails": {"videoId": VIDEO_ID, "title": "A title", "lengthSeconds": "60"},
        **more,
    }


class Service:
    """Answers yt-dlp's requests in place of the network; `clients` lists the player clients that asked."""

    def __init__(self, answer: Callable[[str], Answer], page: str | Exception = "<html></html>") -> None:
        self.answer, self.page = answer, page
        self.answer_to: Callable[[str], Answer] | None = None  # by video id in place of the client's name
        self.clients: list[str] = []

    def urlopen(self, ydl: yt_dlp.YoutubeDL, request: Any) -> Response:
        url = request if isinstance(request, str) else request.url
        if "/youtubei/v1/player" not in url:
            return self._reply(url, self.page)
        question = json.loads(request.data)
        client = question["context"]["client"]["clientName"]
        self.clients.append(client)
        answer = self.answer_to(question["videoId"]) if self.answer_to else self.answer(client)
        return self._reply(url, answer if isinstance(answer, Exception) else json.dumps(answer or {}))

    @staticmethod
    def _reply(url: str, body: str | Exception) -> Response:
        if isinstance(body, Exception):
            raise body
        return Response(io.BytesIO(body.encode()), url, {"Content-Type": "application/json"})


ServiceFactory = Callable[..., Service]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> ServiceFactory:
    def start(answer: Answer | Callable[[str], Answer], page: str | Exception = "<html></html>") -> Service:
        service = Service(answer if callable(answer) else lambda client: answer, page)
        monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", lambda ydl, request: service.urlopen(ydl, request))
        return service

    return start


def resolve(video_id: str = VIDEO_ID, **overrides: Any) -> ResolveResult:
    settings: dict[str, Any] = {"format_selector": SELECTOR, "extractor_args": LEAN, "timeout_s": 5.0}
    return resolve_video(watch_url(video_id), ResolveConfig(**(settings | overrides)))


def http_error(status: int) -> HTTPError:
    return HTTPError(Response(io.BytesIO(b""), "https://www.youtube.com/x?secret=1", {}, status))


# Recorded answers of the service.


# Made answers.


def test_resolve_reasons_of_the_service_have_their_class(serve: ServiceFactory) -> None:
    reasons = {
        "Sign in to confirm you’re not a bot": "bot_check",
        "This content isn't available, try again later.": "rate_limited",
        "Sign in to confirm your age": "age_restricted",
        "Premieres in 5 hours": "upcoming",
        "This video has been removed by the uploader": "removed",
    }
    for reason, failure in reasons.items():
        service = serve(make_answer(status="LOGIN_REQUIRED", reason=reason))
        result = resolve()
        assert (result.failure, result.title) == (failure, "A title"), reason
        assert result.attempt_count == 1, "asking again cannot help"
        assert service.clients[0] == "VISIONOS"


@pytest.mark.parametrize(
    ("screen", "failure", "detail"),
    [
        ({"playerCaptchaViewModel": {"title": "Prove it"}}, "bot_check", "captcha"),
        (
            {
                "playerInterstitialRenderer": {
                    "content": {
                        "interstitialViewModel": {
                            "title": {"content": "Private video"},
                            "description": {"content": "Sign in if you've been granted access to this video"},
                        }
                    }
                }
            },
            "private",
            "Private video",
        ),
        (
            {"somethingNew": {"headline": {"runs": [{"text": "Come back "}, {"text": "later"}]}}},
            None,
            "Come back later",
        ),
        ({"somethingNew": {"text": "This video is not available in your country"}}, "geo_restricted", "your country"),
    ],
)
def test_resolve_refusal_in_a_new_shape_has_the_class_of_its_words(
    serve: ServiceFactory, screen: dict[str, Any], failure: str | None, detail: str
) -> None:
    for reason in (None, "Video unavailable"):
        answer = make_answer(status="UNPLAYABLE", reason=reason)
        answer["playabilityStatus"]["errorScreen"] = screen
        serve(answer)
        result = resolve()
        assert result.failure == failure or (failure is None and result.failure == "unknown_refusal"), reason
        assert result.failure_detail and detail in result.failure_detail
        assert (result.formats, result.title) == ((), "A title")


def test_resolve_upcoming_live_is_upcoming_even_with_formats(serve: ServiceFactory) -> None:
    answer = make_answer(make_format(134, AVC), status="LIVE_STREAM_OFFLINE", reason="This live event will begin soon")
    answer["videoDetails"] |= {"isUpcoming": True, "isLiveContent": True}
    serve(answer)
    assert resolve().failure == "upcoming"


def test_resolve_without_urls_falls_back_to_the_next_client(serve: ServiceFactory) -> None:
    bare = make_format(134, AVC)
    del bare["url"]

    def answer(client: str) -> dict[str, Any]:
        return (
            make_answer(bare)
            if len(service.clients) == 1
            else make_answer(make_format(134, AVC), make_format(140, AAC))
        )

    service = serve(answer)
    result = resolve()
    assert result.failure is None
    assert result.attempt_count == 2
    assert [media.kind for media in result.formats] == ["video", "audio"]


def test_resolve_without_any_url_is_no_url_formats(serve: ServiceFactory) -> None:
    bare = make_format(134, AVC)
    del bare["url"]
    serve(make_answer(bare))
    result = resolve()
    assert (result.failure, result.attempt_count) == ("no_url_formats", 2)


def test_resolve_client_that_needs_a_token_falls_back_to_one_that_does_not(serve: ServiceFactory) -> None:
    service = serve(make_answer(make_format(134, AVC), make_format(140, AAC)))
    result = resolve(extractor_args=LEAN.replace("visionos", "mweb"))
    assert (result.failure, result.attempt_count) == (None, 2)
    assert (service.clients[0], service.clients[-1] == "MWEB") == ("MWEB", False)


def test_resolve_with_unfitting_selector_is_no_format(serve: ServiceFactory) -> None:
    serve(make_answer(make_format(134, AVC), make_format(140, AAC)))
    assert resolve(format_selector="best[height>=2000]").failure == "no_format"


def test_resolve_never_takes_storyboards_or_fragments(serve: ServiceFactory) -> None:
    spec = "https://i.ytimg.com/sb/x/storyboard3_L$L/$N.jpg|48#27#100#10#10#0#default#rs$a"
    serve(make_answer(storyboards={"playerStoryboardSpecRenderer": {"spec": spec}}))
    assert resolve(format_selector="worst/bestvideo/all").failure == "no_format"


@pytest.mark.parametrize(
    ("error", "failure", "attempts"),
    [
        (http_error(429), "http_429", 1),
        (http_error(500), "http_5xx", 2),
        (http_error(403), "http_403", 2),
        (TransportError("timed out"), "resolve_unreachable", 1),
        (TransportError("[Errno -2] Name or service not known"), "resolve_unreachable", 1),
        (KeyError("surprise"), "answer_unreadable", 2),
        (RuntimeError("surprise"), "unknown_failure", 2),
    ],
)
def test_resolve_request_error_has_its_class(
    serve: ServiceFactory, error: Exception, failure: str, attempts: int
) -> None:
    serve(error, page=error)
    result = resolve()
    assert (result.failure, result.attempt_count) == (failure, attempts)
    assert "secret" not in (result.failure_detail or "")


def test_answer_that_yt_dlp_takes_for_another_kind_is_unreadable(serve: ServiceFactory) -> None:
    serve(make_answer(storyboards={"playerStoryboardSpecRenderer": {"spec": {"runs": []}}}))
    result = resolve()
    assert result.failure == "answer_unreadable", result.failure_detail
    assert result.attempt_count == 2, "another client may be answered otherwise"


def test_resolve_available_at_is_waited_for_and_left_out_of_the_time(
    serve: ServiceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(make_answer(make_format(134, AVC), make_format(140, AAC)))
    available_at = time.time() + 7
    monkeypatch.setattr(
        "yt_dlp.extractor.youtube.YoutubeIE._get_available_at_timestamp", lambda *_: available_at, raising=True
    )
    result = with_ordered_wait(resolve(), 30.0)
    assert result.formats[0].available_at == datetime.fromtimestamp(available_at, UTC)
    assert result.available_wait_s is not None and 3 < result.available_wait_s <= 7
    assert result.elapsed_s is not None and result.elapsed_s < 5


def wait_with_wall_clock(wall_s: list[float], monkeypatch: pytest.MonkeyPatch) -> tuple[str | None, float | None]:
    """Resolve while the wall clock says `wall_s`, and return the failure and the wait, of 30 s at most."""
    monkeypatch.setattr(
        "pytomo_scrapy.measure.resolve.availability.utc_now", lambda: datetime.fromtimestamp(wall_s[0], UTC)
    )
    config = ResolveConfig(SELECTOR, LEAN, 5.0)
    result = with_ordered_wait(resolve_video(watch_url(VIDEO_ID), config, clock=lambda: 5.0), 30.0, clock=lambda: 5.0)
    return result.failure, result.available_wait_s


@pytest.mark.parametrize("is_read_before", [True, False])
@pytest.mark.parametrize("step_s", [-3600.0, 86400.0])
def test_resolve_clock_that_is_set_meanwhile_is_no_wait_of_the_service(
    serve: ServiceFactory, monkeypatch: pytest.MonkeyPatch, step_s: float, is_read_before: bool
) -> None:
    serve(make_answer(make_format(136, AVC), make_format(140, AAC)))
    wall_s = [1_795_000_000.0]

    def available_at(*_: Any) -> float:
        if is_read_before:
            found = wall_s[0] + 7
            wall_s[0] += step_s
        else:
            wall_s[0] += step_s
            found = wall_s[0] + 7
        return found

    monkeypatch.setattr("yt_dlp.extractor.youtube.YoutubeIE._get_available_at_timestamp", available_at)
    assert wait_with_wall_clock(wall_s, monkeypatch) == (None, 7.0)


def test_resolve_clock_that_is_set_twice_meanwhile_waits_no_longer_than_it_may(
    serve: ServiceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day ahead while yt-dlp reads it, an hour back after: what the service ordered cannot be told any more."""
    serve(make_answer(make_format(136, AVC), make_format(140, AAC)))
    wall_s = [1_795_000_000.0]

    def available_at(*_: Any) -> float:
        found = wall_s[0] + 86400 + 7
        wall_s[0] -= 3600
        return found

    monkeypatch.setattr("yt_dlp.extractor.youtube.YoutubeIE._get_available_at_timestamp", available_at)
    assert wait_with_wall_clock(wall_s, monkeypatch) == (None, 30.0)


def test_resolve_available_at_beyond_the_longest_wait_is_not_available_yet(
    serve: ServiceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(make_answer(make_format(134, AVC), make_format(140, AAC)))
    monkeypatch.setattr(
        "yt_dlp.extractor.youtube.YoutubeIE._get_available_at_timestamp", lambda *_: time.time() + 60, raising=True
    )
    result = with_ordered_wait(resolve(), 30.0)
    assert (result.failure, result.formats, result.available_wait_s) == ("not_available_yet", (), None)


def test_resolve_prints_and_logs_nothing_signed(
    serve: ServiceFactory, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    serve(load_recording("player_visionos_plain"))
    result = resolve()
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
    for text in (caplog.text, repr(result)):
        assert "192.0.2.1" not in text
        assert "sig=" not in text


def test_resolve_of_many_videos_at_once_keeps_them_apart(serve: ServiceFactory) -> None:
    recordings = [load_recording(name) for name in ("player_visionos_plain", "player_visionos_60fps")]
    by_id = {recording["videoDetails"]["videoId"]: recording for recording in recordings}
    service = serve(None)
    service.answer_to = lambda video_id: by_id[video_id]
    with ThreadPoolExecutor(4) as pool:
        results = dict(zip(list(by_id) * 2, pool.map(resolve, list(by_id) * 2), strict=True))
    assert {video_id: result.title for video_id, result in results.items()} == {
        video_id: recording["videoDetails"]["title"] for video_id, recording in by_id.items()
    }


def test_resolve_page_without_video_is_unsupported_url(serve: ServiceFactory) -> None:
    serve(None, page="<html><body>words</body></html>")
    result = resolve_video("https://example.org/page", ResolveConfig(extractor_args=""))
    assert (result.failure, result.attempt_count) == ("unsupported_url", 1)


def test_resolve_direct_media_url_of_any_site_is_one_muxed_format(serve: ServiceFactory) -> None:
    service = serve(None)
    service._reply = lambda url, body: Response(  # type: ignore[method-assign]
        io.BytesIO(b""), url, {"Content-Type": "video/mp4", "Content-Length": "1000"}
    )
    config = ResolveConfig(extractor_args="", timeout_s=1, path=PathConfig(family="6"))
    result = resolve_video("https://media.example.org/clip.mp4?c=3&ip=192.0.2.9", config)
    assert result.failure is None
    assert [(media.kind, media.host, media.hints.client) for media in result.formats] == [
        ("muxed", "media.example.org", None)
    ]
    assert (result.client_address, result.address_family) == (None, 6)
