"""Every measured line of a database: when it was last seen, with what, how it fares, and what it used today.

A line is a vantage point with its provider. Shares are of the newest rows and not of a day, so that they say something
of a line that is measured once an hour.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from pytomo_scrapy.analysis.newest import MAX_VANTAGES, SHARE_ROWS
from pytomo_scrapy.failures import was_refused
from pytomo_scrapy.items import Cause
from pytomo_scrapy.storage.measurements.volume import received_bytes_since
from pytomo_scrapy.storage.schema.crawl_tables import run, vantage
from pytomo_scrapy.storage.schema.figure_tables import figure
from pytomo_scrapy.storage.schema.measurement_tables import download

_CAP_SETTING = "PYTOMO_DATA_CAP_BYTES_PER_DAY"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is now. `bad_share` and `stall_share` are of the sessions among its newest SHARE_ROWS rows."""

    vantage_id: int
    vantage: str
    provider: str
    last_seen_at: datetime | None  # start of its newest measurement; None: it never measured
    silent_s: float | None  # since then
    is_running: bool  # a crawler is at it, or was killed
    software_version: str | None
    yt_dlp_version: str | None
    today_count: int  # measurements since midnight UTC
    today_bytes: int  # media bytes of all that it fetched, counted or not
    cap_bytes: int | None  # of the day, by the settings of its newest run; None: no cap
    session_count: int
    bad_share: float | None  # did not start, or stalled
    stall_share: float | None
    startup_median_s: float | None  # of all sessions; None: fewer than half started
    refusal_share: float | None
    disk_free_bytes: int | None  # where its windows are spooled
    cap_used_bytes: int | None = None  # of all lines of this name, which share the cap; None: no cap
    main_cause: str | None = None  # why most of its bad sessions were bad, where the evidence shows it

    @property
    def cap_share(self) -> float | None:
        """The share of the day's cap that is used."""
        return self.cap_used_bytes / self.cap_bytes if self.cap_bytes and self.cap_used_bytes is not None else None

    def to_dict(self) -> dict[str, Any]:
        """Return the line as JSON values; times in ISO 8601."""
        seen = self.last_seen_at.isoformat() if self.last_seen_at else None
        return {**asdict(self), "last_seen_at": seen, "cap_share": self.cap_share}


def lines_of(connection: Connection, now: datetime) -> list[Line]:
    """Return every line, by name. Each question goes through an index, whatever the tables hold."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    points = connection.execute(select(vantage).order_by(vantage.c.name, vantage.c.provider).limit(MAX_VANTAGES))
    return [_line(connection, point, now, midnight) for point in points.all()]


def _line(connection: Connection, point: Row[Any], now: datetime, midnight: datetime) -> Line:
    last_run = connection.execute(
        select(run).where(run.c.vantage_id == point.id).order_by(run.c.started_at.desc(), run.c.id.desc()).limit(1)
    ).first()
    rows = _newest_rows(connection, point.id)
    seen = datetime.fromtimestamp(rows[0].started_s, UTC) if rows else None
    today = and_(figure.c.started_s >= int(midnight.timestamp()), figure.c.vantage_id == point.id)
    cap_bytes = _cap_of(last_run.settings) if last_run else None
    # By its name, as the crawl itself counts it.
    is_capped = vantage.c.name == point.name
    return Line(
        vantage_id=point.id,
        vantage=point.name,
        provider=point.provider,
        last_seen_at=seen,
        silent_s=(now - seen).total_seconds() if seen else None,
        is_running=last_run is not None and last_run.ended_at is None,
        software_version=last_run.software_version if last_run else None,
        yt_dlp_version=last_run.yt_dlp_version if last_run else None,
        today_count=connection.execute(select(func.count()).where(today)).scalar_one(),
        today_bytes=received_bytes_since(connection, vantage.c.id == point.id, midnight),
        cap_bytes=cap_bytes,
        cap_used_bytes=received_bytes_since(connection, is_capped, midnight) if cap_bytes else None,
        disk_free_bytes=_disk_free(connection, rows[0].measurement_id) if rows else None,
        # Single measurements are no state of the line, but somebody was there.
        **asdict(_shares_of([row for row in rows if not row.is_ad_hoc])),
    )


def _newest_rows(connection: Connection, vantage_id: int) -> Sequence[Row[Any]]:
    columns = (
        "measurement_id",
        "started_s",
        "is_session",
        "is_started",
        "has_stall",
        "startup_delay_s",
        "failure",
        "cause",
    )
    shown = [*(figure.c[name] for name in columns), run.c.is_ad_hoc]
    query = select(*shown).where(figure.c.vantage_id == vantage_id)
    query = query.join(run, run.c.id == figure.c.run_id)
    return connection.execute(query.order_by(figure.c.measurement_id.desc()).limit(SHARE_ROWS)).all()


def _disk_free(connection: Connection, measurement_id: int) -> int | None:
    query = select(func.min(download.c.disk_free_bytes)).where(download.c.measurement_id == measurement_id)
    found: int | None = connection.execute(query).scalar()
    return found


def _cap_of(settings: Mapping[str, Any]) -> int | None:
    try:
        return int(settings.get(_CAP_SETTING) or 0) or None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Shares:
    session_count: int
    bad_share: float | None
    stall_share: float | None
    startup_median_s: float | None
    refusal_share: float | None
    main_cause: str | None


def _shares_of(rows: Sequence[Row[Any]]) -> _Shares:
    sessions = [row for row in rows if row.is_session]
    asked = [refused for row in rows if (refused := was_refused(row.failure)) is not None]
    # A session that never started is longer than every startup.
    startups = sorted(float("inf") if row.startup_delay_s is None else row.startup_delay_s for row in sessions)
    median_s = statistics.median_low(startups) if startups else float("inf")
    return _Shares(
        session_count=len(sessions),
        bad_share=_share(sessions, lambda row: not row.is_started or bool(row.has_stall)),
        stall_share=_share(sessions, lambda row: bool(row.has_stall)),
        startup_median_s=median_s if math.isfinite(median_s) else None,
        refusal_share=sum(asked) / len(asked) if asked else None,
        main_cause=_main_cause([row.cause for row in rows if row.cause is not None]),
    )


def _main_cause(causes: Sequence[str]) -> str | None:
    """Return the cause of more than half of the bad sessions. None where there is none, or it is not known."""
    [(cause, count)] = Counter(causes).most_common(1) or [(Cause.UNKNOWN, 0)]
    return cause if cause != Cause.UNKNOWN and 2 * count > len(causes) else None


def _share(rows: Sequence[Row[Any]], is_so: Callable[[Row[Any]], bool]) -> float | None:
    return sum(map(is_so, rows)) / len(rows) if rows else None
