"""What is exported, read back with other programs' readers, equals the database."""

# ruff: noqa: E501
from __future__ import annotations

import base64
import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pytomo_scrapy import __version__
from pytomo_scrapy.exchange.datasets import Dataset, ExportSelection, datasets
from pytomo_scrapy.exchange.export_run import SQLITE_FILE, export, export_to_stream
from pytomo_scrapy.exchange.legacy_import import import_legacy
from pytomo_scrapy.exchange.writers import FORMATS
from pytomo_scrapy.failures import SettingError, Stage
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.schema import measurement_tables
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from tests.conftest import missing
from tests.exchange.test_legacy_import import ROW, make_file
from tests.running.postgres import PostgresServer
from tests.storage.factories import STARTED, begin, make_failed, make_item

ALL = ExportSelection()
Read = Callable[[Path, str], list[dict[str, Any]]]


@pytest.fixture
def each_filled(each_database: Database) -> Database:
    """Three measurements that a test may add to, or change."""
    return fill(each_database)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same, which nobody changes."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('filled') / 'pytomo.db'}"
    else:
        cluster: PostgresServer = request.getfixturevalue("postgres_cluster")
        url = cluster.new_database(request.getfixturevalue("postgres_template"))
    database = open_database(url)
    yield fill(database)
    database.close()


def fill(database: Database) -> Database:
    """Store a measurement that went well, one a day later, one that failed, and a title that is hard to write."""
    repository, run = begin(database)
    repository.save(make_item(title=None), run)
    repository.save(make_item(video_id="later", started_at=STARTED + timedelta(days=1)), run)
    repository.save(make_failed(Stage.RESOLVE, "private", 'said "no",\nthen ,"', video_id="failed"), run)
    return database


# A test of what is written, wherever the rows come from.
of_any_database = pytest.mark.parametrize("filled", ["sqlite"], indirect=True)


@cache
def datasets_of(shape: str) -> dict[str, Dataset]:
    return {dataset.name: dataset for dataset in datasets(shape, ALL)}


def stored(database: Database, shape: str, name: str) -> list[dict[str, Any]]:
    """Return what the database itself says, by the export's own columns."""
    dataset = datasets_of(shape)[name]
    with database.read() as connection:
        rows = connection.execute(dataset.statement).fetchall()
    return [dict(zip([column.name for column in dataset.columns], row, strict=True)) for row in rows]


