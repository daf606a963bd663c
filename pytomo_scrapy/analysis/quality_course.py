"""Which qualities the line plays by hour of the day and by day of the week, in the local time of the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection

from pytomo_scrapy.analysis.columnar.blocks import Integers, Values
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
    sums = {part: np.zeros((len(HEIGHTS_PX), 2, size)) for part, size in (("hour", 24), ("weekday", 7))}
    for rows in ColumnScan(connection, replace(selection, is_valid_only=True), PARAMETERS["startup_delay_s"]):
        local_s = clock.seconds(rows)
        # The first day of 1970 was a Thursday.
        indexes: dict[str, Integers] = {"hour": local_s // 3600 % 24, "weekday": (local_s // 86_400 + 3) % 7}
        for position, height_px in enumerate(HEIGHTS_PX):
            plays: Values = rows.value(f"plays_{height_px}p")
            is_known = ~np.isnan(plays)
            for part, index in indexes.items():
                size = sums[part].shape[2]
                sums[part][position, 0] += np.bincount(index[is_known], weights=plays[is_known], minlength=size)
                sums[part][position, 1] += np.bincount(index[is_known], minlength=size)
    if not sums["hour"][:, 1].any():
        return None
    return QualityCourse(_parts(HOURS, sums["hour"]), _parts(WEEKDAYS, sums["weekday"]), clock.utc_count)


def _parts(names: Sequence[str], sums: Values) -> list[QualityPart]:
    return [
        QualityPart(name, [_share(height_px, *sums[at, :, index]) for at, height_px in enumerate(HEIGHTS_PX)])
        for index, name in enumerate(names)
    ]


def _share(height_px: int, plays: float, known: float) -> HeightShare:
    low, high = wilson_interval(int(plays), int(known)) or (None, None)
    return HeightShare(height_px, int(plays), int(known), plays / known if known else None, low, high)
