"""The ways to a video's media: one, or one for each address family where both are measured as a pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from pytomo_scrapy.config import DnsConfig, ResolveConfig
from pytomo_scrapy.items import DnsResult, ResolveResult, VideoItem
from pytomo_scrapy.measure.dns.lookup import look_up_hosts

FAMILIES = (4, 6)

Resolve = Callable[[str, ResolveConfig], ResolveResult]


@dataclass(frozen=True, slots=True)
class FamilyPath:
    """One way to the media. `family` is None where the video has only this one."""

    family: int | None
    resolve: ResolveResult
    dns: DnsResult | None = None


def drawn_seed(item: VideoItem) -> str:
    """Return what every random choice of a video is drawn with: the same after a resume and on another machine."""
    return f"{item.crawl}:{item.pass_number}:{item.video_id}"


def resolve_paths(item: VideoItem, config: ResolveConfig, resolve: Resolve) -> tuple[FamilyPath, ...]:
    """Resolve once, or with PYTOMO_IP_FAMILY=both once on each family, in random order. Blocking.

    Media URLs are signed for the address that asked: a path whose URLs are bound to the other family (a proxy decides
    how it goes on) has `exit_address_changed`. Paths that failed come last, so that the first window is a real one.
    """
    if config.path.family != "both":
        return (FamilyPath(None, resolve(item.url, config)),)
    order = Random(f"family:{drawn_seed(item)}").sample(FAMILIES, len(FAMILIES))
    paths = []
    for family in order:
        result = resolve(item.url, replace(config, path=replace(config.path, family=str(family))))
        if result.failure is None and result.address_family not in {None, family}:
            detail = f"asked over IPv{family}, but the media URLs are for IPv{result.address_family}"
            result = replace(result, formats=(), failure="exit_address_changed", failure_detail=detail)
        paths.append(FamilyPath(family, result))
    return tuple(sorted(paths, key=lambda path: path.resolve.failure is not None))


def look_up_paths(paths: tuple[FamilyPath, ...], config: DnsConfig, *, started_s: float) -> tuple[FamilyPath, ...]:
    """Look the hosts of every path up, each for its own family. Blocking. Paths that failed come last from here on."""
    asked = [path if path.resolve.failure else replace(path, dns=_look_up(path, config, started_s)) for path in paths]
    return tuple(sorted(asked, key=lambda path: path.dns is None or path.dns.failure is not None))


def _look_up(path: FamilyPath, config: DnsConfig, started_s: float) -> DnsResult:
    return look_up_hosts(
        media_hosts(path.resolve), path.family or path.resolve.address_family, config, started_s=started_s
    )


def media_hosts(resolve: ResolveResult) -> tuple[str, ...]:
    """Return the distinct hosts of the media URLs, video first."""
    return tuple(dict.fromkeys(media.host for media in resolve.formats))


def answer_of(paths: tuple[FamilyPath, ...]) -> DnsResult:
    """Return the first path's look-up, with the queries of all."""
    answers = [path.dns for path in paths if path.dns is not None]
    return replace(answers[0], lookups=tuple(lookup for answer in answers for lookup in answer.lookups))
