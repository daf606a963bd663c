"""Open a database of measurements and read it as frames: sessions, playbacks, windows, streams."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pytomo_scrapy import config
from pytomo_scrapy.config.values import BadValue, moment
from pytomo_scrapy.exchange.column_words import column_facts
from pytomo_scrapy.exchange.datasets import (
    Dataset,
    ExportSelection,
    check_condition,
    details,
    rows_of,
    sessions,
    snapshot,
)
from pytomo_scrapy.face.frames import FrameColumn, Target, collect, make_frame
from pytomo_scrapy.face.unpacked import add_spans, add_trace_points, unpacked
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.named_database import url_of
from pytomo_scrapy.storage.reading import open_for_reading
from pytomo_scrapy.storage.schema.measurement_tables import download, playback, stream


class Results:
    """An open database, read only. Every frame is one state of it; measurements that were superseded are left out.

    `since` and `until` (a date, a datetime or ISO 8601 text, UTC where no zone is said) bound when a measurement
    started, `until` excluded; `where` is an SQL condition over the columns of `sessions()`. `to` is "pandas" or
    "arrow". Columns carry unit and meaning: `describe(frame)` lists them.
    """

    def __init__(self, database: str | Path | None = None) -> None:
        """Raises AbsentError where there is none, StorageError where it cannot be read."""
        given = config.environment().get("PYTOMO_DATABASE_URL") if database is None else database
        default = config.BY_NAME["PYTOMO_DATABASE_URL"].default
        self._database = open_for_reading(url_of(given or default))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def sessions(
        self,
        *,
        columns: Sequence[str] | None = None,
        since: date | str | None = None,
        until: date | str | None = None,
        where: str | None = None,
        to: Target = "pandas",
    ) -> Any:
        """Return a row for each measurement: itself, its video, vantage and run, and the figures of its first window.

        `columns` chooses some of them. Raises SettingError for a column, a time or a condition that cannot be used.
        """
        return self._frame(sessions(self._selection(since, until, where), columns), to)

    def playbacks(
        self,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        where: str | None = None,
        to: Target = "pandas",
    ) -> Any:
        """Return a row for each player and window, `stalls` and `freezes` as lists of start, duration and is_open.

        NULL of a player that knows of none, such as freezes where it shows no picture, and where retention has removed
        them.
        """
        return self._frame(details(playback, self._selection(since, until, where)), to)

    def windows(
        self,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        where: str | None = None,
        to: Target = "pandas",
    ) -> Any:
        """Return a row for each window; the round trips that were sampled in it are sequences."""
        return self._frame(details(download, self._selection(since, until, where)), to)

    def streams(
        self,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        where: str | None = None,
        to: Target = "pandas",
    ) -> Any:
        """Return a row for each stream, its arrival trace and media timeline as sequences.

        `arrival_s` and `arrival_bytes`: how many bytes had arrived by when. `offset_bytes` and `complete_s`: how many
        seconds can be played once so many bytes are there. NULL where retention has removed them.
        """
        return self._frame(details(stream, self._selection(since, until, where)), to)

    def _selection(self, since: date | str | None, until: date | str | None, where: str | None) -> ExportSelection:
        selection = ExportSelection(_moment("since", since), _moment("until", until), where)
        check_condition(self._database, "wide", selection)
        return selection

    def _frame(self, dataset: Dataset, to: Target) -> Any:
        columns = [FrameColumn(one.name, one.kind, column_facts(one.source)) for one in dataset.columns]
        with snapshot(self._database) as connection:
            collect(columns, rows_of(connection, dataset))
            if dataset.name == "stream":
                add_trace_points(connection, columns)
            if dataset.name == "playback":
                add_spans(connection, columns)
        return make_frame(unpacked(columns), to)


def open_results(database: str | Path | None = None) -> Results:
    """Open a database by its file or URL; without one, as every command does: PYTOMO_DATABASE_URL, else the default."""
    return Results(database)


def _moment(name: str, given: date | str | None) -> datetime | None:
    if given is None:
        return None
    try:
        return moment(given)
    except BadValue as error:
        raise SettingError(f"{name}={given!r} is not usable: it must be {error}.") from None
