"""A stored column is one field: migration, document and picture are written. Followed in a copy of the package."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Column, Double, MetaData

from pytomo_scrapy.storage.migrate import HEAD
from pytomo_scrapy.storage.schema import measurement_tables
from pytomo_scrapy.storage.schema.revisions import FOLDER, write_revision
from tests.package_copy import ROOT, contents, copy_to

# What a person writes: this, what measures it, and a test of that. `make schema` writes the rest.
NEXT = f"{int(HEAD) + 1:04}"
FIELD = '    hop_count: int | None = stored(None, "routers on the way", null="not told", unit="routers")\n'

NEXT = f"{int(HEAD) + 1:04}"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package and the documents."""
    return copy_to(tmp_path, "pytomo_scrapy", "docs", "README.md", without=("static", "templates"))


@contextmanager
def imported_from(folder: Path) -> Iterator[None]:
    """Import the package and the documents' scripts from another folder meanwhile."""
    paths = [str(folder), str(folder / "docs" / "diagrams")]
    mine = modules_of(ROOT / "pytomo_scrapy", ROOT / "docs")
    for name in mine:
        del sys.modules[name]
    sys.path[:0] = paths
    try:
        yield
    finally:
        for path in paths:
            sys.path.remove(path)
        for name in modules_of(folder):
            del sys.modules[name]
        sys.modules.update(mine)


def modules_of(*folders: Path) -> dict[str, ModuleType]:
    """Return what is imported from below these folders."""
    places = {name: Path(str(getattr(module, "__file__", None))) for name, module in sys.modules.items()}
    return {name: sys.modules[name] for name, path in places.items() if any(map(path.is_relative_to, folders))}


@pytest.mark.slow
def test_stored_column_is_one_field_and_what_make_schema_writes(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(copied)
    items = copied / "pytomo_scrapy" / "items" / "ping_result.py"
    text = items.read_text(encoding="utf-8")
    items.write_text(text.replace("    role: str = ", FIELD + "    role: str = "), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["generate"])
    with imported_from(copied):
        revisions = import_module("pytomo_scrapy.storage.schema.revisions")
        assert Path(str(revisions.__file__)).is_relative_to(copied)
        revisions.main("Routers on the way of a ping")
        assert import_module("docs.generate").main() == 0
        assert import_module("draw").main([]) == 0
    after = contents(copied)
    changed = {name for name in after if after[name] != before.get(name)}
    written = f"pytomo_scrapy/storage/migrations/versions/{NEXT}_routers_on_the_way_of_a_ping.py"
    document, picture = "docs/data-format.md", "docs/images/tables.svg"
    assert changed == {"pytomo_scrapy/items/ping_result.py", written, document, picture}
    assert 'op.add_column("ping", sa.Column("hop_count"' in after[written].decode().replace("'", '"')
    # The blocks hold columns of the flat table alone.
    assert "figure_block" not in after[written].decode()
    assert "| `hop_count` | integer | routers | routers on the way | not told |" in after[document].decode()
    with imported_from(copied):
        assert stored_and_read(copied / "x.db") == (7, NEXT)


def stored_and_read(path: Path) -> tuple[int, str]:
    """Store a ping with the new field and read it again, with the package as it is imported now."""
    migrate, database = (import_module(f"pytomo_scrapy.storage.{name}") for name in ("migrate", "database"))
    rows, tables = (
        import_module(f"pytomo_scrapy.storage.{name}") for name in ("measurements.rows", "schema.measurement_tables")
    )
    pinged = import_module("pytomo_scrapy.items").Ping("192.0.2.1", hop_count=7)
    opened = database.open_database(f"sqlite:///{path}")
    with opened.write() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        connection.execute(tables.ping.insert(), {"measurement_id": 1, **rows.values_of(pinged, tables.ping)})
        count = connection.execute(tables.ping.select()).one().hop_count
        connection.rollback()
    opened.close()
    return count, migrate.HEAD


@pytest.mark.slow
def test_nothing_is_written_where_the_migrations_make_the_tables(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert write_revision(measurement_tables.measurement.metadata, "Nothing", folder) is None
    written, there = ({path.name for path in (one / "versions").glob("*.py")} for one in (folder, FOLDER))
    assert written == there


def test_column_of_the_flat_table_has_its_blocks_packed_again(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    tables = MetaData(naming_convention=measurement_tables.metadata.naming_convention)
    for one in measurement_tables.metadata.sorted_tables:
        one.to_metadata(tables)
    tables.tables["figure"].append_column(Column("hop_share", Double))
    path = write_revision(tables, "Hops", folder)
    assert path is not None
    script = path.read_text(encoding="utf-8")
    assert "hop_share" in script
    assert 'op.execute("UPDATE figure_block SET is_sealed = 0")' in script
