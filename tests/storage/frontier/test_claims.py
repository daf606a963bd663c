"""Claims: who holds one, when it comes back, and that none is held twice or lost."""

from __future__ import annotations

import signal
import subprocess
import threading

import pytest
from sqlalchemy import select, update

from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.frontier.frontier import Frontier
from pytomo_scrapy.storage.schema.crawl_tables import frontier as table
from pytomo_scrapy.storage.schema.crawl_tables import owner
from tests.running.commands import command
from tests.storage.frontier.frontier_steps import finish, seed, start, take, videos


@pytest.mark.slow
def test_limit_is_never_passed_by_many_threads(each_url: str) -> None:
    database = open_database(each_url)
    start(database, limit=50)
    admitted: list[int] = []

    def add(worker: int) -> None:
        mine = open_database(each_url)
        frontier = start(mine, limit=50)
        for step in range(8):
            batch = videos(*(f"v{step}-{position}" for position in range(worker % 2, 6)), f"w{worker}-{step}")
            admitted.append(frontier.add_listed(batch, step))
        mine.close()

    threads = [threading.Thread(target=add, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.read() as connection:
        rows = connection.execute(select(table.c.video_id).where(table.c.depth == 1)).scalars().all()
    assert len(rows) == len(set(rows)) == sum(admitted) == 50
    database.close()


@pytest.mark.slow
def test_two_claimers_never_get_the_same_row(each_url: str) -> None:
    database = open_database(each_url)
    frontier = start(database)
    frontier.add_listed(videos(*(f"v{number}" for number in range(60))), 60)
    taken: list[str] = []

    def claim_all() -> None:
        mine = open_database(each_url)
        own = start(mine)
        while (claim := own.claim()) is not None:
            taken.append(claim.video_id)
            finish(own, claim)
        mine.close()

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == sorted(f"v{number}" for number in range(60))
    assert frontier.counts().done == 60
    database.close()


@pytest.mark.slow
def test_released_claim_keeps_its_place(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a", "b", "c")
    first, _second = take(frontier), take(frontier)
    assert frontier.release(first.id)
    assert not frontier.release(first.id)
    assert take(frontier).video_id == "a"
    assert frontier.release_all() == 2
    assert frontier.counts().queued == 3


@pytest.mark.slow
def test_done_row_is_not_released_or_finished_twice(each_database: Database) -> None:
    frontier = start(each_database)
    seed(frontier, "a")
    claim = take(frontier)
    assert finish(frontier, claim)
    assert not finish(frontier, claim)
    assert not frontier.release(claim.id)
    assert frontier.counts().done == 1


def _become(database: Database, frontier: Frontier, **values: str | int) -> None:
    with database.write() as connection:
        connection.execute(update(owner).where(owner.c.id == frontier._owner_id).values(**values))


@pytest.mark.slow
def test_lease_of_another_machine_returns_after_its_end(each_database: Database) -> None:
    gone = start(each_database, lease_s=-1.0)
    seed(gone, "a")
    claim = take(gone)
    _become(each_database, gone, machine="elsewhere/1" if not each_database.is_sqlite else "", host="elsewhere")
    other = start(each_database)
    assert take(other).video_id == "a"
    assert not finish(gone, claim)
    assert gone.renew() == 0


@pytest.mark.slow
def test_lease_of_another_machine_is_respected(each_database: Database) -> None:
    holder = start(each_database)
    seed(holder, "a")
    take(holder)
    _become(each_database, holder, machine="elsewhere/1" if not each_database.is_sqlite else "", host="elsewhere")
    other = start(each_database)
    assert other.claim() is None
    assert other.has_unfinished()
    assert [(holder.host, holder.count) for holder in other.holders()] == [("elsewhere", 1)]


@pytest.mark.slow
def test_lease_of_a_live_process_here_outlasts_a_clock_that_jumped(each_database: Database) -> None:
    holder = start(each_database, lease_s=-1.0)
    seed(holder, "a")
    take(holder)
    other = start(each_database)
    assert other.claim() is None


def test_lease_of_a_boot_before_this_one_returns_at_once_on_sqlite(database: Database) -> None:
    holder = start(database)
    seed(holder, "a")
    take(holder)
    _become(database, holder, machine="an-older-boot/1")
    assert take(start(database)).video_id == "a"


@pytest.mark.slow
def test_number_of_a_dead_process_given_to_another_does_not_hold_its_lease(each_database: Database) -> None:
    holder = start(each_database)
    seed(holder, "a")
    take(holder)
    _become(each_database, holder, process_started="1")
    assert take(start(each_database)).video_id == "a"


@pytest.mark.slow
def test_row_measured_after_its_lease_was_lost_is_done_if_nobody_took_it(each_database: Database) -> None:
    holder = start(each_database)
    seed(holder, "a")
    claim = take(holder)
    holder.release(claim.id)
    assert not finish(holder, claim)
    assert not holder.has_unfinished()
    assert holder.counts().done == 1


@pytest.mark.process
def test_killed_crawler_loses_nothing_and_repeats_nothing(each_url: str) -> None:
    reported: list[str] = []
    # While a video is claimed, when one was done and the next is about to be claimed, and again while one is.
    for kill_after in (0, 7, 30, None):
        crawler = subprocess.Popen(
            command("tests.storage.frontier.killed_walk", each_url), stdout=subprocess.PIPE, text=True
        )
        assert crawler.stdout is not None
        for number, line in enumerate(crawler.stdout):
            what, _, video_id = line.strip().partition(" ")
            if what == "done":
                reported.append(video_id)
            if number == kill_after:
                # Killed, and not waited for before the next one starts: a zombie holds nothing.
                crawler.send_signal(signal.SIGUSR1)  # which kills what it stands for
        crawler.stdout.close()
        assert crawler.wait(60) == (0 if kill_after is None else -signal.SIGKILL)
    database = open_database(each_url)
    with database.read() as connection:
        rows = connection.execute(select(table.c.video_id, table.c.state).where(table.c.depth > 0)).all()
    # 10 videos of the source, 30 related to these, and 20 of depth 3 make the limit of 60.
    assert len(rows) == len({row.video_id for row in rows}) == 60
    assert {row.state for row in rows} == {2}
    # A line lost between the commit and the kill is possible, a second measurement is not.
    assert len(reported) == len(set(reported))
    assert len(reported) >= 55
    database.close()
