"""What a window over SABR adds to the row of every window."""

from __future__ import annotations

from itertools import pairwise

from pytomo_scrapy.items import QualitySpell, SabrFigures
from pytomo_scrapy.measure.sabr.demand import Pause
from pytomo_scrapy.measure.sabr.sabr_plan import SabrPlan
from pytomo_scrapy.measure.sabr.sabr_session import SabrSession


def sabr_figures(session: SabrSession, plan: SabrPlan) -> SabrFigures:
    """Return the figures of a session that is over."""
    figures, demand = session.figures, session.demand
    media_s = sum(spell.media_s for spell in figures.spells)
    return SabrFigures(
        quality="server" if plan.is_server_choice else "fixed",
        ad_wait_s=sum((end_s - start_s for start_s, end_s in demand.pauses[Pause.AD]), 0.0),
        protection_status=figures.protection_status,
        start_s=demand.start_s,
        resume_s=demand.resume_s,
        readahead_s=min(demand.readahead_s.values()) if demand.is_readahead_told else None,
        ahead_max_s=demand.longest_ahead_s or None,
        empty_answer_count=figures.empty_count,
        overhead_bytes=figures.overhead_bytes,
        repeated_bytes=session.segments.repeated_bytes,
        switch_count=max(0, len(figures.spells) - 1),
        mean_bitrate_bps=8 * sum(spell.received_bytes for spell in figures.spells) / media_s if media_s else None,
    )


def quality_spells(session: SabrSession, plan: SabrPlan, place: int) -> tuple[QualitySpell, ...]:
    """Return which qualities were sent when. Empty where one was pinned, and the service kept to it."""
    found = session.figures.spells
    if not plan.is_server_choice and len(found) < 2:
        return ()
    heights = {media.itag: media.height_px for media in plan.source.formats}
    before = [None, *(first.itag for first, _ in pairwise(found))]
    return tuple(
        QualitySpell(
            number=number,
            place=place,
            t_s=spell.t_s,
            format_id=str(spell.itag),
            from_format_id=None if from_itag is None else str(from_itag),
            height_px=heights.get(spell.itag),
            from_height_px=None if from_itag is None else heights.get(from_itag),
            media_s=spell.media_s,
            received_bytes=spell.received_bytes,
        )
        for number, (spell, from_itag) in enumerate(zip(found, before, strict=False))
    )
