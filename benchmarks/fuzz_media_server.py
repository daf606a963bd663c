"""Opens windows on a media server whose every answer is damaged, analyses what came, and looks for what that broke.

    python benchmarks/fuzz_media_server.py --answers 5000

Every window must return within its promised time with a class of failure that is known, and no `unknown_failure`; its
media must be analysed without an exception; what is told to the crawler must be readable again; no file may be left but
those that it names, and no process may take more than 500 MB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.hostile.media_server import HostileMediaServer, make_answer
from pytomo_scrapy.config import DownloadConfig, PathConfig, PlaybackConfig
from pytomo_scrapy.failures.classes import FAILURES
from pytomo_scrapy.items import DownloadResult, MediaFormat
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.worker.plain_messages import pack, read_as, unpack

WINDOW_S = 0.4
PROMISED_S = WINDOW_S + 0.25
BUSY_S = 0.5  # what a busy machine may add
ANALYSIS_S = 5.0
MOST_MEMORY_MB = 500.0
BATCH = 100
_CLIPS = ("muxed_20", "separate_20")


@dataclass(slots=True)
class Report:
    """What came of all windows."""

    answers: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    memory_mb: float = 0.0

    def written(self) -> dict[str, object]:
        """Return it as JSON writes it, what is most frequent first."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: dict(value.most_common()) if isinstance(value, Counter) else value for name, value in values.items()
        }

    def add(self, other: Report) -> None:
        """Take the figures of another one in."""
        self.answers += other.answers
        self.failures += other.failures
        self.wrong += other.wrong
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.memory_mb = max(self.memory_mb, other.memory_mb)


def bodies() -> list[bytes]:
    """Return media of the kinds that the service sends."""
    return [stream.path.read_bytes()[:200_000] for name in _CLIPS for stream in load_clip(name).streams]


def run_batch(first: int, count: int, seed: int) -> Report:
    """Open a window on each of the answers `first` to `first + count`."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    report, media, server = Report(), bodies(), HostileMediaServer()
    # What is raised within a callback of curl ends there.
    sys.excepthook = lambda kind, error, trace: report.wrong.append("".join(traceback.format_exception(error))[-1500:])
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(first, first + count):
                server.answer = make_answer(media, Random(f"{seed}:{number}"))
                _try(server, number, folder, report)
    finally:
        server.close()
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    report.memory_mb = int(peak[1]) / 1000 if peak else 0.0
    return report


def _try(server: HostileMediaServer, number: int, folder: str, report: Report) -> None:
    said, wrong_before = f"answer {number} ({', '.join(server.answer.words)})", len(report.wrong)
    report.answers += 1
    began_s = time.monotonic()
    try:
        window = download_window(_plan(server, number, folder), _config(number))
        elapsed_s = time.monotonic() - began_s
        report.slowest_s = max(report.slowest_s, elapsed_s)
        # A machine that let the process wait says so in the window itself.
        if elapsed_s - (window.probe_gap_s or 0.0) > PROMISED_S + BUSY_S:
            report.wrong.append(f"{said}: a window of {elapsed_s:.2f} s")
        report.failures[window.failure or window.ended_by or "measured"] += 1
        report.wrong += [f"{said}: {text}" for text in _judged(window)]
        left = {str(path) for path in Path(folder).iterdir()} - {stream.spool_path for stream in window.streams}
        report.wrong += [f"{said}: {path} is left" for path in left]
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        report.wrong.append(f"{said}: {traceback.format_exc()[-1500:]}")
    for path in Path(folder).iterdir():
        path.unlink()
    report.wrong[wrong_before:] = [text if said in text else f"{said}: {text}" for text in report.wrong[wrong_before:]]


def _plan(server: HostileMediaServer, number: int, folder: str) -> WindowPlan:
    kind, url = ("muxed", "video")[number % 2], f"http://127.0.0.1:{server.port}/videoplayback?sig=x&clen=200000"
    chunk_bytes = 20_000 if number % 5 == 0 else None
    media = MediaFormat(kind, "18", url, "127.0.0.1", server.port, chunk_bytes=chunk_bytes)
    return WindowPlan((media,), {"127.0.0.1": "127.0.0.1"}, spool_directory=folder, duration_s=20.0, dns_timeout_s=0.2)


def _config(number: int) -> DownloadConfig:
    mode = ("paced", "bulk")[number % 3 == 0]
    path = PathConfig(is_private_allowed=True)
    return DownloadConfig(window_s=WINDOW_S, mode=mode, bulk_every=0, loaded_probes_per_s=0, path=path)


def _judged(window: DownloadResult) -> Iterator[str]:
    """Yield what a window breaks of what is promised."""
    named = [window.failure, *(stream.failure for stream in window.streams)]
    yield from (f"{name} is no known class" for name in named if name is not None and name not in FAILURES)
    if "unknown_failure" in named:
        yield f"unknown_failure: {window.failure_detail}"
    if read_as(DownloadResult, unpack(pack("result", window))[1]) != window:
        yield "the crawler reads another result than was sent"
    began_s = time.monotonic()
    timelines, *_ = analyse_window(replace(window), DeclaredVideo(20.0), PlaybackConfig())
    if (took_s := time.monotonic() - began_s) > ANALYSIS_S:
        yield f"an analysis of {took_s:.1f} s"
    yield from (f"{one.failure} is no known class" for one in timelines if one.failure and one.failure not in FAILURES)


def main() -> None:
    """Run and print the report; exit code 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    bodies()  # encodes the clips once, before any process needs them
    report = Report()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.processes, context, max_tasks_per_child=1) as pool:
        starts = range(0, arguments.answers, BATCH)
        batches = [pool.submit(run_batch, at, min(BATCH, arguments.answers - at), arguments.seed) for at in starts]
        for batch in batches:
            report.add(batch.result())
    if report.memory_mb > MOST_MEMORY_MB:
        report.wrong.append(f"{report.memory_mb:.0f} MB")
    print(json.dumps(report.written(), indent=2))
    raise SystemExit(bool(report.wrong))


if __name__ == "__main__":
    main()
