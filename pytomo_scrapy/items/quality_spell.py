"""The qualities that a service chose while a window was open, where the choice was left to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytomo_scrapy.items.stored import about, stored


@dataclass(frozen=True, slots=True)
class QualitySpell:
    """A time in which one quality of video was sent. The spell before it is what the service switched from."""

    number: int = field(metadata=about("order among the measurement's spells, from 0"))
    place: int = field(metadata=about("index of the window among the measurement's, from 0"))
    t_s: float = field(
        metadata=about("begin of the spell: the switch to this quality, or the first one", unit="s from t0")
    )
    format_id: str = field(metadata=about("the service's id of this spell's format (itag)"))
    from_format_id: str | None = stored(
        None, "the service's id of the format of the spell before", null="the window's first"
    )
    height_px: int | None = stored(None, "height of the picture in this spell", null="not announced")
    from_height_px: int | None = stored(
        None, "height of the picture in the spell before", null="the window's first, or not announced"
    )
    media_s: float = stored(0.0, "seconds of media that were sent in this quality")
    received_bytes: int = stored(0, "bytes of the media that were sent in this quality")
