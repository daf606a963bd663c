"""Which databases are shown: by id only, as they are, read-only, and a word where there is nothing to show."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard import catalogue
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.dashboard.choice import Choice, choose_databases
from pytomo_scrapy.dashboard.server import is_loopback, read_port, serve
from pytomo_scrapy.failures import AbsentError, SettingError, TooSlowError
from pytomo_scrapy.reporting.pdf import write_pdf_report
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.open_windows import clear_window, note_window
from pytomo_scrapy.storage.read_only import ReadDatabase
from tests.package_copy import zip_package
from tests.running.elsewhere import run_elsewhere
from tests.storage.factories import begin, make_item


def page_of(path: Path, directory: Path | None = None) -> TestClient:
    return TestClient(create_app(DashboardConfig(f"sqlite:///{path}", directory)))


def make_database(path: Path, synthetic: ModuleType, rows: int = 40) -> Path:
    database = open_database(f"sqlite:///{path}")
    synthetic.fill(database, rows, days=4, videos=20, traces=0)
    database.close()
    return path


def test_missing_database_says_what_to_run(tmp_path: Path) -> None:
    with page_of(tmp_path / "none.db") as client:
        answer = client.get("/")
        assert (answer.status_code, client.get("/api/overview").status_code) == (200, 409)
        assert "pytomo crawl -u 20" in answer.text and "There is no measurement yet." in answer.text
        assert client.get("/healthz").json()["status"] == "ok"
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
def test_empty_database_says_what_to_run_and_fills_without_a_restart(tmp_path: Path, synthetic: ModuleType) -> None:
    path = tmp_path / "new.db"
    open_database(f"sqlite:///{path}").close()
    with page_of(path) as client:
        for address in (
            "/",
            "/series",
            "/series/stall_count",
            "/distributions",
            "/videos",
            "/failures",
            "/runs",
            "/metrics",
        ):
            assert client.get(address).status_code == 200, address
        assert "pytomo crawl -u 20" in client.get("/").text
        make_database(path, synthetic)
        assert "pytomo crawl -u 20" not in client.get("/").text
        assert "Only 0 videos" not in client.get("/series?period=all").text


def test_database_that_replaces_a_deleted_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    reader = ReadDatabase(path)
    for name in ("first", "second"):
        for file in tmp_path.glob("x.db*"):
            file.unlink()
        database = open_database(f"sqlite:///{path}")
        with database.write() as connection:
            connection.execute(text("INSERT INTO vantage (name, provider) VALUES (:name, '')"), {"name": name})
        with reader.read() as connection:
            assert connection.execute(text("SELECT name FROM vantage")).scalars().all() == [name]
        database.close()
    reader.close()


def test_counters_of_a_database_that_replaces_another_begin_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with page_of(path) as client:
        for count in (2, 1):
            for file in tmp_path.glob("x.db*"):
                file.unlink()
            database = open_database(f"sqlite:///{path}")
            repository, run = begin(database)
            for number in range(count):
                repository.save(make_item(uuid=str(number)), run)
            database.close()
            assert f'pytomo_sessions_total{{vantage="here"}} {count}.0' in client.get("/metrics").text


def test_archive_of_very_many_files_has_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MAX_FILES", 2)
    for day in (1, 2, 3):
        path = tmp_path / f"2026-11-0{day}.db"
        path.touch()
        os.utime(path, (day, day))
    assert catalogue.newest_file(tmp_path) == tmp_path / "2026-11-03.db"
    shown = catalogue.Catalogue(f"sqlite:///{tmp_path / '2026-11-03.db'}", tmp_path).entries()
    assert [entry.name for entry in shown] == ["2026-11-03.db", "2026-11-02.db"]


@pytest.mark.slow
def test_fewer_than_three_rows_are_told(tmp_path: Path, synthetic: ModuleType) -> None:
    with page_of(make_database(tmp_path / "two.db", synthetic, 2)) as client:
        assert "graphs need at least 3" in client.get("/series?period=all").text
        assert "Not enough data" in client.get("/?period=all").text


def test_file_of_something_else_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database" * 100)
    other = tmp_path / "other.db"
    sqlite3.connect(other).execute("CREATE TABLE secret (word TEXT)").connection.close()
    with page_of(path, tmp_path) as client:
        assert "not a database of pytomo-scrapy" in client.get("/").text
        key = next(
            entry["id"] for entry in client.get("/api/databases").json()["databases"] if entry["name"] == "other.db"
        )
        assert "not a database of pytomo-scrapy" in client.get(f"/?db={key}").text


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("0000", "has the schema 0000 and this version reads"),
        ("9999", "was written by a newer pytomo-scrapy (its schema is 9999"),
    ],
)
def test_database_of_another_schema_is_told(tmp_path: Path, synthetic: ModuleType, revision: str, words: str) -> None:
    path = make_database(tmp_path / "other.db", synthetic)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()
    with page_of(path) as client:
        page = client.get("/").text
    # It holds measurements: to advise a first crawl would be wrong.
    assert words in page and "Written by another version" in page and "first crawl" not in page


@pytest.mark.slow
def test_archive_lists_newest_first_and_opens_by_id(tmp_path: Path, synthetic: ModuleType) -> None:
    for age, name in enumerate(("old.db", "middle.db", "new #1?&.db")):
        make_database(tmp_path / "plain.db", synthetic, 20 + age).rename(tmp_path / name)
        os.utime(tmp_path / name, (1_700_000_000 + age, 1_700_000_000 + age))
    (tmp_path / "notes.txt").write_text("no database")
    with page_of(tmp_path / "old.db", tmp_path) as client:
        listed = client.get("/api/databases").json()["databases"]
        assert [entry["name"] for entry in listed] == ["new #1?&.db", "middle.db", "old.db"]
        for age, entry in enumerate(reversed(listed)):
            assert client.get(f"/api/overview?db={entry['id']}&period=all&eras=all").json()["row_count"] == 20 + age
        page = client.get("/databases").text
        assert page.index("new #1") < page.index("middle.db") < page.index("old.db")
        assert str(tmp_path) not in page


@pytest.mark.slow
def test_database_on_a_medium_that_cannot_be_written_is_read(tmp_path: Path, synthetic: ModuleType) -> None:
    path = make_database(tmp_path / "burnt.db", synthetic)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with page_of(path) as client:
            assert client.get("/?period=all").status_code == 200
    finally:
        tmp_path.chmod(0o755)


def test_reader_refuses_to_write(tmp_path: Path, synthetic: ModuleType) -> None:
    reader = ReadDatabase(make_database(tmp_path / "x.db", synthetic))
    with pytest.raises(Exception, match="could not be read"), reader.read() as connection:
        connection.execute(text("DELETE FROM figure"))
    reader.close()


@pytest.mark.slow
def test_question_that_takes_too_long_is_ended(tmp_path: Path, synthetic: ModuleType) -> None:
    reader = ReadDatabase(make_database(tmp_path / "x.db", synthetic), query_limit_s=0.05)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    with pytest.raises(TooSlowError), reader.read() as connection:
        connection.execute(text(endless))
    with reader.read() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM figure")).scalar() == 40
    reader.close()


@pytest.mark.slow
def test_open_window_is_told_until_it_is_stale(tmp_path: Path, synthetic: ModuleType) -> None:
    path = make_database(tmp_path / "live.db", synthetic)
    database = open_database(f"sqlite:///{path}")
    with page_of(path) as client:
        assert client.get("/api/live").json()["windows"] == []
        note_window(database, 1, service="youtube", video_id="v", elapsed_s=3.0, window_s=30.0, received_bytes=5)
        note_window(database, 1, service="youtube", video_id="v", elapsed_s=4.0, window_s=30.0, received_bytes=9)
        [window] = client.get("/api/live").json()["windows"]
        assert (window["elapsed_s"], window["received_bytes"], window["vantage"]) == (4.0, 9, "paris")
        with database.write() as connection:
            connection.execute(text("UPDATE open_window SET updated_at = '2026-01-01T00:00:00.000000+00:00'"))
        assert client.get("/api/live").json()["windows"] == []
        clear_window(database, 1)
        with database.read() as connection:
            assert connection.execute(text("SELECT COUNT(*) FROM open_window")).scalar() == 0
    database.close()


@pytest.mark.slow
def test_pdf_report_is_written_without_a_server(filled: Path, tmp_path: Path) -> None:
    write_pdf_report(filled, tmp_path / "report.pdf")
    body = (tmp_path / "report.pdf").read_bytes()
    assert body.startswith(b"%PDF-") and body.count(b"/Type /Page\n") >= 3
    # Graphs are drawn as vectors: no picture is inside.
    assert b"/Subtype /Image" not in body


@pytest.mark.process
def test_page_works_from_a_zipped_package(filled: Path, tmp_path: Path) -> None:
    archive = zip_package(tmp_path / "package.zip")
    program = f"""
