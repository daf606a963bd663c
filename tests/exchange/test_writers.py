"""Writers of export files, with rows from memory: every kind of value in every format, and NULL."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pytomo_scrapy.exchange import writers as module
from pytomo_scrapy.exchange.datasets import Dataset, ExportColumn
from pytomo_scrapy.exchange.writers import (
    LEGACY_TABLE,
    CsvWriter,
    JsonLinesWriter,
    ParquetWriter,
    SqliteWriter,
    keep_pandas_out,
    write_about,
)
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.storage.schema.legacy_table import OLD_COLUMNS

AT = datetime(2026, 11, 27, 12, 30, 5, 70, tzinfo=UTC)
NAN = float("nan")


def make_dataset(*kinds: str, name: str = "measurements") -> Dataset:
    columns = tuple(ExportColumn(f"c{place}", kind, f"t.c{place}") for place, kind in enumerate(kinds))
    return Dataset(name, columns, select())


def lines_of(writer_of: Any, dataset: Dataset, *batches: list[tuple[Any, ...]]) -> list[str]:
    out = io.StringIO()
    writer = writer_of(out, dataset)
    for batch in batches:
        writer.write(batch)
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("kind", "value", "as_csv", "as_json"),
    [
        ("text", "plain", "plain", '"plain"'),
        ("text", 'a "quoted", word', '"a ""quoted"", word"', r'"a \"quoted\", word"'),
        ("text", "", '""', '""'),  # one empty column: without the quotes it would be an empty line
        ("text", "émoji 🏳️", "émoji 🏳️", '"émoji 🏳️"'),
        ("integer", 2**53 + 1, "9007199254740993", "9007199254740993"),
        ("integer", 0, "0", "0"),
        ("real", 0.1, "0.1", "0.1"),
        ("flag", True, "true", "true"),
        ("flag", False, "false", "false"),
        ("instant", AT, "2026-11-27T12:30:05.000070+00:00", '"2026-11-27T12:30:05.000070+00:00"'),
        ("json", {"a": [1, None]}, '"{""a"":[1,null]}"', '{"a":[1,null]}'),
        ("json", [], "[]", "[]"),
        ("blob", b"\x00\xff", "AP8=", '"AP8="'),
        ("blob", b"", '""', '""'),
    ],
)
def test_value_of_each_kind_is_written_as_text(kind: str, value: object, as_csv: str, as_json: str) -> None:
    dataset = make_dataset(kind)
    assert lines_of(CsvWriter, dataset, [(value,)]) == ["c0", as_csv]
    assert lines_of(JsonLinesWriter, dataset, [(value,)]) == [f'{{"c0":{as_json}}}']


KINDS = ("text", "integer", "real", "flag", "instant", "json", "blob")


def test_null_of_each_kind_stays_null() -> None:
    dataset, row = make_dataset(*KINDS), (None,) * len(KINDS)
    assert lines_of(CsvWriter, dataset, [row])[1] == "," * (len(KINDS) - 1)
    assert set(json.loads(lines_of(JsonLinesWriter, dataset, [row])[0]).values()) == {None}


def test_text_file_has_one_header_and_every_batch() -> None:
    dataset = make_dataset("integer", "text")
    assert lines_of(CsvWriter, dataset, [(1, "a"), (2, "b")], [(3, "c")]) == ["c0,c1", "1,a", "2,b", "3,c"]
    assert len(lines_of(JsonLinesWriter, dataset, [(1, "a"), (2, "b")], [(3, "c")])) == 3
    assert (lines_of(CsvWriter, dataset), lines_of(JsonLinesWriter, dataset)) == (["c0,c1"], [])


def test_row_that_does_not_fit_the_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        JsonLinesWriter(io.StringIO(), make_dataset("text")).write([("a", "b")])


@pytest.mark.parametrize("writer_of", [CsvWriter, JsonLinesWriter])
def test_standard_output_stays_open_and_a_file_is_closed(writer_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file, stdout = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    for out in (file, stdout):
        writer_of(out, make_dataset("text")).close()
    assert (file.closed, stdout.closed) == (True, False)


# SQLite.


def read_table(path: Path, name: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f'SELECT * FROM "{name}"').fetchall()


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("text", "a", "a"),
        ("integer", 2**62, 2**62),
        ("real", 0.5, 0.5),
        ("flag", True, 1),
        ("flag", False, 0),
        ("instant", AT, "2026-11-27T12:30:05.000070+00:00"),
        ("json", {"a": "é"}, '{"a":"é"}'),
        ("blob", b"\x00\xff", b"\x00\xff"),
        ("instant", None, None),
    ],
)
def test_sqlite_file_keeps_each_kind(kind: str, value: object, stored: object, tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "x.db", make_dataset(kind))
    writer.write([(value,)])
    writer.close()
    assert read_table(tmp_path / "x.db", "measurements") == [(stored,)]


def test_sqlite_file_takes_several_tables_and_what_the_export_is_about(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    for name in ("run", "video"):
        writer = SqliteWriter(path, make_dataset("integer", name=name))
        writer.write([(1,)])
        writer.write([(2,)])
        writer.close()
    video_table = Dataset("video", (ExportColumn("duration_s", "real", "video.duration_s"),), select())
    write_about(path, {"software": "pytomo-scrapy", "shape": "tables"}, [video_table])
    assert read_table(path, "run") == read_table(path, "video") == [(1,), (2,)]
    assert dict(read_table(path, "export_info")) == {"software": "pytomo-scrapy", "shape": "tables"}
    ((table, column, unit, meaning, _),) = read_table(path, "export_columns")
    assert (table, column, unit) == ("video", "duration_s", "s") and meaning


def test_sqlite_file_of_old_columns_is_called_and_typed_as_pytomo_3_does(tmp_path: Path) -> None:
    columns = tuple(ExportColumn(name, "text", "") for name, _ in OLD_COLUMNS)
    writer = SqliteWriter(tmp_path / "x.db", Dataset("pytomo_crawl", columns, select()))
    writer.write([(None,) * len(columns)])
    writer.close()
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        declared = [(row[1], row[2].lower()) for row in connection.execute(f"PRAGMA table_info({LEGACY_TABLE})")]
    assert declared == [(name, kind.lower()) for name, kind in OLD_COLUMNS]
    assert len(read_table(tmp_path / "x.db", LEGACY_TABLE)) == 1


# Parquet.


def test_parquet_column_carries_its_unit_and_definition(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    column = ExportColumn("startup_delay_s", "real", "figure.startup_delay_s")
    writer = ParquetWriter(tmp_path / "x.parquet", Dataset("measurements", (column,), select()), {})
    writer.write([(1.5,)])
    writer.close()
    metadata = parquet.read_schema(tmp_path / "x.parquet").field("startup_delay_s").metadata
    assert metadata[b"unit"] == b"s" and metadata[b"source"] == b"figure.startup_delay_s"
    assert metadata[b"meaning"] == b"startup delay: t0 to the first frame (of the headline's player)"


def test_parquet_groups_its_batches_and_keeps_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(module, "_GROUP_BATCHES", 2)
    path = tmp_path / "x.parquet"
    writer = ParquetWriter(path, make_dataset(*KINDS), {"shape": "wide"})
    for number in range(5):
        writer.write([("a", number, 0.5, True, AT, {"a": 1}, b"\xff"), (None,) * len(KINDS)])
    writer.close()
    file = parquet.ParquetFile(path)
    # Five batches of two rows: two groups of two batches, and what is left when the file is closed.
    assert [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)] == [4, 4, 2]
    assert file.schema_arrow.metadata[b"shape"] == b"wide"
    rows = file.read().to_pylist()
    assert list(rows[2].values()) == ["a", 1, 0.5, True, AT, '{"a":1}', b"\xff"]
    assert set(rows[3].values()) == {None}


def test_parquet_without_its_library_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingError, match=r"needs pyarrow, which is not here: .* or take csv, jsonl or sqlite"):
        ParquetWriter(tmp_path / "x.parquet", make_dataset("text"), {})
    assert list(tmp_path.iterdir()) == []


def test_pandas_is_kept_out_of_a_process_that_has_none_and_imports_work_again_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imported: list[str] = []

    class Arrow:
        @staticmethod
        def array(values: list[int]) -> None:
            for name in ("pandas", "numpy"):
                with pytest.raises(ImportError, match=name):
                    sys.meta_path[0].find_spec(name)  # type: ignore[call-arg]
            assert sys.meta_path[0].find_spec("json") is None  # type: ignore[call-arg]
            imported.extend(str(value) for value in values)

    before = list(sys.meta_path)
    monkeypatch.setattr(module, "_import_arrow", lambda: (Arrow, None))
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    keep_pandas_out()
    assert imported == ["0"] and sys.meta_path == before
    monkeypatch.setitem(sys.modules, "pandas", sys)  # somebody needs it already
    keep_pandas_out()
    assert imported == ["0"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),  # the wide sign of Chinese keyboards
        ("a=1", "a=1"),
        ("", '""'),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_quoted_unless_it_is_to_be_kept(text: str, written: str) -> None:
    dataset = make_dataset("text")
    assert lines_of(CsvWriter, dataset, [(text,)])[1] == written

    def keeping(out: Any, dataset: Dataset) -> CsvWriter:
        return CsvWriter(out, dataset, keeps_formulas=True)

    assert lines_of(keeping, dataset, [(text,)])[1] == (text or '""')
    assert lines_of(JsonLinesWriter, dataset, [(text,)])[0].count("'") == text.count("'")


@pytest.mark.parametrize("number", [-3, -0.5])
def test_number_below_zero_is_no_formula(number: float) -> None:
    dataset = make_dataset("integer" if isinstance(number, int) else "real")
    assert lines_of(CsvWriter, dataset, [(number,)])[1] == str(number)
