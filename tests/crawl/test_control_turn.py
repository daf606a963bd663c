"""At most one control each hour of a measuring point."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from pytomo_scrapy.crawl.control_turn import ControlTurn
from pytomo_scrapy.failures import StorageError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR_S = 3600.0


class Point:
    """A measuring point with a clock, and what is stored of it."""

    def __init__(self, stored_at: datetime | None = None) -> None:
        self.now, self.stored_at, self.names = NOON, stored_at, [""]
        self.is_away = False
        self.turn = ControlTurn("attic", self.last, now=lambda: self.now)

    def last(self, name: str) -> datetime | None:
        self.names.append(name)
        if self.is_away:
            raise StorageError("away")
        return self.stored_at

    def takes(self, after: timedelta = timedelta()) -> bool:
        self.now += after
        return asyncio.run(self.turn.take(HOUR_S))


def test_first_control_of_a_point_has_its_turn_and_the_next_an_hour_later() -> None:
    point = Point()
    assert point.takes() and not point.takes(timedelta(minutes=59)) and point.takes(timedelta(minutes=1))
    assert set(point.names) == {"", "attic"}


def test_controls_of_earlier_crawls_count() -> None:
    point = Point(NOON - timedelta(minutes=40))
    assert not point.takes() and not point.takes(timedelta(minutes=19)) and point.takes(timedelta(minutes=1))


def test_database_that_is_away_costs_the_control_and_nothing_else() -> None:
    point = Point()
    point.is_away = True
    assert not point.takes()
