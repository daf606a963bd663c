"""Several windows of one video: both address families as a pair, every address, a whole download now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from pytomo_scrapy.config import Config, DnsConfig, DownloadConfig, ResolveConfig
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.items import DnsResult, DownloadResult, Leg, ResolveResult, VideoItem
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.net.path import family_of
from pytomo_scrapy.measure.window.plan import WindowPlan

FAMILIES = (4, 6)
# A whole download is bounded too: by this many times the video's length, or by FULL_MAX_S where that is unknown.
FULL_DURATIONS = 2.0
FULL_MAX_S = 3600.0

Resolve = Callable[[str, ResolveConfig], ResolveResult]


def drawn_seed(item: VideoItem) -> str:
    """Return what every random choice of a video is drawn with: the same after a resume and on another machine."""
    return f"{item.crawl}:{item.pass_number}:{item.video_id}"


def resolve_pair(item: VideoItem, config: ResolveConfig, resolve: Resolve) -> ResolveResult:
    """Resolve once on each family, in random order, and keep both as legs. Return the first that succeeded.

    Media URLs are signed for the address that asked: a leg whose URLs are bound to the other family (a proxy decides
    how it goes on) has `exit_address_changed`. Legs that failed come last, so that the first window is a real one.
    """
    order = Random(f"family:{drawn_seed(item)}").sample(FAMILIES, len(FAMILIES))
    legs = []
    for family in order:
        path = replace(config.path, family=str(family))
        result = resolve(item.url, replace(config, path=path))
        if result.failure is None and result.address_family not in {None, family}:
            detail = f"asked over IPv{family}, but the media URLs are for IPv{result.address_family}"
            result = replace(result, formats=(), failure="exit_address_changed", failure_detail=detail)
        legs.append(Leg(family, result))
    item.legs = tuple(sorted(legs, key=lambda leg: leg.resolve.failure is not None))
    return item.legs[0].resolve


def look_up_legs(item: VideoItem, config: DnsConfig) -> DnsResult:
    """Look the hosts of every leg up, each for its own family; return the first good answer with all look-ups.

    Legs that failed come last from here on.
    """
    legs = [leg if leg.resolve.failure else replace(leg, dns=_look_up(item, leg, config)) for leg in item.legs]
    item.legs = tuple(sorted(legs, key=lambda leg: leg.dns is None or leg.dns.failure is not None))
    found = [leg.dns for leg in item.legs if leg.dns is not None]
    item.resolve = item.legs[0].resolve
    return replace(found[0], lookups=tuple(lookup for one in found for lookup in one.lookups))


def _look_up(item: VideoItem, leg: Leg, config: DnsConfig) -> DnsResult:
    hosts = tuple(dict.fromkeys(media.host for media in leg.resolve.formats))
    return look_up_hosts(hosts, leg.family, config, started_s=item.started_s or 0.0)


def plan_windows(item: VideoItem, config: Config, spool_directory: str) -> tuple[WindowPlan | DownloadResult, ...]:
    """Say which windows the video gets, in their order; a leg that failed earlier stands as the result it has."""
    if not item.legs:
        assert item.resolve is not None and item.dns is not None
        legs: tuple[Leg, ...] = (Leg(0, item.resolve, item.dns),)
    else:
        legs = item.legs
    windows: list[WindowPlan | DownloadResult] = []
    for leg in legs:
        failed = leg.resolve if leg.resolve.failure else leg.dns
        if leg.dns is None or failed is None or failed.failure is not None:
            windows.append(_not_opened(leg, len(windows), failed))
            continue
        for chosen in _choices(leg, config):
            windows.append(
                WindowPlan(
                    formats=leg.resolve.formats,
                    chosen=chosen,
                    resolver=config.dns.resolvers[0],
                    dns_timeout_s=config.dns.timeout_s,
                    spool_directory=spool_directory,
                    window_index=len(windows),
                    seed=drawn_seed(item),
                    duration_s=leg.resolve.duration_s,
                    family=leg.family or None,
                )
            )
    return tuple(windows)


def _not_opened(leg: Leg, place: int, failed: ResolveResult | DnsResult | None) -> DownloadResult:
    return DownloadResult(
        place=place,
        mode=None,
        address_family=leg.family or None,
        via_proxy=None,
        received_bytes=None,
        failure=failed.failure if failed else None,
        failure_detail=failed.failure_detail if failed else None,
    )


def capped_window(plan: WindowPlan) -> DownloadResult:
    """Return the row of a further window that the day's data cap left no byte for."""
    return DownloadResult(
        place=plan.window_index,
        mode=None,
        address_family=plan.family,
        via_proxy=None,
        received_bytes=None,
        failure="data_cap",
    )


def _choices(leg: Leg, config: Config) -> list[Mapping[str, str]]:
    """Return the addresses to pin, one mapping a window: the chosen ones, then each other one of the first host."""
    assert leg.dns is not None
    chosen = dict(leg.dns.chosen)
    first = leg.resolve.formats[0].host
    if not config.download.has_all_addresses or first not in chosen:
        return [chosen]
    family = family_of(chosen[first])
    others = dict.fromkeys(
        address
        for lookup in leg.dns.lookups
        if lookup.host == first
        for address in lookup.addresses
        if family_of(address) == family and address != chosen[first]
    )
    return [chosen, *({**chosen, first: address} for address in others)]


def window_config(item: VideoItem, config: DownloadConfig) -> DownloadConfig:
    """Return how this video's windows fetch: as set, or one in `full_every` to the end of the media."""
    if not config.full_every or Random(f"full:{drawn_seed(item)}").randrange(config.full_every):
        return config
    duration_s = item.resolve.duration_s if item.resolve else None
    longest_s = min(FULL_MAX_S, FULL_DURATIONS * duration_s) if duration_s else FULL_MAX_S
    return replace(config, mode="full", window_s=max(config.window_s, longest_s))


def add_window(item: VideoItem, result: DownloadResult) -> None:
    """Add a window's result. The first window's failure is the session's; those of further ones stay with their row."""
    if item.legs:
        result = replace(result, pair_id=item.uuid)
    item.downloads = (*item.downloads, result)
    if result.failure is not None and result.place == 0:
        item.fail(Stage.DOWNLOAD, result.failure, result.failure_detail)
