"""Feed the container reader mutated and cut files of every kind of the lab, in processes of their own.

Reports crashes (a process that died), hangs (an input that took longer than --slow-s) and the memory taken. The inputs
follow from --seed alone, so that any of them can be made again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.measure.media.timeline import read_timeline

CLIPS = ("muxed_20", "muxed_index_last_40", "separate_20", "webm_40", "flv_20", "mpegts_20")
INPUT_BYTES = 400_000  # of each clip: enough for headers, index and several fragments, and quick to read
BATCH = 250  # inputs a process handles before its memory is read and a fresh one starts
HANG_S = 30.0


@dataclass(slots=True)
class Report:
    """What came of all inputs."""

    inputs: int = 0
    crashes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    memory_mb: float = 0.0
    results: Counter[str] = field(default_factory=Counter)


def seeds(limit_bytes: int = INPUT_BYTES) -> list[tuple[str, str, bytes]]:
    """Return (name, kind, content) of one file of every kind."""
    files = []
    for name in CLIPS:
        for stream in load_clip(name).streams:
            content = stream.path.read_bytes()
            # A file whose index is last keeps its end, with the middle cut out: else no input would ever have an index.
            content = content if "index_last" in name else content[:limit_bytes]
            files.append((f"{name}/{stream.kind}", stream.kind, content))
    return files


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Damage a file as networks, disks and attackers do."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        if not data:
            break
        # Half of all damage goes to the head, where the structure is.
        place = rng.randrange(min(len(data), 4096)) if rng.random() < 0.5 else rng.randrange(len(data))
        kind = rng.randrange(8)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:  # a length or a count gone wild
            data[place : place + 4] = rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, rng.getrandbits(32))).to_bytes(4, "big")
        elif kind == 3:
            del data[place : place + rng.choice((1, 4, 188, 5000))]
        elif kind == 4:
            data[place:place] = rng.randbytes(rng.choice((1, 4, 188)))
        elif kind == 5:  # structure repeated
            data[place:place] = data[place : place + rng.choice((8, 100, 2000))]
        elif kind == 6:
            other = rng.randrange(len(data))
            data[place : place + 64] = data[other : other + 64]
        else:
            del data[place:]
    return bytes(data)


def make_input(number: int, files: list[tuple[str, str, bytes]], seed: int) -> tuple[str, str, bytes, int | None]:
    """Return input `number`: its name, kind, bytes and the size that the server would declare."""
    rng = random.Random(f"{seed}:{number}")
    name, kind, content = files[number % len(files)]
    damaged = content[: rng.randrange(len(content) + 1)] if rng.random() < 0.25 else mutate(content, rng)
    size_bytes = rng.choice((len(damaged), len(content), len(content) * 3, None))
    return name, rng.choice((kind, "muxed", "video", "audio")), damaged, size_bytes


def run_batch(first: int, count: int, seed: int, folder: str, pipe: Connection) -> None:
    """Read inputs `first` to `first + count`, telling each one's number before and its result after."""
    files = seeds()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = Path(folder) / f"input-{os.getpid()}"
    for number in range(first, first + count):
        name, kind, content, size_bytes = make_input(number, files, seed)
        path.write_bytes(content)
        pipe.send(("start", number, name))
        start = time.monotonic()
        timeline = read_timeline(str(path), kind, len(content), size_bytes, budget_s=5.0)
        check(timeline, len(content))
        elapsed_s = time.monotonic() - start
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
        pipe.send(("done", timeline.failure or timeline.method, elapsed_s, grown_kb))
    path.unlink()
    pipe.send(("end",))


def check(timeline: Any, received_bytes: int) -> None:
    """Raise AssertionError where a result breaks what every timeline promises."""
    assert timeline.failure is None or timeline.failure in FAILURES, timeline.failure
    assert len(timeline.offset_bytes) == len(timeline.complete_s)
    assert list(timeline.offset_bytes) == sorted(set(timeline.offset_bytes))
    assert list(timeline.complete_s) == sorted(timeline.complete_s)
    assert not timeline.offset_bytes or timeline.offset_bytes[-1] <= max(received_bytes, 1)
    assert all(0 <= value < 1e6 for value in timeline.complete_s)


def supervise(first: int, count: int, seed: int, folder: str, report: Report, slow_s: float) -> int:
    """Run one batch in a process; return how many inputs it got through."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=run_batch, args=(first, count, seed, folder, theirs))
    process.start()
    theirs.close()
    number, name, done = first, "", 0
    try:
        while ours.poll(HANG_S):
            message = ours.recv()
            if message[0] == "end":
                process.join(HANG_S)
                return done
            if message[0] == "start":
                _, number, name = message
                continue
            _, result, elapsed_s, grown_kb = message
            done += 1
            report.results[result] += 1
            report.slowest_s = max(report.slowest_s, elapsed_s)
            report.memory_mb = max(report.memory_mb, grown_kb / 1024)
            if elapsed_s > slow_s:
                report.slow.append(f"input {number} ({name}): {elapsed_s:.1f} s")
        report.slow.append(f"input {number} ({name}): still running after {HANG_S:.0f} s")
    except EOFError:
        process.join(HANG_S)
        report.crashes.append(f"input {number} ({name}): exit code {process.exitcode}")
    finally:
        if process.is_alive():
            process.kill()
        process.join()
    return done + 1


def main() -> None:
    """Run and print the report; exit code 1 for a crash, a hang or too much memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow-s", type=float, default=5.0)
    parser.add_argument("--memory-mb", type=float, default=300.0)
    arguments = parser.parse_args()
    seeds()  # encodes the clips once, before any process needs them
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        while report.inputs < arguments.inputs:
            count = min(BATCH, arguments.inputs - report.inputs)
            report.inputs += supervise(report.inputs, count, arguments.seed, folder, report, arguments.slow_s)
    print(
        json.dumps(
            {
                "inputs": report.inputs,
                "crashes": report.crashes,
                "slow": report.slow,
                "slowest_s": round(report.slowest_s, 2),
                "memory_mb": round(report.memory_mb, 1),
                "results": dict(report.results.most_common()),
            },
            indent=2,
        )
    )
    raise SystemExit(bool(report.crashes or report.slow or report.memory_mb > arguments.memory_mb))


if __name__ == "__main__":
    main()
