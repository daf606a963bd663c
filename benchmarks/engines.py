"""Three queues on one PostgreSQL, their workers killed at random instants: what is lost, what is done twice.

    python benchmarks/engines.py postgresql://USER@HOST/EMPTY_DATABASE --pgmq-sql pgmq.sql [--kills 20] [--json]

The table is this project's frontier. procrastinate (pip install procrastinate) and pgmq (its one file of SQL:
github.com/pgmq/pgmq, pgmq-extension/sql/pgmq.sql; no extension has to be installed) are not among the requirements.
Each has the same work: a video is claimed, "measured" for some milliseconds and leaves a row. A worker is killed
(SIGKILL), the next one starts; all that an engine offers to give back what a dead worker held is used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl

MEASURE_S = 0.02
# After so much silence a worker counts as dead, in every engine.
LEASE_S = 3
DONE = "CREATE TABLE IF NOT EXISTS done (engine text, video_id text, at timestamptz DEFAULT clock_timestamp())"


@dataclass(frozen=True)
class Outcome:
    """What became of the videos. `twice_count`: rows beyond the first of a video."""

    engine: str
    videos: int
    kills: int
    lost_count: int
    twice_count: int
    elapsed_s: float
    takes_a_video_twice: bool  # the same id may be queued again after it was done


def record(connection: psycopg.Connection[Any], engine: str, video_id: str) -> None:
    """Measure one video: the row goes into the caller's transaction."""
    time.sleep(MEASURE_S)
    connection.execute("INSERT INTO done (engine, video_id) VALUES (%s, %s)", (engine, video_id))


class Table:
    """This project's frontier."""

    def __init__(self, url: str, _: argparse.Namespace) -> None:
        self.database = open_database(url)
        self.frontier = open_crawl(self.database, "benchmark", {}, name="engines", lease_s=LEASE_S)

    def fill(self, ids: list[str]) -> None:
        self.frontier.add_listed([FoundVideo("youtube", one) for one in ids], len(ids))

    def accepts_again(self, video_id: str) -> bool:
        return self.frontier.add_listed([FoundVideo("youtube", video_id)], 10**6) > 0

    def work(self) -> None:
        while True:
            claim = self.frontier.claim()
            if claim is None:
                time.sleep(0.2)
                continue
            with self.database.write() as connection:
                raw = connection.connection.driver_connection
                assert isinstance(raw, psycopg.Connection)
                record(raw, "table", claim.video_id)
                self.frontier.finish(claim.id, connection)


class Pgmq:
    """pgmq: read with a visibility timeout, delete in the transaction of the row."""

    def __init__(self, url: str, options: argparse.Namespace) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        if not self.connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'pgmq'").fetchone():
            self.connection.execute(Path(options.pgmq_sql).read_text(encoding="utf-8").encode())
            self.connection.execute("SELECT pgmq.create('videos')")

    def fill(self, ids: list[str]) -> None:
        for one in ids:
            self._send(one)

    def _send(self, video_id: str) -> None:
        self.connection.execute("SELECT pgmq.send('videos', %s::jsonb)", (json.dumps({"id": video_id}),))

    def accepts_again(self, video_id: str) -> bool:
        self._send(video_id)
        return bool(self.connection.execute("SELECT COUNT(*) FROM pgmq.q_videos").fetchone()[0])  # type: ignore[index]

    def work(self) -> None:
        while True:
            read = "SELECT msg_id, message->>'id' FROM pgmq.read('videos', %s, 1)"
            row = self.connection.execute(read, (LEASE_S,)).fetchone()
            if row is None:
                time.sleep(0.2)
                continue
            with self.connection.transaction():
                record(self.connection, "pgmq", row[1])
                self.connection.execute("SELECT pgmq.delete('videos', %s)", (row[0],))


