"""Write an export: a folder with the data, a README of every column and unit, and export.json for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis.refusals import refusals_where
from pytomo_scrapy.analysis.report_selection import counted_rows
from pytomo_scrapy.exchange.codebook import KEPT, QUOTED, readme
from pytomo_scrapy.exchange.column_words import column_facts
from pytomo_scrapy.exchange.datasets import (
    Dataset,
    ExportSelection,
    check_condition,
    counted_measurements,
    datasets,
    rows_of,
    snapshot,
)
from pytomo_scrapy.exchange.writers import (
    CsvWriter,
    JsonLinesWriter,
    ParquetWriter,
    SqliteWriter,
    Writer,
    write_about,
)
from pytomo_scrapy.failures import SettingError, StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.migrate import HEAD

SQLITE_FILE = "pytomo_export.db"


@dataclass(frozen=True, slots=True)
class Written:
    """One table of an export, and how many rows went into which file."""

    name: str
    file_name: str
    row_count: int


def export(database: Database, folder: Path, file_format: str, shape: str, selection: ExportSelection) -> list[Written]:
    """Export into a new or empty folder; a file gets its name when it is complete.

    Raises SettingError where the choice cannot be used, StorageError where the database or the folder cannot.
    """
    check_condition(database, shape, selection)
    about = _about(database, file_format, shape, selection)
    tables = datasets(shape, selection)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Files of an earlier export would be read together with these.
        if any(folder.iterdir()):
            raise SettingError(f"The folder {folder} is not empty: choose a new or an empty folder.")
        with snapshot(database) as connection:
            # All tables from one snapshot: rows of a crawl that goes on would else point to what is not there.
            written = [_write(connection, dataset, folder, file_format, about) for dataset in tables]
            # The old form has no column that would say what was asked for.
            refused = refusals_where(connection, counted_measurements(selection)) if shape != "legacy" else None
            counted = counted_rows(connection, selection.since, selection.until)
        if file_format == "sqlite":
            _finish_sqlite(folder, shape, about, tables)
        (folder / "README.md").write_text(readme(tables, written, about, refused, counted), encoding="utf-8")
        facts = {"selection": counted} | ({"refusals": refused.to_dict()} if refused is not None else {})
        (folder / "export.json").write_text(_for_programs(tables, written, about, facts), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The export to {folder} could not be written: {error.strerror or error}.") from error
    return written


def export_to_stream(
    database: Database, out: TextIO, file_format: str, shape: str, selection: ExportSelection
) -> Written:
    """Export one table as text, without a README. Raises as `export`."""
    # The other formats are files by their nature, and several tables need several.
    if file_format not in {"csv", "jsonl"} or shape == "tables":
        raise SettingError("Only one table as text goes to standard output: --format csv or jsonl, --wide or --legacy.")
    check_condition(database, shape, selection)
    (dataset,) = datasets(shape, selection)
    with snapshot(database) as connection:
        is_csv = file_format == "csv"
        keeps = selection.keeps_formulas
        writer = CsvWriter(out, dataset, keeps_formulas=keeps) if is_csv else JsonLinesWriter(out, dataset)
        count = _copy(connection, dataset, writer)
    return Written(dataset.name, "-", count)


def _write(
    connection: Connection, dataset: Dataset, folder: Path, file_format: str, about: Mapping[str, str]
) -> Written:
    file_name = SQLITE_FILE if file_format == "sqlite" else f"{dataset.name}.{file_format}"
    count = _copy(connection, dataset, _writer(folder / f"{file_name}.part", dataset, file_format, about))
    if file_format != "sqlite":
        (folder / f"{file_name}.part").replace(folder / file_name)
    return Written(dataset.name, file_name, count)


def _writer(path: Path, dataset: Dataset, file_format: str, about: Mapping[str, str]) -> Writer:
    if file_format == "parquet":
        return ParquetWriter(path, dataset, about)
    if file_format == "sqlite":
        return SqliteWriter(path, dataset)
    out = path.open("w", encoding="utf-8", newline="")
    if file_format == "csv":
        return CsvWriter(out, dataset, keeps_formulas=about["formulas"] == KEPT)
    return JsonLinesWriter(out, dataset)


def _copy(connection: Connection, dataset: Dataset, writer: Writer) -> int:
    count = 0
    try:
        for rows in rows_of(connection, dataset):
            writer.write(rows)
            count += len(rows)
    finally:
        writer.close()
    return count


def _finish_sqlite(folder: Path, shape: str, about: Mapping[str, str], tables: Sequence[Dataset]) -> None:
    part = folder / f"{SQLITE_FILE}.part"
    # The scripts of Pytomo 3 expect this one table and no other.
    if shape != "legacy":
        write_about(part, about, tables)
    part.replace(folder / SQLITE_FILE)


def _about(database: Database, file_format: str, shape: str, selection: ExportSelection) -> dict[str, str]:
    facts: dict[str, Any] = {
        "software": "pytomo-scrapy",
        "software_version": __version__,
        "schema_version": HEAD,
        # Without its folder, which may hold the name of its owner: exports are given away.
        "database": database.shown_url if not database.is_sqlite else Path(str(database.engine.url.database)).name,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "format": file_format,
        "shape": shape,
        "since": selection.since.isoformat() if selection.since else None,
        "until": selection.until.isoformat() if selection.until else None,
        "where": selection.where,
        "formulas": (KEPT if selection.keeps_formulas else QUOTED) if file_format == "csv" else None,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _for_programs(
    tables: Sequence[Dataset], written: Sequence[Written], about: Mapping[str, str], facts: Mapping[str, Any]
) -> str:
    described = [
        {
            "name": dataset.name,
            "file": file.file_name,
            "rows": file.row_count,
            "columns": [{"name": c.name, "kind": c.kind, **column_facts(c.source)} for c in dataset.columns],
        }
        for dataset, file in zip(tables, written, strict=True)
    ]
    return json.dumps({**about, **facts, "tables": described}, indent=2) + "\n"
