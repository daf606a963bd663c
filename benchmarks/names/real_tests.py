"""Whole differential tests over loopback: the command itself, in the lab's world of names."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from pytomo_scrapy.lab.world import build_world

WINDOW_S = 1
_TIMEOUT_S = 600.0


def real_tests(count: int, seed: int) -> None:
    """Print what `count` tests of each host of the world say. `seed` is that of the lab."""
    print(f"\n{count} tests of each kind over loopback, windows of {WINDOW_S} s\n")
    print("| host | verdicts | pairs | difference by pairs | Wehe | time |")
    print("|---|---|---|---|---|---|")
    for video_id, what in build_world("names", seed).known.items():
        verdicts: Counter[str] = Counter()
        begun_s, found = time.monotonic(), []
        for _ in range(count):
            found.append(_test(video_id, seed))
            verdicts[found[-1]["verdict"]] += 1
        pairs = ", ".join(str(one["pair_count"]) for one in found)
        values = [one["difference_ratio"] for one in found]
        differences = ", ".join("unknown" if value is None else f"{100 * value:+.1f} %" for value in values)
        by_wehe = ", ".join(one["wehe_verdict"] for one in found)
        said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
        cells = [what, said, pairs, differences, by_wehe, f"{time.monotonic() - begun_s:.0f} s"]
        print(f"| {' | '.join(cells)} |", flush=True)


def _test(video_id: str, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        words = ["lab", "--world", "names", "--seed", str(seed), "differential", "--consent", "--json"]
        words += ["-s", f"PYTOMO_DIFFERENTIAL_WINDOW_S={WINDOW_S}", "-s", "PYTOMO_LINE=off"]
        words += ["--database", str(Path(folder) / "names.db"), "--", video_id]
        command = [sys.executable, "-m", "pytomo_scrapy", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    [found] = json.loads(done.stdout)
    return dict(found)
