"""Bad sessions: which ones, at what hour of the line's own day, and what goes with them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from pytomo_scrapy.analysis.bad_sessions import BadSessions, bad_sessions
from pytomo_scrapy.analysis.local_hours import offset_s
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.reporting.grade_text import bad_sentences, day_table, exposure_table
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run, vantage, video
from pytomo_scrapy.storage.schema.figure_tables import figure

FIRST = datetime(2026, 3, 23, tzinfo=UTC)  # a week on whose last day clocks go forward in Berlin
DAYS, VIDEOS = 7, 40


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with a line, two runs (the second in Berlin) and forty videos."""
    opened = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    with opened.write() as connection:
        connection.execute(insert(vantage), {"id": 1, "name": "here", "provider": "isp"})
        begun = {"vantage_id": 1, "spider": "youtube", "arguments": {}, "settings": {}, "started_at": FIRST}
        zones = {1: None, 2: "Europe/Berlin"}
        runs = [{"id": key, "uuid": f"r{key}", "time_zone": zone, **begun} for key, zone in zones.items()]
        connection.execute(insert(run), runs)
        named = {"service": "youtube", "url": "https://x.test", "first_seen_at": FIRST}
        connection.execute(insert(video), [{"id": n + 1, "video_id": f"v{n}", **named} for n in range(VIDEOS)])
    yield opened
    opened.close()


def store(database: Database, *rows: dict[str, Any]) -> None:
    """Store rows of the flat table; each is a session that started and did not stall unless it says otherwise."""
    fine = {"run_id": 1, "vantage_id": 1, "place": 0, "is_valid": 1, "is_session": 1, "is_started": 1, "has_stall": 0}
    columns: dict[str, Any] = {name: None for row in rows for name in row}
    whole = [
        {"measurement_id": index + 1, "video_row_id": index % VIDEOS + 1, **columns, **fine, **row}
        for index, row in enumerate(rows)
    ]
    stored = {"vantage_id": 1, "pass_number": 1, "is_superseded": False, "stored_at": FIRST}
    with database.write() as connection:
        connection.execute(
            insert(measurement),
            [
                {"id": r["measurement_id"], "uuid": f"m{r['measurement_id']}", "run_id": r["run_id"], **stored}
                | {"video_row_id": r["video_row_id"]}
                for r in whole
            ],
        )
        connection.execute(insert(figure), whole)


def at(day: int, hour: int, minute: int = 0) -> int:
    return int((FIRST + timedelta(days=day, hours=hour, minutes=minute)).timestamp())


def found_in(database: Database, **chosen: Any) -> BadSessions:
    with database.read() as connection:
        return bad_sessions(connection, Selection(at(0, 0), at(DAYS + 1, 0), **chosen))


def week(seed: int = 5) -> list[dict[str, Any]]:
    """A week of twelve sessions an hour: 5 % are bad, in the evening four times and at cache b three times as many."""
    chance = random.Random(seed)
    rows = []
    for day in range(DAYS):
        for hour in range(24):
            for minute in range(0, 60, 5):
                cache, family = chance.choice("ab"), chance.choice((4, 6))
                risk = 0.05 * (4 if 19 <= hour < 23 else 1) * (3 if cache == "b" else 1)
                row = {"started_s": at(day, hour, minute), "cache_site": cache, "address_family": family}
                row |= {"has_stall": int(chance.random() < risk), "resolver": "system", "startup_delay_s": 0.5}
                rows.append(row | {"waited_s": 0.5})
    return rows


def test_session_is_bad_that_did_not_start_or_stalled(database: Database) -> None:
    rows: tuple[dict[str, Any], ...] = ({}, {"has_stall": 1}, {"is_started": 0, "has_stall": None}, {"is_started": 0})
    store(database, *({"started_s": at(1, 12), **row} for row in rows))
    found = found_in(database)
    assert (found.session_count, found.bad_count, found.bad_share) == (4, 3, 0.75)


def test_what_the_service_refused_or_failed_makes_no_line_bad(database: Database) -> None:
    refused = {"is_session": 0, "is_started": None, "has_stall": None, "attribution": "service"}
    sessions = [{"started_s": at(1, 12, minute % 60)} for minute in range(30)]
    gated = {"is_valid": 0, "failure": "media_gated", "is_session": 1, "is_started": 0, "attribution": "service"}
    store(
        database,
        *sessions,
        *({"started_s": at(1, 13), "is_valid": 0, "failure": "bot_check", **refused} for _ in range(300)),
        *({"started_s": at(1, 14), **gated} for _ in range(50)),
    )
    for is_valid_only in (True, False):
        found = found_in(database, is_valid_only=is_valid_only)
        assert (found.session_count, found.bad_count) == (30, 0)
    assert bad_sentences(found) == ["No session was bad: all started, none stalled."]


