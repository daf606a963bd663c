"""Write an export: a folder with the data, a README of every column and unit, and export.json for programs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection

from pytomo_scrapy import __version__
from pytomo_scrapy.analysis.publication.publication import publication_of
from pytomo_scrapy.analysis.refusals import refusals_where
from pytomo_scrapy.analysis.report_selection import asked_for, counted_rows, report_selection
from pytomo_scrapy.exchange.codebook import KEPT, QUOTED, ExportFacts, readme
from pytomo_scrapy.exchange.column_words import column_facts
from pytomo_scrapy.exchange.datasets import (
    Dataset,
    ExportSelection,
    check_condition,
    condition_of,
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
README_FILE = "README.md"
PROGRAM_FILE = "export.json"


@dataclass(frozen=True, slots=True)
class Written:
    """One table of an export, and how many rows went into which file."""

    name: str
    file_name: str
    row_count: int


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What is exported, and what its files say of it: `who` measured, and under which licence (an SPDX expression)."""

    file_format: str
    shape: str
    selection: ExportSelection
    who: str | None = None
    license: str | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds, and what its files say of it."""

    tables: Sequence[Dataset]
    written: Sequence[Written]
    about: Mapping[str, str]
    facts: ExportFacts


def export(database: Database, folder: Path, file_format: str, shape: str, selection: ExportSelection) -> list[Written]:
    """Export into a new or empty folder; a file gets its name when it is complete. Raises as `export_as`."""
    return list(export_as(database, folder, ExportChoice(file_format, shape, selection)).written)


def export_as(
    database: Database, folder: Path, choice: ExportChoice, *, more: Callable[[Exported], object] = lambda made: None
) -> Exported:
    """Export into a new or empty folder; `more` writes further files into it.

    All of it is one state of the database. An export that fails takes its files away again. Raises SettingError where
    the choice cannot be used, StorageError where the database or the folder cannot.
    """
    check_condition(database, choice.shape, choice.selection)
    about = _about(database, choice)
    tables = datasets(choice.shape, choice.selection)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Files of an earlier export would be read together with these.
        if any(folder.iterdir()):
            raise SettingError(f"The folder {folder} is not empty: choose a new or an empty folder.")
        with _nothing_left(folder, [_file_name(dataset, choice.file_format) for dataset in tables]):
            with snapshot(database) as connection:
                # All tables from one snapshot: rows of a crawl that goes on would else point to what is not there.
                written = [_write(connection, dataset, folder, choice.file_format, about) for dataset in tables]
                facts = _facts(connection, choice)
            if choice.file_format == "sqlite":
                _finish_sqlite(folder, choice.shape, about, tables)
            made = Exported(tables, written, about, facts)
            (folder / README_FILE).write_text(readme(tables, written, about, facts), encoding="utf-8")
            (folder / PROGRAM_FILE).write_text(_for_programs(made), encoding="utf-8")
            more(made)
    except OSError as error:
        raise StorageError(f"The export to {folder} could not be written: {error.strerror or error}.") from error
    return made


@contextlib.contextmanager
def _nothing_left(folder: Path, file_names: Sequence[str]) -> Iterator[None]:
    """Take away what an export that fails, or that Ctrl-C ends, has written: the same command can be given again."""
    try:
        yield
    except BaseException:
        for name in {*file_names, *(f"{name}.part" for name in file_names), README_FILE, PROGRAM_FILE}:
            # Why it failed is what the user is told, not what could not be cleared away.
            with contextlib.suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        raise


def _facts(connection: Connection, choice: ExportChoice) -> ExportFacts:
    """Return what figures count of the rows, what was refused in their period, and what of them is to be published."""
    selection = choice.selection
    asked = replace(asked_for(selection.since, selection.until), condition=condition_of(choice.shape, selection))
    chosen = report_selection(connection, asked)
    counted = counted_rows(connection, chosen)
    # The old form has no column that would say what was asked for.
    if choice.shape == "legacy":
        return ExportFacts(counted)
    refused = refusals_where(connection, counted_measurements(selection))
    return ExportFacts(counted, refused, publication_of(connection, chosen, who=choice.who))


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


def _file_name(dataset: Dataset, file_format: str) -> str:
    return SQLITE_FILE if file_format == "sqlite" else f"{dataset.name}.{file_format}"


def _write(
    connection: Connection, dataset: Dataset, folder: Path, file_format: str, about: Mapping[str, str]
) -> Written:
    file_name = _file_name(dataset, file_format)
    # Under a name of its own until it is whole: whoever watches the folder takes no half of a table.
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


def _about(database: Database, choice: ExportChoice) -> dict[str, str]:
    selection = choice.selection
    facts: dict[str, Any] = {
        "software": "pytomo-scrapy",
        "software_version": __version__,
        "schema_version": HEAD,
        # Without its folder, which may hold the name of its owner: exports are given away.
        "database": database.shown_url if not database.is_sqlite else Path(str(database.engine.url.database)).name,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "format": choice.file_format,
        "shape": choice.shape,
        "since": selection.since.isoformat() if selection.since else None,
        "until": selection.until.isoformat() if selection.until else None,
        "where": selection.where,
        "formulas": (KEPT if selection.keeps_formulas else QUOTED) if choice.file_format == "csv" else None,
        "who": choice.who,
        "license": choice.license,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _for_programs(made: Exported) -> str:
    described = [
        {
            "name": dataset.name,
            "file": file.file_name,
            "rows": file.row_count,
            "columns": [{"name": c.name, "kind": c.kind, **column_facts(c.source)} for c in dataset.columns],
        }
        for dataset, file in zip(made.tables, made.written, strict=True)
    ]
    return json.dumps({**made.about, **made.facts.to_dict(), "tables": described}, indent=2) + "\n"
