"""What an adaptive player showed, live or in a replay."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytomo_scrapy.items import Interval


@dataclass(slots=True)
class AdaptivePlayback:
    """What an adaptive player showed, seconds from t0. `switches` is the video on the screen: (time, rung)."""

    started_s: float | None = None
    stalls: list[Interval] = field(default_factory=list)
    freezes: list[Interval] = field(default_factory=list)
    switches: list[tuple[float, int]] = field(default_factory=list)
    end_s: float | None = None
    played_s: float = 0.0
    played_by_rung_s: dict[int, float] = field(default_factory=dict)
    buffer_end_s: float = 0.0
    requested_bytes: int = 0
    is_identifiable: bool = True