class Procrastinate:
    """procrastinate: its own worker; stalled jobs are found by their heartbeat and retried, as its manual says."""

    def __init__(self, url: str, _: argparse.Namespace) -> None:
        from procrastinate import App, PsycopgConnector

        self.url = url
        self.app = App(connector=PsycopgConnector(conninfo=url))

        @self.app.task(name="measure", pass_context=False)
        async def measure(video_id: str) -> None:
            with psycopg.connect(url) as connection:
                record(connection, "procrastinate", video_id)

        self.measure = measure

    def fill(self, ids: list[str]) -> None:
        asyncio.run(self._fill(ids))

    async def _fill(self, ids: list[str]) -> None:
        async with self.app.open_async():
            await self.app.schema_manager.apply_schema_async()
            for one in ids:
                await self.measure.configure(queueing_lock=one).defer_async(video_id=one)

    def accepts_again(self, video_id: str) -> bool:
        async def again() -> bool:
            async with self.app.open_async():
                return await self.measure.configure(queueing_lock=video_id).defer_async(video_id=video_id) > 0

        return asyncio.run(again())

    def work(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        async with self.app.open_async():
            rescue = asyncio.create_task(self._rescue())
            await self.app.run_worker_async(
                concurrency=1, fetch_job_polling_interval=0.2, update_heartbeat_interval=0.5,
                stalled_worker_timeout=LEASE_S, install_signal_handlers=False, listen_notify=False,
            )  # fmt: skip
            rescue.cancel()

    async def _rescue(self) -> None:
        while True:
            for job in await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=LEASE_S):
                await self.app.job_manager.retry_job(job)
            await asyncio.sleep(0.5)


ENGINES: Mapping[str, Any] = {"table": Table, "procrastinate": Procrastinate, "pgmq": Pgmq}


def main() -> None:
    options = read_options()
    if options.worker:
        ENGINES[options.worker](options.url, options).work()
        return
    outcomes = [try_engine(name, options) for name in options.engines.split(",")]
    if options.json:
        print(json.dumps([asdict(one) for one in outcomes]))
        return
    for one in outcomes:
        again = "may be" if one.takes_a_video_twice else "is not"
        print(f"{one.engine}: {one.videos} videos, {one.kills} kills: {one.lost_count} lost,"
              f" {one.twice_count} done twice, {one.elapsed_s:.0f} s; what is done {again} queued again")  # fmt: skip


def try_engine(name: str, options: argparse.Namespace) -> Outcome:
    """Let workers of one engine do the videos, and kill them."""
    random = Random(options.seed)
    with psycopg.connect(options.url, autocommit=True) as connection:
        engine = ENGINES[name](options.url, options)
        connection.execute(DONE)
        ids = [f"{name}-{number}" for number in range(options.videos)]
        engine.fill(ids)
        began_s = time.monotonic()
        for number in range(options.kills):
            worker = start_worker(name, options)
            target = (number + 1) * options.videos // (options.kills + 1)
            # From its first video of this life on: the instant within its work is what matters, not that of its start.
            wait_for(connection, name, target, 60)
            time.sleep(random.uniform(0, 4 * MEASURE_S))
            worker.kill()
            worker.wait()
        worker = start_worker(name, options)
        wait_for(connection, name, options.videos, 60)
        time.sleep(2 * LEASE_S + 1)  # what comes twice has its time to come
        elapsed_s = time.monotonic() - began_s
        worker.kill()
        worker.wait()
        count = "SELECT COUNT(DISTINCT video_id), COUNT(*) FROM done WHERE engine = %s"
        row = connection.execute(count, (name,)).fetchone()
        assert row is not None
        return Outcome(
            name, options.videos, options.kills, options.videos - row[0], row[1] - row[0], elapsed_s,
            engine.accepts_again(ids[0]),
        )  # fmt: skip


def start_worker(name: str, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, options.url, "--worker", name, "--pgmq-sql", str(options.pgmq_sql)]
    return subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(connection: psycopg.Connection[Any], name: str, count: int, timeout_s: float) -> None:
    """Wait until so many different videos are done; what never comes is counted as lost later."""
    until_s = time.monotonic() + timeout_s
    asked = "SELECT COUNT(DISTINCT video_id) FROM done WHERE engine = %s"
    while time.monotonic() < until_s:
        row = connection.execute(asked, (name,)).fetchone()
        if row is not None and row[0] >= count:
            return
        time.sleep(0.002)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", help="an empty PostgreSQL database")
    parser.add_argument("--videos", type=int, default=400)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--pgmq-sql", default="pgmq.sql")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", choices=sorted(ENGINES), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
