"""What is going on right now: the open windows that crawls note down, and how far their crawls are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.run_life import is_over
from pytomo_scrapy.storage.measurements.rows import kept
from pytomo_scrapy.storage.schema.crawl_tables import crawl, run, vantage, video
from pytomo_scrapy.storage.schema.figure_tables import figure, open_window
from pytomo_scrapy.storage.scrub import without_signed_links

# A note that is older than this comes from a crawl that was killed.
STALE_S = 30
_NEWEST = 10
# Crawls that are killed again and again leave such runs, and each is looked at.
_OPEN_RUNS = 50
# A crawl may wait for the day after, when its data cap is used up.
SILENT = timedelta(days=2)


def note_window(
    database: Database,
    run_id: int,
    *,
    service: str,
    video_id: str,
    title: str | None = None,
    stage: str = "download",
    elapsed_s: float | None = None,
    window_s: float | None = None,
    received_bytes: int | None = None,
) -> None:
    """Store what a run is doing now; call it about once a second, from a thread. Raises StorageError."""
    values = {
        "updated_at": datetime.now(UTC),
        "service": service,
        "video_id": video_id,
        "title": kept(open_window.c.title, without_signed_links(title)) if isinstance(title, str) else None,
        "stage": stage,
        "elapsed_s": elapsed_s,
        "window_s": window_s,
        "received_bytes": received_bytes,
    }
    try:
        _write_note(database, run_id, values)
    except IntegrityError as error:
        # A file that took the database's place has no such run.
        raise StorageError(f"The run {run_id} is not in the database {database.shown_url}.") from error


def _write_note(database: Database, run_id: int, values: Mapping[str, Any]) -> None:
    with database.write() as connection:
        # One row a run, written over: who looks wants the newest, and a crawl of a month would leave a million.
        changed = connection.execute(update(open_window).where(open_window.c.run_id == run_id).values(values))
        if not changed.rowcount:
            connection.execute(insert(open_window).values(run_id=run_id, **values))


def clear_window(database: Database, run_id: int) -> None:
    """Take the note of a run away, at its end. Raises StorageError."""
    with database.write() as connection:
        connection.execute(delete(open_window).where(open_window.c.run_id == run_id))


def live_state(connection: Connection) -> dict[str, Any]:
    """Return the open windows, the crawls that are under way and the newest measurements."""
    fresh = datetime.now(UTC) - timedelta(seconds=STALE_S)
    windows = (
        select(open_window, vantage.c.name.label("vantage"), run.c.crawl_id)
        .join(run, run.c.id == open_window.c.run_id)
        .join(vantage, vantage.c.id == run.c.vantage_id)
        .where(open_window.c.updated_at >= fresh)
        .order_by(open_window.c.run_id)
        .limit(50)
    )
    newest = (
        select(figure.c.measurement_id.label("id"), figure.c.started_s, video.c.title, video.c.video_id)
        .add_columns(figure.c.startup_delay_s, figure.c.stall_count, figure.c.delivery_bps, figure.c.failure)
        .join(video, video.c.id == figure.c.video_row_id)
        .order_by(figure.c.measurement_id.desc())
        .limit(_NEWEST)
    )
    return {
        "windows": [_plain(row._mapping) for row in connection.execute(windows)],
        "crawls": _under_way(connection),
        "newest": [dict(row._mapping) for row in connection.execute(newest)],
    }


def _under_way(connection: Connection) -> list[dict[str, Any]]:
    """Return the unfinished crawls that a run goes on with, those of the newest runs first."""
    open_runs = (
        select(run.c.id, run.c.crawl_id)
        .join(crawl, crawl.c.id == run.c.crawl_id)
        .where(crawl.c.finished_at.is_(None), run.c.ended_at.is_(None))
        .order_by(run.c.id.desc())
        .limit(_OPEN_RUNS)
    )
    # A killed run has no end: a crawl that was resumed after it has two open runs.
    found: dict[int, bool] = {}
    for row in connection.execute(open_runs).all():
        found[row.crawl_id] = found.get(row.crawl_id, False) or not is_over(connection, row.id, SILENT)
    own = [crawl_id for crawl_id, is_alive in found.items() if is_alive][:20]
    columns = (crawl.c.name, crawl.c.pass_number, crawl.c.admitted_count, crawl.c.done_count, crawl.c.max_crawled_url)
    rows = connection.execute(select(crawl.c.id, *columns).where(crawl.c.id.in_(own))).all()
    by_id = {row.id: {column.name: row._mapping[column.name] for column in columns} for row in rows}
    return [by_id[crawl_id] for crawl_id in own]


def _plain(row: Any) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
