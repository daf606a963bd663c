"""Score the rules of docs/autopsy.md against causes that are injected into sessions on emulated lines.

    python benchmarks/autopsy.py [--seeds 101,102,103] [--sessions 40] [--window-s 15] [--keep FOLDER]  (as root; Linux)
    python benchmarks/autopsy.py --silent-far-end ...   (lines whose far end answers no probes)
    python benchmarks/autopsy.py --judge FOLDER         (judge kept sessions again, by the rules of now)

Each seed is a line of its own: namespaces for the probe, two caches and a reference, and a path in user space (home,
access line, a path to each host, with rate, queue, delay and loss; benchmarks/causes/line_path.py). The product's own
window runs on it, with controls on lines of odd numbers, is stored, and is judged from the database. The rules were
tuned on seeds below 100.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.causes.injections import plan
from benchmarks.causes.line_session import EmulatedLine, run_line
from pytomo_scrapy.analysis.autopsy.judging import judge
from pytomo_scrapy.items import Autopsy, Cause, Symptom
from pytomo_scrapy.storage.database import open_database

SCORED = (Cause.PROBE, Cause.HOME, Cause.OWN_TRAFFIC, Cause.ACCESS, Cause.PATH, Cause.OUTAGE, Cause.SERVICE)
# Of a session, kept from a program that only looks at the clock: measured apart from what is judged.
OVERLOADED_RATIO = 0.3
Judged = list[tuple[dict[str, Any], tuple[Autopsy, ...]]]


def measure(seeds: list[int], options: argparse.Namespace, folder: Path) -> None:
    """Run the lines of these seeds side by side; each leaves its database and what was injected."""
    lock = threading.Lock()

    def show(number: int, row: dict[str, Any]) -> None:
        with lock:
            print(
                f"line {number}: {row['label']} {row['strength']}: {row['failure'] or 'ok'}",
                file=sys.stderr,
                flush=True,
            )

    def run(seed: int) -> None:
        line, sessions = plan(seed, options.sessions)
        line = replace(line, is_far_end_silent=options.silent_far_end)
        place = folder / f"line{seed}"
        place.mkdir(parents=True)
        emulated = EmulatedLine(seed, line, place, options.window_s)
        rows: list[dict[str, Any]] = []
        try:
            emulated.open()
            rows = run_line(emulated, sessions, show)
        except (RuntimeError, OSError, subprocess.SubprocessError):
            traceback.print_exc()
        finally:
            emulated.close()
            (place / "injected.json").write_text(json.dumps(rows))

    threads = [threading.Thread(target=run, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def judge_all(folder: Path) -> Judged:
    """Judge every kept session from its database."""
    found: Judged = []
    for place in sorted(folder.glob("line*")):
        rows = json.loads((place / "injected.json").read_text())
        with closing(open_database(f"sqlite:///{place / 'line.db'}")) as database, database.read() as connection:
            verdicts = judge(connection, [row["measurement"] for row in rows])
        found += [(row | {"line": place.name}, verdicts.get(row["measurement"], ())) for row in rows]
    return found


def is_start(verdict: Autopsy) -> bool:
    """Tell whether a verdict is over a start."""
    return verdict.symptom in (Symptom.STARTUP, Symptom.FAILED_START)


@dataclass(slots=True)
class Score:
    """Sessions with one cause or none in a matrix, those with two beside it."""

    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)  # (injected, said)
    pairs: Counter[str] = field(default_factory=Counter)
    clean_blamed: int = 0
    unharmed: int = 0  # injected, and good all the same
    overloaded: int = 0

    def add(self, row: dict[str, Any], verdicts: Sequence[Autopsy], *, has_good: bool) -> None:
        """Count a session. `has_good`: a clean one without a verdict too."""
        if row.get("machine_lag_ratio", 0.0) >= OVERLOADED_RATIO and Cause.PROBE not in row["causes"]:
            self.overloaded += 1  # probe is what is true of it, whatever was injected
            return
        if not row["causes"]:
            self.clean_blamed += any(verdict.cause != Cause.UNKNOWN for verdict in verdicts)
        if not verdicts:
            self.unharmed += bool(row["causes"])
            if row["causes"] or not has_good:
                return
        said = str(verdicts[0].cause) if verdicts else "good"
        if len(row["causes"]) > 1:
            self.pairs[said_of_two(row, verdicts[0])] += 1
        else:
            self.matrix[row["label"], said] += 1

    def right(self, cause: str) -> tuple[int, float, float]:
        """Return how many bad sessions had this cause alone, the precision and the recall."""
        right = self.matrix[cause, cause]
        blamed = sum(n for (_, said), n in self.matrix.items() if said == cause)
        injected = sum(n for (label, _), n in self.matrix.items() if label == cause)
        return injected, right / blamed if blamed else 0.0, right / injected if injected else 0.0


def said_of_two(row: dict[str, Any], first: Autopsy) -> str:
    """Tell what the verdict over a session with two causes is worth."""
    named = {str(first.cause), str(first.second_cause)}
    if first.cause == Cause.UNKNOWN:
        return "unknown"
    if first.cause not in row["causes"]:
        return "a third"
    if named >= set(row["causes"]):
        return "both"
    stronger = row.get("stronger")
    return "the weaker alone" if stronger and stronger != first.cause else "the stronger, or one of two alike"


def score(judged: Judged, title: str, *, starts_alone: bool = False) -> bool:
    """Print the confusion matrix with precision and recall. Returns whether all that is asked for is reached."""
    found = Score()
    for row, verdicts in judged:
        chosen = [verdict for verdict in verdicts if is_start(verdict)] if starts_alone else verdicts
        found.add(row, chosen, has_good=not starts_alone)
    matrix, columns = found.matrix, [*map(str, SCORED), "content", "unknown", "good"]
    print(f"\n## {title}\n\n| injected | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for label in ("clean", *map(str, SCORED), "content"):
        print(f"| {label} | " + " | ".join(str(matrix[label, column] or "") for column in columns) + " |")
    is_reached = not found.clean_blamed and not found.pairs["a third"] and not found.pairs["the weaker alone"]
    print("\n| cause | sessions | precision | recall |\n|---|---|---|---|")
    for cause in map(str, SCORED):
        count, precision, recall = found.right(cause)
        is_reached &= precision >= 0.95 and recall >= 0.85
        print(f"| {cause} | {count} | {precision:.2f} | {recall:.2f} |")
    bad = sum(n for (label, said), n in matrix.items() if label != "clean")
    unknown = sum(n for (label, said), n in matrix.items() if said == "unknown" and label != "clean")
    print(f"\nbad sessions with a cause injected: {bad} with one, {sum(found.pairs.values())} with two")
    print(f"unknown: {unknown} of those with one; clean sessions with a cause: {found.clean_blamed}")
    print(f"two causes, named: {dict(found.pairs)}")
    print(f"injected, and good all the same (not scored): {found.unharmed}")
    print(f"left out, because this machine was overloaded meanwhile: {found.overloaded}")
    return is_reached


def print_wrong(judged: Judged) -> None:
    """Print what was judged otherwise than injected, with the evidence."""
    for row, verdicts in judged:
        first = verdicts[0] if verdicts else None
        if first is not None and first.cause not in row["causes"]:
            print(
                f"{row['line']} {row['measurement']} {row['label']} ({row['strength']}): {first.symptom} ->"
                f" {first.cause} ({first.second_cause}) {first.startup_part}: {first.sentence} {first.evidence}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", default="101,102,103,104,105,106", help="a line each; below 100: those of tuning")
    parser.add_argument("--sessions", type=int, default=40, help="injected ones of a line (default: 40)")
    parser.add_argument("--window-s", type=float, default=15.0)
    parser.add_argument("--keep", type=Path, help="folder to keep databases in")
    parser.add_argument("--judge", type=Path, help="folder of kept databases: measure nothing")
    parser.add_argument("--silent-far-end", action="store_true", help="the lines' far ends answer no probes")
    parser.add_argument("--wrong", action="store_true", help="print what was judged otherwise than injected")
    options = parser.parse_args()
    folder = options.judge
    if folder is None:
        if os.geteuid():
            sys.exit("benchmarks/autopsy.py needs root: it makes network namespaces")
        folder = options.keep or Path(tempfile.mkdtemp(prefix="pytomo-causes-"))
        measure([int(seed) for seed in options.seeds.split(",")], options, folder)
    judged = judge_all(folder)
    is_reached = score(judged, "Sessions, by what cost the viewer most")
    score(judged, "Startup: slow and failed starts alone", starts_alone=True)
    if options.wrong:
        print_wrong(judged)
    if options.judge is None and options.keep is None:
        shutil.rmtree(folder)
    sys.exit(0 if is_reached else 1)


if __name__ == "__main__":
    main()
