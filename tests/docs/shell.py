"""A shell for the documents' commands: `pytomo` and `scrapy` run for real in the lab, made short; the rest is a list.

As a program (`shell.py NAME WORD ...`) it stands for one command on the PATH of that shell.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# It starts for each command: without the folder of installed packages, and what few commands need is imported there.

ROOT = Path(__file__).resolve().parents[2]
LAB_VIDEO = "CGNIzzGfeuY"
ENTRIES = {"pytomo": "pytomo_scrapy", "scrapy": "scrapy.cmdline"}
# A crawl of a document is ended after its first measurement, whatever it asks for.
_SHORT = ("PYTOMO_DOWNLOAD_WINDOW_S=0.5", "PYTOMO_PACE_S=0", "PYTOMO_PING_PACKETS=1", "CLOSESPIDER_ITEMCOUNT=1")
_SERVING = {"serve", "dashboard"}
# Set where nothing is to be made short: `python -m tests.docs.walk`.
AS_WRITTEN = "DOCUMENTS_AS_WRITTEN"

# What installs, builds or needs a machine of its own, word by word, and where it is tried instead.
NOT_RUN = {
    "make test": "this is a part of it",
    "make executable": "tried with `make try-executable`, and where releases are built",
    "make try-executable": "tried where releases are built",
    "python3 -m venv .venv": "sets up what runs this test",
    "pip install .": "sets up what runs this test",
    "pip install --target newer --no-deps yt-dlp yt-dlp-ejs": "test_newer_yt_dlp.py puts a newer one there",
    "pip install pandas matplotlib": "the extra dev has them",
    "docker compose -f deploy/compose/compose.yaml up -d": "there is no container engine where the tests run",
}
PROGRAMS = ("pip", "make", "docker", "python3", "python")


def make_shell(folder: Path, *, is_empty: bool = False) -> dict[str, str]:
    """Lay out a folder as a checkout looks to a user. Returns the changes of the environment.

    `is_empty`: without a database, as the folder of somebody who has measured nothing yet.
    """
    import shutil

    from pytomo_scrapy.storage.database import open_database
    from tests.running.commands import command

    shims = folder / ".venv" / "bin"
    shims.mkdir(parents=True)
    for name in (*ENTRIES, *PROGRAMS):
        shim = shims / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{__file__}" {name} "$@"\n')
        shim.chmod(0o755)
    (folder / "pytomo").symlink_to(shims / "pytomo")  # the single file
    for name in ("scrapy.cfg", "examples", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "links.txt").write_text(f"# a list\nhttps://www.youtube.com/watch?v={LAB_VIDEO}\n")
    (folder / "results").mkdir()
    if not is_empty:
        # Documents about what was measured do not begin with a crawl.
        (folder / "databases").mkdir()
        open_database(f"sqlite:///{folder / 'databases' / 'pytomo.db'}").close()
    shutil.copy(ROOT / "tests" / "exchange" / "pytomo_3_0_4.db", folder / "results" / "old.db")
    client = json.dumps(command("pytomo")[:-1])
    return {"PATH": f"{shims}:/usr/bin:/bin", "PYTHONUNBUFFERED": "1", "COMMAND_CLIENT": client}


def main(name: str, words: list[str]) -> int:
    """Stand for the command `name`. Returns its exit code."""
    line = " ".join([name, *words])
    if line in NOT_RUN:
        if "--target newer" in line:
            _put_newer_yt_dlp()
        return 0
    if line == "make demo":
        return _make_demo()
    if name in {"python", "python3"}:
        os.execv(sys.executable, [sys.executable, *words])
    if name not in ENTRIES:
        sys.stderr.write(f"{line!r} is neither run nor listed with its reason in {__file__}\n")
        return 99
    words = [_filled_in(word) for word in words]
    command = _command_of(words)
    if words[0] == "lab" and command in {"crawl", "measure"} and AS_WRITTEN not in os.environ:
        words = _in_the_lab_that_runs(words)
    if command in _SERVING and words[0] != "lab":
        return _serve([*_start(name), *words, "0"], "is at ")
    if words[:2] == ["lab", "serve"]:
        return _serve([*_start(name), *words], "export HTTPS_PROXY=")
    if command in {"crawl", "measure"} and AS_WRITTEN not in os.environ:
        words += [part for setting in _SHORT for part in ("-s", setting)]
    start = _start(name)
    os.execv(start[0], [*start, *words])


def _start(name: str) -> list[str]:
    """Return what runs the command `name`: the server of commands.

    Another yt-dlp is looked for there and found; that it is the one which resolves, test_newer_yt_dlp.py shows.
    """
    return [*json.loads(os.environ["COMMAND_CLIENT"]), ENTRIES[name]]


def _in_the_lab_that_runs(words: list[str]) -> list[str]:
    """Return the command without its lab from the second one of a document on: a start of the lab takes seconds."""
    mark = Path("a-lab-was-started")
    if not mark.exists():
        mark.touch()
        return words
    return words[words.index(_command_of(words)) :]


def _command_of(words: list[str]) -> str:
    """Return the command's name, that in the lab where it runs there."""
    ahead = iter(words)
    for word in ahead:
        if word.startswith("--"):
            next(ahead)
        elif word != "lab":
            return word
    return ""


def _filled_in(word: str) -> str:
    """Return a word with the placeholders filled in that a reader fills in."""
    if word == "MEASUREMENT_ID":
        import sqlite3

        connection = sqlite3.connect(Path("databases", "pytomo.db"))
        (word,) = connection.execute("SELECT uuid FROM measurement WHERE failure IS NULL LIMIT 1").fetchone()
        connection.close()
    return word.replace("VIDEO_ID", LAB_VIDEO)


def _put_newer_yt_dlp() -> None:
    """Do what pip would: put yt-dlp into the folder; the installed one, without asking for it."""
    import site
    from importlib.util import find_spec

    site.main()
    Path("newer").mkdir()
    for name in ("yt_dlp", "yt_dlp_ejs"):
        installed = find_spec(name)
        assert installed is not None and installed.origin is not None
        Path("newer", name).symlink_to(Path(installed.origin).parent)


def _make_demo() -> int:
    """Run what the Makefile's demo runs, through this shell again."""
    import re
    import subprocess

    done = subprocess.run(
        ["/usr/bin/make", "--no-print-directory", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    recipe = done.stdout.replace("\\\n", " ").splitlines()
    lines = [line for line in recipe if re.match(r"\S*/pytomo ", line)]
    assert len(lines) == 2 and recipe[-1].startswith("echo "), recipe
    return max(subprocess.run(["bash", "-c", line], check=False).returncode for line in lines)


def _serve(command: list[str], sign: str) -> int:
    """Start a server, look at its page where it has one, and end it with Ctrl-C."""
    import signal
    import subprocess
    import urllib.request

    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = next(one for one in process.stdout if sign in one)
        if sign == "is at ":
            address = line.partition(sign)[2].split()[0]
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=60) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        return process.wait(30)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
