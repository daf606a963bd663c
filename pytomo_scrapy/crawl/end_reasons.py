"""Why a crawl must end before its videos do: one sentence in the log, and the reason that Scrapy keeps."""

from __future__ import annotations

import logging

from pytomo_scrapy.crawl.crawl_storage import CrawlStorage
from pytomo_scrapy.crawl.data_cap import DataCap
from pytomo_scrapy.crawl.lab_life import LabLife
from pytomo_scrapy.crawl.politeness import Politeness

logger = logging.getLogger(__name__)


def reason_to_end(storage: CrawlStorage, lab: LabLife, politeness: Politeness, data_cap: DataCap) -> str | None:
    """Return the reason to close the crawl, as Scrapy names them, and log its sentence. None: it goes on."""
    # The causes before their consequences: without its database or its lab a crawl meets refusals and limits as well.
    if storage.failure is not None:
        logger.error("%s", storage.failure)
        return "storage_failed"
    if lab.is_over:
        logger.error("%s", lab.sentence)
        return "lab_ended"
    if politeness.is_over:
        logger.error("%s", politeness.sentence())
        return "service_refuses"
    if data_cap.is_reached:
        logger.warning("%s", data_cap.sentence())
        return "data_cap"
    return None
