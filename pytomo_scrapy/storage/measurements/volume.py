"""What was fetched over a line: by windows, by controls and by tests of names, whether or not a figure counts it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from pytomo_scrapy.storage.schema.crawl_tables import measurement, vantage
from pytomo_scrapy.storage.schema.differential_tables import differential_test, differential_window
from pytomo_scrapy.storage.schema.measurement_tables import control_window, download


def received_bytes_since(connection: Connection, is_of: ColumnElement[bool], since: datetime) -> int:
    """Return the media bytes that were fetched from `since` on at the vantage points that `is_of` selects.

    Measurements that were superseded count too: a volume that is used up has no second try.
    """
    began_at, tested_at = measurement.c.started_at, differential_test.c.started_at
    fetched = [
        select(func.sum(table.c.received_bytes))
        .select_from(table)
        .join(measurement, measurement.c.id == table.c.measurement_id)
        .join(vantage, vantage.c.id == measurement.c.vantage_id)
        .where(is_of, began_at >= since)
        for table in (download, control_window)
    ]
    fetched.append(
        select(func.sum(differential_window.c.received_bytes))
        .select_from(differential_window)
        .join(differential_test, differential_test.c.id == differential_window.c.differential_test_id)
        .join(vantage, vantage.c.id == differential_test.c.vantage_id)
        .where(is_of, tested_at >= since)
    )
    return sum(int(connection.execute(query).scalar() or 0) for query in fetched)
