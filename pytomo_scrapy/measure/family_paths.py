"""The ways to a video's media: one, or one for each address family where both are measured as a pair."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from itertools import islice
from random import Random
from urllib.parse import urlsplit

from pytomo_scrapy.config import DnsConfig, PathConfig, ResolveConfig
from pytomo_scrapy.items import DnsResult, ResolveResult, VideoItem
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.net.path import family_of, proxy_for
from pytomo_scrapy.measure.net.private_addresses import is_refused

FAMILIES = (4, 6)
MAX_SEGMENT_HOSTS = 4
_BOT_CHECK = "bot_check"

Resolve = Callable[[str, ResolveConfig], Awaitable[ResolveResult]]


@dataclass(frozen=True, slots=True)
class FamilyPath:
    """One way to the media. `family` is None where the video has only this one."""

    family: int | None
    resolve: ResolveResult
    dns: DnsResult | None = None


def drawn_seed(item: VideoItem) -> str:
    """Return what every random choice of a video is drawn with: the same after a resume and on another machine."""
    return f"{item.crawl}:{item.pass_number}:{item.video_id}"


async def resolve_paths(
    item: VideoItem, config: ResolveConfig, resolve: Resolve, asked: tuple[FamilyPath, ...] = ()
) -> tuple[FamilyPath, ...]:
    """Resolve once, or with PYTOMO_IP_FAMILY=both once on each family, in random order.

    Of the paths that were `asked` for before, only those that met a bot check are resolved again. Media URLs are signed
    for the address that asked: a path whose URLs are bound to the other family (a proxy decides how it goes on) has
    `exit_address_changed`. Paths that failed come last, so that the first window is a real one.
    """
    families: list[int | None] = [None]
    if config.path.family == "both":
        families = list(Random(f"family:{drawn_seed(item)}").sample(FAMILIES, len(FAMILIES)))
    before = {path.family: path.resolve for path in asked}
    paths = [FamilyPath(family, await _resolved(item.url, family, config, resolve, before)) for family in families]
    return tuple(sorted(paths, key=lambda path: path.resolve.failure is not None))


def is_bot_check(paths: tuple[FamilyPath, ...]) -> bool:
    """Tell whether a path met a bot check, which a new guest may not meet."""
    return any(path.resolve.failure == _BOT_CHECK for path in paths)


async def _resolved(
    url: str, family: int | None, config: ResolveConfig, resolve: Resolve, before: Mapping[int | None, ResolveResult]
) -> ResolveResult:
    earlier = before.get(family)
    if earlier is not None and earlier.failure != _BOT_CHECK:
        return earlier
    if family is not None:
        config = replace(config, path=replace(config.path, family=str(family)))
    result = await resolve(url, config)
    if family is not None and result.failure is None and result.address_family not in {None, family}:
        detail = f"asked over IPv{family}, but the media URLs are for IPv{result.address_family}"
        result = replace(result, formats=(), failure="exit_address_changed", failure_detail=detail)
    if earlier is None:
        return result
    # The time is that of the answer which counts: what the service asks of robots is no part of a viewer's wait.
    return replace(
        result,
        attempt_count=earlier.attempt_count + result.attempt_count,
        bot_check_count=earlier.bot_check_count + 1,
    )


def look_up_paths(paths: tuple[FamilyPath, ...], config: DnsConfig, *, started_s: float) -> tuple[FamilyPath, ...]:
    """Look the hosts of every path up, each for its own family. Blocking. Paths that failed come last from here on."""
    looked_up = [
        path if path.resolve.failure else replace(path, dns=_look_up(path, config, started_s)) for path in paths
    ]
    return _failed_last(looked_up)


def refuse_private(paths: tuple[FamilyPath, ...], way: PathConfig) -> tuple[FamilyPath, ...]:
    """Fail the look-up of each path whose media would be fetched from a private address. Nothing is sent there."""
    return _failed_last([_refused(path, way) for path in paths])


def _refused(path: FamilyPath, way: PathConfig) -> FamilyPath:
    if path.dns is None or path.dns.failure is not None:
        return path
    way = way if path.family is None else replace(way, family=str(path.family))
    urls = {media.host: media.url for media in path.resolve.formats}
    for host in media_hosts(path.resolve):
        address = path.dns.chosen.get(host)
        # Behind a proxy the address is not connected to: where the name leads is the proxy's to say.
        if address is not None and is_refused(address, way) and not proxy_for(urls.get(host, host), way):
            detail = f"{host} leads to {address}"
            return replace(path, dns=replace(path.dns, failure=_refusal(host, address), failure_detail=detail))
    return path


def _refusal(host: str, address: str) -> str:
    """Say whose doing it is: no service has its media where no host can be, but filters send names there.

    On the viewer's own machine, on its link without a network, at everybody's address, or in networks that nobody has.
    """
    parsed = ip_address(address.partition("%")[0])
    place = getattr(parsed, "ipv4_mapped", None) or parsed
    is_nowhere = place.is_loopback or place.is_link_local or place.is_multicast or place.is_reserved
    return "dns_sinkhole" if is_nowhere and family_of(host) is None else "private_address"


def _failed_last(paths: Iterable[FamilyPath]) -> tuple[FamilyPath, ...]:
    return tuple(sorted(paths, key=lambda path: path.dns is None or path.dns.failure is not None))


def _look_up(path: FamilyPath, config: DnsConfig, started_s: float) -> DnsResult:
    return look_up_hosts(
        media_hosts(path.resolve), path.family or path.resolve.address_family, config, started_s=started_s
    )


def media_hosts(resolve: ResolveResult) -> tuple[str, ...]:
    """Return the distinct hosts of the media URLs, video first; of further hosts of segments, MAX_SEGMENT_HOSTS.

    And that of SABR, where it is wanted. What lies on another one is looked up when its turn comes, inside the window.
    """
    first = [media.host for media in resolve.formats]
    first += [resolve.sabr.host] if resolve.sabr is not None and resolve.sabr.host not in first else []
    others = (urlsplit(part.url).hostname for media in resolve.formats for part in media.parts)
    further = (host for host in dict.fromkeys(others) if host and host not in first)
    return tuple(dict.fromkeys([*first, *islice(further, MAX_SEGMENT_HOSTS)]))


def answer_of(paths: tuple[FamilyPath, ...]) -> DnsResult:
    """Return the first path's look-up, with the queries of all."""
    answers = [path.dns for path in paths if path.dns is not None]
    return replace(answers[0], lookups=tuple(lookup for answer in answers for lookup in answer.lookups))
