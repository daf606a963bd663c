"""Several windows of one video: both address families as a pair, every address, a whole download now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from pytomo_scrapy.config import Config, DownloadConfig
from pytomo_scrapy.failures import MeasurementError, Stage
from pytomo_scrapy.items import DnsResult, DownloadResult, ResolveResult, VideoItem
from pytomo_scrapy.measure.dns.lookup import leading_somewhere
from pytomo_scrapy.measure.family_paths import FamilyPath, drawn_seed
from pytomo_scrapy.measure.net.path import family_of
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.transport_plans import transport_plans

# A whole download is bounded too: by this many times the video's length, or by FULL_MAX_S where that is unknown.
FULL_DURATIONS = 2.0
FULL_MAX_S = 3600.0


def plan_windows(
    item: VideoItem, paths: Sequence[FamilyPath], config: Config, spool_directory: str
) -> tuple[WindowPlan | DownloadResult, ...]:
    """Say which windows the video gets, in their order; a path that failed earlier stands as the result it has."""
    windows: list[WindowPlan | DownloadResult] = []
    for path in paths:
        failed = path.resolve if path.resolve.failure else path.dns
        if path.dns is None or failed is None or failed.failure is not None:
            windows.append(_not_opened(path, len(windows), failed))
            continue
        for chosen in _choices(path.resolve, path.dns, config):
            plan = WindowPlan(
                formats=path.resolve.formats,
                chosen=chosen,
                resolver=config.dns.resolvers[0],
                dns_timeout_s=config.dns.timeout_s,
                spool_directory=spool_directory,
                window_index=len(windows),
                seed=drawn_seed(item),
                duration_s=path.resolve.duration_s,
                family=path.family,
            )
            windows.extend(transport_plans(plan, path.resolve, config.download))
    return tuple(windows)


def _not_opened(path: FamilyPath, window_index: int, failed: ResolveResult | DnsResult | None) -> DownloadResult:
    return DownloadResult(
        place=window_index,
        mode=None,
        address_family=path.family,
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
        transport=plan.transport,
        failure="data_cap",
    )


def failed_window(plan: WindowPlan, error: MeasurementError, window_s: float) -> DownloadResult:
    """Return the row of a window whose process was lost: its class, and no figure."""
    host = plan.targets[0].host if plan.targets else None
    return DownloadResult(
        place=plan.window_index,
        host=host,
        address=plan.chosen.get(host or ""),
        window_s=window_s,
        ended_by="failure",
        received_bytes=None,
        transport=plan.transport,
        failure=error.failure,
        failure_detail=error.detail,
    )


def _choices(resolve: ResolveResult, dns: DnsResult, config: Config) -> list[Mapping[str, str]]:
    """Return the addresses to pin, one mapping a window: the chosen ones, then each other one of the first host."""
    chosen = dict(dns.chosen)
    first = resolve.formats[0].host
    if not config.download.has_all_addresses or first not in chosen:
        return [chosen]
    family = family_of(chosen[first])
    others = dict.fromkeys(
        address
        for lookup in dns.lookups
        if lookup.host == first
        for address in leading_somewhere(lookup)
        if family_of(address) == family and address != chosen[first]
    )
    return [chosen, *({**chosen, first: address} for address in others)]


def window_config(item: VideoItem, config: DownloadConfig) -> DownloadConfig:
    """Return how this video's windows fetch: as set, or one in `full_every` to the end of the media."""
    # Over SABR nobody fetches faster than a player.
    if (
        not config.full_every
        or config.transport != "plain"
        or Random(f"full:{drawn_seed(item)}").randrange(config.full_every)
    ):
        return config
    duration_s = item.resolve.duration_s if item.resolve else None
    longest_s = min(FULL_MAX_S, FULL_DURATIONS * duration_s) if duration_s else FULL_MAX_S
    return replace(config, mode="full", window_s=max(config.window_s, longest_s))


def add_window(item: VideoItem, result: DownloadResult, *, is_pair: bool = False) -> None:
    """Add a window's result. The first window's failure is the session's; those of further ones stay with their row."""
    if is_pair:
        result = replace(result, pair_id=item.uuid)
    item.downloads = (*item.downloads, result)
    before = len(item.quality_spells)
    item.quality_spells += tuple(replace(spell, number=before + spell.number) for spell in result.spells)
    if result.failure is not None and result.place == 0:
        item.fail(Stage.DOWNLOAD, result.failure, result.failure_detail)
