"""The windows of one way to the media: over plain URLs, over SABR, or one of each to be compared."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from pytomo_scrapy.config import DownloadConfig
from pytomo_scrapy.items import DownloadResult, ResolveResult
from pytomo_scrapy.measure.playback.declared_video import declared_video
from pytomo_scrapy.measure.playback.simulation import player_parameters
from pytomo_scrapy.measure.sabr.estimator import declared_estimator
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan, sabr_formats
from pytomo_scrapy.measure.window.plan import WindowPlan

# Whose playhead a session reports: the player of the service, by what it declares.
_PLAYER = "youtube"


def transport_plans(
    plan: WindowPlan, resolve: ResolveResult, config: DownloadConfig
) -> tuple[WindowPlan | DownloadResult, ...]:
    """Return the windows that PYTOMO_TRANSPORT asks for, numbered from `plan.window_index` on.

    The two of a pair come in random order, drawn with the video's seed; one that cannot be opened comes last.
    """
    if config.transport == "plain":
        return (plan,)
    sabr = _sabr_plan(resolve, config)
    if config.transport == "sabr":
        return (replace(plan, sabr=sabr, live=None) if sabr is not None else _not_announced(plan),)
    plain, index = replace(plan, is_pair=True), plan.window_index
    if sabr is not None and resolve.formats == resolve.sabr_formats:
        no_plain = replace(_not_announced(plan), place=index + 1, transport="plain", failure="no_url_formats")
        return replace(plain, sabr=sabr, live=None), no_plain
    if sabr is None:
        return plain, _not_announced(replace(plan, window_index=index + 1))
    pair = [plain, replace(plain, sabr=sabr, live=None)]
    Random(f"transport:{plan.seed}:{index}").shuffle(pair)
    return tuple(replace(one, window_index=index + place) for place, one in enumerate(pair))


def _sabr_plan(resolve: ResolveResult, config: DownloadConfig) -> SabrPlan | None:
    """Return what a session asks for. None where the answer names no address, or not these formats."""
    source = resolve.sabr
    kinds = [media.kind for media in resolve.formats]
    if source is None or not kinds or "muxed" in kinds:
        return None
    formats = sabr_formats(source, resolve.formats)
    if formats is None:
        return None
    declared = declared_video(resolve)
    return SabrPlan(
        source,
        formats,
        is_server_choice=config.sabr_quality == "server",
        viewport_px=config.sabr_viewport_px,
        player=player_parameters(_PLAYER, declared=declared),
        estimator=declared_estimator(declared.player_config),
    )


def _not_announced(plan: WindowPlan) -> DownloadResult:
    return DownloadResult(
        place=plan.window_index,
        mode=None,
        address_family=plan.family,
        via_proxy=None,
        received_bytes=None,
        transport="sabr",
        failure="no_sabr_url",
    )
