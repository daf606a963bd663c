from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pytomo_scrapy.analysis.after_save import judge_and_pack
from pytomo_scrapy.analysis.autopsy import judging
from pytomo_scrapy.analysis.autopsy.judging import judge, judge_matching, keep, stored_verdicts
from pytomo_scrapy.analysis.autopsy.stored_sessions import SessionReader
from pytomo_scrapy.analysis.cause_counts import CauseCount, cause_counts
from pytomo_scrapy.failures import RefusedError, StorageError
from pytomo_scrapy.items import Cause, DownloadResult, MediaTimeline, PingResult, PlaybackResult
from pytomo_scrapy.items.precision import round_trace
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.measurements.read import matching, recall_windows
from pytomo_scrapy.storage.measurements.repository import Repository
from pytomo_scrapy.storage.measurements.traces import prune
from pytomo_scrapy.storage.schema.figure_tables import figure
from tests.analysis.autopsy.sessions import NEEDED_BPS, Line, good, make_evidence, stalled
from tests.storage.factories import begin, make_item

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FULL = {"gateway": 0.002, "access": 0.300, "host": 0.320}
SESSIONS: dict[str, tuple[Line, PlaybackResult]] = {
    "good": (Line(rate_bps=5e6), good()),
    "again": (Line(rate_bps=5e6), good()),
    "third": (Line(rate_bps=5e6), good()),
    "full": (Line(rtt_s=FULL), stalled()),
    "paced": (Line(), stalled()),
    "alone": (Line(without=("gateway", "access", "host")), stalled()),
}


