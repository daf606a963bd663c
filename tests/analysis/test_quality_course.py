"""Which qualities play by hour and by day of the week: the clock of the line, held against a plain count of rows."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pytomo_scrapy.analysis.quality_course import WEEKDAYS, QualityCourse, quality_course
from pytomo_scrapy.analysis.report_selection import asked_for, report_selection
from pytomo_scrapy.reporting.quality_text import course_tables
from pytomo_scrapy.storage.database import Database, open_database
from tests.storage.factories import begin, make_item

pytestmark = pytest.mark.slow


def course_of(database: Database) -> QualityCourse | None:
    with database.read() as connection:
        return quality_course(connection, report_selection(connection, asked_for(None, None)))


@pytest.mark.parametrize("zone", [None, "Asia/Kolkata", "Europe/Paris"])
def test_shares_by_the_lines_own_clock_are_those_of_the_rows(filled: Path, tmp_path: Path, zone: str | None) -> None:
    path = shutil.copy(filled, tmp_path / "own.db")
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE run SET time_zone = ?", (zone,))
        rows = raw.execute(
            "SELECT started_s, plays_1080p FROM figure WHERE is_valid = 1 AND plays_1080p IS NOT NULL"
        ).fetchall()
    database = open_database(f"sqlite:///{path}")
    found = course_of(database)
    database.close()
    assert found is not None
    by_hour, by_day = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for started_s, plays in rows:
        at = datetime.fromtimestamp(started_s, ZoneInfo(zone) if zone else UTC)
        by_hour[at.hour, plays] += 1
        by_day[at.weekday(), plays] += 1
    for parts, counts in ((found.hours, by_hour), (found.weekdays, by_day)):
        for index, part in enumerate(parts):
            (hd,) = [share for share in part.shares if share.height_px == 1080]
            assert (hd.plays_count, hd.known_count) == (counts[index, 1], counts[index, 0] + counts[index, 1])
    assert (found.utc_count > 0) == (zone is None)
    hours, days = course_tables(found)
    assert hours.columns[:2] == ("hour", "sessions") and "2160p" not in hours.columns
    assert [row[0] for row in days.rows] == list(WEEKDAYS)
    assert ("by UTC" in hours.note) == (zone is None)


def test_no_quality_known_gives_no_course(database: Database) -> None:
    repository, run = begin(database)
    repository.save(make_item(video_id="video000001"), run)
    assert course_of(database) is None
