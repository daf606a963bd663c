"""Resolution: from a video's URL to the signed media URLs that this line is meant to fetch."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yt_dlp.version import __version__ as YTDLP_VERSION

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import MediaFormat, ResolveResult
from pytomo_scrapy.items.foreign_text import title_of
from pytomo_scrapy.measure.net.clock import Clock
from pytomo_scrapy.measure.net.path import family_of, wanted_family
from pytomo_scrapy.measure.resolve.availability import clock_lead_s
from pytomo_scrapy.measure.resolve.client import Extraction, extract, is_youtube
from pytomo_scrapy.measure.resolve.fields import day, moment, video_length_s, whole, word
from pytomo_scrapy.measure.resolve.formats import client_address_of, declared_format, media_formats
from pytomo_scrapy.measure.resolve.playlist import MAX_PLAYLIST_BYTES
from pytomo_scrapy.measure.resolve.playlist_fetch import fetch_text
from pytomo_scrapy.measure.resolve.refusal_messages import classify_resolution, scrub
from pytomo_scrapy.measure.resolve.rungs import offered_formats, rungs_of
from pytomo_scrapy.measure.resolve.sabr_fields import is_sabr_address

_LOG = logging.getLogger(__name__)

# A try consists of one to about eight requests; each may be silent for timeout_s, all together for this many times it.
_TRY_TIMEOUTS = 2
# All tries together: below the four times timeout_s after which the process is ended.
_ALL_TIMEOUTS = 3.9


@dataclass(frozen=True, slots=True)
class _Try:
    result: ResolveResult
    may_fall_back: bool = False


def resolve_video(
    url: str, config: ResolveConfig, guest_salt: bytes | None = None, *, clock: Clock = time.monotonic
) -> ResolveResult:
    """Resolve `url` to its media formats: one progressive, or video and audio.

    The lean extractor arguments come first; where they fail in a way that another client may not, yt-dlp's own defaults
    follow. Blocks for 4 x timeout_s at most, unless an answer keeps Python itself busy: crawls call it in a process
    that they can end (`own_process.py`). Never raises for trouble with the service or the network: `failure` tells,
    and what was learnt of the video is kept. Does not wait for the media: `availability.py` says how long to.
    `guest_salt` is that of the identity's hash.
    """
    lean = config.extractor_args if is_youtube(url) else ""
    started_s = clock()
    attempt_count = 0
    result = ResolveResult()
    for extractor_args in dict.fromkeys((lean, "")):
        attempt_count += 1
        lead_s = clock_lead_s(clock)
        left_s = _ALL_TIMEOUTS * config.timeout_s - (clock() - started_s)
        limit_s = min(_TRY_TIMEOUTS * config.timeout_s, left_s)
        extraction = extract(url, config, extractor_args, limit_s, guest_salt)
        attempt = _try(config, extraction, lambda: _ALL_TIMEOUTS * config.timeout_s - (clock() - started_s))
        leads_s = (lead_s, clock_lead_s(clock))
        result = replace(_with_metadata_of(result, attempt.result), clock_leads_s=leads_s)
        if result.failure is None or not attempt.may_fall_back:
            break
        _LOG.debug("resolution try %d failed: %s", attempt_count, result.failure)
    return replace(
        result, attempt_count=attempt_count, elapsed_s=clock() - started_s, software_version=f"yt-dlp {YTDLP_VERSION}"
    )


def _try(config: ResolveConfig, extraction: Extraction, left_s: Callable[[], float]) -> _Try:
    info = extraction.info or {}
    result = _with_identity(_metadata(info, extraction), extraction)
    live_failure = {"is_live": "live", "post_live": "live", "is_upcoming": "upcoming"}.get(
        word(info.get("live_status")) or ""
    )
    if live_failure:
        return _Try(replace(result, failure=live_failure, failure_detail=f"live_status {info['live_status']}"))

    def fetch(url: str, headers: Mapping[str, str]) -> tuple[str, str]:
        return fetch_text(url, headers, config.path, min(config.timeout_s, left_s()), MAX_PLAYLIST_BYTES)

    try:
        formats = media_formats(info, extraction.cookie_header, fetch)
    except MeasurementError as error:
        return _Try(replace(result, failure=error.failure, failure_detail=scrub(error.detail)))
    if formats and (client := _client_of_sabr(formats, extraction)) is not None:
        found = _with_formats(result, formats, extraction, wanted_family(config.path), client)
        refusal = "no_url_formats", "the formats have no address but SABR's"
        return _Try(
            replace(found, formats=(), sabr_formats=formats, failure=refusal[0], failure_detail=refusal[1]), True
        )
    if formats:
        duration_s = video_length_s(info.get("duration"))
        offered = offered_formats(info, lambda entry: declared_format(entry, extraction.cookie_header, duration_s))
        found = replace(result, rungs=rungs_of(offered, formats))
        return _Try(_with_formats(found, formats, extraction, wanted_family(config.path)))
    symptom, detail = classify_resolution(extraction.messages, extraction.error, extraction.refusals)
    detail = extraction.guest.taken_out_of(detail)
    if symptom.failure == "unknown_failure" and extraction.error is not None:
        _LOG.error("resolution failed in an unknown way:\n%s", _scrubbed_traceback(extraction))
    return _Try(replace(result, failure=symptom.failure, failure_detail=detail), symptom.may_fall_back)


def _metadata(info: dict[str, Any], extraction: Extraction) -> ResolveResult:
    # yt-dlp makes a title up where the answer has none, and says so.
    is_made_up = any("generic title" in message for message in extraction.messages)
    return ResolveResult(
        title=None if is_made_up else title_of(info.get("title")),
        duration_s=video_length_s(info.get("duration")),
        view_count=whole(info.get("view_count")),
        uploaded_at=moment(info.get("timestamp")) or day(info.get("upload_date")),
        extractor=word(info.get("extractor")),
    )


def _with_formats(
    result: ResolveResult,
    formats: tuple[MediaFormat, ...],
    extraction: Extraction,
    family: int | None,
    client: str | None = None,
) -> ResolveResult:
    address = client_address_of(formats[0].url)
    client = client or formats[0].hints.client
    return replace(
        _with_identity(result, extraction, client),
        formats=formats,
        client=client,
        client_address=address,
        address_family=family_of(address) or family,
        player_config=extraction.player_configs.get(client) if client else None,
        sabr=extraction.sabr_sources.get(client) if client else None,
    )


def _client_of_sabr(formats: Sequence[MediaFormat], extraction: Extraction) -> str | None:
    """Return the client whose answer gave no address but SABR's. None where the formats have plain ones."""
    sources = extraction.sabr_sources.items()
    return next((name for name, one in sources if any(is_sabr_address(media.url, one) for media in formats)), None)


def _with_identity(result: ResolveResult, extraction: Extraction, client: str | None = None) -> ResolveResult:
    identity = extraction.guest.identity(client)
    if identity is None:
        return result
    return replace(result, identity_hash=identity.hash, identity_began_s=identity.began_s)


def _with_metadata_of(earlier: ResolveResult, later: ResolveResult) -> ResolveResult:
    is_sabr_kept = later.failure is not None and not later.sabr_formats
    return replace(
        later,
        title=later.title or earlier.title,
        duration_s=later.duration_s or earlier.duration_s,
        view_count=later.view_count if later.view_count is not None else earlier.view_count,
        uploaded_at=later.uploaded_at or earlier.uploaded_at,
        extractor=later.extractor or earlier.extractor,
        # What an earlier answer offers over SABR alone is of use where no later one has plain URLs.
        sabr=earlier.sabr if is_sabr_kept else later.sabr,
        sabr_formats=earlier.sabr_formats if is_sabr_kept else later.sabr_formats,
    )


def _scrubbed_traceback(extraction: Extraction) -> str:
    lines = traceback.format_exception(extraction.error)
    return "\n".join(extraction.guest.taken_out_of(scrub(line)) for line in lines)
