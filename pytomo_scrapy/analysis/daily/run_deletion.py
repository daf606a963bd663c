"""Take back a run that went wrong: its measurements are deleted, and no aggregate keeps anything of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from pytomo_scrapy.analysis.daily.retention import delete_measurements
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.run_life import is_over
from pytomo_scrapy.storage.row_keys import is_named
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run, vantage
from pytomo_scrapy.storage.schema.figure_tables import BLOCK_ROWS, figure, open_window

_SHOWN = 5
# A crawl may wait a day for its data cap, and a study a week for its next round.
SILENT = timedelta(days=14)


class RunLine(NamedTuple):
    """A run, as a person tells one from another."""

    id: int
    uuid: str
    vantage: str
    spider: str
    started_at: datetime
    ended_at: datetime | None
    measurement_count: int


def newest_runs(database: Database, limit: int = _SHOWN) -> Sequence[RunLine]:
    """Return the newest runs, newest first."""
    return _runs(database, None, limit)


def delete_run(database: Database, key: str, *, is_dry_run: bool = False) -> Mapping[str, int]:
    """Delete the measurements of a run, named by its number or uuid, and the run itself once it is over.

    A run that was killed is over when its process is seen to be dead, or when nothing was heard of it for SILENT; one
    that may go on is counted as "still measuring", and keeps its row.

    A transaction for every block of the flat table: killed at any instant, the same command goes on. The newest
    measurement of all is set aside and not deleted (superseded: nothing counts or shows it), so that its number is not
    given again. What was pruned of the run before is in the aggregates of its days, and stays there. Returns rows by
    table; a dry run only counts the measurements. Raises SettingError where there is no such run, StorageError.
    """
    found = _runs(database, key, 1)
    if not found:
        known = "; ".join(f"{one.id} ({one.vantage}, {one.started_at:%Y-%m-%d %H:%M})" for one in newest_runs(database))
        raise SettingError(f"There is no run {key!r}: {f'the newest are {known}' if known else 'none is stored'}.")
    if is_dry_run:
        return {"measurement": found[0].measurement_count}
    counts: Counter[str] = Counter()
    number = found[0].id
    with database.read() as connection:
        newest = connection.execute(select(func.max(measurement.c.id))).scalar() or 0
    while (block := _next_block(database, number, newest)) is not None:
        with database.write() as connection:
            counts += delete_measurements(connection, block, _ids(connection, number, block, newest))
    with database.write() as connection:
        counts += _finish(connection, found[0], newest)
    return {name: count for name, count in counts.items() if count}


def _runs(database: Database, key: str | None, limit: int) -> list[RunLine]:
    counted = select(func.count()).where(measurement.c.run_id == run.c.id).scalar_subquery()
    query: Any = (
        select(run.c.id, run.c.uuid, vantage.c.name, run.c.spider, run.c.started_at, run.c.ended_at, counted)
        .join(vantage, vantage.c.id == run.c.vantage_id)
        .order_by(run.c.id.desc())
        .limit(limit)
    )
    if key is not None:
        query = query.where(is_named(run, key))
    with database.read() as connection:
        return [RunLine(*row) for row in connection.execute(query)]


def _of_run(number: int, newest: int) -> Any:
    return (measurement.c.run_id == number) & (measurement.c.id < newest)


def _next_block(database: Database, number: int, newest: int) -> int | None:
    with database.read() as connection:
        first = connection.execute(select(func.min(measurement.c.id)).where(_of_run(number, newest))).scalar()
    return None if first is None else int(first) // BLOCK_ROWS


def _ids(connection: Connection, number: int, block: int, newest: int) -> list[int]:
    own = measurement.c.id.between(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS - 1)
    return list(connection.execute(select(measurement.c.id).where(_of_run(number, newest), own)).scalars())


def _finish(connection: Connection, deleted: RunLine, newest: int) -> Counter[str]:
    """Set the newest measurement aside if it is of the run; else delete the run, if it is over."""
    is_last = (measurement.c.id == newest) & (measurement.c.run_id == deleted.id)
    counts: Counter[str] = Counter()
    counts["set aside"] = connection.execute(update(measurement).where(is_last).values(is_superseded=True)).rowcount
    if counts["set aside"]:
        connection.execute(delete(figure).where(figure.c.measurement_id == newest))
    # While it runs, its row stays: its next measurement would have no run.
    elif not is_over(connection, deleted.id, SILENT):
        counts["still measuring"] = 1
    else:
        connection.execute(delete(open_window).where(open_window.c.run_id == deleted.id))
        counts["run"] = connection.execute(delete(run).where(run.c.id == deleted.id)).rowcount
    return counts
