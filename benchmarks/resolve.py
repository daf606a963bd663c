"""What a resolution costs in a process of its own, beside one in the crawler: processor time, time, and memory.

    python benchmarks/resolve.py [--rounds 7] [--videos 20]          a minute

Both resolve the same videos of the offline lab, turn by turn, and ratios are taken within a round, as a machine changes
its pace; what is printed are medians. Processor time is that of the crawler and its child together. The start of the
child is apart: a crawl pays for it once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import psutil
from scrapy.utils.asyncio import run_in_thread

from pytomo_scrapy.config import ResolveConfig, load
from pytomo_scrapy.crawl.resolving_processes import Resolvers
from pytomo_scrapy.items import ResolveResult
from pytomo_scrapy.lab.launcher import running_lab
from pytomo_scrapy.lab.servers import LabOptions, make_world
from pytomo_scrapy.measure.resolve.resolution import resolve_video

Resolve = Callable[[str, ResolveConfig], Awaitable[ResolveResult]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one video: seconds of processor and of time."""

    cpu_s: float
    elapsed_s: float


def used_s(processes: Sequence[psutil.Process]) -> float:
    """Return the processor time of all."""
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)


async def cost_of(resolve: Resolve, urls: Sequence[str], config: ResolveConfig) -> Cost:
    """Resolve every URL, one after the other, and return what one cost."""
    processes = [psutil.Process(), *(one for one in psutil.Process().children() if "spawn_main" in str(one.cmdline()))]
    before_s, started_s = used_s(processes), time.perf_counter()
    for url in urls:
        result = await resolve(url, config)
        assert result.failure is None, result
    count = len(urls)
    return Cost((used_s(processes) - before_s) / count, (time.perf_counter() - started_s) / count)


async def compare(urls: Sequence[str], config: ResolveConfig, rounds: int) -> None:
    """Print the costs of both ways."""
    here = partial(run_in_thread, resolve_video)
    resolvers, started_s = Resolvers(1), time.perf_counter()
    await resolvers.open()
    worker = resolvers._workers[0]
    await worker.run(os.getpid, deadline_s=60)
    ready_s, child = time.perf_counter() - started_s, psutil.Process(worker.pid)
    start_cpu_s = used_s([child])
    for resolve in (here, resolvers.resolve):
        await cost_of(resolve, urls[:2], config)  # the first video of a process imports what it needs
    pairs = []
    for number in range(rounds):
        order = (here, resolvers.resolve) if number % 2 else (resolvers.resolve, here)
        costs = {resolve: await cost_of(resolve, urls, config) for resolve in order}
        pairs.append((costs[here], costs[resolvers.resolve]))
    own_bytes = child.memory_full_info().uss
    await resolvers.close()
    for name, place in (("in the crawler", 0), ("in its process", 1)):
        cpu_s, elapsed_s = (median(getattr(pair[place], field) for pair in pairs) for field in ("cpu_s", "elapsed_s"))
        print(f"{name}: {cpu_s * 1000:.1f} ms of processor, {elapsed_s * 1000:.1f} ms a video")
    for field, what in (("cpu_s", "processor"), ("elapsed_s", "time")):
        ratios = sorted(getattr(own, field) / getattr(there, field) for there, own in pairs)
        print(f"{what}: {median(ratios):.3f} times as much ({ratios[0]:.3f} to {ratios[-1]:.3f})")
    print(f"start: ready after {ready_s:.2f} s, {start_cpu_s:.2f} s of processor, {own_bytes / 1e6:.0f} MB of its own")


def main() -> None:
    """Compare in the lab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--videos", type=int, default=20)
    given = parser.parse_args()
    options = LabOptions("clean")
    with running_lab(options) as lab:
        os.environ.update(lab.environment(os.environ))
        videos = list(make_world(options).videos)[: given.videos]
        config = load(os.environ.get).resolve
        asyncio.run(compare([f"https://www.youtube.com/watch?v={name}" for name in videos], config, given.rounds))


if __name__ == "__main__":
    main()
