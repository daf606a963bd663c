"""How far crawls are: what is queued and done, how quickly, and who holds what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import Counts, Frontier, Holder, OpenCrawl
from pytomo_scrapy.storage.schema.crawl_tables import crawl, measurement

# The rate of the last hour: long enough for windows of 30 s, short enough to notice that a machine fell out.
RATE_SPAN_S = 3600.0


@dataclass(frozen=True, slots=True)
class CrawlStatus:
    """One crawl. `rate_per_h` and `left_s` are None where less than two videos were measured within the last hour."""

    name: str
    vantage: str
    spider: str
    created_at: datetime
    finished_at: datetime | None
    pass_number: int
    counts: Counts
    rate_per_h: float | None
    left_s: float | None
    holders: Sequence[Holder]
    last_hour_count: int  # videos that were measured within the last hour


def crawl_names(database: Database) -> list[str]:
    """Return the names of all crawls, the newest first. Raises StorageError."""
    with database.read() as connection:
        names = connection.execute(select(crawl.c.name).order_by(crawl.c.id.desc())).scalars()
        return list(dict.fromkeys(names))


def crawl_statuses(
    database: Database, *, name: str | None = None, has_finished: bool = False, now: datetime | None = None
) -> list[CrawlStatus]:
    """Return unfinished crawls, oldest first; `has_finished` adds the others, `name` selects. Raises StorageError."""
    wanted = select(crawl).order_by(crawl.c.id)
    if name is not None:
        wanted = wanted.where(crawl.c.name == name)
    elif not has_finished:
        wanted = wanted.where(crawl.c.finished_at.is_(None))
    with database.read() as connection:
        rows = connection.execute(wanted).all()
    now = now or datetime.now(UTC)
    statuses = []
    for row in rows:
        # It claims nothing, so no owner of that number ever exists.
        looking = Frontier(database, OpenCrawl(row.id, row.name, True, row.pass_number), owner_id=0, lease_s=0.0)
        counts = looking.counts()
        last_hour_count, rate = _rate_per_s(database, row.id, now)
        left = counts.queued + counts.in_flight
        statuses.append(
            CrawlStatus(
                name=row.name,
                vantage=row.vantage_name,
                spider=row.spider,
                created_at=row.created_at,
                finished_at=row.finished_at,
                pass_number=row.pass_number,
                counts=counts,
                rate_per_h=None if rate is None else rate * 3600,
                left_s=None if rate is None else left / rate,
                holders=tuple(looking.holders()),
                last_hour_count=last_hour_count,
            )
        )
    return statuses


def _rate_per_s(database: Database, crawl_id: int, now: datetime) -> tuple[int, float | None]:
    """Return the videos measured within the last hour, and videos a second. None for fewer than two."""
    # By claims, as what is left is counted: a video of a study is measured once an arm, and a refused one again.
    began = (
        select(func.min(measurement.c.started_at, type_=measurement.c.started_at.type).label("started_at"))
        .where(measurement.c.crawl_id == crawl_id, measurement.c.started_at >= now - timedelta(seconds=RATE_SPAN_S))
        .group_by(func.coalesce(measurement.c.claim_id, -measurement.c.id))
        .subquery()
    )
    recent = select(func.count(), func.min(began.c.started_at), func.max(began.c.started_at))
    with database.read() as connection:
        count, first, last = connection.execute(recent).one()
    if count < 2 or last <= first:
        return count, None
    # From start to start: the last measurement is assumed to take as long as the others did on average.
    return count, float((count - 1) / (last - first).total_seconds())
