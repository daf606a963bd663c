"""Inputs played in batches, each in a process of its own: who crashed, who was slow, how much memory was taken."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

HANG_S = 30.0
START_S = 300.0  # until a process has played its first input: on a busy machine its start takes long, which is no hang


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one input. `complaint` says what it broke beside time and memory."""

    name: str
    result: str
    elapsed_s: float
    memory_mb: float
    complaint: str | None = None


# Plays inputs `first` to `first + count` of a seed, one a turn of the generator.
PlayBatch = Callable[[int, int, int], Iterator[Played]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many inputs a process handles before a fresh one starts, and what no input may take."""

    batch: int
    slow_s: float
    memory_mb: float = 300.0


@dataclass(slots=True)
class Report:
    """What came of all inputs."""

    inputs: int = 0
    crashes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    memory_mb: float = 0.0
    results: Counter[str] = field(default_factory=Counter)

    def take(self, number: int, played: Played, limits: Limits) -> None:
        """Count one input."""
        self.results[played.result] += 1
        self.slowest_s = max(self.slowest_s, played.elapsed_s)
        self.memory_mb = max(self.memory_mb, played.memory_mb)
        if played.complaint is not None:
            self.complaints.append(f"input {number} ({played.name}): {played.complaint}")
        if played.elapsed_s > limits.slow_s:
            self.slow.append(f"input {number} ({played.name}): {played.elapsed_s:.2f} s")


def timed(name: str, play: Callable[[], str]) -> Played:
    """Play an input; say the processor's time that it took, and the most memory that this process ever had.

    The processor's time, since nothing is waited for, and others may be at work on the machine.
    """
    start = time.process_time()
    result = play()
    elapsed_s = time.process_time() - start
    return Played(name, result, elapsed_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def run(description: str | None, play: PlayBatch, defaults: Limits) -> None:
    """Play the inputs that the command line asks for, print the report, and exit with 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow-s", type=float, default=defaults.slow_s)
    parser.add_argument("--memory-mb", type=float, default=defaults.memory_mb)
    arguments = parser.parse_args()
    limits, report = Limits(defaults.batch, arguments.slow_s, arguments.memory_mb), Report()
    while report.inputs < arguments.inputs:
        count = min(limits.batch, arguments.inputs - report.inputs)
        report.inputs += _supervise(play, (report.inputs, count, arguments.seed), report, limits)
    told = {name: getattr(report, name) for name in Report.__slots__}
    told |= {"slowest_s": round(report.slowest_s, 3), "memory_mb": round(report.memory_mb, 1)}
    print(json.dumps(told | {"results": dict(report.results.most_common())}, indent=2))
    is_bad = report.crashes or report.slow or report.complaints or report.memory_mb > limits.memory_mb
    raise SystemExit(bool(is_bad))


def _play(play: PlayBatch, batch: tuple[int, int, int], pipe: Connection) -> None:
    for played in play(*batch):
        pipe.send(played)
    pipe.send(None)


def _supervise(play: PlayBatch, batch: tuple[int, int, int], report: Report, limits: Limits) -> int:
    """Run one batch in a process; return how many inputs it got through."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_play, args=(play, batch, theirs))
    process.start()
    theirs.close()
    done, number = 0, batch[0]
    try:
        while ours.poll(HANG_S if done else START_S):
            played = ours.recv()
            if played is None:
                process.join(HANG_S)
                return done
            report.take(number, played, limits)
            done, number = done + 1, number + 1
        report.slow.append(f"input {number}: still running after {HANG_S:.0f} s")
    except EOFError:
        process.join(HANG_S)
        report.crashes.append(f"input {number}: exit code {process.exitcode}")
    finally:
        if process.is_alive():
            process.kill()
        process.join()
    return done + 1
