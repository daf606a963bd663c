"""`pytest --workers N`: collect once, then fork N processes, each of which runs one file after the other.

A process that starts anew imports the product and collects all tests for itself, which took longer than most of the
tests did. What is forked shares that, and the garbage collector leaves it alone. Tests marked `alone` follow when the
rest has ended, two files at once. Fixtures of the session are made anew in each process.

`--retries N`: what failed beside others is tried again when all others have ended, with nothing beside it, up to N
times. Each such try is shown (`R`, and a line of why in the summary). Many failures are no accident: none is retried.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import random
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import NoReturn

import pytest

from tests.running import sharing

_ALONE_AT_ONCE = 2
_MOST_RETRIED = 20
_MANY_FILES = 50  # in which each process would need most of what the product imports late
_PR_SET_PDEATHSIG = 1
_REASON_LINES = 6  # of why a test was tried again: the first says which, such as of the commands of a document

_RERUN = "rerun"

# The tests of one file, by their places among those of the session.
File = list[int]
# The reports of tests that failed, by their places.
Failures = dict[int, list[pytest.TestReport]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--workers", type=int, default=0, help="run files in so many processes, forked after collection")
    parser.addoption("--retries", type=int, default=0, help="try what failed again at the end, alone, so many times")


def pytest_configure(config: pytest.Config) -> None:
    """Put the garbage collector off until processes are forked: nothing that is imported or collected is garbage."""
    if config.getoption("--workers"):
        gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the collected tests in several processes. Leaves it to pytest where there is to be but one."""
    at_once = session.config.getoption("--workers")
    if not at_once or session.config.option.collectonly or session.testsfailed:
        return None
    # It would turn for all processes: they would share what it waits for.
    assert "twisted.internet.reactor" not in sys.modules, "a test module imports the reactor when it is collected"
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter.showfspath = False  # letters of several files would each begin a line
    files = [list(places) for _, places in groupby(range(len(session.items)), lambda at: session.items[at].path)]
    alone = [[at for at in file if session.items[at].get_closest_marker("alone")] for file in files]
    crowd = [[at for at in file if at not in set(apart)] for file, apart in zip(files, alone, strict=True)]
    if len(files) > _MANY_FILES:
        _prepare()
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined] - one folder for all processes
    # Else each collection of garbage would look at all that was imported, and copy it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(sharing.MANY_OBJECTS)
    gc.enable()
    retries = 0 if session.config.getoption("maxfail") else session.config.getoption("--retries")
    failures: Failures = {}
    for queue, number in ((crowd, at_once), (alone, min(at_once, _ALONE_AT_ONCE))):
        _Round(session, [file for file in queue if file], failures if retries else None).run(number)
    for left in range(retries - 1, -1, -1):
        failures = _retry(session, failures, is_last=left == 0)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show what is tried again."""
    return ("rerun", "R", "RERUN") if report.outcome == _RERUN else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests needed another try, and why."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.write_line(f"RERUN {report.nodeid} - {_reason(report)}")


def _prepare() -> None:
    """Import and make what each process would for itself."""
    importlib.import_module("tests.running.preloaded")
    importlib.import_module("tests.running.new_files").prepare()
    for name in ("matplotlib.figure", "psycopg"):
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    templates = importlib.import_module("pytomo_scrapy.dashboard.render").environment()
    for name in templates.list_templates():
        templates.get_template(name)


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(crash.message if crash is not None else report.longrepr).strip()
    return " / ".join(message.splitlines()[:_REASON_LINES])


def _retry(session: pytest.Session, failures: Failures, *, is_last: bool) -> Failures:
    """Run what failed again, one test at a time. Returns what failed again, where that may be tried once more."""
    is_hopeless = len(failures) > _MOST_RETRIED
    for report in (report for reports in failures.values() for report in reports):
        if not is_hopeless:
            report.outcome = _RERUN  # type: ignore[assignment]
        session.config.hook.pytest_runtest_logreport(report=report)
    again: Failures = {}
    if failures and not is_hopeless:
        places = sorted(failures)
        files = [list(file) for _, file in groupby(places, lambda at: session.items[at].path)]
        _Round(session, files, None if is_last else again).run(1)
    return again


class _Worker:
    """A forked process, as its parent knows it."""

    def __init__(self, pid: int, connection: Connection) -> None:
        self.pid = pid
        self.connection = connection
        self.begun: int | None = None
        self.left: list[File] = []  # what it was given and has not begun


class _Round:
    """Hands out files until none is left, and reports what became of each test.

    Failures are kept in `failures` instead of reported where that is given.
    """

    def __init__(self, session: pytest.Session, files: list[File], failures: Failures | None) -> None:
        self._session = session
        self._reporter = session.config.pluginmanager.getplugin("terminalreporter")
        self._files = files[::-1]
        self._failures = failures
        self._workers: dict[Connection, _Worker] = {}

    def run(self, number: int) -> None:
        """Return when all is run. Raises what pytest raises where it is told to stop at a failure."""
        try:
            for _ in range(min(number, len(self._files))):
                self._fork()
            while self._workers:
                for connection in wait(list(self._workers)):
                    self._hear(self._workers[connection])
                if self._session.shouldfail:
                    raise self._session.Failed(self._session.shouldfail)
                if self._session.shouldstop:
                    raise self._session.Interrupted(self._session.shouldstop)
        finally:
            for worker in self._workers.values():
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGTERM)
                os.waitpid(worker.pid, 0)

    def _fork(self) -> None:
        ours, theirs = Pipe()
        parent = os.getpid()
        with warnings.catch_warnings():
            # Python 3.12 warns of threads, such as a library of numbers starts when it is imported.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            for connection in (ours, *self._workers):
                connection.close()
            _be_worker(self._session, theirs, parent)
        theirs.close()
        self._workers[ours] = _Worker(pid, ours)

    def _hear(self, worker: _Worker) -> None:
        try:
            kind, content = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._mourn(worker)
            return
        if kind == "next":
            file = self._files.pop() if self._files else None
            if file is not None:
                worker.left.append(list(file))
            worker.connection.send(file)
        elif kind == "begin":
            self._show(worker, content[1])
            worker.begun = content[0]
            worker.left = [rest for file in worker.left if (rest := [at for at in file if at != worker.begun])]
        elif kind == "reports":
            self._show(worker, content)
            worker.begun = None
        else:
            # What it found when it had run everything, such as a file that nobody closed.
            self._session.shouldfail = content

    def _show(self, worker: _Worker, reports: list[dict[str, object]]) -> None:
        config = self._session.config
        for data in reports:
            self._report(worker, config.hook.pytest_report_from_serializable(config=config, data=data))

    def _report(self, worker: _Worker, report: pytest.TestReport) -> None:
        assert worker.begun is not None
        if self._failures is not None and (report.failed or worker.begun in self._failures):
            if report.failed:
                self._failures.setdefault(worker.begun, []).append(report)
            return
        self._session.config.hook.pytest_runtest_logreport(report=report)
        if self._reporter is not None:
            self._reporter.flush()  # no capturing does it here

    def _mourn(self, worker: _Worker) -> None:
        """A process has ended: by itself, or in the middle of a test, which failed then."""
        del self._workers[worker.connection]
        worker.connection.close()
        code = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        if worker.begun is not None:
            item = self._session.items[worker.begun]
            report = pytest.TestReport(
                item.nodeid, item.location, {}, "failed", f"the process of this test ended by itself: {code}", "call"
            )
            self._report(worker, report)
        self._files += worker.left
        if self._files and not self._workers:
            self._fork()


class _Reports:
    """Hands the reports of a test to the process that shows them, with what is begun next: one message a test."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._kept: list[dict[str, object]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        assert data is not None
        self._kept.append(data)

    def begin(self, at: int) -> None:
        """Tell of a test that begins now."""
        self._connection.send(("begin", (at, self._kept)))
        self._kept = []

    def flush(self) -> None:
        """Tell what is left to tell."""
        if self._kept:
            self._connection.send(("reports", self._kept))
            self._kept = []


