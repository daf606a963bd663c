"""The arms of a claim in a study: which are measured, and which an outage of the line spoilt."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.schema.crawl_tables import measurement


def measured_arms(connection: Connection, study_name: str, claim_id: int) -> frozenset[str]:
    """Return the arms of a claim that need not be measured again: a killed crawl goes on with the others."""
    return frozenset(arm for arm, is_owed in _newest(connection, study_name, claim_id).items() if not is_owed)


def arms_owed(connection: Connection, item: VideoItem) -> frozenset[str]:
    """Return the arms of the item's claim whose newest measurement met an outage of the line."""
    if item.study is None or item.study.study_name is None or item.claim_id is None:
        return frozenset()
    newest = _newest(connection, item.study.study_name, item.claim_id)
    return frozenset(arm for arm, is_owed in newest.items() if is_owed)


def _newest(connection: Connection, study_name: str, claim_id: int) -> Mapping[str, bool]:
    rows = (
        select(measurement.c.arm, measurement.c.outage_started_at)
        .where(measurement.c.study_name == study_name, measurement.c.claim_id == claim_id)
        # In the order of storing: the newest measurement of an arm comes last, and its word stays.
        .order_by(measurement.c.id)
    )
    return {row.arm: row.outage_started_at is not None for row in connection.execute(rows)}
