"""Stands for one command on the PATH of a document's shell: `stand_in.py NAME WORD ...`.

`pytomo` and `scrapy` run for real, in the lab and made short; the rest is a list.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# It starts for each command, without the folder of installed packages: what few of them need is imported there.

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
LAB_VIDEO = "CGNIzzGfeuY"
ENTRIES = {"pytomo": "pytomo_scrapy", "scrapy": "scrapy.cmdline"}
# A crawl of a document is ended after its first measurement, whatever it asks for; one list of popular videos is enough
# for that, and none is prepared beside it.
_SHORT = (
    *("PYTOMO_DOWNLOAD_WINDOW_S=0.5", "PYTOMO_PACE_S=0", "PYTOMO_PING_PACKETS=1", "CLOSESPIDER_ITEMCOUNT=1"),
    *("PYTOMO_FRONTIER_AHEAD=1", "PYTOMO_SOURCES=search", "PYTOMO_SEARCH_TERMS=the"),
)
_MEASURING = {"crawl", "measure"}
_SERVING = {"serve", "dashboard"}
# What the same words show of the same measurements again, where no crawl has added to them.
_SHOWING = {"doctor", "report", "export"}
# Set where nothing is to be made short: `python -m tests.docs.walk`.
AS_WRITTEN = "DOCUMENTS_AS_WRITTEN"
# Where the server of commands is, and the file of what the documents have run by now.
SERVER, HAS_RUN = "COMMAND_SERVER", "DOCUMENTS_HAVE_RUN"

# What installs, builds or needs a machine of its own, word by word, and where it is tried instead.
NOT_RUN = {
    "make test": "this is a part of it",
    "make executable": "tried with `make try-executable`, and where releases are built",
    "make try-executable": "tried where releases are built",
    "python3 -m venv .venv": "sets up what runs this test",
    "pip install .": "sets up what runs this test",
    "pip install --target newer --no-deps yt-dlp yt-dlp-ejs": "test_newer_yt_dlp.py puts a newer one there",
    "pip install pandas matplotlib": "the extra dev has them",
    "python examples/figures.py for-figures": "tests/test_examples.py draws them from the same export",
    "docker compose -f deploy/compose/compose.yaml up -d": "there is no container engine where the tests run",
}
PROGRAMS = ("pip", "make", "docker", "python3", "python")


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
    return _run(name, [_filled_in(word) for word in words])


def _run(name: str, words: list[str]) -> int:
    if words[:2] == ["lab", "serve"]:
        return _serve([ENTRIES[name], *words], "export HTTPS_PROXY=")
    command = _command_of(words)
    is_short = AS_WRITTEN not in os.environ
    if is_short and command in _MEASURING | _SERVING | _SHOWING:
        if not _are_new([" ".join([name, *words])]):
            return 0
        if words[0] == "lab":
            words = _in_the_lab_that_runs(name, words)
    if command in _SERVING and words[0] != "lab":
        return _serve([ENTRIES[name], *words, "0"], "is at ")
    if is_short and command in _MEASURING:
        if words[0] != "lab" and not _are_new(_choices(command, words)):
            # Whatever it is asked for, other lines have been asked for and have measured.
            _become(["tests.docs.only_checked", ENTRIES[name], *words])
        words += [part for setting in _SHORT for part in ("-s", setting)]
    _become([ENTRIES[name], *words])


def _choices(command: str, words: list[str]) -> list[str]:
    """Return a crawl's options, without their values, and its kind of database.

    Arguments and settings are checked by name and value before anything begins. Both ways to name a feed are one.
    """
    options = [word.replace("-O", "-o") for word in words if word.startswith("-")]
    kind = os.environ.get("PYTOMO_DATABASE_URL", "").partition(":")[0]
    return [f"{command} {choice}" for choice in (kind, *options)]


def _are_new(lines: list[str]) -> bool:
    """Note what runs now. Returns whether any of it did not before, in this document or another one."""
    with open(os.environ[HAS_RUN], "a+") as file:  # noqa: PTH123
        file.seek(0)
        before = set(file.read().splitlines())
        new = [line for line in lines if line not in before]
        file.writelines(f"{line}\n" for line in new)
    return bool(new)


def _command(words: list[str]) -> list[str]:
    """Return what runs an entry with its words: the client of the server of commands.

    Another yt-dlp is looked for there and found; that it is the one which resolves, test_newer_yt_dlp.py shows.
    """
    return [sys.executable, "-S", "-E", f"{ROOT}/tests/running/client.py", os.environ[SERVER], *words]


def _become(words: list[str]) -> NoReturn:
    """Be that client: another start of Python would take as long as this one."""
    sys.path.insert(0, f"{ROOT}/tests/running")
    import client

    client.main(os.environ[SERVER], words[0], words[1:])


def _in_the_lab_that_runs(name: str, words: list[str]) -> list[str]:
    """Return the command without its lab from the second one on: that lab's options are checked, it is not started."""
    if _are_new(["a lab was started"]):
        return words
    at = words.index(_command_of(words))
    if at > 1:
        import subprocess

        subprocess.run(_command([ENTRIES[name], *words[:at], "list"]), stdout=subprocess.DEVNULL, check=True)
    return words[at:]


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

        connection = sqlite3.connect("databases/pytomo.db")
        (word,) = connection.execute("SELECT uuid FROM measurement WHERE failure IS NULL LIMIT 1").fetchone()
        connection.close()
    return word.replace("VIDEO_ID", LAB_VIDEO)


def _put_newer_yt_dlp() -> None:
    """Do what pip would: put yt-dlp into the folder; the installed one, without asking for it."""
    import site
    from importlib.util import find_spec
    from pathlib import Path

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


def _serve(words: list[str], sign: str) -> int:
    """Start a server, look at its page where it has one, and end it with Ctrl-C."""
    import signal
    import subprocess
    import urllib.request

    process = subprocess.Popen(_command(words), stdout=subprocess.PIPE, text=True)
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
