"""What follows every stored measurement: its verdict, and now and then the packing of the web page's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytomo_scrapy.analysis.autopsy.judging import judge_stored
from pytomo_scrapy.analysis.columnar.hooks import pack_now_and_then

if TYPE_CHECKING:
    from pytomo_scrapy.storage.database import Database


def judge_and_pack(database: Database, measurement_id: int) -> None:
    """Find why a session was bad, and pack complete blocks."""
    judge_stored(database, measurement_id)
    pack_now_and_then(database, measurement_id)
