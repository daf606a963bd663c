"""What opening and saving call so that the columns of the web page stay packed.

The packing itself is imported late: NumPy costs 0.1 s and 25 MB, and a short crawl never comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytomo_scrapy.storage.database import Database

# Packing a block takes some 0.05 s: a row's share of it is below a millisecond.
PACK_EVERY = 64


def pack_after_migration(database: Database) -> None:
    """Pack every complete block, after an older database was brought to this version's schema."""
    from pytomo_scrapy.analysis.columnar.sealing import seal_all

    seal_all(database)


def pack_now_and_then(database: Database, measurement_id: int) -> None:
    """Pack a few complete blocks after every 64th measurement."""
    if measurement_id % PACK_EVERY == 0:
        from pytomo_scrapy.analysis.columnar.sealing import seal_some

        seal_some(database)
