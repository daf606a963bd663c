"""How long a database's statements wait for the locks of others, and for a server that is silent."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from pytomo_scrapy.storage.away import is_busy

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10
# Together, once nobody is to be kept waiting any more.
HURRIED_S = 5.0
LATER_HURRIED_S = 1.0  # of a server that did not answer in that time
HURRIED_CONNECT_TIMEOUT_S = 2  # the least that libpq knows
# SQLite itself waits for so long, deaf to a hurry.
_SLICE_S = 0.25
_OWN_WAIT_S = "own wait"  # of a connection to SQLite, as it was set last
_POLL_S = 0.5


class LockWaits:
    """The waits of one engine: long ones, until somebody is in a hurry; those that wait already hurry too."""

    def __init__(self, engine: Engine, longest_s: float = BUSY_TIMEOUT_S) -> None:
        self._longest_s = longest_s
        self._hurried_s: float | None = None  # since when
        self._left_s = HURRIED_S  # of SQLite's waits together
        self._answer_s = HURRIED_S  # for a server's answer
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._in_use: dict[Any, float | None] = {}  # since when; None: idle
        if engine.dialect.name == "sqlite":
            event.listen(engine, "begin", self._begin_sqlite)
            return
        event.listen(engine, "connect", self._limit)
        event.listen(engine, "close", lambda connection, _: self._note(connection, is_open=False))
        event.listen(engine, "checkout", lambda connection, _, __: self._note(connection, time.monotonic()))
        event.listen(engine, "checkin", lambda connection, _: self._note(connection))
        event.listen(engine, "do_connect", self._connect_in_time)

    def hurry(self) -> None:
        """Wait for HURRIED_S at most from now on, all statements together. Returns at once."""
        with self._lock:
            if self._hurried_s is not None:
                return
            self._hurried_s = time.monotonic()
        threading.Thread(target=self._cut_overdue, name="database-hurry", daemon=True).start()

    def close(self) -> None:
        """End what watches."""
        self._is_closed.set()

    # SQLite.

    def _begin_sqlite(self, connection: Connection) -> None:
        # IMMEDIATE takes the write lock at once: a later upgrade from reading fails without waiting.
        is_write = connection.get_execution_options().get("is_write")
        own_wait_s = min(_SLICE_S, self._longest_s) if is_write or self._hurried_s is not None else self._longest_s
        # As the connection has it already, but for a hurry and where it reads and writes in turn.
        if connection.info.get(_OWN_WAIT_S) != own_wait_s:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={own_wait_s * 1000:.0f}")
            connection.info[_OWN_WAIT_S] = own_wait_s
        started_s = time.monotonic()
        while True:
            tried_s = time.monotonic()
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")
                return
            except DBAPIError as error:
                now_s = time.monotonic()
                if not is_busy(error) or not self._may_wait(now_s - started_s, now_s - tried_s):
                    raise

    def _may_wait(self, waited_s: float, last_s: float) -> bool:
        if self._hurried_s is None:
            return waited_s < self._longest_s
        with self._lock:
            is_first = self._left_s == HURRIED_S
            self._left_s -= last_s
        if is_first:
            logger.warning("The database is locked by another program: what is to be stored waits %.0f s more for it",
                           HURRIED_S)  # fmt: skip
        return self._left_s > 0

    # PostgreSQL.

    def _limit(self, connection: Any, _: object) -> None:
        self._note(connection, time.monotonic())
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {self._longest_s * 1000:.0f}")
        connection.commit()

    def _connect_in_time(self, _: object, __: object, ___: object, options: dict[str, Any]) -> None:
        if self._hurried_s is not None:
            options["connect_timeout"] = HURRIED_CONNECT_TIMEOUT_S

    def _note(self, connection: Any, since_s: float | None = None, *, is_open: bool = True) -> None:
        with self._lock:
            if is_open and connection is not None:
                self._in_use[connection] = since_s
            else:
                self._in_use.pop(connection, None)

    def _cut_overdue(self) -> None:
        """Cut the connections that take longer than they may. Whoever waits for an answer is told that it is lost."""
        assert self._hurried_s is not None
        while not self._is_closed.wait(_POLL_S):
            now_s = time.monotonic()
            with self._lock:
                in_use = [(connection, since_s) for connection, since_s in self._in_use.items()]
            for connection, since_s in in_use:
                # An idle one may be asked whether it is alive, by a server that does not answer.
                if now_s - max(self._hurried_s, since_s or 0.0) > self._answer_s and not connection.closed:
                    self._cut(connection, was_in_use=since_s is not None)

    def _cut(self, connection: Any, *, was_in_use: bool) -> None:
        self._note(connection, is_open=False)
        if was_in_use and self._answer_s == HURRIED_S:
            logger.warning("The database has not answered for %.0f s, and is not waited for any longer", HURRIED_S)
            self._answer_s = LATER_HURRIED_S
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
