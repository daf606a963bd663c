"""What same_outputs.py does with a database itself: copy it, move it into the past, tell its schema and its rows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

_REVISION_TABLE = "alembic_version"

# A database of Pytomo 3, wherever a checkout keeps it
OLD_ROWS = "tests/*/pytomo_3_0_4.db"


def copy_database(source: Path, target: Path) -> None:
    """Copy a database with what still stands in its log."""
    if not source.exists():
        sys.exit(f"There is no database {source}: --make makes one.")
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def age(path: Path, days: int) -> None:
    """Move everything that a database holds into the past: only what is a day old can be pruned."""

    def earlier(text: str | None) -> str | None:
        return text and (datetime.fromisoformat(text) - timedelta(days=days)).isoformat(timespec="microseconds")

    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("earlier", 1, earlier)
        for table in _tables(connection):
            for column in _columns(connection, table):
                if column.endswith("_at"):
                    connection.execute(f"UPDATE {table} SET {column} = earlier({column})")
                elif column in {"started_s", "day_s"}:
                    connection.execute(f"UPDATE {table} SET {column} = {column} - {days * 86400}")
        connection.commit()


def transplant(source: Path, target: Path) -> list[str]:
    """Copy rows into an empty database that has its schema, table by table, by the columns' names.

    Return a sentence for each table that has not the same columns on both sides.
    """
    unlike = []
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("ATTACH ? AS source", (str(source),))
        # They would note copied rows as new ones.
        triggers = connection.execute("SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for table in sorted({*_tables(connection), *_tables(connection, "source")} - {_REVISION_TABLE}):
            ours, theirs = set(_columns(connection, table)), set(_columns(connection, table, "source"))
            if ours != theirs:
                unlike.append(f"not on both sides in {table}: {', '.join(sorted(ours ^ theirs))}")
            names = ", ".join(sorted(ours & theirs))
            if names:
                connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM source.{table}")
        for _, statement in triggers:
            connection.execute(statement)
        connection.commit()
    return unlike


def _tables(connection: sqlite3.Connection, schema: str = "main") -> list[str]:
    found = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [name for (name,) in found]


def _columns(connection: sqlite3.Connection, table: str, schema: str = "main") -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")]


def describe_schema(path: Path) -> str:
    """Return a line for each column, key, index, trigger and view.

    The order of a table's columns is left out: a column that a migration added stands last, whatever the code says.
    So are the names of constraints and of the indexes that SQLite makes for them, which no statement can name.
    """
    lines = []
    with closing(sqlite3.connect(path)) as connection:
        for table in _tables(connection):
            for _, name, kind, is_required, default, key in connection.execute(f"PRAGMA table_info({table})"):
                rest = " NOT NULL" if is_required else ""
                rest += "" if default is None else f" DEFAULT {default}"
                rest += f" KEY {key}" if key else ""
                lines.append(f"column {table}.{name} {kind.upper()}{rest}")
            for _, _, target, ours, theirs, *rules in connection.execute(f"PRAGMA foreign_key_list({table})"):
                lines.append(f"reference {table}.{ours} -> {target}.{theirs} {' '.join(rules)}")
            for _, name, is_unique, origin, _ in connection.execute(f"PRAGMA index_list({table})"):
                columns = ", ".join(row[2] or "?" for row in connection.execute(f"PRAGMA index_info({name})"))
                if origin != "c":
                    lines.append(f"index {table} ({columns}) unique {is_unique} of {origin}")
        # As they were written: here are conditions and expressions, and the order of a view's columns.
        others = "SELECT type, name, sql FROM sqlite_master WHERE type != 'table' AND sql IS NOT NULL"
        lines += [f"{kind} {name}: {' '.join(sql.split())}" for kind, name, sql in connection.execute(others)]
    return "\n".join(sorted(lines)) + "\n"


def rows_of(path: Path) -> dict[str, str]:
    """Return the rows of every table and view, an object a line, as they are once the code has opened the database."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        for table in set(_tables(connection)) - {_REVISION_TABLE}:
            names = sorted(_columns(connection, table))
            found[table] = _rows(connection, table, names)
        for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            # A view's columns in its own order, which old scripts rely on.
            found[f"view-{view}"] = _rows(connection, view, _columns(connection, view))
    return found


def _rows(connection: sqlite3.Connection, table: str, names: Sequence[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    order = ", ".join(str(place + 1) for place in range(len(names)))
    found = connection.execute(f"SELECT {listed} FROM {table} ORDER BY {order}")
    return "".join(
        json.dumps(dict(zip(names, row, strict=True)), default=lambda blob: hashlib.sha256(blob).hexdigest()) + "\n"
        for row in found
    )
