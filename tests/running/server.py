"""A server that has imported what the product's commands need, and forks a process for each that is asked for.

A command as a shell starts it spends two or three seconds of processor time on imports, and the suite runs hundreds.
What is forked here is a process all the same: its own memory, folder, environment, files, signals and exit code. Tests
of the start itself, or of another interpreter, run `python -m`. `client.py` asks; it stands for the command.
Processes that the product spawns are forked here too: `forked.py` asks for them.

Started as `python -m tests.running.server SOCKET`; it ends, with all that it started, when its standard input does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import marshal
import os
import platform
import runpy
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
from functools import cache
from importlib import metadata
from multiprocessing import resource_tracker
from pathlib import Path
from typing import NoReturn

from scrapy import cmdline
from scrapy.settings import Settings

from pytomo_scrapy.analysis.after_save import judge_and_pack
from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.items import ControlWindow
from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from pytomo_scrapy.storage.measurements.open_windows import clear_window, note_window
from pytomo_scrapy.storage.measurements.repository import Repository
from tests.running import forked, inside, new_files, shared_statements, spent
from tests.running import preloaded as preloaded
from tests.running.client import HEAD_BYTES
from tests.running.measured_once import measure_once
from tests.running.sharing import MANY_OBJECTS
from tests.storage.factories import begin, make_item

_MOST_FILES = 8
# A lab removes its folder before it ends.
_OWN_END_S = 5.0
_REQUEST_S = 20.0  # one that is stopped in the middle of its request must not keep all others waiting


def _become(entry: str, words: list[str], cwd: str, environment: dict[str, str], files: list[int]) -> NoReturn:
    """Be a command as if Python had just started, or, without an entry, what was spawned. In a child of it."""
    code: object = 1
    try:
        for number, descriptor in enumerate(files[:3]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        inside.enter(environment)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate("rww"))
        sys.stdout.reconfigure(line_buffering=bool(environment.get("PYTHONUNBUFFERED")))
        sys.stderr.reconfigure(line_buffering=True)
        # What the server has read of its own environment.
        tempfile.tempdir = None
        time.tzset()
        new_files.use()
        if not entry:
            forked.call(words[0], files[3:])
            os._exit(0)
        forked.use(sys.argv[1])
        sys.argv = [entry, *words]
        if entry != "pytomo_scrapy":
            sys.modules.pop(entry, None)  # else runpy warns that it is there already
        runpy.run_module(entry, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as error:
        code = error.code
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
    finally:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = 120
        if code is not None and not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
        os._exit(int(code or 0))


def _rest(asking: socket.socket, begun: bytes, length: int) -> bytes:
    """Return what has begun to come, once it is whole. Empty where the other side ended before."""
    got = begun
    while len(got) < length:
        if not (part := asking.recv(length - len(got))):
            return b""
        got += part
    return got


class _Server:
    def __init__(self, path: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        # It has its name once it listens: who waits for the name would be refused in between.
        self._listener.bind(f"{path}.new")
        self._listener.listen(64)
        Path(f"{path}.new").rename(path)
        self._path = path
        self._asking: dict[int, socket.socket] = {}  # by process
        self._tests: dict[int, str] = {}
        self._spawned: set[int] = set()  # those of them that see by themselves when their parent has gone
        woken, self._waker = socket.socketpair()
        for end in (woken, self._waker):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(woken, selectors.EVENT_READ, lambda: (woken.recv(4096), self._reap()))
        self._selector.register(0, selectors.EVENT_READ, self._end)
        self._is_over = False

    def run(self) -> None:
        while not self._is_over:
            for key, _ in self._selector.select():
                key.data()

    def _accept(self) -> None:
        asking, _ = self._listener.accept()
        asking.settimeout(_REQUEST_S)
        request, files = b"", []
        with contextlib.suppress(OSError):
            head, files, _, _ = socket.recv_fds(asking, HEAD_BYTES, _MOST_FILES)
            head = _rest(asking, head, HEAD_BYTES)
            request = _rest(asking, b"", int.from_bytes(head, "big")) if head else b""
        asking.settimeout(None)
        if not request:
            asking.close()  # killed, or stopped, before it had asked
            for descriptor in files:
                os.close(descriptor)
            return
        entry, words, cwd, environment = marshal.loads(request)
        pid = os.fork()
        if pid == 0:
            self._selector.close()
            for opened in (self._listener, self._waker, asking, *self._asking.values()):
                opened.close()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if entry:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            _become(entry, words, cwd, environment, files)
        for descriptor in files:
            os.close(descriptor)
        self._asking[pid] = asking
        self._tests[pid] = spent.test_in(environment)
        if not entry:
            self._spawned.add(pid)
        self._selector.register(asking, selectors.EVENT_READ, lambda: self._given_up(pid))
        with contextlib.suppress(OSError):  # killed since it asked, which the selector tells
            asking.sendall(b"%d\n" % pid)

    def _given_up(self, pid: int) -> None:
        """The client was killed: so is what it stands for."""
        if pid not in self._asking:
            return  # it ended at the same moment
        self._selector.unregister(self._asking[pid])
        if pid not in self._spawned:
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._asking:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            asking = self._asking.pop(pid)
            spent.note("forked", usage.ru_utime + usage.ru_stime, self._tests.pop(pid))
            self._spawned.discard(pid)
            try:
                self._selector.unregister(asking)
                asking.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            except (KeyError, OSError):
                pass  # it was given up
            asking.close()

    def _end(self) -> None:
        for pid in self._asking:
            os.kill(pid, signal.SIGTERM if pid in self._spawned else signal.SIGKILL)
        deadline_s = time.monotonic() + _OWN_END_S
        while self._asking and time.monotonic() < deadline_s:
            self._reap()
            time.sleep(0.01)
        for pid in self._asking:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        # Who made the folder may have been killed.
        shutil.rmtree(os.path.dirname(self._path), ignore_errors=True)  # noqa: PTH120
        self._is_over = True


def _compile_statements() -> None:
    """Store and read measurements as a crawl does: what is compiled for it, no command compiles again."""
    really, migrate.upgrade = migrate.upgrade, new_files.upgrade
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/x.db")
        _, run = begin(database)
        repository = Repository(database, after_save=judge_and_pack)
        crawl = open_crawl(database, "youtube", {})
        listed = FoundVideo("youtube", "abcdefghijk", listed_view_count=1)
        crawl.add_listed([FoundVideo("youtube", "listed")], 1, is_end=True)
        crawl.add_sources([("charts", {})])
        source = crawl.claim()
        assert source is not None
        crawl.finish_source(source, [listed])
        while (claim := crawl.claim()) is not None:
            if not crawl.is_full() and claim.depth == 1:
                crawl.add_videos(claim, [FoundVideo("youtube", f"near {claim.id}")])
            for _ in range(2):
                note_window(database, run.id, service="youtube", video_id="abcdefghijk")
            repository.least_gated_media_s("here")
            repository.last_control_at("here")
            item = make_item(claim_id=claim.id, frontier_order=claim.order, controls=(ControlWindow("fallback", 1.0),))
            repository.save(item, run, crawl)
        clear_window(database, run.id)
        crawl.release_all()
        crawl.counts()
        crawl.finish_crawl()
        repository.end_run(run, "finished")
        repository.measurement(1)
        summarise(database)
        database.close()
    migrate.upgrade = really


if __name__ == "__main__":
    # Once for all children
    shared_statements.use()
    new_files.prepare()
    _compile_statements()
    measure_once()
    # Scrapy looks for commands among all that its own modules hold and all packages that are installed, and says on
    # which system it runs.
    metadata.entry_points = cache(metadata.entry_points)
    metadata.entry_points(group="scrapy.commands")
    cmdline._get_commands_dict(Settings({"COMMANDS_MODULE": "pytomo_scrapy.commands"}), inproject=True)
    platform.platform()
    # Every child would start one, and copy the objects that a collection touches.
    resource_tracker.ensure_running()
    gc.freeze()
    gc.set_threshold(MANY_OBJECTS)
    _Server(sys.argv[1]).run()
