"""yt-dlp in process, without a wire: what is kept of a player's answer, the deadline of a try, lists of one video."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

import pytest
import yt_dlp
from yt_dlp.extractor.youtube import YoutubeIE
from yt_dlp.networking.common import Request, Response
from yt_dlp.networking.exceptions import TransportError

from pytomo_scrapy.config import PathConfig, ResolveConfig
from pytomo_scrapy.measure.resolve import client as module
from pytomo_scrapy.measure.resolve.client import Extraction, QuietYoutubeDL, extract, ydl_options

PLAYER = "https://www.youtube.com/youtubei/v1/player"
URL = "https://media.example/v.mp4"
EXO = {"lowWatermarkMs": 5000, "highWatermarkMs": 15000, "aSwitchOfThousands": True}


def asked(client: str = "ANDROID", url: str = PLAYER) -> Request:
    return Request(url, data=json.dumps({"context": {"client": {"clientName": client}}}).encode())


def answer_with(**players: Any) -> dict[str, Any]:
    return {"playerConfig": players}


class Wire:
    """Answers in place of yt-dlp's own network."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked: list[Any] = []

    def urlopen(self, ydl: yt_dlp.YoutubeDL, request: Any) -> Response:
        self.asked.append(request)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return Response(io.BytesIO(self.body), PLAYER, headers, 200)


