"""Damaged inputs, read in processes of their own: one that dies, hangs or is slow is a line of the report.

Every input follows from its number and a seed, so that any of them can be made again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

HANG_S = 30.0
START_S = 300.0  # until a process reads its first input: on a busy machine its start takes long, which is no hang


@dataclass(slots=True)
class Report:
    """What came of all inputs."""

    inputs: int = 0
    crashes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    excessive: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    memory_mb: float = 0.0
    results: Counter[str] = field(default_factory=Counter)


class Teller:
    """Says in a process of inputs what it is about to read, and what came of it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def begins(self, name: str) -> None:
        """Say which input is read next: if nothing more is heard, it was that one."""
        self._pipe.send(("begins", name))

    def done(self, result: str, elapsed_s: float, memory_kb: int, excess: str = "") -> None:
        """Say how it ended; `excess` is what it made more of than there was."""
        self._pipe.send(("done", result, elapsed_s, memory_kb, excess))

    def ends(self) -> None:
        """Say that the batch is done."""
        self._pipe.send(("ends",))


# Reads so many inputs from a number on, with the seed, and tells of each.
Batch = Callable[[int, int, int, Teller], None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is too much. `batch` inputs are read by a process before a fresh one starts."""

    batch: int
    slow_s: float
    memory_mb: float = 300.0


def main(read_batch: Batch, bounds: Bounds, description: str | None, prepare: Callable[[], object]) -> None:
    """Run and print the report; exit code 1 for a crash, a hang, a slow input, too much memory or an excess.

    `prepare` makes what the inputs are made of, once, before any process needs it.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow-s", type=float, default=bounds.slow_s)
    parser.add_argument("--memory-mb", type=float, default=bounds.memory_mb)
    arguments = parser.parse_args()
    prepare()
    report = Report()
    while report.inputs < arguments.inputs:
        count = min(bounds.batch, arguments.inputs - report.inputs)
        report.inputs += _supervise(read_batch, (report.inputs, count, arguments.seed), report, arguments.slow_s)
    print(json.dumps(_written(report), indent=2))
    is_bad = report.crashes or report.slow or report.excessive or report.memory_mb > arguments.memory_mb
    raise SystemExit(bool(is_bad))


def _written(report: Report) -> dict[str, Any]:
    return {
        "inputs": report.inputs,
        "crashes": report.crashes,
        "slow": report.slow,
        "excessive": report.excessive,
        "slowest_s": round(report.slowest_s, 3),
        "memory_mb": round(report.memory_mb, 1),
        "results": dict(report.results.most_common()),
    }


def _run(read_batch: Batch, which: tuple[int, int, int], pipe: Connection) -> None:
    teller = Teller(pipe)
    read_batch(*which, teller)
    teller.ends()


def _supervise(read_batch: Batch, which: tuple[int, int, int], report: Report, slow_s: float) -> int:
    """Run one batch in a process; return how many inputs it got through."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(read_batch, which, theirs))
    process.start()
    theirs.close()
    done, name, patience_s = 0, f"input {which[0]}", START_S
    try:
        while ours.poll(patience_s):
            kind, *told = ours.recv()
            patience_s = HANG_S
            if kind == "ends":
                process.join(HANG_S)
                return done
            if kind == "begins":
                name = f"input {which[0] + done} ({told[0]})" if told[0] else f"input {which[0] + done}"
                continue
            result, elapsed_s, memory_kb, excess = told
            done += 1
            report.results[result] += 1
            report.slowest_s = max(report.slowest_s, elapsed_s)
            report.memory_mb = max(report.memory_mb, memory_kb / 1024)
            if excess:
                report.excessive.append(f"{name}: {excess}")
            if elapsed_s > slow_s:
                report.slow.append(f"{name}: {elapsed_s:.2f} s")
        report.slow.append(f"{name}: still running after {patience_s:.0f} s")
    except EOFError:
        process.join(HANG_S)
        report.crashes.append(f"{name}: exit code {process.exitcode}")
    finally:
        if process.is_alive():
            process.kill()
        process.join()
    return done + 1
