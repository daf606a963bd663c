"""The media and the address that the pairs of a differential test fetch from."""

from __future__ import annotations

import time
from dataclasses import replace

from pytomo_scrapy.config import Config
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan, fetch
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.net.clock import Sleep
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.resolve.availability import with_ordered_wait

_PROBE_BYTES, _PROBE_S = 1024, 10.0


def find_media(resolved: ResolveResult, config: Config, *, sleep: Sleep = time.sleep) -> FetchPlan:
    """Return where the first file of a resolved video lies, after it was seen to be served there. Blocks.

    Raises MeasurementError where there is none that a pair can be made of.
    """
    resolved = with_ordered_wait(resolved, config.resolve.max_wait_s)
    if resolved.failure is not None:
        raise MeasurementError(resolved.failure, resolved.failure_detail or "")
    files = [media for media in resolved.formats if not media.parts and media.url.startswith("https://")]
    if not files:
        raise MeasurementError("no_url_formats", "no file over HTTPS: a TLS name and one range of bytes are needed")
    media, settings = files[0], config.differential
    if proxy_for(media.url, settings.path) is not None:
        raise MeasurementError("proxy_failed", f"{media.host} is reached through a proxy, which hides the line")
    found = look_up_hosts([media.host], resolved.address_family, config.dns)
    address = found.chosen.get(media.host)
    if found.failure is not None or address is None:
        raise MeasurementError(found.failure or "dns_no_answer", found.failure_detail or "")
    sleep(resolved.available_wait_s or 0.0)
    plan = FetchPlan(
        media.url,
        address,
        settings.window_s,
        settings.max_bytes,
        headers=media.http_headers,
        path=settings.path,
        connect_timeout_s=config.download.connect_timeout_s,
    )
    seen = fetch(replace(plan, window_s=_PROBE_S, max_bytes=_PROBE_BYTES))
    if seen.failure is not None:
        raise MeasurementError(seen.failure, seen.failure_detail or "")
    return plan
