"""Fields of yt-dlp's answer that cannot be: each is None, and the media are measured all the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.measure.resolve import resolution
from pytomo_scrapy.measure.resolve.client import Extraction
from pytomo_scrapy.measure.resolve.fields import whole
from pytomo_scrapy.measure.resolve.resolution import resolve_video

PAGE = "http://media.example/page"
MEDIA: dict[str, Any] = {
    "id": "x",
    "title": "A film",
    "url": "http://media.example/v.mp4",
    "protocol": "http",
    "format_id": "0",
    "ext": "mp4",
}
WRONG = (float("nan"), float("inf"), "many", "", [], {}, [1], {"a": 1}, -1, True, 10**400, "9" * 5000, 1e308, 5e-324)


def resolve(monkeypatch: pytest.MonkeyPatch, **overrides: Any) -> Any:
    info = {**MEDIA, **overrides}
    monkeypatch.setattr(resolution, "extract", lambda *given, **named: Extraction(info=info))
    return resolve_video(PAGE, ResolveConfig())


@pytest.mark.parametrize(
    "overrides",
    [
        {"timestamp": 1_700_000_000_000},  # milliseconds
        {"timestamp": -62_135_596_801},  # before the year 1
        {"timestamp": 99_999_999_999},
        {"timestamp": "yesterday"},
        {"upload_date": "20231301"},
        {"upload_date": "20230230"},
        {"upload_date": ["2023"]},
        {"upload_date": "99991231"},
    ],
)
def test_date_that_cannot_be_is_none(monkeypatch: pytest.MonkeyPatch, overrides: dict[str, Any]) -> None:
    result = resolve(monkeypatch, **overrides)
    assert (result.failure, result.uploaded_at, len(result.formats)) == (None, None, 1)


@pytest.mark.parametrize("overrides", [{"upload_date": "20231231"}, {"timestamp": 1_703_980_800}])
def test_date_that_can_be_is_kept(monkeypatch: pytest.MonkeyPatch, overrides: dict[str, Any]) -> None:
    assert resolve(monkeypatch, **overrides).uploaded_at == datetime(2023, 12, 31, tzinfo=UTC)


def test_upload_date_stands_in_for_a_timestamp_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    result = resolve(monkeypatch, timestamp=1_703_980_800_000, upload_date="20231231")
    assert result.uploaded_at == datetime(2023, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("value", [*WRONG, 0, 367 * 86_400])
def test_length_that_no_video_has_is_none(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    assert resolve(monkeypatch, duration=value).duration_s is None


@pytest.mark.parametrize("value", [0.04, "19", 25 * 86_400])
def test_length_that_a_video_may_have_is_kept(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    assert resolve(monkeypatch, duration=value).duration_s == float(value)


@pytest.mark.parametrize("field", ["duration", "timestamp", "upload_date", "view_count", "live_status", "extractor"])
@pytest.mark.parametrize("value", WRONG)
def test_wrong_field_of_the_video_costs_nothing_else(monkeypatch: pytest.MonkeyPatch, field: str, value: Any) -> None:
    result = resolve(monkeypatch, **{field: value})
    assert (result.failure, len(result.formats), result.title) == (None, 1, "A film")


@pytest.mark.parametrize(
    ("field", "ours"),
    [
        ("fps", "frame_rate_fps"),
        ("tbr", "declared_bitrate_bps"),
        ("filesize", "declared_size_bytes"),
        ("width", "width_px"),
        ("height", "height_px"),
        ("available_at", "available_at"),
        ("http_headers", "http_headers"),
        ("downloader_options", "chunk_bytes"),
    ],
)
@pytest.mark.parametrize("value", WRONG)
def test_wrong_field_of_a_format_is_none(monkeypatch: pytest.MonkeyPatch, field: str, ours: str, value: Any) -> None:
    # A time before 1970 is one, and so is its first instant.
    if field == "available_at" and value in (-1, 5e-324):
        return
    result = resolve(monkeypatch, **{field: value})
    assert (result.failure, len(result.formats)) == (None, 1)
    assert not getattr(result.formats[0], ours)


@pytest.mark.parametrize("value", [[], {}, 1])
@pytest.mark.parametrize("field", ["ext", "container", "vcodec", "acodec", "protocol", "format_id", "has_drm"])
def test_wrong_word_of_a_format_raises_nothing(monkeypatch: pytest.MonkeyPatch, field: str, value: Any) -> None:
    assert resolve(monkeypatch, **{field: value}).failure in {None, "no_format", "unknown_failure"}


@pytest.mark.parametrize(
    "url", ["http://media.example:99999/v", "http://media.example:x/v", "http://[::1/v", "http:///v"]
)
def test_format_at_no_address_is_passed_over(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    formats = [{**MEDIA, "acodec": "none", "vcodec": "h264"}, {**MEDIA, "vcodec": "none", "acodec": "aac", "url": url}]
    result = resolve(monkeypatch, requested_formats=formats)
    assert [media.kind for media in result.formats] == ["video"]


def test_address_with_letters_is_that_which_is_looked_up_and_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    (media,) = resolve(monkeypatch, url="https://b\u00fccher.example/f\u00edlm.mp4").formats
    assert (media.host, media.port) == ("xn--bcher-kva.example", 443)
    assert media.url == "https://xn--bcher-kva.example/f%C3%ADlm.mp4"


@pytest.mark.parametrize(
    ("value", "number"), [("17", 17), (17.9, 17), (0, 0), (2**63, None), ("\u0663", 3), (None, None)]
)
def test_whole_number_fits_its_column(value: Any, number: int | None) -> None:
    assert whole(value) == number
