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


def test_database_that_is_away_costs_the_control_of_that_video_and_not_of_the_hour() -> None:
    point = Point()
    point.is_away = True
    assert not point.takes() and not point.takes(timedelta(minutes=1))
    point.is_away = False
    assert point.takes(timedelta(minutes=1)) and not point.takes(timedelta(minutes=59))


def test_outage_moves_no_control_into_the_hour_of_the_last_one() -> None:
    point = Point()
    assert point.takes()
    point.is_away = True
    assert not point.takes(timedelta(minutes=59)) and not point.takes(timedelta(minutes=2))
    # Its own control may still wait to be stored.
    point.is_away = False
    assert point.takes(timedelta(minutes=1)) and not point.takes(timedelta(minutes=59))


def test_of_two_videos_that_meet_an_outage_one_asks() -> None:
    point = Point()
    point.is_away = True

    async def both() -> list[bool]:
        return [*await asyncio.gather(point.turn.take(HOUR_S), point.turn.take(HOUR_S))]

    assert asyncio.run(both()) == [False, False] and point.names == ["", "attic"]
