"""The guest identity of a resolution: one each, kept as a hash and an age, and never itself."""

from __future__ import annotations

import base64
import io
import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import quote

import pytest
import yt_dlp
from yt_dlp.networking.common import Request, Response

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.items.codec import to_plain
from pytomo_scrapy.measure.resolve import client
from pytomo_scrapy.measure.resolve import identity as module
from pytomo_scrapy.measure.resolve.identity import Guest, hashed, visitor_id
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.storage.measurements.published import published
from tests.factories import make_item

WATCH_PAGE = "https://www.youtube.com/watch?v=M4gD1WSo5mA"
PLAYER = "https://www.youtube.com/youtubei/v1/player"


def make_visitor_data(name: str, second: int = 0) -> str:
    """Return `visitorData` as the service writes it: the id, then the time of the answer, which changes."""
    assert len(name) == 11
    message = b"\x0a\x0b" + name.encode() + b"\x28" + bytes([0x80 + second, 0xD7, 0x97, 0xD1, 0x06]) + b"\x32\x28more"
    return quote(base64.urlsafe_b64encode(message).decode())


def make_media(itag: int, mime_type: str, **more: Any) -> dict[str, Any]:
    url = f"https://rr1---sn-a.googlevideo.com/videoplayback?itag={itag}&c=VISIONOS&ip=192.0.2.7"
    return {"itag": itag, "url": url, "mimeType": mime_type, "contentLength": "1000", "approxDurationMs": "60", **more}


PLAYABLE = {
    "playabilityStatus": {"status": "OK"},
    "streamingData": {
        "adaptiveFormats": [
            make_media(136, 'video/mp4; codecs="avc1.4d401e"', height=720, width=1280, fps=25),
            make_media(140, 'audio/mp4; codecs="mp4a.40.2"'),
        ]
    },
    "videoDetails": {"videoId": "M4gD1WSo5mA", "title": "A title"},
}


