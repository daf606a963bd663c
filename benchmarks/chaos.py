"""Two crawlers on one PostgreSQL, and all at once: kills, a poison video, an unstorable value, a disk that fills.

    sudo python benchmarks/chaos.py --minutes 10

Crawlers and their measuring processes are killed at random instants, the server is stopped and started, the small disk
that holds media and outbox fills, one video kills every crawler that measures it, and the database refuses all figures
of another one. At the end every video of every crawl must have exactly one row, and no process may have taken more than
500 MB. As root, for the small disk.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.hostile.processes import MemoryWatch
from pytomo_scrapy.lab.launcher import running_lab
from pytomo_scrapy.lab.servers import LabOptions
from pytomo_scrapy.lab.world import build_world
from pytomo_scrapy.spiders.claims import MAX_ATTEMPTS
from pytomo_scrapy.storage.database import open_database
from tests.running.postgres import PostgresServer, what_is_missing

MOST_MEMORY_MB = 500.0
DISK_BYTES = 24 * 1024 * 1024
CALM_S = (5.0, 25.0)  # between two strokes: a busy machine needs most of it to start a crawler
END_S = 900.0  # what the crawlers have for the rest once it is calm
UNSTORABLE = """
CREATE OR REPLACE FUNCTION refuse_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.extractor IS NOT NULL AND NEW.video_row_id IN (SELECT id FROM video WHERE video_id = '{video_id}') THEN
        RAISE EXCEPTION 'value of an unforeseen kind' USING ERRCODE = '22P02';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER refuse_figures BEFORE INSERT ON measurement FOR EACH ROW EXECUTE FUNCTION refuse_figures();
"""


@dataclass(slots=True)
class Report:
    """What was done, and what came of it."""

    strokes: Counter[str] = field(default_factory=Counter)
    crawls: int = 0
    starts: int = 0
    exit_codes: Counter[int] = field(default_factory=Counter)
    videos: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    memory_mb: float = 0.0
    memory_of: str = ""
    wrong: list[str] = field(default_factory=list)

    def written(self) -> dict[str, object]:
        """Return it as JSON writes it, what is most frequent first."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: dict(value.most_common()) if isinstance(value, Counter) else value for name, value in values.items()
        }


