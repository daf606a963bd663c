"""Controls: a few seconds from other hosts right after a bad window, which say whether others were well then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytomo_scrapy.config import ControlConfig, DnsConfig
from pytomo_scrapy.failures import Attribution, Stage, attribution_of
from pytomo_scrapy.items import ControlWindow, TimedFetch, VideoItem
from pytomo_scrapy.measure.comparing.fallback_cache import fallback_url
from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan, fetch
from pytomo_scrapy.measure.dns.lookup import look_up_hosts
from pytomo_scrapy.measure.net.path import proxy_for
from pytomo_scrapy.measure.net.redirects import read_target
from pytomo_scrapy.measure.outcome import headline
from pytomo_scrapy.measure.playback.counted_stalls import MIN_STALL_S, SLOW_STARTUP_S, counted_stalls

FALLBACK, REFERENCE = "fallback", "reference"


@dataclass(frozen=True, slots=True)
class ControlTarget:
    """A host that may show that others are well."""

    role: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def is_bad(item: VideoItem) -> bool:
    """Tell whether a session with a window started late, stalled, or did not start for a reason of line or service."""
    if not item.downloads or item.failure_stage not in (None, Stage.DOWNLOAD):
        return False
    failure, playback = item.downloads[0].failure, headline(item)
    if failure is not None and attribution_of(failure) not in (Attribution.NETWORK, Attribution.SERVICE):
        return False
    if playback is None or not playback.is_started:
        return playback is not None or failure is not None
    waited_s = (playback.startup_delay_s or 0.0) + ((item.dns.elapsed_s if item.dns else None) or 0.0)
    return waited_s > SLOW_STARTUP_S or bool(counted_stalls(playback.stalls, MIN_STALL_S))


def control_targets(item: VideoItem, config: ControlConfig) -> list[ControlTarget]:
    """Return the hosts to ask. Those that are only reached through a proxy are left out: it is another line."""
    found = []
    formats = item.resolve.formats if item.resolve else ()
    second = fallback_url(formats[0].url) if formats and not formats[0].parts else None
    if second is not None:
        found.append(ControlTarget(FALLBACK, second, formats[0].http_headers))
    if config.reference_url is not None:
        found.append(ControlTarget(REFERENCE, config.reference_url))
    return [target for target in found if proxy_for(target.url, config.path) is None]


def find_address(target: ControlTarget, family: int | None, config: DnsConfig) -> tuple[str, str | None]:
    """Look a control's host up by the first resolver. Returns its address, or an empty text and how it failed."""
    host = read_target(target.url).host
    first_only = DnsConfig(config.resolvers[:1], config.timeout_s)
    answer = look_up_hosts([host], family, first_only)
    return answer.chosen.get(host, ""), answer.failure


def measure_control(
    target: ControlTarget, address: str, failure: str | None, t_s: float, config: ControlConfig
) -> ControlWindow:
    """Fetch from one host. Blocks for the window and the connection's time-out; never raises for the network."""
    if not address:
        return ControlWindow(target.role, t_s, TimedFetch(read_target(target.url).host, failure=failure))
    plan = FetchPlan(target.url, address, config.window_s, config.max_bytes, headers=target.headers, path=config.path)
    return ControlWindow(target.role, t_s, fetch(plan))
