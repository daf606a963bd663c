"""Which qualities the line plays by hour of the day and by day of the week, in the local time of the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.blocks import Integers
from pytomo_scrapy.analysis.columnar.scan import ColumnScan
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.local_hours import LocalHours
from pytomo_scrapy.analysis.quality_shares import HEIGHTS_PX, HeightShare
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.analysis.wilson import wilson_interval

HOURS = tuple(f"{hour:02} h" for hour in range(24))
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One hour of the day, or one day of the week: the shares of its sessions that play each height."""

    name: str
    shares: Sequence[HeightShare]

    @property
    def known_count(self) -> int:
        """Return how many sessions can tell of any height."""
        return max(share.known_count for share in self.shares)


@dataclass(frozen=True, slots=True)
class QualityCourse:
    """All hours of the day and all days of the week; `utc_count` sessions have theirs in UTC, for want of a zone."""

    hours: Sequence[QualityPart]
    weekdays: Sequence[QualityPart]
    utc_count: int = 0


def quality_course(connection: Connection, selection: Selection) -> QualityCourse | None:
    """Sum up the valid sessions of a settled selection. None where no session can tell of any quality."""
    clock = LocalHours(connection)
    # Of each height, day and hour: sessions that do not play it, that do, and that cannot tell.
    counts = np.zeros((len(HEIGHTS_PX), 7 * 24 * 3), dtype=np.int64)
    for rows in ColumnScan(connection, replace(selection, is_valid_only=True), PARAMETERS["startup_delay_s"]):
        local_s = clock.seconds(rows)
        # The first day of 1970 was a Thursday.
        cells = ((local_s // 86_400 + 3) % 7 * 24 + local_s // 3600 % 24) * 3
        for position, height_px in enumerate(HEIGHTS_PX):
            plays = np.nan_to_num(rows.value(f"plays_{height_px}p"), nan=2.0).astype(np.int64)
            counts[position] += np.bincount(cells + plays, minlength=counts.shape[1])
    by_day_and_hour = counts.reshape(len(HEIGHTS_PX), 7, 24, 3)
    if not by_day_and_hour[..., :2].any():
        return None
    hours, days = by_day_and_hour.sum(axis=1), by_day_and_hour.sum(axis=2)
    return QualityCourse(_parts(HOURS, hours), _parts(WEEKDAYS, days), clock.utc_count)


def _parts(names: Sequence[str], counts: Integers) -> list[QualityPart]:
    return [
        QualityPart(
            name, [_share(height_px, *counts[at, index, :2].tolist()) for at, height_px in enumerate(HEIGHTS_PX)]
        )
        for index, name in enumerate(names)
    ]


def _share(height_px: int, fails: int, plays: int) -> HeightShare:
    known = fails + plays
    low, high = wilson_interval(plays, known) or (None, None)
    return HeightShare(height_px, plays, known, plays / known if known else None, low, high)
