"""The differential tests of a period: whether lines were found to treat the service by its name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.schema.crawl_tables import vantage
from pytomo_scrapy.storage.schema.differential_tables import differential_test
from pytomo_scrapy.storage.schema.figure_tables import figure

# The newest; whoever repeats a test every hour reads all of them with `pytomo differential --list`.
MAX_SHOWN = 12


@dataclass(frozen=True, slots=True)
class NameTest:
    """What one differential test found. `difference_ratio` is by pairs, None with too few of them."""

    number: int
    vantage: str
    started_at: str | None
    host: str
    neutral_name: str
    verdict: str
    pair_count: int
    difference_ratio: float | None
    sentence: str


def name_tests_in(connection: Connection, selection: Selection) -> list[NameTest]:
    """Return the tests that began in the period of the selection, of its vantage point, provider or service.

    The newest first. One behind the newest measurement belongs to the period that ends with it. What else a selection
    asks of its rows, a test cannot tell.
    """
    column = differential_test.c
    wanted = [column.started_at >= _moment(selection.start_s)]
    newest_s = connection.execute(select(func.max(figure.c.started_s))).scalar()
    if newest_s is not None and selection.end_s <= newest_s:
        wanted.append(column.started_at < _moment(selection.end_s))
    asked = {"vantage": column.vantage_id, "provider": vantage.c.provider, "service": column.service}
    wanted += [asked[name] == value for name, value in selection.equals.items() if name in asked]
    query = (
        select(differential_test, vantage.c.name.label("vantage"))
        .join(vantage, vantage.c.id == column.vantage_id)
        .where(*wanted)
        .order_by(column.id.desc())
        .limit(MAX_SHOWN)
    )
    return [
        NameTest(
            number=row.id,
            vantage=row.vantage,
            started_at=row.started_at.isoformat() if row.started_at else None,
            host=row.host,
            neutral_name=row.neutral_name,
            verdict=row.verdict,
            pair_count=row.pair_count,
            difference_ratio=row.difference_ratio,
            sentence=row.sentence,
        )
        for row in connection.execute(query)
    ]


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