def _be_worker(session: pytest.Session, connection: Connection, parent: int) -> NoReturn:
    config = session.config
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        random.seed()
        sharing.leave_to_parent()
        # Its files would be those of the parent, position and all.
        capture = config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()
        capture.start_global_capturing()
        config.pluginmanager.unregister(name="terminalreporter")
        reports = _Reports(config, connection)
        config.pluginmanager.register(reports)
        for at, following in _with_following(_places(connection, reports)):
            reports.begin(at)
            config.hook.pytest_runtest_protocol(
                item=session.items[at], nextitem=None if following is None else session.items[following]
            )
            if session.shouldfail or session.shouldstop:
                break
        reports.flush()
        _end_what_was_shared()
        gc.collect()
        gc.freeze()  # it would be looked through twice more
        config._ensure_unconfigure()
    except BaseException:  # noqa: BLE001 - it has to end here, whatever it was
        with suppress(OSError):
            connection.send(("trouble", traceback.format_exc()))
    os._exit(0)


def _end_what_was_shared() -> None:
    # It imports a good part of the product: where nobody has, nothing was shared.
    commands = sys.modules.get("tests.running.commands")
    if commands is not None:
        commands.end_all()


def _places(connection: Connection, reports: _Reports) -> Iterator[int]:
    while True:
        reports.flush()
        connection.send(("next", None))
        file: File | None = connection.recv()
        if file is None:
            return
        yield from file


def _with_following(places: Iterator[int]) -> Iterator[tuple[int, int | None]]:
    """Pair each with the next: pytest takes down only those fixtures that it does not need."""
    current = next(places, None)
    while current is not None:
        following = next(places, None)
        yield current, following
        current = following
