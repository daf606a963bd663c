"""What the two measuring processes cost: their start, their memory, and their answers as data beside pickled ones.

    python benchmarks/worker.py          half a minute

Each figure is the median of several runs. The answer is that of a window with the longest traces that it keeps.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import statistics
import time
from collections.abc import Callable

import psutil

from pytomo_scrapy.items import DownloadResult, StreamDownload
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.stream import MAX_TRACE_ENTRIES
from pytomo_scrapy.measure.worker.confinement import Confinement
from pytomo_scrapy.measure.worker.plain_messages import pack, read_as, result_type, unpack
from pytomo_scrapy.measure.worker.worker import Worker

RUNS = 7
PROCESSES = {
    "fetches media": ("pytomo_scrapy.measure.window.loop", Confinement.ONLINE),
    "reads media": ("pytomo_scrapy.measure.playback.window_analysis", Confinement.OFFLINE),
}


async def start_once(module: str, confinement: Confinement) -> tuple[float, float, float, float]:
    """Return seconds that the start blocks the crawler, seconds until ready, processor seconds, and own bytes."""
    worker = Worker(preload=(module,), confinement=confinement)
    started_s = time.perf_counter()
    await worker.start()
    blocked_s = time.perf_counter() - started_s
    await worker.run(os.getpid, deadline_s=60)
    ready_s = time.perf_counter() - started_s
    process = psutil.Process(worker.pid)
    cpu, own_bytes = process.cpu_times(), process.memory_full_info().uss
    await worker.close()
    return blocked_s, ready_s, cpu.user + cpu.system, own_bytes


def long_window() -> DownloadResult:
    """Return a window of two streams with the longest traces."""
    times = tuple(place / 3 for place in range(MAX_TRACE_ENTRIES))
    totals = tuple(range(10**9, 10**9 + MAX_TRACE_ENTRIES))
    streams = (StreamDownload(kind, "1", arrival_s=times, arrival_bytes=totals) for kind in ("video", "audio"))
    return DownloadResult(streams=tuple(streams))


def median_s(action: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    times = []
    for _ in range(RUNS):
        before_s = time.process_time()
        action()
        times.append(time.process_time() - before_s)
    return statistics.median(times)


def main() -> None:
    """Print all figures."""
    for name, (module, confinement) in PROCESSES.items():
        runs = [asyncio.run(start_once(module, confinement)) for _ in range(RUNS)]
        blocked_s, ready_s, cpu_s, own_bytes = (statistics.median(values) for values in zip(*runs, strict=True))
        print(
            f"{name}: blocks {blocked_s * 1000:.0f} ms, ready after {ready_s:.2f} s, "
            f"{cpu_s:.2f} s of processor, {own_bytes / 1e6:.0f} MB of its own"
        )
    window, kind = long_window(), result_type(download_window)
    message, pickled = pack("result", window), pickle.dumps(window)
    data_s = median_s(lambda: pack("result", window)), median_s(lambda: read_as(kind, unpack(message)[1]))
    pickle_s = median_s(lambda: pickle.dumps(window)), median_s(lambda: pickle.loads(pickled))
    for action, (as_data_s, as_pickle_s) in zip(("write", "read"), zip(data_s, pickle_s, strict=True), strict=True):
        print(
            f"{action} the longest answer: {as_data_s * 1000:.0f} ms as data, {as_pickle_s * 1000:.0f} ms pickled, "
            f"{as_data_s / max(as_pickle_s, 1e-9):.0f} times as much"
        )


if __name__ == "__main__":
    main()
