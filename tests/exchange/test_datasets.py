"""What an export holds: the statements of every shape and choice, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from pytomo_scrapy.exchange import codebook
from pytomo_scrapy.exchange.datasets import Dataset, ExportSelection, datasets
from pytomo_scrapy.storage.schema.columns import metadata
from pytomo_scrapy.storage.schema.legacy_table import OLD_COLUMNS

DAY = datetime(2026, 11, 27, tzinfo=UTC)
EVERYTHING, SINCE = ExportSelection(), ExportSelection(since=DAY)


def sql_of(dataset: Dataset) -> str:
    compiled = dataset.statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    return " ".join(str(compiled).split())


def named(shape: str, chosen: ExportSelection = EVERYTHING) -> dict[str, Dataset]:
    return {dataset.name: dataset for dataset in datasets(shape, chosen)}


@pytest.mark.parametrize(
    ("shape", "name", "column_count"), [("legacy", "pytomo_crawl", len(OLD_COLUMNS)), ("wide", "measurements", None)]
)
def test_shape_of_one_table_is_that_table(shape: str, name: str, column_count: int | None) -> None:
    (dataset,) = datasets(shape, EVERYTHING)
    assert dataset.name == name
    assert len(dataset.columns) == (column_count or len({column.name for column in dataset.columns}))


def test_tables_are_exported_without_what_a_crawl_has_still_to_do() -> None:
    tables = set(named("tables"))
    assert {"measurement", "video", "vantage", "run", "crawl", "http_request", "figure"} <= tables
    assert metadata.tables.keys() - tables == {
        "owner", "frontier", "open_window", "figure_block", "figure_column", "figure_strip", "page_change",
        "legacy_row", "legacy_source",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("started_at", "instant"),
        ("is_superseded", "flag"),
        ("depth", "integer"),
        ("join_time_s", "real"),
        ("service", "text"),
        ("failure", "text"),
    ],
)
def test_column_of_the_wide_table_has_the_kind_of_its_type(column: str, kind: str) -> None:
    (dataset,) = datasets("wide", EVERYTHING)
    assert {one.name: one.kind for one in dataset.columns}[column] == kind


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("measurement_id", "measurement.id"),
        ("vantage", "vantage.name"),
        ("run_uuid", "run.uuid"),
        ("uuid", "measurement.uuid"),
        ("duration_s", "video.duration_s"),
    ],
)
def test_column_of_the_wide_table_says_where_it_comes_from(name: str, source: str) -> None:
    (dataset,) = datasets("wide", EVERYTHING)
    assert {one.name: one.source for one in dataset.columns}[name] == source


def test_table_exported_with_everything_has_no_condition() -> None:
    assert [name for name, dataset in named("tables").items() if " WHERE " in sql_of(dataset)] == []


CHOSEN = "IN (SELECT measurement.id FROM measurement WHERE coalesce(measurement.started_at, measurement.stored_at) >="


def conditions(chosen: ExportSelection) -> dict[str, str]:
    return {name: sql_of(dataset).partition(" WHERE ")[2] for name, dataset in named("tables", chosen).items()}


def test_table_of_a_choice_holds_what_belongs_to_the_chosen_measurements() -> None:
    found = conditions(SINCE)
    assert found["measurement"].startswith(f"measurement.id {CHOSEN}")
    assert found["video"].startswith("video.id IN (SELECT measurement.video_row_id FROM measurement")
    assert found["vantage"].startswith("vantage.id IN (SELECT measurement.vantage_id FROM measurement")
    assert found["run"].startswith("run.id IN (SELECT measurement.run_id FROM measurement")
    assert found["crawl"].startswith("crawl.id IN (SELECT measurement.crawl_id FROM measurement")
    days = {text.partition(" ORDER BY ")[0] for name, text in found.items() if name.startswith("daily")}
    assert days == {"0 = 1"}, "what is left of days cannot be chosen by measurement"
    # Every other table belongs to a measurement, itself or through the row that it belongs to.
    rest = {name: text for name, text in found.items() if not name.startswith("daily")}
    assert all(CHOSEN in text for text in rest.values()), [name for name, text in rest.items() if CHOSEN not in text]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (SINCE, ["coalesce(measurement.started_at, measurement.stored_at) >="]),
        (ExportSelection(until=DAY), ["coalesce(measurement.started_at, measurement.stored_at) <"]),
        (ExportSelection(where="depth > 2"), ["wide", "(depth > 2)"]),
        # A colon begins no bound parameter: a text stays a text.
        (ExportSelection(where="title = ' :name'"), ["(title = ' :name')"]),
    ],
)
def test_choice_is_a_condition_of_the_wide_table(chosen: ExportSelection, words: list[str]) -> None:
    (dataset,) = datasets("wide", chosen)
    text = sql_of(dataset).partition(" WHERE ")[2]
    assert text.startswith("NOT measurement.is_superseded") or "is_superseded = 0" in text
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("chosen", "condition"),
    [
        (EVERYTHING, ""),
        (SINCE, "ID >= '2026-11-27 00:00:00'"),
        (ExportSelection(until=DAY), "ID < '2026-11-27 00:00:00'"),
        # Another zone: the old table's times are in UTC, 00:00 + 02:00 is 22:00 of the day before.
        (
            ExportSelection(since=DAY.replace(tzinfo=timezone(timedelta(hours=2)))),
            "ID >= '2026-11-26 22:00:00'",
        ),
        (ExportSelection(SINCE.since, DAY, "Service = 'x'"),
         "ID >= '2026-11-27 00:00:00' AND ID < '2026-11-27 00:00:00' AND (Service = 'x')"),
    ],
)  # fmt: skip
def test_choice_of_old_columns_is_by_their_stamp(chosen: ExportSelection, condition: str) -> None:
    (dataset,) = datasets("legacy", chosen)
    assert sql_of(dataset).partition(" WHERE ")[2] == condition


# The README beside the data.

DOCUMENT = """# Data format

## Data

Rows (of a table).

## The view

### toy

| `size_bytes` | integer | bytes | How much there is. |

## Next
"""


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Data", "## Data\n\nRows (of a table)."),
        ("The view", "## The view\n\n### toy\n\n| `size_bytes` | integer | bytes | How much there is. |"),
        ("Next", "## Next"),
        ("None", ""),
    ],
)
def test_section_of_the_document_ends_where_the_next_begins(title: str, text: str) -> None:
    assert codebook._section(DOCUMENT, title) == text


@pytest.mark.parametrize("shape", ["wide", "legacy"])
def test_readme_names_every_column_once_with_the_rows_of_its_file(shape: str) -> None:
    class One:
        file_name, row_count = "rows.csv", 7

    (dataset,) = datasets(shape, EVERYTHING)
    about: dict[str, Any] = {"format": "csv", "shape": shape}
    text = codebook.readme([dataset], [One()], about)
    assert "7 rows in `rows.csv`." in text and f"- shape: {shape}" in text
    assert all(text.count(f"\n| {column.name} | {column.kind} |") == 1 for column in dataset.columns)
    assert ("## The view `pytomo_crawl`" in text) == (shape == "legacy")
