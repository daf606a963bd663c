"""Databases that one process opens share what SQLAlchemy compiled for the first of their kind.

SQLAlchemy keeps compiled statements for each engine: a process that opens one database has them once, and the tests
compiled the same hundred statements for each of a thousand databases, for longer than most of them measured. A dialect
is shared once a connection has told it what the server can: all servers of a run are of one version.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.util import LRUCache

# More than the statements of all tests of a process.
_MOST_STATEMENTS = 5_000
_MAKE_ENGINE = Engine.__init__
_shared: dict[type[Dialect], Engine] = {}


def _make_engine(engine: Engine, pool: Any, dialect: Dialect, *words: Any, **options: Any) -> None:
    """Stand for the initialisation of an engine."""
    _MAKE_ENGINE(engine, pool, dialect, *words, **options)
    first = _shared.get(type(dialect))
    if first is not None:
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return
    engine._compiled_cache = LRUCache(_MOST_STATEMENTS)
    # A connection is checked out when its dialect has asked the server.
    event.listen(pool, "checkout", lambda *_: _shared.setdefault(type(dialect), engine), once=True)


def use() -> None:
    """Have the engines of this process share from now on."""
    Engine.__init__ = _make_engine  # type: ignore[method-assign]
