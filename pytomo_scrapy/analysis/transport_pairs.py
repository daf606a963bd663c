"""Both transports from one resolution, window against window: SABR minus plain, with an interval.

The interval is that of rows which share their day and their video (`clustered.py`); below three days it says nothing of
other days. A pair counts for a figure where both windows have it. A window that the service or this tool ended tells
when playback started, and nothing of stalls or of the rate: it was shorter than the other one, and held a burst alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, select

from pytomo_scrapy.analysis.clustered import spread_of
from pytomo_scrapy.failures import Attribution, attribution_of
from pytomo_scrapy.items import headline_player
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.measurement_tables import download, playback

_DAY_S = 86_400
GATED = "media_gated"


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The mean of SABR minus plain over the pairs that have both. No interval below ten videos."""

    figure: str
    unit: str
    pair_count: int
    plain_mean: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class TransportPairs:
    """What pairs of both transports tell."""

    pair_count: int
    video_count: int
    day_count: int
    plain_gated_count: int
    sabr_gated_count: int
    differences: Sequence[PairedDifference]


@dataclass(frozen=True, slots=True)
class _Pair:
    cell: tuple[int, int]  # day, video
    plain: Mapping[str, float | None]
    sabr: Mapping[str, float | None]


# Of each figure its unit.
FIGURES: Mapping[str, str] = {
    "startup_delay_s": "s",
    "stall_count": "stalls",
    "stalled_s": "s",
    "delivery_bps": "bit/s",
}


def transport_pairs(connection: Connection, condition: ColumnElement[bool]) -> TransportPairs | None:
    """Compare the pairs among the measurements that `condition` selects. None where there is none."""
    query = (
        select(measurement.c.id, measurement.c.video_row_id, measurement.c.started_at, download, playback.c.player)
        .add_columns(*(playback.c[name] for name in ("startup_delay_s", "stall_count", "stalled_s")))
        .join(download, download.c.measurement_id == measurement.c.id)
        .outerjoin(playback, and_(playback.c.measurement_id == measurement.c.id, playback.c.place == download.c.place))
        .where(condition, download.c.pair_id.is_not(None), download.c.transport.is_not(None))
        .where(measurement.c.attribution.is_distinct_from(Attribution.TOOL.value))
        .order_by(measurement.c.id)
    )
    windows: defaultdict[tuple[Any, ...], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in connection.execute(query):
        windows[row[0], row.pair_id, row.address_family][row.transport].append(row)
    both = [group for group in windows.values() if {"plain", "sabr"} <= group.keys()]
    if not both:
        return None
    pairs = [_pair(group["plain"], group["sabr"]) for group in both]
    return TransportPairs(
        pair_count=len(pairs),
        video_count=len({pair.cell[1] for pair in pairs}),
        day_count=len({pair.cell[0] for pair in pairs}),
        plain_gated_count=sum(group["plain"][0].failure == GATED for group in both),
        sabr_gated_count=sum(group["sabr"][0].failure == GATED for group in both),
        differences=[found for name, unit in FIGURES.items() if (found := _difference(pairs, name, unit)) is not None],
    )


def _pair(plain: Sequence[Any], sabr: Sequence[Any]) -> _Pair:
    first = plain[0]
    day = int(first.started_at.timestamp() // _DAY_S) if first.started_at is not None else 0
    return _Pair((day, first.video_row_id or 0), _figures(plain), _figures(sabr))


def _figures(rows: Sequence[Any]) -> Mapping[str, float | None]:
    """Return the figures of one window, those of playback by the headline's player."""
    by_player = {row.player: row for row in rows if row.player is not None}
    chosen = headline_player(by_player)
    played = by_player[chosen] if chosen is not None else None
    startup_s = getattr(played, "startup_delay_s", None)
    window = rows[0]
    if window.gated_at_s is not None or attribution_of(window.failure) not in {None, Attribution.NETWORK}:
        return {**dict.fromkeys(FIGURES), "startup_delay_s": startup_s}
    found = {name: getattr(played, name, None) for name in ("stall_count", "stalled_s")}
    return {**found, "startup_delay_s": startup_s, "delivery_bps": window.delivery_bps}


def _difference(pairs: Sequence[_Pair], name: str, unit: str) -> PairedDifference | None:
    known = [
        (pair.cell, plain, sabr)
        for pair in pairs
        if (plain := pair.plain[name]) is not None and (sabr := pair.sabr[name]) is not None
    ]
    if not known:
        return None
    changes = np.array([sabr - plain for _, plain, sabr in known], dtype=np.float64)
    mean = float(changes.mean())
    cells = np.array([cell for cell, _, _ in known], dtype=np.int64)
    spread = spread_of((changes - mean) / len(known), cells[:, 0], cells[:, 1])
    return PairedDifference(
        figure=name,
        unit=unit,
        pair_count=len(known),
        plain_mean=sum(plain for _, plain, _ in known) / len(known),
        difference=mean,
        low=mean - spread.reach if spread is not None else None,
        high=mean + spread.reach if spread is not None else None,
    )