def open_url(monkeypatch: pytest.MonkeyPatch, body: bytes, request: Any) -> tuple[Extraction, Response]:
    wire, extraction = Wire(body), Extraction()
    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", lambda ydl, given: wire.urlopen(ydl, given))
    with QuietYoutubeDL({"quiet": True}, extraction, float("inf"), YoutubeIE()) as ydl:
        return extraction, ydl.urlopen(request)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (
            answer_with(exoPlayerConfig=EXO),
            {"ANDROID": {"exoPlayerConfig": {"lowWatermarkMs": 5000, "highWatermarkMs": 15000}}},
        ),
        # The answer for shorts holds the same one level deeper.
        (
            {"playerResponse": answer_with(exoPlayerConfig={"lowWatermarkMs": 1})},
            {"ANDROID": {"exoPlayerConfig": {"lowWatermarkMs": 1}}},
        ),
        (
            answer_with(hamplayerConfig={"resyncPolicyConfig": {"a": 1}, "other": 2}, webPlayerConfig={"x": 1}),
            {"ANDROID": {"hamplayerConfig": {"resyncPolicyConfig": {"a": 1}}}},
        ),
        # What is signed or may be secret is a text; a whole number of 64 bits is one too.
        (
            answer_with(
                mediaCommonConfig={
                    "serverPlaybackStartConfig": {
                        "enable": True,
                        "playbackStartPolicy": {"startMinReadaheadPolicy": [{"minReadaheadMs": 1500}, "secret"]},
                    },
                    "mediaUstreamerRequestConfig": {"videoPlaybackUstreamerConfig": "secret"},
                    "sabrClientConfig": {"maxFailureAttemptsBeforeFallback": 2, "token": "secret", "id": "9" * 21},
                    "dynamicReadaheadConfig": {"readAheadGrowthRateMs": "1000"},
                    "serverReadaheadConfig": "secret",
                },
                networkProtocolConfig={"useQuic": True, "other": 1},
            ),
            {
                "ANDROID": {
                    "mediaCommonConfig": {
                        "serverPlaybackStartConfig": {
                            "enable": True,
                            "playbackStartPolicy": {"startMinReadaheadPolicy": [{"minReadaheadMs": 1500}]},
                        },
                        "sabrClientConfig": {"maxFailureAttemptsBeforeFallback": 2},
                        "dynamicReadaheadConfig": {"readAheadGrowthRateMs": "1000"},
                    },
                    "networkProtocolConfig": {"useQuic": True},
                }
            },
        ),
        (answer_with(exoPlayerConfig={"aSwitchOfThousands": True}), {}),  # nothing that a simulation needs
        (answer_with(exoPlayerConfig="on"), {}),
        (answer_with(), {}),
        ({}, {}),
        ([], {}),
    ],
)
def test_player_answer_leaves_its_declared_parameters(
    answer: Any, kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps(answer).encode()
    extraction, response = open_url(monkeypatch, body, asked())
    assert extraction.player_configs == kept
    # yt-dlp reads the answer after us, decoded already.
    assert response.read() == body and "Content-Encoding" not in response.headers


@pytest.mark.parametrize(
    "request_",
    [
        Request(PLAYER, data=b"not json"),
        Request(PLAYER, data=b"[]"),
        Request(PLAYER, data=b'{"context": {}}'),
        Request(PLAYER),
    ],
)
def test_player_answer_to_an_unreadable_request_is_passed_on_and_nothing_kept(
    request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    extraction, response = open_url(monkeypatch, json.dumps(answer_with(exoPlayerConfig=EXO)).encode(), request_)
    assert extraction.player_configs == {} and b"playerConfig" in response.read()


def test_player_answer_that_is_no_json_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    extraction, response = open_url(monkeypatch, b"<html>", asked())
    assert (extraction.player_configs, response.read()) == ({}, b"<html>")


def test_player_answer_to_a_bare_address_is_kept_without_a_clients_name(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(answer_with(exoPlayerConfig=EXO)).encode()
    extraction, _ = open_url(monkeypatch, body, f"{PLAYER}?prettyPrint=false")
    assert list(extraction.player_configs) == [""]


@pytest.mark.parametrize("url", ["https://www.youtube.com/watch?v=a", "https://media.example/?to=/youtubei/v1/player"])
def test_other_answers_are_left_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(answer_with(exoPlayerConfig=EXO)).encode()
    extraction, response = open_url(monkeypatch, body, asked(url=url))
    assert extraction.player_configs == {} and response.headers["Content-Encoding"] == "gzip"


def test_request_after_the_deadline_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(b"{}")
    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", lambda ydl, given: wire.urlopen(ydl, given))
    with (
        QuietYoutubeDL({"quiet": True}, Extraction(), float("-inf"), YoutubeIE()) as ydl,
        pytest.raises(TransportError, match="the resolution took too long"),
    ):
        ydl.urlopen(asked())
    assert wire.asked == []


def test_what_yt_dlp_complains_of_is_kept_and_what_it_shows_is_dropped() -> None:
    extraction = Extraction()
    with QuietYoutubeDL({"quiet": True}, extraction, float("inf"), YoutubeIE()) as ydl:
        extraction.messages.clear()
        ydl.to_screen("[youtube] a: Downloading webpage")
        ydl.report_warning("a warning")
        ydl.write_debug("formats have been skipped as they are missing a PO token")
        ydl.params["logger"].info("a word")
        ydl.params["logger"].error("an error")
    kept = " | ".join(extraction.messages)
    assert "Downloading" not in kept and "a word" not in kept
    assert "a warning" in kept and "missing a PO token" in kept and "an error" in kept


# A whole try, with an extractor's answer of our own.


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_answer(info: Any) -> None:
        def extract_info(ydl: Any, url: str, *, download: bool) -> Any:
            assert (url, download) == (URL, False)
            return info() if callable(info) else info

        monkeypatch.setattr(yt_dlp.YoutubeDL, "extract_info", extract_info)

    return set_answer


def try_it(limit_s: float = 60.0) -> Extraction:
    return extract(URL, ResolveConfig(), "", limit_s)


ONE = {"_type": "video", "id": "a"}


@pytest.mark.parametrize(
    ("info", "found"),
    [
        (ONE, ONE),
        ({"id": "a"}, {"id": "a"}),  # no type is a video's
        ({"_type": "playlist", "entries": [ONE]}, ONE),
        ({"_type": "playlist", "entries": [None, ONE]}, ONE),
        ({"_type": "multi_video", "entries": [{"_type": "playlist", "entries": iter([ONE])}]}, ONE),
        (None, None),
        ({}, {}),
    ],
)
def test_answer_of_one_video_is_that_video(info: Any, found: Any, give: Any) -> None:
    give(info)
    extraction = try_it()
    assert (extraction.info, extraction.error) == (found, None)


@pytest.mark.parametrize("entries", [[], None, [None], [ONE, ONE]])
def test_answer_that_is_a_list_is_refused(entries: Any, give: Any) -> None:
    give({"_type": "playlist", "entries": entries})
    extraction = try_it()
    assert extraction.info is None and "it is a list, not one video" in str(extraction.error)


def test_error_of_an_extractor_is_an_answer_of_the_try(give: Any) -> None:
    def fail() -> None:
        raise KeyError("surprise")

    give(fail)
    assert isinstance(try_it().error, KeyError)


def test_try_that_takes_too_long_is_abandoned_and_what_it_still_writes_is_not_ours(give: Any) -> None:
    go_on, done = threading.Event(), threading.Event()

    def wait() -> dict[str, str]:
        go_on.wait(60)
        done.set()
        return {"id": "late"}

    give(wait)
    extraction = try_it(limit_s=0.01)
    go_on.set()
    assert done.wait(60)
    assert extraction.info is None and "computed too long: over 0 s" in str(extraction.error), "it asked nobody"


@pytest.mark.parametrize(
    ("path", "proxy", "source"),
    [
        (PathConfig(), None, None),
        (PathConfig(family="4"), None, "0.0.0.0"),
        (PathConfig(family="6"), None, "::"),
        (PathConfig(source_address="192.0.2.5"), None, "192.0.2.5"),
        (PathConfig(proxy="http://proxy.example:3128"), "http://proxy.example:3128", None),
        (PathConfig(family="4", proxy="http://proxy.example:3128"), "http://proxy.example:3128", "0.0.0.0"),
        (PathConfig(family="4", proxy="http://[::1]:3128"), "http://[::1]:3128", None),  # the family is the proxy's
    ],
)
def test_options_name_the_proxy_and_the_address_to_ask_from(
    path: PathConfig, proxy: str | None, source: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "ca_file", lambda: "/etc/own.pem")
    options = ydl_options(URL, ResolveConfig(path=path), "")
    assert (options.get("proxy"), options.get("source_address")) == (proxy, source)


def test_declared_value_without_a_bottom_costs_itself_alone() -> None:
    deep: object = 1
    for _ in range(900):
        deep = [deep]
    kept = module._numbers({"a": {"deep": deep, "b": 2}})
    assert kept["a"]["b"] == 2 and len(str(kept)) < 100
