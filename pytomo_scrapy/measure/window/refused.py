"""Media refused at their start: resolves the video once more, and finds out why they were refused."""

from __future__ import annotations

from dataclasses import replace

from pytomo_scrapy.items import DnsResult, DownloadResult, ResolveResult
from pytomo_scrapy.measure.family_paths import media_hosts

_REFUSED = frozenset({"http_403", "url_expired", "exit_address_changed"})


def is_refused_at_start(window: DownloadResult) -> bool:
    """Tell whether the host refused the media URLs before it sent a byte of media."""
    return window.failure in _REFUSED and not window.received_bytes


def unknown_hosts(dns: DnsResult, later: ResolveResult) -> tuple[str, ...]:
    """Return the media hosts of a second resolution that have not been looked up."""
    return tuple(host for host in media_hosts(later) if host not in dns.chosen)


def with_later_hosts(dns: DnsResult, later: DnsResult | None) -> DnsResult:
    """Return a look-up with that of the hosts which only the second resolution named."""
    if later is None:
        return dns
    return replace(dns, chosen={**dns.chosen, **later.chosen}, lookups=(*dns.lookups, *later.lookups))


def refused_row(window: DownloadResult, before: ResolveResult, after: ResolveResult) -> DownloadResult:
    """Return the refused window as the second row of its video.

    Behind address translation only two resolutions together show that the exit address changed.
    """
    addresses = (before.client_address, after.client_address)
    if None not in addresses and addresses[0] != addresses[1]:
        detail = "HTTP 403, and the next resolution came from another address"
        window = replace(window, failure="exit_address_changed", failure_detail=detail)
    return replace(window, place=1)
