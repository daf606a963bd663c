"""Memory, time and disk of a frontier of up to five million videos, beside Scrapy's own queues.

    python benchmarks/frontier.py                 the whole: about a quarter of an hour, 2 GB of disk
    python benchmarks/frontier.py --size 100000   a shorter one
    python benchmarks/frontier.py --json          for machines

Enqueued as a walk does it: the related videos of one page, twenty ids of which a third is known already, in one
transaction. Claimed and finished one by one. Each figure is the median over many calls at that fill, on a database file
with its full durability (synchronous=FULL), in turn with the same calls on a frontier of ten thousand.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil

from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo, Frontier, open_crawl

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
PAGE_VIDEOS = 20
FILL_BATCH = 50_000
SAMPLES = 200


_FILL = """
INSERT INTO frontier (crawl_id, pass_number, service, video_id, depth, parent_id, place, state, is_expanded,
                      attempt_count, seed_id)
WITH RECURSIVE number(value) AS (SELECT ?1 UNION ALL SELECT value + 1 FROM number WHERE value + 1 < ?2)
SELECT 1, 1, 'youtube', video_id(value), 1, 1, value, 0, 0, 0, 1 FROM number
"""
_ADMITTED = "UPDATE crawl SET admitted_count = admitted_count + ?1"


@dataclass(frozen=True)
class Figures:
    """At one fill. Times are per video, of one claim and its release or of one page's videos."""

    videos: int
    rss_mb: float
    enqueue_us: float
    claim_us: float
    enqueue_us_at_first: float  # in the same minute, on a frontier of the first size
    claim_us_at_first: float
    bytes_per_video: float


@dataclass(frozen=True)
class QueueFigures:
    """Of a queue of Scrapy with its duplicates filter, at one fill."""

    queue: str
    requests: int
    rss_mb: float
    push_us: float
    pop_us: float
    disk_bytes_per_request: float


def rss_mb() -> float:
    """Return the resident memory of this process."""
    return float(psutil.Process().memory_info().rss) / 1e6


def video_id(number: int) -> str:
    """Return an id as the service's are, in no order."""
    mixed = (number * 0x9E3779B97F4A7C15) % 2**64
    return base64.urlsafe_b64encode(mixed.to_bytes(8, "big")).decode().rstrip("=")


def videos(start: int, count: int) -> list[FoundVideo]:
    """Return `count` videos from a number on."""
    return [FoundVideo("youtube", video_id(number)) for number in range(start, start + count)]


def in_turn(calls: int, one: Callable[[], object], per: int = 1) -> float:
    """Return the median time of a call, in microseconds, divided by `per`."""
    times = []
    for _ in range(calls):
        started_s = time.perf_counter()
        one()
        times.append(time.perf_counter() - started_s)
    return statistics.median(times) * 1e6 / per