def read_csv(folder: Path, name: str) -> list[dict[str, Any]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read_jsonl(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def read_parquet(folder: Path, name: str) -> list[dict[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError:
        missing("pyarrow is not installed (the extra parquet)")
    return list(parquet.read_table(folder / f"{name}.parquet").to_pylist())


def read_sqlite(folder: Path, name: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(folder / SQLITE_FILE)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')]
    finally:
        connection.close()


READERS: dict[str, Read] = {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet, "sqlite": read_sqlite}


def expected(value: Any, file_format: str) -> Any:
    """Return a stored value as the format's reader ought to give it."""
    if file_format == "csv":
        return "" if value is None else _as_text(value)
    if isinstance(value, datetime) and file_format in {"jsonl", "sqlite"}:
        return value.isoformat(timespec="microseconds")
    if isinstance(value, bytes) and file_format == "jsonl":
        return base64.b64encode(value).decode()
    if isinstance(value, dict | list) and file_format != "jsonl":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return repr(value) if isinstance(value, float) else str(value)


# What comes of PostgreSQL is seen by the two that take no type for another; writers know nothing of databases.
_KINDS_AND_FORMATS = [*(("sqlite", name) for name in FORMATS), ("postgres", "jsonl"), ("postgres", "parquet")]


@pytest.mark.slow
@pytest.mark.parametrize(("filled", "file_format"), _KINDS_AND_FORMATS, indirect=["filled"])
@pytest.mark.parametrize("shape", ["wide", "tables"])
def test_export_read_back_equals_the_database(filled: Database, tmp_path: Path, file_format: str, shape: str) -> None:
    if file_format == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra parquet)")
    written = export(filled, tmp_path / "out", file_format, shape, ALL)
    assert sum(file.row_count for file in written) > 2
    for file in written:
        rows = READERS[file_format](tmp_path / "out", file.name)
        ours = stored(filled, shape, file.name)
        assert len(rows) == file.row_count == len(ours)
        for row, own in zip(rows, ours, strict=True):
            assert row == {name: expected(value, file_format) for name, value in own.items()}, file.name


@of_any_database
def test_tables_are_all_results_and_nothing_else(filled: Database, tmp_path: Path) -> None:
    names = {file.name for file in export(filled, tmp_path / "out", "jsonl", "tables", ALL)}
    left_out = {
        "owner",
        "frontier",
        "open_window",
        "figure_block",
        "figure_column",
        "figure_strip",
        "page_change",
        "legacy_source",
        "legacy_row",
    }
    assert names == set(measurement_tables.metadata.tables) - left_out


def test_wide_leaves_superseded_measurements_out(each_filled: Database, tmp_path: Path) -> None:
    with each_filled.write() as connection:
        connection.execute(text("UPDATE measurement SET is_superseded = TRUE WHERE id = 1"))
    (file,) = export(each_filled, tmp_path / "out", "csv", "wide", ALL)
    assert file.row_count == 2


SELECTIONS = [
    (ExportSelection(since=STARTED + timedelta(hours=1)), {"later"}),
    (ExportSelection(until=STARTED + timedelta(hours=1)), {"abcdefghijk", "failed"}),
    (ExportSelection(since=STARTED, until=STARTED + timedelta(days=2), where="failure IS NOT NULL"), {"failed"}),
    (ExportSelection(where="title LIKE 'A clip' AND provider = 'isp' AND stall_count > 1"), {"abcdefghijk", "later"}),
    (ExportSelection(where="video_id = 'a:b' OR video_id LIKE 'lat%'"), {"later"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("chosen", "videos"), SELECTIONS)
def test_selection_chooses_measurements(
    filled: Database, tmp_path: Path, chosen: ExportSelection, videos: set[str]
) -> None:
    export(filled, tmp_path / "wide", "jsonl", "wide", chosen)
    assert {row["video_id"] for row in read_jsonl(tmp_path / "wide", "measurements")} == videos


@pytest.mark.slow
@pytest.mark.parametrize(("chosen", "videos"), SELECTIONS[::2])
def test_tables_hold_what_belongs_to_the_chosen_measurements(
    filled: Database, tmp_path: Path, chosen: ExportSelection, videos: set[str]
) -> None:
    export(filled, tmp_path / "tables", "jsonl", "tables", chosen)
    keys = {row["id"]: row["video_id"] for row in read_jsonl(tmp_path / "tables", "video")}
    assert {*keys.values()} == videos
    measured = read_jsonl(tmp_path / "tables", "measurement")
    assert {keys[row["video_row_id"]] for row in measured} == videos and len(measured) == len(videos)
    downloads = read_jsonl(tmp_path / "tables", "download")
    assert {row["measurement_id"] for row in downloads} == {row["id"] for row in measured} - {3}
    requests = read_jsonl(tmp_path / "tables", "http_request")
    assert {row["download_id"] for row in requests} == {row["id"] for row in downloads}


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["wide", "tables", "legacy"])
@pytest.mark.parametrize("where", ["no_such = 1", "id =", "1); DELETE FROM playback; --"])
def test_condition_that_cannot_be_asked_is_refused_and_changes_nothing(
    filled: Database, tmp_path: Path, shape: str, where: str
) -> None:
    with pytest.raises(SettingError, match=r"--where .* is not usable"):
        export(filled, tmp_path / "out", "csv", shape, ExportSelection(where=where))
    assert not (tmp_path / "out").exists()
    with filled.read() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM playback")).scalar() == 2


@pytest.mark.slow
def test_database_can_be_written_after_an_export(each_filled: Database, tmp_path: Path) -> None:
    export(each_filled, tmp_path / "out", "csv", "wide", ALL)
    repository, run = begin(each_filled)
    assert repository.save(make_item(video_id="next"), run).is_new


@pytest.mark.slow
@pytest.mark.parametrize(("filled", "file_format"), _KINDS_AND_FORMATS, indirect=["filled"])
def test_legacy_export_has_the_29_columns_of_the_view(filled: Database, tmp_path: Path, file_format: str) -> None:
    if file_format == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra parquet)")
    export(filled, tmp_path / "out", file_format, "legacy", ALL)
    name = "pytomo_crawl_export" if file_format == "sqlite" else "pytomo_crawl"
    rows = READERS[file_format](tmp_path / "out", name)
    ours = stored(filled, "legacy", "pytomo_crawl")
    assert len(rows) == len(ours) == 7
    # The view has no order of its own, and a cursor that streams may take another way through the tables.
    wanted = [{key: expected(value, file_format) for key, value in own.items()} for own in ours]
    assert sorted(rows, key=repr) == sorted(wanted, key=repr)


@pytest.mark.slow
def test_legacy_export_imported_elsewhere_loses_nothing(each_filled: Database, tmp_path: Path) -> None:
    next(import_legacy(each_filled, make_file(tmp_path / "old.db", [ROW, ROW, ROW | {"Url": "other"}])))
    export(each_filled, tmp_path / "out", "sqlite", "legacy", ALL)
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    (result,) = import_legacy(other, tmp_path / "out" / SQLITE_FILE)
    assert (result.row_count, result.unreadable_count) == (10, 0)
    both = [sorted(map(repr, (tuple(_real(v) for v in row.values()) for row in stored(database, "legacy", "pytomo_crawl")))) for database in (each_filled, other)]  # fmt: skip
    assert both[0] == both[1]
    (again,) = import_legacy(other, tmp_path / "out" / SQLITE_FILE)
    assert (again.row_count, again.known_count) == (0, 10)
    other.close()


def _real(value: Any) -> Any:
    # InitialData is a whole number of ours and was a real number of the forerunner's.
    return float(value) if isinstance(value, int) else value


@pytest.mark.slow
@of_any_database
def test_readme_describes_every_column_and_the_version(filled: Database, tmp_path: Path) -> None:
    export(filled, tmp_path / "out", "csv", "tables", ExportSelection(where="failure IS NULL"))
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert f"- software_version: {__version__}" in readme and "- where: failure IS NULL" in readme
    columns, published, _ = readme.partition("## What to publish")
    assert published, "a condition leaves rows to publish figures of"
    rows = [line for line in columns.splitlines() if line.startswith("| ") and not line.startswith("| column")]
    assert len(rows) == sum(len(dataset.columns) for dataset in datasets("tables", ALL))
    assert [row for row in rows if not row.split(" | ")[3].strip()] == [], "no column without its meaning"


@pytest.mark.slow
@of_any_database
def test_export_json_tells_programs_the_same(filled: Database, tmp_path: Path) -> None:
    export(filled, tmp_path / "out", "csv", "wide", ALL)
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    assert about["software_version"] == __version__
    assert [(table["file"], table["rows"]) for table in about["tables"]] == [("measurements.csv", 3)]


@pytest.mark.slow
@of_any_database
def test_sqlite_and_parquet_carry_the_version_inside(filled: Database, tmp_path: Path) -> None:
    export(filled, tmp_path / "s", "sqlite", "wide", ALL)
    info = {row["name"]: row["value"] for row in read_sqlite(tmp_path / "s", "export_info")}
    assert info["software_version"] == __version__
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (the extra parquet)")
    export(filled, tmp_path / "p", "parquet", "wide", ALL)
    metadata = parquet.read_schema(tmp_path / "p" / "measurements.parquet").metadata
    assert metadata[b"software_version"] == __version__.encode()


@pytest.mark.slow
@of_any_database
def test_stream_is_the_same_text_as_the_file(filled: Database, tmp_path: Path) -> None:
    out = io.StringIO()
    out.close = lambda: None  # type: ignore[method-assign]
    export_to_stream(filled, out, "csv", "wide", ALL)
    export(filled, tmp_path / "out", "csv", "wide", ALL)
    assert out.getvalue() == (tmp_path / "out" / "measurements.csv").read_text(encoding="utf-8")


@pytest.mark.slow
@of_any_database
def test_folder_that_is_not_empty_is_refused(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingError, match="is not empty"):
        export(filled, tmp_path, "csv", "wide", ALL)


def test_empty_database_gives_headers_only(database: Database, tmp_path: Path) -> None:
    export(database, tmp_path / "out", "csv", "wide", ALL)
    assert len((tmp_path / "out" / "measurements.csv").read_text().splitlines()) == 1


# Peak memory in kB after each of several exports of one process; the import of the package itself is in it.
_MEASURED = """
import sys
from pytomo_scrapy.cli.main import run
for name, database, folder in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
    run(["export", "--format", name, "--database", database, folder])
    print("peak", next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""
# The rows of two exports of each format. It holds 500 at a time, and Parquet ten thousand.
_ROWS = {"csv": (1000, 4000), "jsonl": (1000, 4000), "sqlite": (1000, 4000), "parquet": (10_500, 18_000)}


@pytest.fixture(scope="module")
def many_rows(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Databases by their number of measurements."""
    folder = tmp_path_factory.mktemp("many")
    path = folder / "x.db"
    database = open_database(f"sqlite:///{path}")
    repository, run = begin(database)
    repository.save(make_item(), run)
    columns = [column.name for column in measurement.columns if column.name not in {"id", "uuid", "crawl_id"}]
    made, before = {}, 1
    for total in sorted({total for both in _ROWS.values() for total in both}):
        with database.write() as connection:
            connection.execute(text(
                f"WITH RECURSIVE n(i) AS (SELECT {before} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {total}) "
                f"INSERT INTO measurement (uuid, {', '.join(columns)}) "
                f"SELECT 'r' || i, {', '.join(columns)} FROM measurement, n WHERE measurement.id = 1"
            ))  # fmt: skip
        before, made[total] = total, folder / f"{total}.db"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(made[total])) as target:
            source.backup(target)
    database.close()
    return made


@pytest.mark.process
def test_memory_does_not_grow_with_the_rows(many_rows: dict[int, Path], tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        missing("/proc is not there")
    names = [name for name in _ROWS if name != "parquet" or find_spec("pyarrow") is not None]
    # The fewer rows first: a peak that the more rows do not raise is theirs too. Parquet last, as it needs the most.
    exports = [(name, total) for name in names for total in _ROWS[name]]
    words = [word for name, total in exports for word in (name, many_rows[total], tmp_path / f"{name}{total}")]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        cwd=tmp_path,
    )
    assert [counted(total, "row") in done.stdout for _, total in exports] == [True] * len(exports)
    peaks = [int(line.split()[1]) * 1024 for line in done.stdout.splitlines() if line.startswith("peak ")]
    assert len(peaks) == len(exports) and max(peaks) < 200e6
    for name, few, more in zip(names, peaks[::2], peaks[1::2], strict=True):
        assert more - few < 8e6, f"{name} with the more rows"
    if "parquet" not in names:
        pytest.skip("pyarrow is not installed (the extra parquet)")


def test_since_is_utc_where_no_zone_is_said() -> None:
    from pytomo_scrapy.commands.report import moment

    assert moment("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
