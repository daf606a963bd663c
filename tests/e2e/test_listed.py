"""A list of 100 000 links starts as quickly, and takes as much memory, as one of ten."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pytomo_scrapy.lab.world import build_world
from tests.e2e.long import Crawl, ask, kill, lab_environment, wait_until
from tests.running.commands import writers_of

WORLD = list(build_world("clean").videos)[:10]


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    with lab_environment() as environment:
        yield environment


def first_writer(log: Path, stand_in: int) -> psutil.Process:
    """Return the crawl: the first of the processes that write this log, for its workers begin after it."""
    begun = []
    for pid in writers_of(log):
        with contextlib.suppress(psutil.NoSuchProcess):
            begun.append((psutil.Process(pid).create_time(), pid))
    return psutil.Process(min(one for one in begun if one[1] != stand_in)[1])


def measure_three(lab: dict[str, str], folder: Path, count: int) -> tuple[float, float]:
    """Measure the first three of a list. Returns seconds from the crawl's opening to the first, and the memory then."""
    folder.mkdir()
    listed = folder / "list.txt"
    ids = WORLD + [f"{number:011}" for number in range(count - len(WORLD))]
    listed.write_text("".join(f"https://www.youtube.com/watch?v={one}\n" for one in ids))
    arguments = ["-a", f"input_file={listed}", "-a", "related=0"]
    crawl = Crawl(lab, f"sqlite:///{folder / 'x.db'}", arguments, folder=folder)
    process = crawl.start()
    try:
        wait_until(lambda: int(str(ask(crawl.database_url, "SELECT COUNT(*) FROM measurement")[0][0])) >= 3)
        rss_bytes = first_writer(crawl.log[-1], process.pid).memory_info().rss
    finally:
        kill(process)
    (row,) = ask(
        crawl.database_url,
        "SELECT (julianday((SELECT MIN(started_at) FROM measurement)) - julianday(created_at)) * 86400 FROM crawl",
    )
    return float(str(row[0])), rss_bytes / 1e6


@pytest.mark.alone
def test_list_of_100_000_starts_within_two_seconds_in_the_memory_of_ten(lab: dict[str, str], tmp_path: Path) -> None:
    few_s, few_mb = measure_three(lab, tmp_path / "ten", 10)
    start_s, many_mb = measure_three(lab, tmp_path / "many", 100_000)
    assert start_s < few_s + 2
    assert many_mb < few_mb + 10, "a batch of a thousand, not the list"