class Walk:
    """A frontier under the load of a walk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "frontier.db"
        self.database = open_database(f"sqlite:///{self.path}")
        self.frontier: Frontier = open_crawl(self.database, "youtube", {}, name="benchmark", max_crawled_url=10**9)
        self.frontier.add_sources([("benchmark", {})])
        self.count = 0
        self._random = Random(1)
        claim = self.frontier.claim()
        assert claim is not None
        self.frontier.finish_source(claim, self._next(1))

    def fill(self, size: int) -> None:
        """Fill up to `size` videos, in SQL: what a walk would have queued, without the hours that it takes."""
        connection = self.database.engine.raw_connection()
        try:
            connection.driver_connection.create_function("video_id", 1, video_id, deterministic=True)
            while self.count < size:
                end = min(self.count + FILL_BATCH, size)
                connection.driver_connection.execute("BEGIN IMMEDIATE")
                connection.driver_connection.execute(_FILL, (self.count, end))
                connection.driver_connection.execute(_ADMITTED, (end - self.count,))
                connection.driver_connection.execute("COMMIT")
                self.count = end
        finally:
            connection.close()

    def page_s(self) -> float:
        """Time one page: twenty ids, a third of them known."""
        known = PAGE_VIDEOS // 3
        claim = self.frontier.claim()
        assert claim is not None
        found = [FoundVideo("youtube", video_id(self._random.randrange(self.count))) for _ in range(known)]
        found += self._next(PAGE_VIDEOS - known)
        started_s = time.perf_counter()
        self.frontier.add_videos(claim, found)
        elapsed_s = time.perf_counter() - started_s
        self._finish(claim)
        return elapsed_s

    def claim_s(self) -> float:
        """Time one claim, which is then set done."""
        started_s = time.perf_counter()
        claim = self.frontier.claim()
        elapsed_s = time.perf_counter() - started_s
        assert claim is not None
        self._finish(claim)
        return elapsed_s

    def _finish(self, claim: Claim) -> None:
        with self.database.write() as connection:
            self.frontier.finish(claim.id, connection)

    def bytes_per_video(self) -> float:
        """Return the size of the database, divided by its videos."""
        with self.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.stat().st_size / self.count

    def _next(self, count: int) -> list[FoundVideo]:
        found = videos(self.count, count)
        self.count += count
        return found


def side_by_side(small: Walk, walk: Walk, call: Callable[[Walk], float], per: int) -> tuple[float, float]:
    """Return the median microseconds of a call on both, taken in turn."""
    pairs = [(call(small), call(walk)) for _ in range(SAMPLES)]
    at_first, here = (statistics.median(times) * 1e6 / per for times in zip(*pairs, strict=True))
    return at_first, here


def measure_frontier(folder: Path, sizes: Sequence[int], tell: Callable[[str], None]) -> list[Figures]:
    """Fill a frontier step by step and measure at each, in turn with one that stays at the first size.

    What a commit costs is the disk's mood of the minute; only calls side by side can be compared.
    """
    small, walk = Walk(folder / "small"), Walk(folder / "large")
    small.fill(sizes[0])
    figures = []
    for size in sizes:
        walk.fill(size)
        gc.collect()
        memory_mb = rss_mb()
        enqueue = side_by_side(small, walk, Walk.page_s, PAGE_VIDEOS)
        claim = side_by_side(small, walk, Walk.claim_s, 1)
        one = Figures(size, memory_mb, enqueue[1], claim[1], *enqueue[:1], *claim[:1], walk.bytes_per_video())
        figures.append(one)
        tell(
            f"frontier {one.videos:>9}  rss {one.rss_mb:6.1f} MB  "
            f"enqueue {one.enqueue_us:7.1f} us/video (beside it at {sizes[0]}: {one.enqueue_us_at_first:7.1f})  "
            f"claim {one.claim_us:8.1f} us ({one.claim_us_at_first:8.1f})  "
            f"{one.bytes_per_video:6.1f} bytes/video"
        )
        sys.stdout.flush()
    small.database.close()
    walk.database.close()
    return figures


def measure_scrapy_queue(queue: str, folder: Path, size: int) -> QueueFigures:
    """Fill one of Scrapy's own queues, with its duplicates filter, in a process of its own."""
    from scrapy import Request, Spider
    from scrapy.dupefilters import RFPDupeFilter
    from scrapy.squeues import FifoMemoryQueue, PickleFifoDiskQueue
    from scrapy.utils.test import get_crawler

    crawler = get_crawler(Spider)
    crawler.spider = crawler._create_spider("benchmark")
    seen = RFPDupeFilter.from_crawler(crawler)
    pushed = (
        FifoMemoryQueue.from_crawler(crawler)
        if queue == "memory"
        else PickleFifoDiskQueue.from_crawler(crawler, str(folder / "queue"))
    )

    def requests() -> Iterator[Any]:
        for number in range(size):
            yield Request(f"https://www.youtube.com/watch?v={video_id(number)}")

    started_s = time.perf_counter()
    for request in requests():
        if not seen.request_seen(request):
            pushed.push(request)
    push_us = (time.perf_counter() - started_s) * 1e6 / size
    memory_mb = rss_mb()
    pop_us = in_turn(SAMPLES, pushed.pop)
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return QueueFigures(queue, size, memory_mb, push_us, pop_us, disk / size)


def in_own_process(queue: str, size: int) -> QueueFigures:
    """Measure a queue in a child, so that its memory is its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        folder = Path(tempfile.mkdtemp(prefix="pytomo-benchmark-"))
        try:
            os.write(writer, json.dumps(asdict(measure_scrapy_queue(queue, folder, size))).encode())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return QueueFigures(**json.loads(text))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=SIZES[-1], help="largest frontier, in videos (default: 5 million)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument(
        "--folder", type=Path, help="where the databases are made (default: the system's temporary one)"
    )
    options = parser.parse_args()
    sizes = [size for size in SIZES if size < options.size] + [options.size]
    tell: Callable[[str], None] = (lambda _: None) if options.json else print
    # Scrapy's queues first: a fork after the frontier would carry its memory.
    # Up to a hundred thousand: what they cost a request does not change behind that, and their memory only grows.
    compared = [in_own_process(queue, size) for queue in ("memory", "disk") for size in sizes[:2]]
    for one in compared:
        tell(f"scrapy {one.queue:>6} {one.requests:>7}  rss {one.rss_mb:6.1f} MB  push {one.push_us:7.1f} us  "
             f"pop {one.pop_us:7.1f} us  {one.disk_bytes_per_request:6.1f} bytes of disk/request")  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="pytomo-benchmark-", dir=options.folder))
    try:
        figures = measure_frontier(folder, sizes, tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    last = figures[-1]
    result = {
        "size": last.videos,
        "rss_mb_at_5m": round(last.rss_mb, 1),
        "enqueue_us_5m_vs_10k": round(last.enqueue_us / last.enqueue_us_at_first, 3),
        "claim_us_5m_vs_10k": round(last.claim_us / last.claim_us_at_first, 3),
        "bytes_per_video": round(last.bytes_per_video, 1),
        "frontier": [asdict(one) for one in figures],
        "scrapy": [asdict(one) for one in compared],
    }
    ratios = f"enqueue {result['enqueue_us_5m_vs_10k']}, claim {result['claim_us_5m_vs_10k']}"
    print(json.dumps(result) if options.json else f"\nratios of {last.videos} to {sizes[0]} videos: {ratios}")


if __name__ == "__main__":
    sys.exit(main())