def save(repository: Repository, run: Any) -> list[int]:
    """Store the sessions, one every ten minutes. Returns their numbers."""
    ids = []
    for index, (name, (line, playback)) in enumerate(SESSIONS.items()):
        evidence = make_evidence(line)
        assert evidence.window is not None
        window = round_trace(
            replace(evidence.window, throughput=replace(evidence.window.throughput, delivery_bps=line.rate_bps))
        )
        item = make_item(
            video_id=name,
            uuid=name,
            started_at=NOW + timedelta(minutes=10 * index),
            downloads=(window,),
            timelines=((MediaTimeline("muxed", "packets", bitrate_bps=NEEDED_BPS),),),
            playbacks=(playback,),
            ping=PingResult(evidence.pings),
        )
        item.failure, item.failure_stage = None, None
        ids.append(repository.save(item, run).measurement_id)
    return ids


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A file with the sessions, and their numbers."""
    path = tmp_path_factory.mktemp("sessions") / "saved.db"
    with closing(open_database(f"sqlite:///{path}")) as database:
        return path, save(*begin(database))


@pytest.fixture
def stored(saved: tuple[Path, list[int]], tmp_path: Path) -> Iterator[tuple[Database, list[int]]]:
    """The same, to write to."""
    path, ids = saved
    with closing(open_database(f"sqlite:///{shutil.copyfile(path, tmp_path / 'stored.db')}")) as database:
        yield database, ids


def causes_shown(database: Database) -> list[str | None]:
    with database.read() as connection:
        return list(connection.execute(select(figure.c.cause).order_by(figure.c.measurement_id)).scalars())


def test_stored_sessions_are_judged_by_what_their_line_did_before(stored: tuple[Database, list[int]]) -> None:
    database, ids = stored
    with database.read() as connection:
        found = judge(connection, ids)
    # 5 Mbit/s came three times before: half of the needed rate without a queue is the service's.
    assert [verdicts[0].cause if verdicts else None for verdicts in found.values()] == [
        None, None, None, Cause.ACCESS, Cause.SERVICE, Cause.UNKNOWN,
    ]  # fmt: skip


def test_one_session_is_judged_as_it_is_among_others(stored: tuple[Database, list[int]]) -> None:
    database, ids = stored
    with database.read() as connection:
        together = judge(connection, ids, SessionReader())
        alone = {key: judge(connection, [key])[key] for key in ids}
    assert alone == together


def test_session_is_judged_when_it_is_stored(database: Database) -> None:
    repository, run = begin(database)
    save(Repository(database, after_save=judge_and_pack), run)
    assert causes_shown(database) == [None, None, None, "access", "service", "unknown"]
    with database.read() as connection:
        [verdict] = stored_verdicts(connection, 4)
        counts = cause_counts(connection, matching())
    assert (verdict["symptom"], verdict["cause"], verdict["number"]) == ("stall", "access", 0)
    assert verdict["evidence"]["access_rtt_s"] == 0.3
    record = repository.measurement(4)
    assert record is not None and json.loads(json.dumps(record["autopsies"]))[0]["sentence"] == verdict["sentence"]
    assert counts == [CauseCount(name, 1, stall_count=1) for name in ("access", "service", "unknown")]


def test_session_whose_database_went_away_behind_its_row_is_judged_with_the_next(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def judge_but_the_fourth(where: Database, measurement_id: int) -> None:
        if measurement_id == 4 and not away:
            away.append(measurement_id)
            raise StorageError("The server is gone.")
        judge_and_pack(where, measurement_id)

    away: list[int] = []
    _, run = begin(database)
    save(Repository(database, after_save=judge_but_the_fourth), run)
    assert causes_shown(database) == [None, None, None, "access", "service", "unknown"]
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "measurement 4" in record.getMessage() and "pytomo explain" in record.getMessage()
    assert record.exc_info is None


def test_what_the_database_refuses_behind_a_row_is_said_once_and_not_tried_again(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(where: Database, measurement_id: int) -> None:
        tried.append(measurement_id)
        raise RefusedError("No.")

    tried: list[int] = []
    _, run = begin(database)
    ids = save(Repository(database, after_save=refuse), run)
    assert tried == ids and len(caplog.records) == len(ids)


def test_judging_anew_keeps_what_it_finds_once_and_says_what_moved(stored: tuple[Database, list[int]]) -> None:
    database, _ = stored
    first = judge_matching(database, {}).to_dict()
    again = judge_matching(database, {}).to_dict()
    assert first["moved"] == [
        {"from": "none", "to": cause, "sessions": 1} for cause in ("access", "service", "unknown")
    ]
    assert (again["moved"], again["bad_sessions"], again["causes"]) == ([], 3, first["causes"])
    assert causes_shown(database) == [None, None, None, "access", "service", "unknown"]


def test_verdicts_that_another_process_stored_meanwhile_are_replaced(stored: tuple[Database, list[int]]) -> None:
    database, ids = stored
    with database.read() as connection:
        found = judge(connection, ids)
    judge_matching(database, {})
    with database.write() as connection:
        keep(connection, found)
        assert [len(stored_verdicts(connection, key)) for key in ids] == [0, 0, 0, 1, 1, 1]


def test_session_that_was_deleted_since_it_was_judged_is_left_out(stored: tuple[Database, list[int]]) -> None:
    database, ids = stored
    with database.read() as connection:
        found = judge(connection, ids)
    with database.write() as connection:
        keep(connection, {**found, ids[-1] + 1: found[ids[3]]})
    assert causes_shown(database) == [None, None, None, "access", "service", "unknown"]


def test_pages_that_are_stored_together_are_all_stored(
    stored: tuple[Database, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, _ = stored
    # Three pages of two sessions: two are stored together, and the last one by itself.
    monkeypatch.setattr(judging, "_PAGE", 2)
    monkeypatch.setattr(judging, "_KEPT_PAGES", 2)
    assert judge_matching(database, {}).bad_sessions == 3
    assert causes_shown(database) == [None, None, None, "access", "service", "unknown"]


def test_judging_that_keeps_nothing_changes_nothing(stored: tuple[Database, list[int]]) -> None:
    database, _ = stored
    assert judge_matching(database, {}, is_kept=False).bad_sessions == 3
    assert causes_shown(database) == [None] * 6


def test_thinned_out_session_keeps_its_verdict(stored: tuple[Database, list[int]]) -> None:
    database, _ = stored
    judge_matching(database, {})
    prune(database, NOW + timedelta(days=1))
    summary = judge_matching(database, {})
    assert (summary.without_trace, summary.moved) == (3, {})
    assert causes_shown(database) == [None, None, None, "access", "service", "unknown"]


def test_recalled_window_has_what_the_machine_did(stored: tuple[Database, list[int]]) -> None:
    database, ids = stored
    with database.read() as connection:
        [(window, _)] = recall_windows(connection, ids[3])
    expected = make_evidence(Line(rtt_s=FULL)).window
    assert isinstance(expected, DownloadResult)
    assert asdict(window.host_samples) == asdict(expected.host_samples)
    assert window.loaded_access.sample_rtt_s == expected.loaded_access.sample_rtt_s
