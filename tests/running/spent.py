"""`pytest --spent`: the processor time of each file of tests, with that of the processes that it started.

Three figures, in seconds of user and system time: of the process of the test itself; of what it started and waited for
(browser, `python -m`, PostgreSQL); and of what the server of commands forked for it (crawls, labs, measuring
processes). What several tests share counts for the one that began or ended it.
"""

from __future__ import annotations

import os
import resource
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

# Where the processes of a run write what they have spent, one line for each test or command.
VARIABLE = "PYTOMO_TEST_SPENT"
_KINDS = ("itself", "started", "forked")
_SHOWN = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--spent", action="store_true", help="show the processor time of each file of tests")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make the file that all processes of the run write to."""
    if config.getoption("--spent") and VARIABLE not in os.environ:
        descriptor, os.environ[VARIABLE] = tempfile.mkstemp(prefix="pytomo-spent-")
        os.close(descriptor)


def note(kind: str, seconds: float, test: str) -> None:
    """Write down what was spent for a test, where that was asked for. Lines of several processes do not mix."""
    if VARIABLE in os.environ:
        with Path(os.environ[VARIABLE]).open("a") as file:
            file.write(f"{kind}\t{seconds:.4f}\t{test}\n")


def test_in(environment: Mapping[str, str]) -> str:
    """Return the test whose environment a command was given."""
    return environment.get("PYTEST_CURRENT_TEST", "unknown").rpartition(" ")[0]


def _seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Take the time before and after a test, its fixtures included."""
    if VARIABLE not in os.environ:
        yield
        return
    before = [_seconds(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    yield
    for kind, start, who in zip(_KINDS, before, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN), strict=False):
        note(kind, _seconds(who) - start, item.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the dearest files."""
    if not config.getoption("--spent"):
        return
    files: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sums: Counter[str] = Counter()
    for line in Path(os.environ[VARIABLE]).read_text().splitlines():
        kind, seconds, test = line.split("\t")
        files[test.partition("::")[0]][kind] += float(seconds)  # type: ignore[assignment] - seconds, not a count
        sums[kind] += float(seconds)  # type: ignore[assignment]
    rows = sorted(files.items(), key=lambda row: -row[1].total())[:_SHOWN]
    terminalreporter.section(f"processor time in s, of {len(files)} files")
    for name, spent in [("all", sums), *rows]:
        parts = "  ".join(f"{kind} {spent[kind]:7.1f}" for kind in _KINDS)
        terminalreporter.write_line(f"{spent.total():7.1f}  {parts}  {name}")
