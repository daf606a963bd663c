"""A run that was killed has no end: whether its process is dead says the same as when its videos are taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from pytomo_scrapy.analysis.daily.run_deletion import delete_run
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier import crawls, lease
from pytomo_scrapy.storage.frontier.owner import Owner, this_process
from pytomo_scrapy.storage.frontier.run_life import is_over
from pytomo_scrapy.storage.measurements.open_windows import live_state, note_window
from pytomo_scrapy.storage.measurements.repository import Run
from pytomo_scrapy.storage.schema.crawl_tables import owner, run
from tests.storage.factories import begin, make_item

DAY = timedelta(days=1)
ALIVE = this_process()
DEAD = replace(ALIVE, token="dead", process_started="0")  # another process has its number now
ELSEWHERE = replace(ALIVE, token="elsewhere", host="elsewhere", machine="another boot/1")
IN_A_CONTAINER = replace(ALIVE, token="in a container", machine=f"{ALIVE.machine}0")


def started(database: Database, *processes: Owner, name: str = "c", age: timedelta = timedelta()) -> Run:
    """Begin a run of a crawl some time ago, by the last of the processes."""
    crawl = crawls.find_or_create(database, "youtube", {}, name, 100, "")
    with database.write() as connection:
        for who in processes:
            owner_id = lease.register(connection, who)
            at = datetime.now(UTC) - age
            connection.execute(update(owner).where(owner.c.id == owner_id).values(created_at=at))
    _, begun = begin(database, crawl_id=crawl.id)
    with database.write() as connection:
        at = datetime.now(UTC) - age
        connection.execute(update(run).where(run.c.id == begun.id).values(started_at=at))
    return begun


def over(database: Database, begun: Run, silent: timedelta = DAY) -> bool:
    with database.read() as connection:
        return is_over(connection, begun.id, silent)


def under_way(database: Database) -> list[str]:
    with database.read() as connection:
        return [crawl["name"] for crawl in live_state(connection)["crawls"]]


def test_run_is_over_when_its_process_is_dead_and_goes_on_while_it_lives(each_database: Database) -> None:
    assert over(each_database, started(each_database, DEAD))
    # However silent: it may be waiting.
    alive = started(each_database, ALIVE, age=timedelta(days=400))
    assert not over(each_database, alive)
    begin(each_database)[0].end_run(alive, "finished")
    assert over(each_database, alive)


def test_process_that_cannot_be_told_from_a_living_one_is_judged_by_its_silence(each_database: Database) -> None:
    begun = started(each_database, DEAD, ALIVE, age=10 * DAY)
    assert over(each_database, begun) and not over(each_database, begun, 11 * DAY)


def test_process_that_registered_long_after_says_nothing_of_the_run(each_database: Database) -> None:
    begun = started(each_database, DEAD, age=10 * DAY)
    with each_database.write() as connection:
        lease.register(connection, ALIVE)
    assert over(each_database, begun)


def test_process_that_cannot_be_seen_is_judged_by_its_silence(each_database: Database) -> None:
    assert not over(each_database, started(each_database, IN_A_CONTAINER))
    begun = started(each_database, replace(IN_A_CONTAINER, token="again"), age=10 * DAY)
    assert over(each_database, begun) and not over(each_database, begun, 11 * DAY)
    note_window(each_database, begun.id, service="youtube", video_id="v")
    assert not over(each_database, begun)


@pytest.mark.parametrize("started_at", [None, datetime.now(UTC)])
def test_measurement_is_a_sign_of_life(each_database: Database, started_at: datetime | None) -> None:
    begun = started(each_database, IN_A_CONTAINER, age=10 * DAY)
    begin(each_database)[0].save(make_item(started_at=started_at), begun)
    assert not over(each_database, begun)


def test_another_machine_is_seen_dead_where_the_database_is_a_file_of_this_one(each_database: Database) -> None:
    assert over(each_database, started(each_database, ELSEWHERE)) is each_database.is_sqlite


def test_run_without_a_frontier_is_judged_by_its_silence(each_database: Database) -> None:
    with each_database.write() as connection:
        lease.register(connection, DEAD)
    _, begun = begin(each_database)
    assert not over(each_database, begun) and over(each_database, begun, -DAY)


def test_killed_run_can_be_deleted(each_database: Database) -> None:
    killed = started(each_database, DEAD)
    repository, later = begin(each_database)
    repository.save(make_item(uuid="bad"), killed)
    repository.save(make_item(uuid="good"), later)
    deleted = delete_run(each_database, str(killed.id))
    assert (deleted["measurement"], deleted["run"]) == (1, 1) and "still measuring" not in deleted


def test_run_that_may_go_on_is_said_to_keep_its_row(each_database: Database) -> None:
    begun = started(each_database, ALIVE)
    assert delete_run(each_database, str(begun.id)) == {"still measuring": 1}


def test_crawl_of_a_killed_run_is_not_under_way_until_it_is_resumed(each_database: Database) -> None:
    started(each_database, DEAD)
    started(each_database, replace(DEAD, token="dead too"), name="another")
    assert under_way(each_database) == []
    resumed = started(each_database, ALIVE)
    assert set(under_way(each_database)) == {"c", "another"}, "of the same hour: either may be the one that lives"
    begin(each_database)[0].end_run(resumed, "shutdown")
    with each_database.write() as connection:
        connection.execute(update(owner).where(owner.c.token == ALIVE.token).values(created_at=datetime.now(UTC) + DAY))
    assert under_way(each_database) == []