import pytomo_scrapy; assert ".zip" in pytomo_scrapy.__file__
from starlette.testclient import TestClient
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
with TestClient(create_app(DashboardConfig("sqlite:///{filled}"))) as client:
    for address in ("/", "/static/uplot.js", "/series/stall_count", "/docs", "/report.pdf"):
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.text)
"""
    done = run_elsewhere(archive, program)
    assert done.exit_code == 0, done.errors


@pytest.mark.parametrize(
    ("host", "is_own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)]
)
def test_loopback_is_told_from_the_rest(host: str, is_own: bool) -> None:
    assert is_loopback(host) is is_own


@pytest.mark.parametrize("word", ["x", "-1", "65536", "55.5", ""])
def test_port_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(SettingError, match="is not a port"):
        read_port(word)


@pytest.mark.process
def test_port_in_use_is_told(filled: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingError, match=r"cannot listen on 127\.0\.0\.1 port"):
            serve(Choice(f"sqlite:///{filled}", None), port=taken.getsockname()[1])


def test_choice_of_databases(tmp_path: Path, synthetic: ModuleType) -> None:
    setting = f"sqlite:///{tmp_path / 'a.db'}"
    assert choose_databases(setting, None, None) == Choice(setting, tmp_path)
    for age, name in enumerate(("a.db", "b.db")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_700_000_000 + age, 1_700_000_000 + age))
    assert choose_databases("sqlite:///x.db", None, tmp_path) == Choice(f"sqlite:///{tmp_path / 'b.db'}", tmp_path)
    assert choose_databases("sqlite:///x.db", str(tmp_path / "a.db"), None).url == setting
    assert choose_databases(setting, "postgresql://h/d", None) == Choice("postgresql://h/d", None)
    with pytest.raises(AbsentError, match="is not a file"):
        choose_databases(setting, str(tmp_path / "none.db"), None)
    with pytest.raises(SettingError, match="is not a folder"):
        choose_databases(setting, None, tmp_path / "none")


@pytest.mark.parametrize("url", ["nonsense", "mysql://h/d", "postgresql://u:secret@h:port/d", "://x"])
def test_url_that_names_no_database_is_refused_with_what_would_be_right(url: str) -> None:
    with pytest.raises(SettingError, match=r"sqlite:///databases/pytomo\.db") as caught:
        choose_databases(url, None, None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:p#[x/y@h:5432/d", "postgres://h/d?x=a@b", "postgresql+psycopg://u@[::1]:5/d", "postgresql:///d"],
)
def test_url_that_the_crawl_takes_is_taken_here_too(url: str) -> None:
    assert choose_databases(url, None, None) == Choice(url, None)
