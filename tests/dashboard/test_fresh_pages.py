"""What the server keeps is made anew whenever what it was made from changed, old rows as well as new ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.autopsy.judging import judge_matching
from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.analysis.daily.retention import prune_measurements
from pytomo_scrapy.analysis.daily.run_deletion import delete_run
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.exchange.legacy_import import import_legacy
from pytomo_scrapy.items import DifferentialTest, JudgedTest
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.differential_store import note_judgement, save_test
from pytomo_scrapy.storage.measurements.open_windows import note_window
from pytomo_scrapy.storage.measurements.repository import VantageFacts
from pytomo_scrapy.storage.measurements.save import Run, save_item
from pytomo_scrapy.storage.read_only import version_of
from pytomo_scrapy.storage.study_store import NewVersion, freeze, note_end
from tests.exchange.test_legacy_import import ROW, make_file
from tests.running.postgres import PostgresServer
from tests.storage.factories import STARTED, begin, make_item

pytestmark = pytest.mark.slow

EVERYTHING = "period=all&eras=all&ad_hoc=with"
Change = Callable[[Database], object]


def fill(database: Database) -> None:
    """Store two runs of two videos, a day apart, a differential test and a study; nothing is judged yet."""
    for day, name in enumerate(("first", "second")):
        repository, run = begin(database)
        for number in range(2):
            at = STARTED + timedelta(days=day, minutes=number)
            item = make_item(uuid=f"{name}-{number}", video_id=f"{name}-{number}", started_at=at)
            repository.save(item, run)
        repository.end_run(run, "finished")
    judged = JudgedTest("not_shown", 20, difference_ratio=0.0, sentence="Alike.")
    save_test(database, DifferentialTest("t", STARTED, judged=judged), (), VantageFacts("here", "isp"))
    freeze(database, NewVersion("lines", "0" * 64, "", "{}", "somebody", 40))


class Filled:
    """A database of either kind that was filled once, to be copied."""

    def __init__(self, folder: Path, server: PostgresServer | None) -> None:
        self._server = server
        self._kept = folder / "kept.db" if server is None else server.new_database(server.template())
        database = open_database(f"sqlite:///{self._kept}" if server is None else str(self._kept))
        fill(database)
        database.close()

    def copy(self, path: Path) -> str:
        """Return the URL of a copy."""
        if self._server is not None:
            return self._server.new_database(str(self._kept).rpartition("/")[2])
        return f"sqlite:///{shutil.copyfile(self._kept, path)}"

    def drop(self, url: object = None) -> None:
        """Drop a copy, or that which was copied."""
        if self._server is not None:
            self._server.drop(str(url or self._kept))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    server = request.getfixturevalue("postgres_cluster") if request.param == "postgres" else None
    filled = Filled(tmp_path_factory.mktemp("kept"), server)
    yield filled
    filled.drop()


@pytest.fixture
def measured(filled: Filled, tmp_path: Path) -> Iterator[Database]:
    """A database as `fill` leaves it, to be changed."""
    url = filled.copy(tmp_path / "copy.db")
    database = open_database(url)
    yield database
    database.close()
    filled.drop(url)


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def page(measured: Database) -> Iterator[TestClient]:
    with TestClient(create_app(DashboardConfig(url_of(measured)))) as made:
        yield made


def asked(page: TestClient, address: str) -> str:
    answer = page.get(address)
    assert answer.status_code == 200, address
    return answer.text


def judge_a_test_again(database: Database) -> None:
    note_judgement(database, 1, JudgedTest("slower", 20, difference_ratio=-0.5, sentence="Half of the rate."))


def measure_once_more(database: Database) -> None:
    repository, run = begin(database)
    repository.save(make_item(video_id="third"), run)


OVERVIEW, LIST = f"/api/overview?{EVERYTHING}", f"/api/videos?{EVERYTHING}"
CHANGES: dict[str, tuple[Change, str, str]] = {
    # what changes, an answer that shows it, and words of the answer afterwards
    "session": (measure_once_more, LIST, '"third"'),
    "explain": (lambda database: judge_matching(database, {}), OVERVIEW, '"cause":"'),
    "differential --again": (judge_a_test_again, OVERVIEW, "Half of the rate."),
    "prune": (lambda database: prune_measurements(database, STARTED + timedelta(days=1)), LIST, '"count":2'),
    "prune --run, an old one": (lambda database: delete_run(database, "1"), LIST, '"count":2'),
    "end of a study": (lambda database: note_end(database, 1, "done"), f"/compare?{EVERYTHING}&by=vantage", "Compare"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_kept_answer_is_made_anew_after_a_change(name: str, measured: Database, page: TestClient) -> None:
    change, address, words = CHANGES[name]
    before, version = asked(page, address), page.get("/api/live").json()["version"]
    change(measured)
    after = asked(page, address)
    # An open page asks for the version every few seconds, and for all else where it is another one.
    assert page.get("/api/live").json()["version"] != version
    assert after != before and words in after
    # As a server answers that has kept nothing.
    with TestClient(create_app(DashboardConfig(url_of(measured)))) as fresh:
        assert asked(fresh, address) == after


def test_metrics_are_given_anew_after_verdicts_on_old_rows(measured: Database, page: TestClient) -> None:
    assert "pytomo_bad_session_share{" in asked(page, "/metrics")
    before = asked(page, "/metrics")
    judge_matching(measured, {})
    assert asked(page, "/metrics") != before


def test_imported_rows_are_listed_at_once(measured: Database, page: TestClient, tmp_path: Path) -> None:
    assert "old.db" not in asked(page, "/runs")
    list(import_legacy(measured, make_file(tmp_path / "old.db", [ROW])))
    assert "old.db" in asked(page, "/runs")


def version(database: Database) -> str:
    with database.read() as connection:
        return version_of(connection)


def test_pages_are_kept_while_nothing_changes_that_they_are_made_from(measured: Database) -> None:
    before = version(measured)
    note_window(measured, 2, service="youtube", video_id="abcdefghijk", elapsed_s=1.0)
    seal_all(measured)
    judge_matching(measured, {}, is_kept=False)
    assert version(measured) == before
    judge_matching(measured, {})
    judged = version(measured)
    judge_matching(measured, {})  # which finds the same
    assert judged != before and version(measured) == judged


@pytest.fixture
def two_writers(postgres_url: str) -> Iterator[tuple[Database, Database]]:
    pair = open_database(postgres_url), open_database(postgres_url)
    yield pair
    for database in pair:
        database.close()


def store(connection: Connection, run: Run, name: str) -> None:
    connection.execute(text("SET LOCAL lock_timeout = '30s'"))
    save_item(connection, make_item(uuid=name, video_id=name), run, None)


def test_writers_of_postgresql_do_not_wait_for_each_other_and_each_is_noticed(
    two_writers: tuple[Database, Database],
) -> None:
    one, other = two_writers
    (_, first), (_, second) = begin(one), begin(other)
    versions = [version(one)]
    with one.write() as slow:
        store(slow, first, "slow")
        # Of 1024 rows in a block, whose packing they must not miss, only one writer at a time adds any.
        slow.execute(text("SELECT setval(pg_get_serial_sequence('measurement', 'id'), 5000)"))
        # Inside the transaction of the other one: with one counter for all it would run into its limit.
        for name in ("quick", "quicker"):
            with other.write() as quick:
                store(quick, second, name)
            versions.append(version(one))
    # Its number is lower than the newest, and it is seen only now.
    versions.append(version(one))
    with one.read() as connection:
        assert len(list(connection.execute(text("SELECT measurement_id FROM figure")))) == 3
    assert len(set(versions)) == len(versions)


def test_rows_that_note_changes_do_not_pile_up(measured: Database) -> None:
    repository, run = begin(measured)
    for number in range(10):
        repository.save(make_item(uuid=f"more-{number}", video_id=f"more-{number}"), run)
    with measured.read() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM page_change")).scalar_one() == 1
