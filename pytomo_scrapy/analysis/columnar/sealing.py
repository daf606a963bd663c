"""When blocks and strips are packed: beside a crawl a few at a time, or everything that waits."""

from __future__ import annotations

import logging

from sqlalchemy.exc import IntegrityError

from pytomo_scrapy.analysis.columnar.blocks import seal_blocks
from pytomo_scrapy.analysis.columnar.strips import pack_strips
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database

logger = logging.getLogger(__name__)

_BLOCKS_AT_ONCE = 20


def seal_some(database: Database, limit: int = 2) -> int:
    """Pack a few complete blocks, and a strip of them, while a crawl goes on storing. Returns how many blocks.

    Never fails: what is not packed is slower to read, and is packed next time.
    """
    try:
        with database.write() as connection:
            count = seal_blocks(connection, limit)
        # A strip takes half a second: alone, so that nobody waits for both.
        with database.write() as connection:
            pack_strips(connection, 1)
        return count
    except (StorageError, IntegrityError) as error:
        logger.warning("Rows for the web page could not be packed, which is tried again: %s", error)
        return 0


def seal_all(database: Database) -> int:
    """Pack everything that waits, a transaction for every few blocks. Returns how many blocks. Raises StorageError."""
    total = 0
    while True:
        with database.write() as connection:
            count = seal_blocks(connection, _BLOCKS_AT_ONCE)
        total += count
        if not count:
            break
    while True:
        with database.write() as connection:
            if not pack_strips(connection, 1):
                return total
