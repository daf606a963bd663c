"""The newest figures of each vantage point, and the counts by class of failure, for a monitoring system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from pytomo_scrapy.storage.dashboard_schema import figure
from pytomo_scrapy.storage.schema import vantage

GAUGES = (
    *("startup_delay_s", "stall_count", "stalled_s", "stall_ratio", "has_stall", "is_started", "delivery_bps"),
    *("throughput_bps", "received_bytes", "first_byte_s", "rtt_min_s", "loss_ratio", "dns_elapsed_s"),
    *("resolve_elapsed_s", "join_time_s", "mos_stalling_hossfeld2011"),
)
MAX_VANTAGES = 200


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest measurement of one vantage point and service."""

    vantage: str
    provider: str
    service: str
    started_s: int
    values: dict[str, float | None]


def newest_figures(connection: Connection) -> list[Newest]:
    """Return the newest row of each vantage point; each is found through an index, whatever the table holds."""
    places = connection.execute(select(vantage.c.id, vantage.c.name, vantage.c.provider).limit(MAX_VANTAGES)).all()
    newest = func.max(figure.c.measurement_id).label("newest")
    ids = dict(_pairs(connection.execute(select(figure.c.vantage_id, newest).group_by(figure.c.vantage_id))))
    found = []
    for place in places:
        if place.id not in ids:
            continue
        columns = [figure.c.service, figure.c.started_s, *(figure.c[name] for name in GAUGES)]
        row = connection.execute(select(*columns).where(figure.c.measurement_id == ids[place.id])).one()
        values = {name: _float(value) for name, value in zip(GAUGES, row[2:], strict=True)}
        found.append(Newest(place.name, place.provider, row[0] or "", row[1], values))
    return found


def failure_totals(connection: Connection) -> Sequence[tuple[str, str, int]]:
    """Return how many rows each vantage point has of each class; "" stands for no failure."""
    names = func.coalesce(figure.c.failure, "")
    rows = (
        select(vantage.c.name, names, func.count())
        .select_from(figure)
        .join(vantage, vantage.c.id == figure.c.vantage_id)
        .group_by(vantage.c.name, names)
        .order_by(vantage.c.name, names)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(rows)]


def _pairs(rows: Any) -> list[tuple[int, int]]:
    return [(row[0], row[1]) for row in rows]


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
