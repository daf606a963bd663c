"""The hour and the day where a line is, by the time zone that its crawler's machine had."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, select

from pytomo_scrapy.analysis.columnar.blocks import Integers
from pytomo_scrapy.analysis.columnar.counts import counted
from pytomo_scrapy.analysis.columnar.scan import SelectedRows
from pytomo_scrapy.analysis.fixed_effects import numbered
from pytomo_scrapy.storage.schema.crawl_tables import run

_HOUR_S = 3600


class LocalHours:
    """Hours and days of sessions in local time; in UTC where a run says no zone that this machine knows."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(select(run.c.id, run.c.time_zone).where(run.c.time_zone.is_not(None))).all()
        self._zones = sorted({row.time_zone for row in rows})
        self._zone_of = np.full(max((row.id for row in rows), default=0) + 2, -1, dtype=np.int64)
        for row in rows:
            self._zone_of[row.id] = self._zones.index(row.time_zone)
        self.utc_count = 0  # sessions whose zone is not known

    def of(self, rows: SelectedRows) -> Integers:
        """Return the local hour of each row, 0 to 23."""
        hours = self.seconds(rows) // _HOUR_S
        # As % does it, in a third of the time.
        return hours - hours // 24 * 24

    def seconds(self, rows: SelectedRows) -> Integers:
        """Return when each row began, in seconds of its own clock: of 1970 there."""
        started = rows.whole("started_s")
        zones = self._zone_of[np.minimum(rows.whole("run_id"), len(self._zone_of) - 1)]
        local = started.copy()
        self.utc_count += int((zones < 0).sum())
        for number in counted(zones[zones >= 0])[0].tolist():
            mask = zones == number
            hours = started[mask] // _HOUR_S
            found = counted(hours)[0].tolist()
            offsets = np.array([offset_s(self._zones[number], hour * _HOUR_S) for hour in found])
            local[mask] += offsets[numbered(hours)]
        return local


@lru_cache(maxsize=20_000)
def offset_s(zone: str, at_s: int) -> int:
    """Return how far a zone's clocks were ahead of UTC at a time; 0 for a zone that this machine does not know."""
    try:
        offset = datetime.fromtimestamp(at_s, ZoneInfo(zone)).utcoffset()
    except (OSError, ValueError, KeyError):
        return 0
    return 0 if offset is None else int(offset.total_seconds())
