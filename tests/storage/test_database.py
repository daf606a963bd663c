"""Opening, migrating and refusing databases."""

from __future__ import annotations

import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError

from pytomo_scrapy.failures import RefusedError, StorageError
from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.schema import measurement_tables
from pytomo_scrapy.storage.schema.crawl_tables import vantage, video
from tests.package_copy import zip_package
from tests.running.elsewhere import run_elsewhere


@pytest.mark.slow
@pytest.mark.migrates
def test_migrated_schema_equals_the_metadata(each_database: Database) -> None:
    with each_database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, measurement_tables.metadata) == []


def test_head_is_the_newest_script() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    scripts = ScriptDirectory.from_config(_config(folder))
    assert scripts.get_current_head() == migrate.HEAD


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


def test_open_creates_the_folder_and_uses_wal(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a' / 'b' / 'x.db'}")
    with database.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


@pytest.mark.slow
def test_open_again_keeps_what_is_stored(each_url: str) -> None:
    first = open_database(each_url)
    with first.write() as connection:
        connection.execute(insert(vantage), {"name": "here", "provider": ""})
    first.close()
    again = open_database(each_url)
    with again.read() as connection:
        assert connection.execute(select(vantage.c.name)).scalars().all() == ["here"]
    again.close()


@pytest.mark.slow
@pytest.mark.migrates
def test_many_openers_at_once_migrate_once(each_url: str) -> None:
    errors: list[BaseException] = []

    def open_once() -> None:
        try:
            open_database(each_url).close()
        except StorageError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_once) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


@pytest.mark.slow
def test_newer_schema_is_refused(each_url: str) -> None:
    database = open_database(each_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StorageError, match=r"newer pytomo-scrapy .*upgrade"):
        open_database(each_url)


def test_schema_from_before_the_first_release_is_refused_in_one_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    database = open_database(url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0010'"))
    database.close()
    with pytest.raises(
        StorageError, match=r"^The database \S+ was written by a pytomo-scrapy before its first release"
    ):
        open_database(url)


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are only notes, and they stay as they are\n" * 50)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not a SQLite database"):
        open_database(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE pytomo_crawl_2012 (ID timestamp)")
    other.close()
    with pytest.raises(StorageError, match="tables of something else"):
        open_database(f"sqlite:///{path}")


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"folder .*file/sub of the database cannot be created: not a directory"):
        open_database(f"sqlite:///{tmp_path / 'file' / 'sub' / 'x.db'}")


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="must name a file"):
        open_database(f"sqlite:///{tmp_path}")


def test_read_only_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "empty.db"
    path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match="cannot be opened for writing"):
        open_database(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert list(tmp_path.iterdir()) == [path], "the address of a file is no name of one"


def test_locked_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked by another program"):
        open_database(f"sqlite:///{path}", busy_timeout_s=0.1)
    holder.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://root:hunter2@localhost/x", "must be like"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_unusable_url_is_refused_in_one_sentence(url: str, words: str) -> None:
    with pytest.raises(StorageError, match=words) as caught:
        open_database(url)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreachable_server_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(StorageError, match=r"^The database server .* cannot be used: .*refused") as caught:
        open_database("postgresql://me:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_failed_write_leaves_nothing(each_database: Database) -> None:
    with pytest.raises(RuntimeError), each_database.write() as connection:
        connection.execute(insert(vantage), {"name": "half", "provider": ""})
        raise RuntimeError
    with each_database.read() as connection:
        assert connection.execute(select(vantage)).all() == []


@pytest.mark.slow
def test_broken_statement_is_a_storage_error(each_database: Database) -> None:
    with pytest.raises(StorageError, match="could not be read"), each_database.read() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))


@pytest.mark.slow
def test_drive_that_fails_is_no_damage_and_the_same_may_be_stored_later(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    with pytest.raises(StorageError, match="could not be written: disk I/O error") as caught, database.write():
        raise OperationalError("INSERT", None, failed)
    assert not isinstance(caught.value, RefusedError)
    database.close()


def test_instants_come_back_aware_and_equal(each_database: Database) -> None:
    east = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    row = {"service": "youtube", "video_id": "a", "url": "u", "uploaded_at": east, "first_seen_at": datetime.now(UTC)}
    with each_database.write() as connection:
        connection.execute(insert(video), row)
    with each_database.read() as connection:
        stored = connection.execute(select(video.c.uploaded_at)).scalar_one()
    assert stored == east
    assert stored.tzinfo is UTC


@pytest.mark.process
def test_migrations_work_from_a_zipped_package(tmp_path: Path) -> None:
    archive = zip_package(tmp_path / "pytomo.egg")
    program = (
        "import sys; from pytomo_scrapy.storage import database;"
        "assert '.egg' in database.__file__; database.open_database(sys.argv[1]).close()"
    )
    done = run_elsewhere(archive, program, f"sqlite:///{tmp_path / 'x.db'}")
    assert done.exit_code == 0, done.errors
    with sqlite3.connect(tmp_path / "x.db") as made:
        assert made.execute("SELECT version_num FROM alembic_version").fetchone() == (migrate.HEAD,)
    made.close()


def test_new_database_is_its_owners_alone_journals_included(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    before = os.umask(0o022)
    try:
        database = open_database(f"sqlite:///{path}")
        with database.write() as connection:
            connection.execute(insert(vantage), {"name": "here", "provider": ""})
        modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert modes == {"x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600}


def test_database_that_is_there_keeps_the_mode_that_its_owner_gave_it(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_database(f"sqlite:///{path}").close()
    path.chmod(0o640)
    open_database(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o640


def test_name_in_sqlites_own_form_makes_nothing_in_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_database(f"sqlite:///file:{tmp_path / 'x.db'}?uri=true").close()
    assert {path.name for path in tmp_path.iterdir()} == {"x.db"}
