"""How often a class of failure ended a measurement: a row of the report, of measurements and of daily aggregates."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from pytomo_scrapy.storage.schema.crawl_tables import measurement


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many measurements ended with a class, whose fault it is, and at which stage."""

    failure: str
    attribution: str
    stage: str | None
    count: int


def failure_counts(connection: Connection, condition: ColumnElement[bool]) -> list[FailureCount]:
    """Count the failed measurements that meet `condition` by class, the most frequent first."""
    by_class = (
        select(measurement.c.failure, measurement.c.attribution, measurement.c.failure_stage, func.count())
        .where(condition, measurement.c.failure.is_not(None))
        .group_by(measurement.c.failure, measurement.c.attribution, measurement.c.failure_stage)
        .order_by(func.count().desc(), measurement.c.failure)
    )
    return [FailureCount(*row) for row in connection.execute(by_class)]
