"""What a window is to fetch, in which mode, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from pytomo_scrapy.config import DownloadConfig, ResolverConfig
from pytomo_scrapy.items import MediaFormat
from pytomo_scrapy.measure.net.redirects import Target, read_target
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.window.live_ladder import LivePlan


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """What a window fetches, from which pinned addresses, and where the bodies go."""

    formats: tuple[MediaFormat, ...]
    chosen: Mapping[str, str]  # host -> address
    resolver: ResolverConfig = field(default=ResolverConfig("system", "system"))  # for the hosts of redirects
    dns_timeout_s: float = 4.0
    spool_directory: str = "."
    window_index: int = 0  # among the windows of its video
    seed: int | str = 0  # decides, with `window_index`, which windows of a paced crawl are bulk
    duration_s: float | None = None  # of the video: paces streams without an index
    family: int | None = None  # of a pair's path: its proxy is that family's
    live: LivePlan | None = None  # what an adaptive window chooses among
    sabr: SabrPlan | None = None  # None: the streams are fetched by their own URLs
    is_pair: bool = False  # of transports: both windows are to fetch alike

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where the first requests go: to each stream's own URL, or to one address for all."""
        urls = [self.sabr.source.url] if self.sabr is not None else [media.url for media in self.formats]
        return tuple(read_target(url) for url in urls)

    @property
    def transport(self) -> str:
        """How the media are fetched."""
        return "plain" if self.sabr is None else "sabr"

    def bound(self, config: DownloadConfig) -> DownloadConfig:
        """Return `config` with the path of this window's family."""
        if self.family is None:
            return config
        return replace(config, path=replace(config.path, family=str(self.family)))


@dataclass(frozen=True, slots=True)
class WindowProgress:
    """How far a window is, for a live display. `delivery_bps` is what its row would say if it ended now."""

    elapsed_s: float
    received_bytes: int
    delivery_bps: float | None = None


def window_mode(plan: WindowPlan, config: DownloadConfig) -> str:
    """Return the mode of a window. Of paced windows one in `bulk_every` is bulk, the same ones for the same seed.

    None of a pair is: its windows are to fetch alike.
    """
    if config.mode == "adaptive" and plan.live is None:
        return "paced"  # the qualities are not known: what was chosen is fetched as a player does
    if config.mode != "paced" or config.bulk_every == 0 or plan.is_pair:
        return config.mode
    return "bulk" if Random(f"{plan.seed}:{plan.window_index}").randrange(config.bulk_every) == 0 else "paced"
