"""When the method changed: another yt-dlp, client, format, mode or way to ping. No average goes across."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from pytomo_scrapy.analysis.columnar.scan import ColumnScan, joined_keys, split_key
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.schema.crawl_tables import run, vantage

MAX_BREAKS = 12
_SETTINGS = {
    "PYTOMO_FORMAT": "format",
    "PYTOMO_DOWNLOAD_MODE": "download mode",
    "PYTOMO_DOWNLOAD_WINDOW_S": "window",
    "PYTOMO_PING_METHOD": "ping method",
    "PYTOMO_IP_FAMILY": "address family",
}


@dataclass(frozen=True, slots=True)
class Break:
    """From `at_s` on, `what` of a vantage point is `new` instead of `old`."""

    at_s: int
    what: str
    old: str
    new: str
    vantage_id: int


def breaks_of(connection: Connection, selection: Selection) -> list[Break]:
    """Return the changes inside the period, oldest first; the newest MAX_BREAKS where there are more."""
    found = [change for change in _changes(connection, selection) if selection.start_s < change.at_s < selection.end_s]
    return sorted(found, key=lambda change: (change.at_s, change.what))[-MAX_BREAKS:]


def last_changes(breaks: list[Break]) -> dict[int, int]:
    """Return for each vantage point since when it has measured in its newest way."""
    latest: dict[int, int] = {}
    for change in breaks:
        latest[change.vantage_id] = max(change.at_s, latest.get(change.vantage_id, 0))
    return latest


def _changes(connection: Connection, selection: Selection) -> Iterator[Break]:
    """Compare each run with the one before it of the same vantage point and spider."""
    clients = _clients(connection, selection)
    runs = (
        select(run.c.id, run.c.vantage_id, run.c.spider, run.c.started_at, run.c.settings)
        .add_columns(run.c.yt_dlp_version, run.c.software_version)
        .where(run.c.id.in_(list(clients)))
        .order_by(run.c.started_at, run.c.id)
    )
    if "vantage" in selection.equals:
        runs = runs.where(run.c.vantage_id == selection.equals["vantage"])
    if "provider" in selection.equals:
        same = vantage.c.provider == selection.equals["provider"]
        runs = runs.where(run.c.vantage_id.in_(select(vantage.c.id).where(same)))
    before: dict[tuple[int, str], dict[str, str]] = {}
    for row in connection.execute(runs):
        first_s, client = clients[row.id]
        ways = _ways(row, client)
        old = before.get((row.vantage_id, row.spider), ways)
        for what, new in ways.items():
            if old.get(what, new) != new:
                yield Break(first_s, what, old[what], new, row.vantage_id)
        before[(row.vantage_id, row.spider)] = {**old, **ways}


def _ways(row: Any, client: str | None) -> dict[str, str]:
    ways = {"yt-dlp": row.yt_dlp_version, "pytomo-scrapy": row.software_version, "client": client}
    settings = row.settings or {}
    ways |= {word: settings.get(name) for name, word in _SETTINGS.items()}
    return {what: str(value)[:80] for what, value in ways.items() if value is not None}


def _clients(connection: Connection, selection: Selection) -> dict[int, tuple[int, str | None]]:
    """Return for each run of the period the first second it counts from, and the client that mostly answered it."""
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    first: dict[int, int] = {}
    scan = ColumnScan(connection, Selection(selection.start_s, selection.end_s, is_valid_only=False))
    for rows in scan:
        started = rows.whole("started_s")
        pairs = joined_keys(rows.whole("run_id"), rows.words("client"))
        keys, inverse, sizes = np.unique(pairs, return_inverse=True, return_counts=True)
        earliest = np.full(len(keys), np.iinfo(np.int64).max)
        np.minimum.at(earliest, inverse, started)
        for key, first_s, size in zip(keys.tolist(), earliest.tolist(), sizes.tolist(), strict=True):
            run_id, code = split_key(key)
            client = scan.texts.text(code)
            first[run_id] = min(first_s, first.get(run_id, first_s))
            if client is not None:
                counts[run_id][client] += size
    return {run_id: (s, counts[run_id].most_common(1)[0][0] if counts[run_id] else None) for run_id, s in first.items()}