@dataclass(slots=True)
class Crawler:
    """One of the two: the same command again and again, until it ends with 0."""

    name: str
    environment: Mapping[str, str]
    words: list[str]
    log: Path
    report: Report
    process: subprocess.Popen[bytes] | None = None
    watch: MemoryWatch | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        self.end_watch()
        self.report.starts += 1
        command = [sys.executable, "-m", "scrapy.cmdline", "crawl", "youtube", *self.words]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=dict(self.environment), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.watch = MemoryWatch(self.process.pid)
        self.watch.__enter__()

    def end_watch(self) -> None:
        """Note what it and its processes took since its start."""
        if self.watch is not None:
            self.watch.__exit__(None, None, None)
            if self.watch.peak_mb > self.report.memory_mb:
                self.report.memory_mb, self.report.memory_of = self.watch.peak_mb, self.watch.peak_of
        self.watch = None

    def code(self) -> int | None:
        """Return how it ended. None while it runs."""
        assert self.process is not None
        return self.process.poll()

    def kill(self) -> None:
        """Kill the crawler alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def kill_child(self) -> None:
        """Kill one of its measuring processes."""
        assert self.process is not None
        with contextlib.suppress(psutil.Error, IndexError):
            psutil.Process(self.process.pid).children(recursive=True)[0].kill()


class Chaos:
    """The server, the disk and the two crawlers, and what is done to them."""

    def __init__(self, folder: Path, server: PostgresServer, random: Random, report: Report) -> None:
        self.folder, self.server, self.random, self.report = folder, server, random, report
        self.disk = folder / "disk"
        ids = sorted(build_world("clean").videos)
        self.poison, self.unstorable = ids[5], ids[11]
        self.url = server.new_database()
        self.engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"), pool_pre_ping=True)
        self.crawlers: list[Crawler] = []
        self.ids = ids

    def begin_crawl(self, environment: Mapping[str, str], videos: int) -> None:
        """Start both crawlers on a crawl of its own."""
        self.report.crawls += 1
        chosen = {self.poison, self.unstorable, *self.random.sample(self.ids, videos - 2)}
        settings = {
            "PYTOMO_DATABASE_URL": self.url,
            "PYTOMO_DATABASE_PATIENCE_S": 60,
            "PYTOMO_UNSTORED_DIRECTORY": self.disk / "outbox",
            "PYTOMO_DOWNLOAD_WINDOW_S": 1,
            "PYTOMO_PACE_S": 0,
            "PYTOMO_PING_PACKETS": 1,
            "PYTOMO_PING_TIMEOUT_S": 0.3,
            "LOG_LEVEL": "INFO",
            "STATS_DUMP": 0,
        }
        words = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
        words += ["-a", "urls=" + ",".join(sorted(chosen)), "-a", "related=0", "-a", f"crawl=chaos{self.report.crawls}"]
        self.crawlers = [
            Crawler(
                name, {**environment, "TMPDIR": str(self.disk), "PYTOMO_VANTAGE": name}, words,
                self.folder / f"{name}.log", self.report,
            )
            for name in ("a", "b")
        ]  # fmt: skip
        for crawler in self.crawlers:
            crawler.start()

    def strike(self) -> None:
        """Do one thing to one of them."""
        name = self.random.choice(["kill", "kill", "kill the measuring process", "fill the disk", "stop the server"])
        crawler = self.random.choice(self.crawlers)
        self.report.strokes[name] += 1
        if name == "kill":
            crawler.kill()
        elif name == "kill the measuring process":
            crawler.kill_child()
        elif name == "fill the disk":
            self._fill_for(self.random.uniform(1, 8))
        else:
            self.server.stop(self.random.choice(["immediate", "fast"]))
            self._wait(self.random.uniform(0.5, 6))
            self.server.start()

    def _fill_for(self, time_s: float) -> None:
        filler = self.disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(65536))
                file.flush()
        self._wait(time_s)
        filler.unlink(missing_ok=True)

    def _wait(self, time_s: float) -> None:
        until_s = time.monotonic() + time_s
        while time.monotonic() < until_s:
            self.poison_kills()
            time.sleep(0.1)

    def calm(self) -> None:
        """Wait until the next stroke."""
        self._wait(self.random.uniform(*CALM_S))

    def poison_kills(self) -> None:
        """Kill whoever holds the poison video: to be measured is what kills it."""
        question = text(
            "SELECT o.pid FROM frontier f JOIN owner o ON o.id = f.owner_id"
            " WHERE f.video_id = :video_id AND f.state = 1 AND f.attempt_count <= :measured"
        )
        # The attempt behind the last one gives it up, and measures nothing.
        asked = {"video_id": self.poison, "measured": MAX_ATTEMPTS}
        try:
            with self.engine.connect() as connection:
                holders = [row[0] for row in connection.execute(question, asked)]
        except SQLAlchemyError:  # the server is down, or has no tables yet
            return
        for crawler in self.crawlers:
            if crawler.process is not None and crawler.process.pid in holders and crawler.process.poll() is None:
                self.report.strokes["poison"] += 1
                crawler.kill()

    def have_finished(self) -> bool:
        """Tell whether both have ended and the crawl is finished; else start again what has not ended with 0.

        Once the crawl is finished the same command would begin another one: who is down then stays down.
        """
        codes = [crawler.code() for crawler in self.crawlers]
        if 0 in codes or (None not in codes and self._is_done()):
            return None not in codes
        for crawler, code in zip(self.crawlers, codes, strict=True):
            if code is not None:
                self.report.exit_codes[code] += 1
                crawler.start()
        return False

    def _is_done(self) -> bool:
        """Tell whether every video of the crawl is done, although nobody lived to end with 0."""
        question = text(
            "SELECT count(*), sum(CASE f.state WHEN 2 THEN 0 ELSE 1 END)"
            " FROM frontier f JOIN crawl c ON c.id = f.crawl_id WHERE c.name = :name"
        )
        try:
            with self.engine.connect() as connection:
                count, left = connection.execute(question, {"name": f"chaos{self.report.crawls}"}).one()
        except SQLAlchemyError:  # the server is down
            return False
        return bool(count) and not left

    def judge(self) -> None:
        """Compare what is stored with what is promised."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT c.name || '/' || c.id, v.video_id, m.failure, m.store_failure_detail, m.is_superseded"
                    " FROM measurement m JOIN video v ON v.id = m.video_row_id JOIN crawl c ON c.id = m.crawl_id"
                )
            ).all()
            # A source has no service. Who starts when the other has just finished the crawl begins one more of its
            # name, which the next crawl cuts short: what is done of it is judged like the rest.
            asked = connection.execute(
                text(
                    "SELECT c.name || '/' || c.id, f.video_id, f.state,"
                    " c.id > (SELECT min(first.id) FROM crawl first WHERE first.name = c.name)"
                    " FROM frontier f JOIN crawl c ON c.id = f.crawl_id WHERE f.service <> ''"
                )
            ).all()
        self.report.videos = len(rows)
        self.report.failures.update(row[2] or "measured" for row in rows)
        counts = Counter((row[0], row[1]) for row in rows)
        for crawl, video_id, state, may_be_short in asked:
            count = counts[crawl, video_id]
            if (count, state) != (1, 2) and not (may_be_short and state != 2 and count <= 1):
                self.report.wrong.append(f"{crawl}: {video_id} has {count} rows, state {state}")
        self.report.wrong += [f"{row[0]}: {row[1]} is superseded" for row in rows if row[4]]
        for crawl, video_id, failure, detail, _ in rows:
            if video_id == self.poison and failure != "gave_up":
                self.report.wrong.append(f"{crawl}: the poison video is {failure}")
            # One that failed before it was resolved holds nothing that is refused.
            if video_id == self.unstorable and failure is None and "unforeseen kind" not in str(detail):
                self.report.wrong.append(f"{crawl}: the unstorable value is {failure}, {detail}")
        left = [str(path) for path in self.disk.rglob("*.measurement")]
        self.report.wrong += [f"not stored: {path}" for path in left]


