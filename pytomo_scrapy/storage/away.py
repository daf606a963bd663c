"""Tell a database that is away for now from one that does not take what it is given."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

# Locks, disks, files and memory: what may be different in a minute. All else is about the statement or its values.
_SQLITE_AWAY = frozenset({
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB,
})  # fmt: skip
# Classes of SQLSTATE: connection, authorization, no such database, transaction given up, no resources, not in the right
# state (locks), ended by an operator, disk and memory of the server, damaged files.
# **Source**: PostgreSQL, appendix A "PostgreSQL Error Codes".
_POSTGRES_AWAY = ("08", "28", "3D", "40", "53", "55", "57", "58", "XX")
_POSTGRES_WRONG = ("28", "3D")
_COMING_BACK = (
    "connection refused", "starting up", "shutting down", "recovery mode", "not yet accepting", "too many clients",
    "connection slots", "closed the connection", "reset by peer", "timeout expired", "timed out", "no such file",
)  # fmt: skip
_READ_ONLY = "25006"  # a server that stands by, until it is the first again


def is_away(error: BaseException | None) -> bool:
    """Tell whether the database itself is in trouble, so that the same may succeed later.

    What an error happened in the handling of counts too: a full disk ends SQLite's transaction, and the way back fails.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, DBAPIError) and _is_away(error):
            return True
        seen.add(id(error))
        error = error.__context__
    return False


def is_busy(error: DBAPIError) -> bool:
    """Tell whether SQLite gave up waiting for a lock."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and int(code) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def may_come_back(error: DBAPIError) -> bool:
    """Tell of an error at the opening whether the database is only away for now, and no name or password is wrong."""
    if is_busy(error):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_POSTGRES_AWAY) and not str(state).startswith(_POSTGRES_WRONG)
    # A connection that never came to be has no code, only words.
    words = str(error.orig).lower()
    return getattr(error.orig, "sqlite_errorcode", None) is None and any(part in words for part in _COMING_BACK)


def _is_away(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF in _SQLITE_AWAY
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_POSTGRES_AWAY) or state == _READ_ONLY
    # A lost connection has no code of its own.
    return isinstance(error, OperationalError | InterfaceError)
