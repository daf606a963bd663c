"""What the resolution gives: the media URLs of a video, and what they say about the delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ServiceHints:
    """What a media URL says about its own delivery, kept before its signed parts are stripped."""

    primary_cache: str | None = None  # first name of `mn`
    fallback_cache: str | None = None  # second name of `mn`
    cache_kind: str | None = None  # `mm`
    cache_status: str | None = None  # `ms`
    prefix_length: int | None = None  # `pl`
    service_estimate_bps: int | None = None  # `initcwndbps`, which the service counts in bytes per second
    client: str | None = None  # `c`
    experiments: str | None = None  # `fexp`


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """One media stream as the resolution announced it. `url` and `http_headers` are signed: never stored or logged."""

    kind: str  # "video", "audio" or "muxed"
    format_id: str
    url: str = field(repr=False)
    host: str
    port: int
    http_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extension: str | None = None
    container: str | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    frame_rate_fps: float | None = None
    declared_bitrate_bps: float | None = None
    declared_size_bytes: int | None = None
    chunk_bytes: int | None = None  # longest range that one request should ask for
    available_at: datetime | None = None
    hints: ServiceHints = field(default_factory=ServiceHints)
    cache_site: str | None = None  # decoded from the host's name, such as "fra24s14"
    cache_airport: str | None = None  # the airport in it, such as "fra"


@dataclass(frozen=True, slots=True)
class ResolveResult:
    """The media URLs of a video and how they were found."""

    formats: tuple[MediaFormat, ...] = ()
    title: str | None = None
    duration_s: float | None = None
    view_count: int | None = None
    uploaded_at: datetime | None = None
    extractor: str | None = None
    client: str | None = None  # player client that answered
    client_address: str | None = field(default=None, repr=False)  # `ip` of the media URL
    address_family: int | None = None  # 4 or 6: the family the URLs are bound to
    player_config: Mapping[str, Any] | None = None  # what the service declares of its player
    attempt_count: int = 0
    elapsed_s: float | None = None  # of the attempts, service-ordered waits left out
    available_wait_s: float | None = None  # wait ordered by the service (`available_at`)
    software_version: str | None = None  # yt-dlp's
    failure: str | None = None
    failure_detail: str | None = None
