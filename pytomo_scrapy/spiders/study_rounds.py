"""The end of a study's round: the look that the plan has there, and whether another round follows."""

from __future__ import annotations

import logging

from pytomo_scrapy.crawl.study_crawl import StudyCrawl
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.study_store import note_end, note_look, read_study

logger = logging.getLogger(__name__)

FINISHED, STOPPED = "finished", "stopped"


def end_round(database: Database, crawl: StudyCrawl, round_number: int) -> bool:
    """Take the look that is due, and return whether this was the last round here. Blocking. Raises StorageError."""
    # Here, so that a crawl that is no study's does not load the statistics.
    from pytomo_scrapy.analysis.studies.study_standing import look_at, standing_of

    with database.read() as connection:
        study = read_study(connection, crawl.plan.name)
        assert study is not None, "its plan was frozen before it began"
        standing = standing_of(connection, study)
    if standing.is_due:
        look = note_look(database, study.id, look_at(database, study, crawl.vantage)[0])
        logger.info("Look after round %d: %s", look.round_count, look.sentence)
        if look.is_shown and standing.rounds_done < crawl.plan.schedule.rounds:
            note_end(database, study.id, STOPPED)
            return True
    if standing.rounds_done >= crawl.plan.schedule.rounds:
        note_end(database, study.id, FINISHED)
    return round_number >= crawl.plan.schedule.rounds or study.end_reason == STOPPED
