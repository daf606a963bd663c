"""Which addresses of a session are pinged, and which belong to networks that are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from pytomo_scrapy.config import PathConfig, PingConfig
from pytomo_scrapy.items import HttpRequest, PingResult, VideoItem
from pytomo_scrapy.measure.dns.lookup import leading_somewhere
from pytomo_scrapy.measure.family_paths import FamilyPath, media_hosts
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.net.private_addresses import is_refused
from pytomo_scrapy.measure.ping.gateway import gateway_towards
from pytomo_scrapy.measure.ping.round_trips import ping_addresses

# In all, those that are downloaded from first: what some resolver adds must not become a flood.
MAX_PINGED = 64
# Where a proxy names no port, as curl reads it. Source: CURLOPT_PROXY(3), and tried.
_PROXY_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080


def ping_media(item: VideoItem, paths: Sequence[FamilyPath], config: PingConfig, path: PathConfig) -> PingResult:
    """Ping every distinct address that any resolver gave and the first gateway; behind a proxy, the proxy alone."""
    if proxies := _media_proxies(paths, path):
        results = [_ping_proxy(proxy, config) for proxy in proxies]
        return replace(results[0], pings=tuple(ping for result in results for ping in result.pings))
    chosen = item.dns.chosen.values() if item.dns else ()
    # Another resolver than the first may name an address that is refused.
    given = dict.fromkeys([*chosen, *_resolved_addresses(item)])
    addresses = [address for address in given if not is_refused(address, path)][:MAX_PINGED]
    port = item.resolve.formats[0].port if item.resolve and item.resolve.formats else 443
    gateway = gateway_towards(addresses[0]) if addresses else None
    return ping_addresses(addresses, config, port=port, gateway=gateway)


def _media_proxies(paths: Sequence[FamilyPath], path: PathConfig) -> tuple[str, ...]:
    """Return the distinct proxies that lead to the media, one a family at most."""
    hosts = media_hosts(paths[0].resolve)
    ways = [replace(path, family=str(of.family)) if of.family is not None else path for of in paths]
    proxies = [proxy_for(f"https://{hosts[0]}/", way) for way in ways] if hosts else []
    return tuple(dict.fromkeys(proxy for proxy in proxies if proxy))


def _ping_proxy(proxy: str, config: PingConfig) -> PingResult:
    parts = urlsplit(proxy)
    port = parts.port or _PROXY_PORTS.get(parts.scheme, _SOCKS_PORT)
    result = ping_addresses([parts.hostname or ""], config, port=port)
    return replace(result, pings=tuple(replace(ping, via_proxy=True, role="proxy") for ping in result.pings))


def _resolved_addresses(item: VideoItem) -> list[str]:
    lookups = item.dns.lookups if item.dns else ()
    return [address for lookup in lookups for address in leading_somewhere(lookup)]


def redirect_addresses(item: VideoItem) -> tuple[str, ...]:
    """Return the addresses that no resolver gave: only a redirect, or a later segment, led there.

    Empty behind a proxy.
    """
    resolved = set(_resolved_addresses(item))
    met = [
        request.address
        for window in item.downloads
        if not window.via_proxy
        for request in window.requests
        if _is_led_there(request) and request.address is not None and request.failure != "private_address"
    ]
    return tuple(address for address in dict.fromkeys(met) if address not in resolved)


def _is_led_there(request: HttpRequest) -> bool:
    return request.hop > 0 or request.dns_s is not None


def ping_redirects(item: VideoItem, config: PingConfig) -> PingResult:
    """Ping the addresses that windows were redirected to. Returns these pings behind those of the ping stage.

    Their failure is no failure of the stage.
    """
    ports = {row.address: row.port for window in item.downloads for row in window.requests if _is_led_there(row)}
    addresses = redirect_addresses(item)
    result = ping_addresses(addresses, config, port=ports[addresses[0]])
    pings = tuple(replace(ping, role="redirect") for ping in result.pings)
    before = item.ping or PingResult()
    return replace(before, pings=(*before.pings, *pings))


def network_addresses(item: VideoItem) -> tuple[str, ...]:
    """Return every address that a resolver gave, that was chosen, or that a redirect led to."""
    chosen = item.dns.chosen.values() if item.dns else ()
    return (*_resolved_addresses(item), *chosen, *redirect_addresses(item))
