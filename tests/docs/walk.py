"""Walk documents as they are written, from an empty folder: `python -m tests.docs.walk [DOCUMENT ...]`.

The tests run the same commands made short. Here nothing is: every crawl measures as many videos as it says, in the lab,
and must end by itself within what its letters promise. README.md and docs/lab.md take some three quarters of an hour.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pytomo_scrapy.config import BY_NAME
from pytomo_scrapy.lab.servers import LabOptions
from tests.docs import shell
from tests.docs.stand_in import AS_WRITTEN
from tests.docs.test_commands import ELSEWHERE, blocks, first_words
from tests.e2e.conftest import clean_environment
from tests.running.commands import end_all
from tests.running.labs import own_lab

DOCUMENTS = ("README.md", "docs/lab.md")
# What a command takes besides its windows, and a video besides its own, on a slow machine.
COMMAND_S, VIDEO_S = 90.0, 20.0
_COUNT = re.compile(r"(?:-u |max_crawled_url=)(\d+)")
_WINDOW = re.compile(r"(?:-D |PYTOMO_DOWNLOAD_WINDOW_S=)(\d+)")


def promise_s(block: str) -> float:
    """Return within which time the commands of a block must have ended."""
    total_s = 0.0
    for line in block.splitlines():
        words = line.split(" #")[0]
        window = _WINDOW.search(words)
        window_s = float(window[1] if window else BY_NAME["PYTOMO_DOWNLOAD_WINDOW_S"].default)
        is_measuring = re.search(r"\b(crawl|measure)\b", words) is not None
        count = _COUNT.search(words)
        videos = int(count[1]) if count else 1
        total_s += COMMAND_S + (videos * (window_s + VIDEO_S) if is_measuring else 0.0)
    # The demo measures seven videos for 6 s each.
    return total_s + (7 * (6.0 + VIDEO_S) if "make demo" in block else 0.0)


def walk(document: str, lab: dict[str, str]) -> bool:
    """Run every block of a document. Returns whether each ended in order and in time."""
    is_well = True
    with tempfile.TemporaryDirectory(prefix="pytomo-walk-") as folder:
        variables = {**lab, **shell.make_shell(Path(folder), Path(folder, "has-run")), AS_WRITTEN: "1"}
        for block in blocks(shell.ROOT / document):
            if first_words(block) in ELSEWHERE:
                continue
            most_s, started_s = promise_s(block), time.monotonic()
            try:
                done = subprocess.run(
                    ["bash", "-e", "-u", "-o", "pipefail", "-c", block],
                    cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=most_s,
                    check=False,
                )  # fmt: skip
                how = "ok" if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr[-500:]}"
            except subprocess.TimeoutExpired:
                how = "did not end by itself"
            is_well = is_well and how == "ok"
            took_s = time.monotonic() - started_s
            sys.stdout.write(f"{document}: {first_words(block)}: {took_s:.0f} of {most_s:.0f} s, {how}\n")
            sys.stdout.flush()
    return is_well


def main(documents: Sequence[str]) -> int:
    """Walk the documents. Returns the exit code."""
    os.chdir(shell.ROOT)
    try:
        with own_lab(LabOptions("default")) as lab:
            walked = [walk(one, lab.environment(clean_environment())) for one in documents]
        return 0 if all(walked) else 1
    finally:
        end_all()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or DOCUMENTS))
