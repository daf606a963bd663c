"""Turn old measurements into the aggregates of their days, in the transaction that deletes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, delete, insert, select, text, update

from pytomo_scrapy.analysis.columnar.blocks import Integers
from pytomo_scrapy.analysis.columnar.chunk import BlockChunk, ChunkBlocks
from pytomo_scrapy.analysis.columnar.scan import ColumnScan, SelectedRows
from pytomo_scrapy.analysis.daily.daily_tally import Tally, stored_tally, tally_of
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.measurements.rows import insert_one
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.daily_tables import daily, daily_failure, daily_figure
from pytomo_scrapy.storage.schema.figure_catalogue import Use

DAY_S = 86_400
# Besides the whole day, figures are kept by mode, ping method and player, because the report shows them so.
PARTS: Mapping[str, tuple[str, ...]] = {
    dimension: tuple(name for name, parameter in PARAMETERS.items() if use in parameter.uses)
    for dimension, use in (("mode", Use.BY_MODE), ("ping_method", Use.BY_PING_METHOD), ("player", Use.PLAYBACK))
}
WHOLE = ""
# Sessions that the network ended before any player ran: they never started, under every player.
LOST = "player="

Key = tuple[int, int, str]  # day_s, vantage_id, service


@dataclass(slots=True)
class Day:
    """What one batch of measurements adds to one day of one vantage point and service."""

    measurement_count: int
    resolved_count: int
    valid_count: int
    failures: Counter[tuple[str, str, str]]
    tallies: dict[tuple[str, str], Tally]  # by name and part


class _BlockScan(ColumnScan):
    """Some measurements of one block, read from the tables themselves."""

    def __init__(self, connection: Connection, block: int, ids: Integers, **more: Any) -> None:
        super().__init__(connection, Selection(0, 1 << 62, is_valid_only=False), PARAMETERS["startup_delay_s"], **more)
        self._block = block
        self._ids = ids

    def _chunks(self) -> Iterator[BlockChunk]:
        yield BlockChunk(self._connection, ChunkBlocks([self._block], frozenset()), self.texts)

    def days(self) -> Iterator[tuple[Key, SelectedRows]]:
        """Give the measurements of each day, vantage point and service."""
        for found in self:
            rows = found.masked(np.isin(found.whole("measurement_id"), self._ids))
            keys = [rows.whole("started_s") // DAY_S * DAY_S, rows.whole("vantage_id"), rows.words("service")]
            distinct, inverse = np.unique(np.stack(keys), axis=1, return_inverse=True)
            for key_index, (day_s, vantage_id, service) in enumerate(distinct.T.tolist()):
                yield (day_s, vantage_id, self.texts.texts[service]), rows.masked(inverse.ravel() == key_index)


def days_of(connection: Connection, block: int, ids: Sequence[int]) -> dict[Key, Day]:
    """Sum up measurements of one block by day, vantage point and service."""
    wanted_ids = np.array(sorted(ids), dtype=np.int64)
    is_resolved = and_(measurement.c.resolve_failure.is_(None), measurement.c.resolve_attempt_count > 0)
    resolved = np.array(
        connection.execute(select(measurement.c.id).where(measurement.c.id.in_(ids), is_resolved)).scalars().all(),
        dtype=np.int64,
    )
    found: dict[Key, Day] = {}
    scan = _BlockScan(connection, block, wanted_ids)
    for key, rows in scan.days():
        valid = rows.masked(rows.plain("is_valid") == 1)
        found[key] = Day(
            measurement_count=len(rows),
            resolved_count=int(np.isin(rows.whole("measurement_id"), resolved).sum()),
            valid_count=len(valid),
            failures=_failures(scan, rows),
            tallies=_non_empty({(name, WHOLE): tally_of(valid, parameter) for name, parameter in PARAMETERS.items()}),
        )
        for dimension in ("mode", "ping_method"):
            found[key].tallies |= _by_word(scan, valid, dimension)
        lost = valid.masked((valid.words("player") == -1) & (valid.plain("is_session") == 1))
        found[key].tallies |= _non_empty({(name, LOST): tally_of(lost, PARAMETERS[name]) for name in PARTS["player"]})
    players = _BlockScan(connection, block, wanted_ids, compare="player")
    for key, rows in players.days():
        found[key].tallies |= _by_word(players, rows.masked(rows.plain("is_valid") == 1), "player")
    return found


def _failures(scan: ColumnScan, rows: SelectedRows) -> Counter[tuple[str, str, str]]:
    codes = (rows.words(name) for name in ("failure", "attribution", "failure_stage"))
    counted = Counter(zip(*(column.tolist() for column in codes), strict=True))
    texts = [*scan.texts.texts, ""]  # -1, not known, is the last
    return Counter({(texts[a], texts[b], texts[c]): count for (a, b, c), count in counted.items() if a >= 0})


def _by_word(scan: ColumnScan, rows: SelectedRows, dimension: str) -> dict[tuple[str, str], Tally]:
    words = rows.words(dimension)
    found: dict[tuple[str, str], Tally] = {}
    for number in np.unique(words[words >= 0]).tolist():
        own = rows.masked(words == number)
        part = f"{dimension}={scan.texts.texts[number]}"
        found |= _non_empty({(name, part): tally_of(own, PARAMETERS[name]) for name in PARTS[dimension]})
    return found


def _non_empty(tallies: dict[tuple[str, str], Tally]) -> dict[tuple[str, str], Tally]:
    return {key: tally for key, tally in tallies.items() if len(tally.steps)}


def add_days(connection: Connection, days: Mapping[Key, Day]) -> None:
    """Add to the aggregates that are there, in the caller's transaction."""
    if connection.dialect.name == "postgresql":
        # Two processes that prune at the same time add one after the other.
        connection.execute(text("LOCK TABLE daily IN SHARE ROW EXCLUSIVE MODE"))
    for key, day in days.items():
        daily_id = _add_counts(connection, key, day)
        _add_failures(connection, daily_id, day.failures)
        _add_tallies(connection, daily_id, day.tallies)


