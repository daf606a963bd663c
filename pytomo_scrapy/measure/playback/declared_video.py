"""What the service declared with a video's media: how long it is, and how its own player would play it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.playback.ladder_building import NO_LISTS, DeclaredRung, KnownLadder, declared_rung


@dataclass(frozen=True, slots=True)
class DeclaredVideo:
    """The declarations of one answer. `extractor` is yt-dlp's name of the service, `client` the player that asked."""

    duration_s: float | None = None
    extractor: str | None = None
    client: str | None = None
    player_config: Mapping[str, Any] | None = None
    rungs: tuple[DeclaredRung, ...] = ()
    known: KnownLadder = NO_LISTS


NOTHING_DECLARED = DeclaredVideo()


def declared_video(resolve: ResolveResult | None) -> DeclaredVideo:
    """Return what was declared with a resolution's answer."""
    if resolve is None:
        return NOTHING_DECLARED
    rungs = tuple(declared_rung(media) for media in resolve.rungs)
    return DeclaredVideo(resolve.duration_s, resolve.extractor, resolve.client, resolve.player_config, rungs)
