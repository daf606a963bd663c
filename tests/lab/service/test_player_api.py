"""The player API: shapes of the recorded answers, the service's own words, and yt-dlp's reading of both."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from pytomo_scrapy.lab.faults import FAULTS
from pytomo_scrapy.lab.media.signing import verify
from pytomo_scrapy.lab.service.player_api import PlayerRequest
from pytomo_scrapy.lab.world import build_world
from tests.lab.conftest import SECRET

yt_dlp = pytest.importorskip("yt_dlp")

VISIONOS = PlayerRequest("127.0.0.1")


def video_with(world_name, fault):
    return next(video for video in build_world(world_name).videos.values() if video.fault == fault)


def test_answer_healthy_video_has_formats_like_the_recorded_ones(player_for, shared):
    recorded = json.loads((shared / "recordings/player_visionos_plain.json").read_text())
    status, answer = player_for("faults").answer(video_with("faults", None).video_id, VISIONOS)
    assert status == 200
    ours, theirs = answer["streamingData"]["adaptiveFormats"], recorded["streamingData"]["adaptiveFormats"]
    video = next(entry for entry in ours if entry["mimeType"].startswith("video/"))
    assert {key: type(value) for key, value in video.items()} == {key: type(theirs[0][key]) for key in video}
    audio = next(entry for entry in ours if entry["mimeType"].startswith("audio/"))
    assert {key: type(value) for key, value in audio.items()} == {key: type(theirs[-1][key]) for key in audio}
    details = answer["videoDetails"]
    assert {key: type(value) for key, value in details.items()} == {
        key: type(recorded["videoDetails"][key]) for key in details
    }


def test_answer_media_url_is_signed_for_the_address_that_asked(player_for):
    video = video_with("faults", None)
    _, answer = player_for("faults").answer(video.video_id, PlayerRequest("127.0.0.9", "ANDROID_VR"))
    url = urlsplit(answer["streamingData"]["adaptiveFormats"][0]["url"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.hostname, url.port, url.path) == (video.host, 4443, "/videoplayback")
    assert (query["ip"], query["c"], query["id"]) == ("127.0.0.9", "ANDROID_VR", video.video_id)
    assert query["expire"] == "1780021540"
    first, second = query["mn"].split(",")
    assert first != second


def test_answer_muxed_clip_is_among_the_plain_formats(player_for):
    video = next(video for video in build_world("clean").videos.values() if video.clip.startswith("muxed"))
    _, answer = player_for("clean").answer(video.video_id, VISIONOS)
    assert [entry["itag"] for entry in answer["streamingData"]["formats"]] == [18]
    assert "adaptiveFormats" not in answer["streamingData"]


@pytest.mark.parametrize("client", ["WEB", "ANDROID"])
def test_answer_client_with_sabr_only_gets_no_plain_url(player_for, client):
    _, answer = player_for("faults").answer(video_with("faults", None).video_id, PlayerRequest("127.0.0.1", client))
    assert answer["streamingData"]["serverAbrStreamingUrl"]
    assert not any("url" in entry for entry in answer["streamingData"]["adaptiveFormats"])


@pytest.mark.parametrize(
    ("fault", "expire", "ip", "refusal"),
    [
        ("url_expired", "1779999940", "127.0.0.1", "the URL has expired"),
        ("url_other_address", "1780021540", "192.0.2.1", "the URL was made for another address"),
    ],
)
def test_answer_fault_of_urls_signs_urls_that_are_refused(player_for, fault, expire, ip, refusal):
    _, answer = player_for("faults").answer(video_with("faults", fault).video_id, VISIONOS)
    assert answer["playabilityStatus"]["status"] == "OK"
    for entry in answer["streamingData"]["adaptiveFormats"]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(entry["url"]).query).items()}
        assert (query["expire"], query["ip"]) == (expire, ip)
        assert verify(SECRET, query, "127.0.0.1", 1_780_000_000.9) == refusal


def test_answer_unknown_id_is_empty(player_for):
    assert player_for("faults").answer("AAAAAAAAAAA", VISIONOS) == (200, {})


def test_answer_http_429_has_that_status(player_for):
    assert player_for("faults").answer(video_with("faults", "http_429").video_id, VISIONOS)[0] == 429


# What the unmodified yt-dlp must say, read from its source: a part of the message of its DownloadError.
MESSAGES = {
    "private": "This video is private. If the owner of this video has granted you access, please sign in.",
    "geo": "The uploader has not made this video available in your country",
    "age": "Sign in to confirm your age. This video may be inappropriate for some users.",
    "members": "This video is available to this channel's members on level: Magnificent Members",
    "premium": "This video is only available to Music Premium members",
    "removed": "Video unavailable. This video has been removed by the uploader",
    "bot_check": "Sign in to confirm you\u2019re not a bot.",
    "rate_limited": "This content isn't available, try again later. The current session has been rate-limited",
    "live": "No video formats found",
    "upcoming": "Premieres in 2 hours",
    "no_url": "Requested format is not available",
    "http_429": "Failed to extract any player response",
    "interstitial": "Video unavailable. This video has been removed by the uploader",
    "interstitial_unknown": "Playback is paused. Come back when the moon is full",
    "captcha": "Video unavailable. YouTube is requiring a captcha challenge before playback",
    "screen_unknown": "Playback moved to another room",
    "screen_without_reason": "No video formats found",
}


def resolve(answer_of, video_id, monkeypatch):
    """Run yt-dlp on our answer alone, without a network: its one request is answered by `answer_of`."""
    status, answer = answer_of(video_id, VISIONOS)

    def api(self, item_id, query, **_):
        if status != 200:
            raise yt_dlp.utils.ExtractorError(f"HTTP Error {status}")
        return answer

    monkeypatch.setattr("yt_dlp.extractor.youtube.YoutubeIE._extract_response", api)
    lean = {
        "player_client": ["visionos"],
        "player_skip": ["webpage", "configs", "js", "initial_data"],
        "skip": ["hls", "dash"],
    }
    options = {"quiet": True, "no_warnings": True, "logger": SilentLog(), "extractor_args": {"youtube": lean}}
    # To set up all of its extractors would take several times as long.
    with yt_dlp.YoutubeDL(options, auto_init=False) as downloader:
        downloader.add_info_extractor(yt_dlp.extractor.youtube.YoutubeIE())
        return downloader.extract_info(f"https://www.youtube.com/watch?v={video_id}", download=False)


class SilentLog:
    def debug(self, _):
        """Ignore yt-dlp's chatter."""

    warning = error = debug


