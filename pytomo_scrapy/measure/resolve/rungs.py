"""The rungs of a resolved video: the formats among which a player that plays the chosen ones would choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytomo_scrapy.items import MediaFormat

MAX_RUNGS = 16  # of a kind: more tell nothing of a line, and each may cost a request
RATE_ROUNDING = 1.02  # formats of one height whose rates differ by less are the same rung


def rungs_of(offered: Sequence[MediaFormat], chosen: Sequence[MediaFormat]) -> tuple[MediaFormat, ...]:
    """Return the rungs of each chosen kind, the lowest rate first: of the chosen format's container and codec family.

    Formats without a declared rate or size cannot be ranked and are left out, except the chosen one itself.
    """
    found: list[MediaFormat] = []
    for wanted in chosen:
        same = [media for media in offered if _is_same_family(media, wanted) and rate_bps(media)]
        if not any(media.format_id == wanted.format_id for media in same):
            same.append(wanted)
        found += _without_twins(sorted(same, key=lambda media: rate_bps(media) or 0.0), wanted)
    return tuple(found)


def rate_bps(media: MediaFormat) -> float | None:
    """Return the declared mean rate. None where nothing was declared."""
    return media.declared_bitrate_bps


def offered_formats(
    info: Mapping[str, Any], make: Callable[[Mapping[str, Any]], MediaFormat | None]
) -> tuple[MediaFormat, ...]:
    """Return what `make` makes of every format of yt-dlp's answer; what is none is left out."""
    found = (make(entry) for entry in info.get("formats") or () if isinstance(entry, Mapping))
    return tuple(media for media in found if media is not None)


def _is_same_family(media: MediaFormat, wanted: MediaFormat) -> bool:
    if (media.kind, media.extension, media.delivery) != (wanted.kind, wanted.extension, wanted.delivery):
        return False
    codec, wanted_codec = (
        (one.audio_codec if one.kind == "audio" else one.video_codec) or "" for one in (media, wanted)
    )
    return codec.partition(".")[0] == wanted_codec.partition(".")[0]


def _without_twins(ranked: Sequence[MediaFormat], wanted: MediaFormat) -> list[MediaFormat]:
    """Leave out the further ones of formats that are alike, as dubbed sound or a second copy; keep the chosen one."""
    kept: list[MediaFormat] = []
    for media in ranked:
        last = kept[-1] if kept else None
        is_twin = (
            last is not None
            and last.height_px == media.height_px
            and (rate_bps(media) or 0.0) <= (rate_bps(last) or 0.0) * RATE_ROUNDING
        )
        if not is_twin:
            kept.append(media)
        elif media.format_id == wanted.format_id:
            kept[-1] = media
    return kept[-MAX_RUNGS:] if len(kept) > MAX_RUNGS else kept