def test_hours_are_those_of_the_line_also_when_clocks_change(database: Database) -> None:
    store(
        database,
        {"started_s": at(0, 20), "run_id": 1},  # no zone: UTC
        {"started_s": at(0, 20), "run_id": 2, "has_stall": 1},  # 21 h in winter
        {"started_s": at(6, 20), "run_id": 2},  # 22 h in summer
        {"started_s": at(0, 23, 30), "run_id": 2},  # half past midnight
    )
    found = found_in(database)
    assert {hour.hour: (hour.session_count, hour.bad_count) for hour in found.hours if hour.session_count} == {
        0: (1, 0),
        20: (1, 0),
        21: (1, 1),
        22: (1, 0),
    }
    assert found.utc_count == 1
    assert "The time zone of 1 session is not known: their hours are UTC." in day_table(found).note


def test_zone_that_this_machine_does_not_know_is_utc() -> None:
    assert offset_s("Nowhere/Land", at(0, 0)) == 0
    assert offset_s("Asia/Kolkata", at(0, 0)) == 19_800


def test_what_bad_sessions_go_with_is_found_and_ranked(database: Database) -> None:
    store(database, *week())
    found = found_in(database)
    shown = {(one.factor, one.value) for one in found.exposures if one.fraction.is_shown}
    assert shown == {("hour", "19 to 23 h"), ("cache", "b")}
    values = [one.fraction.value or 0.0 for one in found.exposures]
    assert values == sorted(values, reverse=True)
    cache = next(one for one in found.exposures if (one.factor, one.value) == ("cache", "b"))
    assert cache.bad_share is not None and cache.other_bad_share is not None
    assert cache.bad_share > cache.other_bad_share
    # All sessions used one resolver: there are no others.
    assert not any(one.factor == "resolver" for one in found.exposures) and found.unjudged_count == 1
    sentences = bad_sentences(found)
    assert any("Hours (local) 19 to 23 h" in sentence for sentence in sentences)
    table = exposure_table(found)
    assert table.rows[0][-1] == "shown" and all(float(row[5].removesuffix(" %")) > 0 for row in table.rows)


def test_what_only_the_evening_has_is_no_cause_of_its_own(database: Database) -> None:
    # Cache c serves in the evening alone, when everything stalls more: within the evening it is like the others.
    chance = random.Random(3)
    rows: list[dict[str, Any]] = []
    for day in range(DAYS):
        for minute in range(0, 24 * 60, 5):
            is_evening = 19 <= minute // 60 < 23
            cache = "c" if is_evening and chance.random() < 0.6 else chance.choice("ab")
            stalls = int(chance.random() < (0.3 if is_evening else 0.05))
            rows.append({"started_s": at(day, 0, minute), "cache_site": cache, "has_stall": stalls})
    store(database, *rows)
    found = {(one.factor, one.value): one for one in found_in(database).exposures}
    cached, evening = found["cache", "c"], found["hour", "19 to 23 h"]
    assert evening.fraction.is_shown
    assert cached.bad_share is not None and cached.other_bad_share is not None
    assert cached.bad_share > 2 * cached.other_bad_share and not cached.fraction.is_shown


def test_machine_that_is_busy_goes_with_bad_sessions(database: Database) -> None:
    chance = random.Random(4)
    rows = week()
    for row in rows:
        row["is_machine_limited"] = int(chance.random() < 0.1)
        row["has_stall"] = int(chance.random() < (0.5 if row["is_machine_limited"] else 0.05))
    store(database, *rows)
    first = found_in(database).exposures[0]
    assert (first.factor, first.title, first.value) == ("machine", "This machine", "processor busy or held back")
    assert first.fraction.is_shown and first.fraction.value is not None and 0.3 < first.fraction.value < 0.7


def test_nothing_that_goes_with_them_is_said_so(database: Database) -> None:
    chance = random.Random(6)
    rows = week()
    for row in rows:
        row["has_stall"] = int(chance.random() < 0.08)
    store(database, *rows)
    found = found_in(database)
    assert not any(one.fraction.is_shown for one in found.exposures)
    assert bad_sentences(found)[1].startswith("Of what was looked at, nothing accounts for a part of them")


def test_filter_and_runs_left_out_hold_here_too(database: Database) -> None:
    store(database, *week())
    assert found_in(database, equals={"cache_site": "a"}).session_count < found_in(database).session_count
    with database.write() as connection:
        connection.execute(update(figure).values(run_id=2).where(figure.c.cache_site == "b"))
    assert (
        found_in(database, equals={"run": 2}).session_count
        == found_in(database, equals={"cache_site": "b"}).session_count
    )
