"""Resolution of answers that the service really gave, through the real yt-dlp."""

from __future__ import annotations

import pytest

from pytomo_scrapy.config import ResolveConfig, read_setting
from pytomo_scrapy.measure.resolve.client import extract
from tests.measure.resolve.test_resolution import (
    LEAN,
    ServiceFactory,
    load_recording,
    resolve,
    watch_url,
)
from tests.measure.resolve.test_resolution import serve as serve

pytestmark = pytest.mark.process


def test_resolve_recorded_answer_gives_video_and_audio(serve: ServiceFactory) -> None:
    service = serve(load_recording("player_visionos_plain"))
    result = resolve()
    assert result.failure is None
    assert service.clients == ["VISIONOS"]  # one request: the lean try was enough
    video, audio = result.formats
    assert (video.kind, video.format_id, video.height_px, video.extension) == ("video", "136", 720, "mp4")
    assert (audio.kind, audio.format_id, audio.audio_codec, audio.video_codec) == ("audio", "140", "mp4a.40.2", None)
    assert video.host == "rr1---sn-25ge7nsk.googlevideo.com"
    assert video.port == 443
    assert video.chunk_bytes == 10 * 1024 * 1024
    assert video.declared_size_bytes
    assert result.client == video.hints.client == "VISIONOS"
    assert (result.client_address, result.address_family) == ("192.0.2.1", 4)
    assert video.hints.service_estimate_bps == 3_270_000 * 8
    assert (video.hints.primary_cache, video.hints.fallback_cache) == ("sn-25ge7nsk", "sn-4g5edns6")
    assert (video.hints.cache_kind, video.hints.cache_status, video.hints.prefix_length) == ("31,26", "au,onr", 33)
    assert (video.cache_site, video.cache_airport) == ("par10s37", "par")
    assert result.duration_s == 721.0
    assert result.title
    assert result.software_version and result.software_version.startswith("yt-dlp 20")
    assert result.attempt_count == 1


@pytest.mark.parametrize("name", ["player_visionos_plain", "player_visionos_60fps", "player_visionos_drc"])
def test_resolve_recorded_answer_with_default_selector_takes_direct_plain_formats(
    serve: ServiceFactory, name: str
) -> None:
    recording = load_recording(name)
    serve(recording)
    result = resolve(recording["videoDetails"]["videoId"], format_selector=read_setting("PYTOMO_FORMAT", DEFAULT))
    assert [media.kind for media in result.formats] == ["video", "audio"]
    assert all("drc" not in media.format_id for media in result.formats)
    assert all(media.url.startswith("https://") for media in result.formats)


DEFAULT = ResolveConfig().format_selector


@pytest.mark.parametrize(("name", "language"), [("player_visionos_plain", "en"), ("player_visionos_60fps", "nl")])
def test_no_url_of_a_subtitle_is_made_and_its_language_is_still_that_of_the_sound(
    serve: ServiceFactory, name: str, language: str
) -> None:
    recording = load_recording(name)
    serve(recording)
    url = watch_url(recording["videoDetails"]["videoId"])
    found = extract(url, ResolveConfig(format_selector=DEFAULT), LEAN, 5.0).info
    assert found is not None and len(found["automatic_captions"]) == 157
    assert not any(found["automatic_captions"].values()) and not any(found["subtitles"].values())
    assert {media["language"] for media in found["formats"] if media["acodec"] != "none"} == {language}


def test_resolve_recorded_drc_variant_is_taken_only_where_asked_for(serve: ServiceFactory) -> None:
    recording = load_recording("player_visionos_drc")
    serve(recording)
    result = resolve(recording["videoDetails"]["videoId"], format_selector="140-drc")
    assert [media.format_id for media in result.formats] == ["140-drc"]


@pytest.mark.parametrize(
    ("name", "video_id", "failure"),
    [
        ("notavailable_privatecontent", "8VFlzr2XU7g", "private"),
        ("notavailable_restricted", "_PL2HJKxnOM", "geo_restricted"),
        ("notavailable_paidcontent", "ayI2iBwGdxw", "members_only"),
        ("notavailable_musicpremiumcontent", "sMJ8bRN2dak", "premium"),
        ("notavailable_nonexistent", "nonexistent", "removed"),
        ("notavailable_invalidid", "INVALID_ID_"[:11], "removed"),
        ("player_visionos_live", "X4VbdwhkE10", "live"),
        ("player_visionos_unplayable", "it3OtbTxQk0", "removed"),
    ],
)
def test_resolve_recorded_refusal_has_its_class(serve: ServiceFactory, name: str, video_id: str, failure: str) -> None:
    serve(load_recording(name))
    result = resolve(video_id)
    assert result.failure == failure
    assert result.formats == ()
    assert result.failure_detail


def test_resolve_refused_recording_keeps_what_was_learnt_of_the_video(serve: ServiceFactory) -> None:
    serve(load_recording("notavailable_restricted"))
    result = resolve("_PL2HJKxnOM")
    assert result.title and "generic" not in result.title
    assert result.duration_s


def test_resolve_recorded_android_answer_declares_the_player(serve: ServiceFactory) -> None:
    recording = load_recording("player_android_reel")
    serve(recording)
    result = resolve(
        recording["videoDetails"]["videoId"],
        extractor_args=LEAN.replace("visionos", "android") + ";formats=missing_pot",
        format_selector="18",
    )
    assert [media.kind for media in result.formats] == ["muxed"]
    assert result.player_config is not None
    declared = result.player_config["exoPlayerConfig"]
    assert declared["minDurationForPlaybackStartMs"] == 1600
    assert (declared["lowWatermarkMs"], declared["highWatermarkMs"]) == (15000, 30000)
