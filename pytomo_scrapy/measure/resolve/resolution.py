"""Resolution: from a video's URL to the signed media URLs that this line is meant to fetch."""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from yt_dlp.version import __version__ as YTDLP_VERSION

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import MediaFormat, ResolveResult
from pytomo_scrapy.items.foreign_text import title_of
from pytomo_scrapy.measure.net.clock import Clock, Sleep, utc_now
from pytomo_scrapy.measure.net.path import family_of, wanted_family
from pytomo_scrapy.measure.resolve.client import Extraction, extract, is_youtube
from pytomo_scrapy.measure.resolve.fields import day, moment, positive, whole, word
from pytomo_scrapy.measure.resolve.formats import client_address_of, media_formats
from pytomo_scrapy.measure.resolve.messages import classify_resolution, scrub
from pytomo_scrapy.measure.resolve.playlist import MAX_PLAYLIST_BYTES
from pytomo_scrapy.measure.resolve.playlist_fetch import fetch_text

_LOG = logging.getLogger(__name__)

# A try consists of one to about eight requests; each may be silent for timeout_s, all together for this many times it.
_TRY_TIMEOUTS = 2
# Two readings of the clocks may lie so far apart on a busy machine; a clock that was set by less costs no more.
_CLOCK_NOISE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Try:
    result: ResolveResult
    may_fall_back: bool = False


def resolve_video(
    url: str, config: ResolveConfig, *, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
) -> ResolveResult:
    """Resolve `url` to its media formats: one progressive, or video and audio.

    The lean extractor arguments come first; where they fail in a way that another client may not, yt-dlp's own defaults
    follow. Blocks: call it in a thread. Returns within 4 x timeout_s plus max_wait_s. Never raises for trouble with the
    service or the network: `failure` tells, and what was learnt of the video is kept.

    Implementation note: `elapsed_s` leaves out the wait that the service orders (`available_at`): it has its own field.
    """
    lean = config.extractor_args if is_youtube(url) else ""
    started_s = clock()
    attempt_count = 0
    result = ResolveResult()
    aheads_s = (0.0, 0.0)
    for extractor_args in dict.fromkeys((lean, "")):
        attempt_count += 1
        before_s = _ahead_s(clock)
        attempt = _try(url, config, extractor_args)
        aheads_s = (before_s, _ahead_s(clock))
        result = _with_metadata_of(result, attempt.result)
        if result.failure is None or not attempt.may_fall_back:
            break
        _LOG.debug("resolution try %d failed: %s", attempt_count, result.failure)
    result = replace(
        result, attempt_count=attempt_count, elapsed_s=clock() - started_s, software_version=f"yt-dlp {YTDLP_VERSION}"
    )
    return _wait_until_available(result, aheads_s, config.max_wait_s, clock, sleep)


def _try(url: str, config: ResolveConfig, extractor_args: str) -> _Try:
    extraction = extract(url, config, extractor_args, _TRY_TIMEOUTS * config.timeout_s)
    info = extraction.info or {}
    result = _with_identity(_metadata(info, extraction), extraction)
    live_failure = {"is_live": "live", "post_live": "live", "is_upcoming": "upcoming"}.get(
        word(info.get("live_status")) or ""
    )
    if live_failure:
        return _Try(replace(result, failure=live_failure, failure_detail=f"live_status {info['live_status']}"))
    fetch = partial(fetch_text, path=config.path, timeout_s=config.timeout_s, max_bytes=MAX_PLAYLIST_BYTES)
    try:
        formats = media_formats(info, extraction.cookie_header, fetch)
    except MeasurementError as error:
        return _Try(replace(result, failure=error.failure, failure_detail=scrub(error.detail)))
    if formats:
        return _Try(_with_formats(result, formats, extraction, wanted_family(config.path)))
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
        duration_s=positive(info.get("duration")),
        view_count=whole(info.get("view_count")),
        uploaded_at=moment(info.get("timestamp")) or day(info.get("upload_date")),
        extractor=word(info.get("extractor")),
    )


def _with_formats(
    result: ResolveResult, formats: tuple[MediaFormat, ...], extraction: Extraction, family: int | None
) -> ResolveResult:
    address = client_address_of(formats[0].url)
    client = formats[0].hints.client
    return replace(
        _with_identity(result, extraction, client),
        formats=formats,
        client=client,
        client_address=address,
        address_family=family_of(address) or family,
        player_config=extraction.player_configs.get(client) if client else None,
    )


def _with_identity(result: ResolveResult, extraction: Extraction, client: str | None = None) -> ResolveResult:
    identity = extraction.guest.identity(client)
    if identity is None:
        return result
    return replace(result, identity_hash=identity.hash, identity_began_s=identity.began_s)


def _with_metadata_of(earlier: ResolveResult, later: ResolveResult) -> ResolveResult:
    return replace(
        later,
        title=later.title or earlier.title,
        duration_s=later.duration_s or earlier.duration_s,
        view_count=later.view_count if later.view_count is not None else earlier.view_count,
        uploaded_at=later.uploaded_at or earlier.uploaded_at,
        extractor=later.extractor or earlier.extractor,
    )


def _ahead_s(clock: Clock) -> float:
    """Return how far the wall clock is ahead of the monotonic one: it changes only when the wall clock is set."""
    return utc_now().timestamp() - clock()


def _wait_until_available(
    result: ResolveResult, aheads_s: tuple[float, float], max_wait_s: float, clock: Clock, sleep: Sleep
) -> ResolveResult:
    """Wait for the media: the service refuses (403) what is fetched before its time.

    `aheads_s` are those of the wall clock before and after the resolution. yt-dlp adds the service's wait to the wall
    clock, at an instant that it does not tell: where the clock was set meanwhile, the longest wait that the service may
    have ordered is waited for, and a longer one is the clock's doing.
    """
    times = [media.available_at.timestamp() for media in result.formats if media.available_at is not None]
    if not times:
        return result
    was_set = abs(aheads_s[1] - aheads_s[0]) > _CLOCK_NOISE_S
    waits_s = [max(times) - ahead_s - clock() for ahead_s in aheads_s]
    possible_s = [wait_s for wait_s in waits_s if wait_s <= max_wait_s]
    wait_s = max(0.0, *possible_s) if possible_s else max_wait_s if was_set else max(waits_s)
    if wait_s > max_wait_s:
        detail = f"the service orders a wait of {wait_s:.1f} s, more than PYTOMO_RESOLVE_MAX_WAIT_S={max_wait_s:g}"
        return replace(result, formats=(), failure="not_available_yet", failure_detail=detail)
    if wait_s:
        sleep(wait_s)
    return replace(result, available_wait_s=wait_s)


def _scrubbed_traceback(extraction: Extraction) -> str:
    lines = traceback.format_exception(extraction.error)
    return "\n".join(extraction.guest.taken_out_of(scrub(line)) for line in lines)
