"""Every table of the database. The export reads them all, so that with it they are all defined."""

from __future__ import annotations

from pytomo_scrapy.exchange.datasets import metadata

__all__ = ["metadata"]