@contextlib.contextmanager
def small_disk(path: Path) -> Iterator[None]:
    """Mount a file system in memory that is soon full. Raises CalledProcessError where that is not allowed."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=1777", "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def run(minutes: float, videos: int, chaos: Chaos, environment: Mapping[str, str]) -> None:
    """Strike until the time is over, then let the crawlers come to their end."""
    open_database(chaos.url).close()
    with chaos.engine.begin() as connection:
        connection.exec_driver_sql(UNSTORABLE.format(video_id=chaos.unstorable))
    chaos.begin_crawl(environment, videos)
    until_s = time.monotonic() + minutes * 60
    while time.monotonic() < until_s:
        chaos.calm()
        if chaos.have_finished():
            chaos.begin_crawl(environment, videos)
        else:
            chaos.strike()
    deadline_s = time.monotonic() + END_S
    while not chaos.have_finished() and time.monotonic() < deadline_s:
        chaos.poison_kills()
        time.sleep(0.2)
    for crawler in chaos.crawlers:
        if crawler.process is not None and crawler.process.poll() is None:
            chaos.report.wrong.append(f"{crawler.name} did not end: {crawler.log.read_text(errors='replace')[-1500:]}")
            crawler.kill()


def main() -> None:
    """Run and print the report; exit code 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--videos", type=int, default=20, help="of each crawl")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if (reason := what_is_missing()) is not None:
        raise SystemExit(reason)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the disk and the server go with us
    report, folder = Report(), Path(tempfile.mkdtemp(prefix="pytomo-chaos-"))
    server = PostgresServer("postgres")
    server.start()
    try:
        with small_disk(folder / "disk"), running_lab(LabOptions("clean")) as lab:
            chaos = Chaos(folder, server, Random(arguments.seed), report)
            try:
                run(arguments.minutes, arguments.videos, chaos, lab.environment(os.environ))
                chaos.judge()
            finally:
                for crawler in chaos.crawlers:
                    crawler.kill()
                    crawler.end_watch()
                chaos.engine.dispose()
    finally:
        server.stop()
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)
    if report.memory_mb > MOST_MEMORY_MB:
        report.wrong.append(f"{report.memory_mb:.0f} MB: {report.memory_of}")
    print(json.dumps(report.written(), indent=2))
    raise SystemExit(bool(report.wrong))


if __name__ == "__main__":
    main()