class Service:
    """Gives every guest that it does not know an identity and a cookie, and notes what each request carried."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = PLAYABLE
        self.reason: str | None = None  # of a refusal; {} stands for the identity
        self.given: list[str] = []
        self.carried: list[tuple[str | None, str | None]] = []  # visitor and cookies

    def urlopen(self, ydl: yt_dlp.YoutubeDL, request: Request) -> Response:
        self.carried.append((request.headers.get("X-Goog-Visitor-Id"), ydl.cookiejar.get_cookie_header(request.url)))
        visitor = make_visitor_data(f"guest-{len(self.given):05d}")
        self.given.append(visitor)
        ydl.cookiejar.set_cookie(make_cookie("VISITOR_INFO1_LIVE", f"cookie-{len(self.given):05d}"))
        answer = {"responseContext": {"visitorData": visitor}, **self.answer}
        if self.reason:
            answer = {**answer, "playabilityStatus": {"status": "UNPLAYABLE", "reason": self.reason.format(visitor)}}
            del answer["streamingData"]
        return Response(io.BytesIO(json.dumps(answer).encode()), request.url, {"Content-Type": "application/json"})


def make_cookie(name: str, value: str) -> Cookie:
    return Cookie(
        0, name, value, None, False, ".youtube.com", True, True, "/", True, True, 2**31, False, None, None, {}
    )  # fmt: skip


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", lambda ydl, request: service.urlopen(ydl, request))
    return service


def resolve() -> ResolveResult:
    return resolve_video(WATCH_PAGE, ResolveConfig(timeout_s=20))


@pytest.mark.process  # as yt-dlp looks for JavaScript runtimes by starting them
def test_every_resolution_comes_as_a_guest_on_a_first_visit(service: Service) -> None:
    results = [resolve() for _ in range(3)]
    assert [result.failure for result in results] == [None] * 3
    # Nothing of the visitor and none of the cookies that the service set comes back with the next one.
    assert len(service.carried) == 3
    assert {visitor for visitor, _ in service.carried} == {None}
    assert not any("VISITOR_INFO1_LIVE" in (cookies or "") for _, cookies in service.carried)
    assert len({result.identity_hash for result in results}) == 3


@pytest.mark.process
def test_two_tries_of_a_resolution_are_two_guests_and_the_row_has_the_last(service: Service) -> None:
    service.reason = "This video is not available"  # which another client may play
    result = resolve()
    assert result.attempt_count == 2
    assert not any("VISITOR" in (cookies or "") for _, cookies in service.carried[:2])
    assert result.identity_hash in {hashed(visitor) for visitor in service.given[1:]}


@pytest.mark.process
@pytest.mark.parametrize(
    ("reason", "surprise", "failure"),
    [
        (None, None, None),
        ("Sign in to confirm you\u2019re not a bot, {}", None, "bot_check"),
        (None, "Something new befell {0}", "answer_unreadable"),
        # A detail that is cut at its longest may end within the identity.
        (None, "Something new befell " + "x" * 340 + " {0}", "answer_unreadable"),
        (None, "Something new befell {1}", "answer_unreadable"),
    ],
)
def test_identity_is_in_no_result_no_log_no_feed_and_no_file(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reason: str | None,
    surprise: str | None,
    failure: str | None,
) -> None:
    caplog.set_level("DEBUG")
    service.reason = reason

    def fail(*_: Any) -> None:
        raise KeyError(str(surprise).format(service.given[-1], f"cookie-{len(service.given):05d}"))

    if surprise:
        monkeypatch.setattr("yt_dlp.extractor.youtube.YoutubeIE._get_available_at_timestamp", fail)
    result = resolve()
    assert (result.failure, "befell" in (result.failure_detail or "")) == (failure, surprise is not None)
    item = make_item(resolve=replace(result, identity_age_s=1.0))
    said = [
        caplog.text,
        repr(item) + repr(item.resolve),
        json.dumps(to_plain(published(item, keeps_client_address=False))),  # a feed, and the file of an outbox
    ]
    for visitor in service.given:
        for text in (visitor, visitor.replace("%3D", "="), visitor[:24], visitor_id(visitor), "cookie-0000"):
            assert text and not any(text in part for part in said), text
    assert result.identity_hash and result.identity_hash in said[1]


def test_hash_is_the_same_for_every_answer_of_a_guest_and_another_for_another_guest() -> None:
    first, later = make_visitor_data("T8dsEowmsZw", 1), make_visitor_data("T8dsEowmsZw", 7)
    assert first != later and visitor_id(first) == "T8dsEowmsZw"
    assert hashed(first) == hashed(later) == hashed(make_visitor_data("T8dsEowmsZw"))
    assert hashed(first) != hashed(make_visitor_data("T8dsEowmsZx"))
    assert len(hashed(first)) == 16


@pytest.mark.parametrize("text", ["", "abc", "not base64 \u2026", "CgtUOGRz", quote("Cg")])
def test_identity_of_another_shape_is_hashed_as_it_is(text: str) -> None:
    assert visitor_id(text) is None
    assert hashed(text) == hashed(text) != hashed(text + "x")


def _hash_in_fork(queue: Any) -> None:
    queue.put(hashed("a guest"))


@pytest.mark.process
def test_hash_of_another_process_is_another_one_even_of_a_forked_process() -> None:
    assert hashed("a guest") == hashed("a guest")
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=_hash_in_fork, args=(queue,))
    process.start()
    assert queue.get() != hashed("a guest")
    process.join()


@pytest.fixture
def salted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "_salt", lambda _: b"salt")
    yield


def player_request(client: str, visitor: str | None = None, **named: str) -> Request:
    question = {"context": {"client": {"clientName": client, **named}}}
    headers = {"X-Goog-Visitor-Id": visitor} if visitor else {}
    return Request(PLAYER, data=json.dumps(question).encode(), headers=headers)


def answer_with(visitor: str) -> bytes:
    return json.dumps({"responseContext": {"visitorData": visitor}}).encode()


@pytest.mark.parametrize(
    ("request_", "body", "named", "began_s"),
    [
        # At 1 s a page was answered, at 3 s the player. A guest that the player made began with the player's answer,
        (player_request("IOS"), answer_with("from the answer"), "from the answer", 3.0),
        # one that the request carried with the page.
        (player_request("IOS", "from the page"), answer_with("from the answer"), "from the page", 1.0),
        (player_request("IOS", visitorData="from the page"), answer_with("x"), "from the page", 1.0),
        (PLAYER, answer_with("from the answer"), "from the answer", 3.0),
        (Request(PLAYER, data=b"no json"), answer_with("from the answer"), "from the answer", 3.0),
        (player_request("IOS"), b"<html>", None, None),
        (player_request("IOS"), b"[]", None, None),
        (player_request("IOS"), json.dumps({"responseContext": {"visitorData": 1}}).encode(), None, None),
    ],
)
def test_guest_is_who_the_request_says_else_who_the_answer_makes_it(
    request_: Any, body: bytes, named: str | None, began_s: float | None
) -> None:
    guest = Guest()
    guest.answered(1.0)
    guest.answered(3.0)
    guest.named(request_, client._read_json(getattr(request_, "data", None)), client._read_json(body))
    found = guest.identity("IOS")
    assert (found and found.hash, found and found.began_s) == (named and hashed(named), began_s)
    assert named is None or (guest.taken_out_of(f"not {named}, is it?") == "not [removed], is it?")
    assert named is None or named not in repr(guest)


def test_message_that_was_cut_within_the_identity_is_without_its_rest() -> None:
    guest, visitor = Guest(), make_visitor_data("T8dsEowmsZw")
    guest.hide(visitor, "a-cookie-of-ours", "en")
    assert guest.taken_out_of(f"he said {visitor[:30]}") == "he said [removed]"
    assert guest.taken_out_of("a-cookie-of") == "[removed]"
    assert guest.taken_out_of(f"{visitor} T8dsEowmsZw a-cookie-of-ours end") == "[removed] [removed] [removed] end"
    assert guest.taken_out_of("a-cooki") == "a-cooki", "too short to tell"


def test_guest_of_the_client_whose_formats_are_taken_is_the_one_that_counts() -> None:
    guest = Guest()
    for second, name in enumerate(("IOS", "ANDROID")):
        guest.answered(float(second))
        request = player_request(name)
        guest.named(request, json.loads(request.data), json.loads(answer_with(f"guest of {name}")))
    assert [found.hash for name in ("IOS", "ANDROID", "WEB", None) if (found := guest.identity(name))] == [
        hashed(f"guest of {client}") for client in ("IOS", "ANDROID", "ANDROID", "ANDROID")
    ]
    assert Guest().identity("IOS") is None