def _add_counts(connection: Connection, key: Key, day: Day) -> int:
    values = {name: getattr(day, name) for name in ("measurement_count", "resolved_count", "valid_count")}
    names = dict(zip(("day_s", "vantage_id", "service"), key, strict=True))
    same = and_(*(daily.c[name] == value for name, value in names.items()))
    daily_id = connection.execute(select(daily.c.id).where(same)).scalar()
    if daily_id is None:
        return insert_one(connection, daily, {**names, **values})
    more = {name: daily.c[name] + value for name, value in values.items()}
    connection.execute(update(daily).where(same).values(more))
    return int(daily_id)


def _add_failures(connection: Connection, daily_id: int, failures: Counter[tuple[str, str, str]]) -> None:
    own = daily_failure.c.daily_id == daily_id
    for row in connection.execute(select(daily_failure).where(own)):
        failures[(row.failure, row.attribution, row.stage)] += row.measurement_count
    connection.execute(delete(daily_failure).where(own))
    _insert(
        connection,
        daily_failure,
        (
            {"daily_id": daily_id, "failure": a, "attribution": b, "stage": c, "measurement_count": count}
            for (a, b, c), count in failures.items()
        ),
    )


def _add_tallies(connection: Connection, daily_id: int, tallies: Mapping[tuple[str, str], Tally]) -> None:
    own = daily_figure.c.daily_id == daily_id
    total: defaultdict[tuple[str, str], Tally] = defaultdict(Tally, tallies)
    for row in connection.execute(select(daily_figure).where(own)):
        total[(row.name, row.part)] += stored_tally(row)
    connection.execute(delete(daily_figure).where(own))
    rows = ({"daily_id": daily_id, "name": n, "part": p, **tally.columns()} for (n, p), tally in total.items())
    _insert(connection, daily_figure, rows)


def _insert(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    found = list(rows)
    if found:
        connection.execute(insert(table), found)