@pytest.mark.process
@pytest.mark.parametrize("fault", MESSAGES)
def test_answer_fault_makes_yt_dlp_say_its_real_message(player_for, monkeypatch, fault):
    video = video_with("faults", fault)
    with pytest.raises(yt_dlp.utils.DownloadError) as raised:
        resolve(player_for("faults").answer, video.video_id, monkeypatch)
    assert MESSAGES[fault] in str(raised.value)


def test_messages_cover_every_fault_of_the_player_api():
    assert list(MESSAGES) == list(FAULTS)[: len(MESSAGES)]


@pytest.mark.process
def test_answer_healthy_video_gives_yt_dlp_url_codecs_and_size(player_for, monkeypatch):
    video = video_with("faults", None)
    info = resolve(player_for("faults").answer, video.video_id, monkeypatch)
    formats = {entry["format_id"]: entry for entry in info["formats"] if "videoplayback" in entry["url"]}
    assert set(formats) == {"134", "140"}
    assert (formats["134"]["vcodec"], formats["134"]["ext"], formats["134"]["height"]) == ("avc1.42c015", "mp4", 240)
    assert (formats["140"]["acodec"], formats["140"]["filesize"]) == ("mp4a.40.2", 100_000)
    assert (info["title"], info["duration"], info["live_status"]) == (video.title, 20, "not_live")


@pytest.mark.process
def test_answer_pre_roll_makes_yt_dlp_wait(player_for, monkeypatch):
    world = build_world("default")
    video = next(video for video in world.videos.values() if video.available_after_s)
    monkeypatch.setattr("time.time", lambda: 1_780_000_000.9)
    info = resolve(player_for("default").answer, video.video_id, monkeypatch)
    waits = {entry["available_at"] for entry in info["formats"] if "videoplayback" in entry["url"]}
    # yt-dlp adds the 3 s after which the advertisement may be skipped to the next full second.
    assert waits == {1_780_000_004}
