"""Ctrl-C before a command has begun is quiet, and one that a callback would swallow is not lost."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys

import pytest

from pytomo_scrapy.cli import main as commands
from pytomo_scrapy.cli import start

# An import that lasts, as Scrapy's does on a slow machine.
IMPORTING = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "scrapy.cmdline":
            print("importing", flush=True)
            time.sleep(20)
sys.meta_path.insert(0, Slow())
sys.argv = ["pytomo", "report"]
from pytomo_scrapy.cli.start import main
main()
"""
# A finalizer in which the interrupt comes: Python prints it and goes on.
SWALLOWED = """
import sys, time
from pytomo_scrapy.cli import main as commands, start
class Unlucky:
    def __del__(self):
        raise KeyboardInterrupt
def run(words, begin):
    begin()
    Unlucky()
    time.sleep(20)
    return 0
commands.run = run
start.main()
"""


@pytest.mark.process
def test_ctrl_c_among_the_imports_ends_at_once_without_a_word() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")


@pytest.mark.process
def test_interrupt_in_a_finalizer_ends_the_command() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, timeout=15, check=False)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.process
def test_command_that_a_shell_put_into_the_background_still_ignores_ctrl_c() -> None:
    words = 'trap \'\' INT; exec "$0" -c "$1"'
    code = (
        "import os, signal; from pytomo_scrapy.cli import main as commands, start; "
        "commands.run = lambda words, begin: os.kill(os.getpid(), signal.SIGINT) or print('went on') or 0; start.main()"
    )
    done = subprocess.run(
        ["sh", "-c", words, sys.executable, code], capture_output=True, text=True, timeout=15, check=False
    )
    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_command_runs_with_what_it_imported_out_of_reach_of_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, int, bool]] = []
    garbage_once = [object() for _ in range(100)]  # what is new when it starts
    frozen_before = gc.get_freeze_count()
    threshold = gc.get_threshold()
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)
    monkeypatch.setattr(
        commands, "main", lambda begin: seen.append((gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count()))
    )
    try:
        start.main()
    finally:
        gc.set_threshold(*threshold)
    [(is_on, most_new, frozen)] = seen
    assert (is_on, most_new) == (True, start.NEW_OBJECTS)
    assert frozen > frozen_before and garbage_once
