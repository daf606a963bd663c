"""Media that were refused at their start: what is resolved once more, and what the refusal turns out to have been."""

from __future__ import annotations

from dataclasses import replace

from pytomo_scrapy.items import DnsResult, DownloadResult, ResolveResult, VideoItem

_REFUSED = frozenset({"http_403", "exit_address_changed"})


def is_refused_at_start(window: DownloadResult) -> bool:
    """Tell whether the host refused the media URLs before it sent a byte of media."""
    return window.failure in _REFUSED and not window.received_bytes


def unknown_hosts(item: VideoItem, later: ResolveResult) -> tuple[str, ...]:
    """Return the media hosts of a second resolution that have not been looked up."""
    known = item.dns.chosen if item.dns else {}
    return tuple(dict.fromkeys(media.host for media in later.formats if media.host not in known))


def renew(item: VideoItem, later: ResolveResult, dns: DnsResult | None) -> None:
    """Go on with a second resolution, and with the look-up of the hosts that it was the first to name."""
    assert item.resolve is not None and item.dns is not None
    item.resolve = replace(later, attempt_count=(item.resolve.attempt_count or 0) + (later.attempt_count or 0))
    if dns is not None:
        chosen, lookups = {**item.dns.chosen, **dns.chosen}, (*item.dns.lookups, *dns.lookups)
        item.dns = replace(item.dns, chosen=chosen, lookups=lookups)


def refused_row(window: DownloadResult, before: ResolveResult, after: ResolveResult) -> DownloadResult:
    """Return the refused window as the second row of its video.

    The two resolutions tell what a single one cannot behind address translation: an exit address that changed.
    """
    addresses = (before.client_address, after.client_address)
    if None not in addresses and addresses[0] != addresses[1]:
        detail = "HTTP 403, and the next resolution came from another address"
        window = replace(window, failure="exit_address_changed", failure_detail=detail)
    return replace(window, place=1)
