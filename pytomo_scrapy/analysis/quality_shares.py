"""Which qualities the line plays without a stall: shares of the sessions that can tell, and a grade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from pytomo_scrapy.analysis.wilson import wilson_interval
from pytomo_scrapy.failures import Attribution
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.measurement_tables import ladder

HEIGHTS_PX = (360, 480, 720, 1080, 2160)
# The service's own public report grades lines so: HD where at least 90 % of the plays are of 720p and more, SD where
# they are of 360p and more. Source: Google Video Quality Report, "How is it calculated?".
GRADE_SHARE = 0.9
GRADES = (("HD", 720), ("SD", 360))


@dataclass(frozen=True, slots=True)
class HeightShare:
    """Of the sessions that can tell, the share that plays this height. `low` and `high` bound its 95 % interval."""

    height_px: int
    plays_count: int
    known_count: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class QualityShares:
    """What is known of the qualities that the line plays."""

    window_count: int
    shares: Sequence[HeightShare] = field(default_factory=list)
    unknown: Mapping[str, int] = field(default_factory=dict)  # why the best quality is not known: windows
    declared_count: int = 0  # windows whose ladder was scaled by what was declared
    grade: str | None = None


def plays_height(plays_px: int | None, fails_px: int | None, top_px: int | None, height_px: int) -> bool | None:
    """Tell whether a window plays a height: some rung of at least that height plays for certain, or none does.

    None where the window cannot tell, or the video has no such quality.
    """
    if plays_px is not None and plays_px >= height_px:
        return True
    has_rung = top_px is not None and top_px >= height_px
    return False if has_rung and fails_px is not None and fails_px <= height_px else None


def shares_of(rows: Sequence[Any]) -> QualityShares:
    """Sum up rows with `plays_height_px`, `fails_height_px`, `top_height_px`, `best_unknown` and `source`."""
    shares = [_share(rows, height_px) for height_px in HEIGHTS_PX]
    return QualityShares(
        window_count=len(rows),
        shares=shares,
        unknown=dict(Counter(row.best_unknown for row in rows if row.best_unknown).most_common()),
        declared_count=sum(row.source == "declared" for row in rows),
        grade=grade_of({one.height_px: one.share for one in shares}),
    )


def _share(rows: Sequence[Any], height_px: int) -> HeightShare:
    known = [plays_height(row.plays_height_px, row.fails_height_px, row.top_height_px, height_px) for row in rows]
    plays = sum(one is True for one in known)
    count = sum(one is not None for one in known)
    low, high = wilson_interval(plays, count) or (None, None)
    return HeightShare(height_px, plays, count, plays / count if count else None, low, high)


def grade_of(by_height: Mapping[int, float | None]) -> str | None:
    """Return the grade of a line, by the share of the sessions that play each height.

    None where no session can tell; "below SD" where no grade is reached.
    """
    for name, height_px in GRADES:
        share = by_height.get(height_px)
        if share is not None and share >= GRADE_SHARE:
            return name
    return "below SD" if by_height.get(GRADES[-1][1]) is not None else None


def quality_shares(connection: Connection, condition: ColumnElement[bool]) -> QualityShares | None:
    """Sum up the first windows of the valid measurements. None where none has a ladder."""
    rows = connection.execute(
        select(
            ladder.c.plays_height_px,
            ladder.c.fails_height_px,
            ladder.c.top_height_px,
            ladder.c.best_unknown,
            ladder.c.source,
        )
        .join(measurement, measurement.c.id == ladder.c.measurement_id)
        .where(
            condition,
            ladder.c.place == 0,
            or_(measurement.c.failure.is_(None), and_(measurement.c.attribution == Attribution.NETWORK.value)),
        )
    ).all()
    return shares_of(rows) if rows else None
