"""The result of the resolution: a video's media URLs, and the delivery that they announce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pytomo_scrapy.items.sabr_source import SabrSource
from pytomo_scrapy.items.stored import about, failure_detail, failure_of, part, stored


@dataclass(frozen=True, slots=True)
class ServiceHints:
    """What a media URL says about its own delivery, kept before its signed parts are stripped."""

    primary_cache: str | None = stored(None, "first cache named by the media URL (`mn`)", null="no hint")
    fallback_cache: str | None = stored(None, "second cache named by the media URL (`mn`)", null="no hint")
    cache_kind: str | None = stored(None, "kind of cache by the media URL (`mm`)", null="no hint")
    cache_status: str | None = stored(None, "status of the cache by the media URL (`ms`)", null="no hint")
    prefix_length: int | None = stored(None, "length of the client's prefix by the media URL (`pl`)", null="no hint")
    service_estimate_bps: int | None = stored(
        None, "8 × `initcwndbps`: the service's own estimate of the line", null="no hint"
    )
    client: str | None = stored(None, "player client that the media URL names (`c`)", null="no hint")
    experiments: str | None = stored(None, "experiments that the media URL names (`fexp`)", null="no hint")


@dataclass(frozen=True, slots=True)
class MediaPart:
    """A piece of a media stream with an address of its own: a segment, or a header that segments need.

    `url` is signed: never stored or logged. `start_byte` and `end_byte` (exclusive) say which bytes of the resource
    the piece is; None: all of it.
    """

    url: str = field(repr=False)
    start_s: float  # media time, from the video's start
    duration_s: float | None  # None: a header, which is no media
    start_byte: int | None = None
    end_byte: int | None = None
    run: int = 0  # one more behind every discontinuity, where time stamps begin anew

    @property
    def is_header(self) -> bool:
        """Whether it holds no media of its own."""
        return self.duration_s is None


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """One media stream as the resolution announced it.

    `url`, `http_headers` and the addresses of `parts` are signed: never stored or logged. Of a stream that is delivered
    in parts, `url`, `host` and `port` are those of the first one.
    """

    kind: str = field(metadata=about("what the stream holds: video, audio or muxed", null="unknown"))
    format_id: str = field(metadata=about("the service's format id (itag)", null="unknown"))
    url: str = field(repr=False)
    host: str = field(metadata=about("host of the stream's media URL", null="not announced"))
    port: int = field(metadata=about("port of the stream's media URL", null="not announced"))
    http_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extension: str | None = stored(None, "file extension that the resolution announced", null="not announced")
    container: str | None = stored(None, "container that the resolution announced", null="not announced")
    video_codec: str | None = stored(None, "video codec that the resolution announced", null="audio")
    audio_codec: str | None = stored(None, "audio codec that the resolution announced", null="video")
    width_px: int | None = stored(None, "width of the picture that the resolution announced", null="not announced")
    height_px: int | None = stored(None, "height of the picture that the resolution announced", null="not announced")
    frame_rate_fps: float | None = stored(None, "frame rate that the resolution announced", null="not announced")
    declared_bitrate_bps: float | None = stored(None, "bitrate that the resolution announced", null="not announced")
    declared_size_bytes: int | None = stored(
        None, "size of the file that the resolution announced", null="not announced"
    )
    chunk_bytes: int | None = stored(None, "longest range that one request should ask for", null="no limit")
    available_at: datetime | None = stored(None, "when the service lets the media be fetched", null="at once")
    hints: ServiceHints = part(ServiceHints())
    cache_site: str | None = stored(
        None,
        "site in the name of the stream's host, deciphered (docs/probes.md)",
        null="the name is none of a known cipher",
    )
    cache_airport: str | None = stored(
        None, "airport code in the `cache_site` of the stream's host", null="as `cache_site`"
    )
    delivery: str | None = stored(
        "file",
        "how the stream is delivered: file (one address, asked for by ranges), hls or dash (a list of segments, "
        "each with an address of its own)",
        null="not announced",
    )
    parts: tuple[MediaPart, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ResolveResult:
    """The media URLs of a video and how they were found."""

    formats: tuple[MediaFormat, ...] = ()
    # All qualities of the chosen kinds, the lowest first: what a player would choose among. Signed: never stored.
    rungs: tuple[MediaFormat, ...] = field(default=(), repr=False)
    title: str | None = None
    duration_s: float | None = None
    view_count: int | None = None
    uploaded_at: datetime | None = None
    elapsed_s: float | None = stored(
        None,
        "time of the attempts to find the media; waits ordered by the service, and attempts that met a bot check with "
        "the pauses after them, left out",
        null="not tried",
        column="resolve_elapsed_s",
    )
    attempt_count: int = stored(0, "attempts to find the media", null="not tried", column="resolve_attempt_count")
    available_wait_s: float | None = stored(
        None, "wait that the service ordered before its media (`available_at`)", null="none ordered"
    )
    address_family: int | None = stored(None, "4 or 6: the family that the media URLs are bound to", null="unknown")
    client_address: str | None = stored(
        None,
        "public address of the client, as the media URL says (`ip`)",
        null="`PYTOMO_STORE_PUBLIC_IP` is off",
        repr=False,
    )
    extractor: str | None = stored(None, "yt-dlp's extractor that resolved the video", null="not resolved")
    client: str | None = stored(None, "player client of the service whose answer was used", null="not resolved")
    software_version: str | None = stored(
        None, "version of yt-dlp that resolved the video", null="not tried", column="resolve_software_version"
    )
    player_config: Mapping[str, Any] | None = stored(
        None, "player parameters that the service declares, scrubbed", null="not declared"
    )
    identity_hash: str | None = stored(
        None,
        "hash of the guest identity that the service gave, with a salt that is never stored: equal within a run only "
        "(docs/privacy.md)",
        null="no answer named one",
    )
    identity_age_s: float | None = stored(
        None,
        "age of that identity when the first window was opened: since the first answer of the try that found the media "
        "(docs/probes.md)",
        null="no window was opened, or no identity was named",
    )
    bot_check_count: int = stored(
        0,
        "bot checks before the last answer, each asked again as a new guest; a resolution that failed with `bot_check` "
        "met one more",
        null="not tried",
    )
    identity_began_s: float | None = field(default=None, repr=False)  # monotonic reading
    sabr: SabrSource | None = field(default=None, repr=False)  # signed: never stored or logged
    # What would be fetched over SABR, where the answer has no plain URL at all (`no_url_formats`).
    sabr_formats: tuple[MediaFormat, ...] = field(default=(), repr=False)

    def over_sabr(self) -> ResolveResult:
        """Return the result for who can fetch over SABR: formats without a plain URL are some, too."""
        if self.failure != "no_url_formats" or not self.sabr_formats:
            return self
        return replace(self, formats=self.sabr_formats, failure=None, failure_detail=None)

    # How far the wall clock was ahead of the monotonic one, before and after the answer that counts.
    clock_leads_s: tuple[float, float] | None = field(default=None, repr=False)
    failure: str | None = failure_of("the resolution", column="resolve_failure")
    failure_detail: str | None = failure_detail("the resolution", column="resolve_failure_detail")
