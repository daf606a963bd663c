"""A bundle: its files, its hashes, a definition for every column, and the figures of report and method sheet."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from collections import Counter
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import ReportSummary, summarise
from pytomo_scrapy.analysis.publication.words import interval, shown
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import ExportChoice
from pytomo_scrapy.exchange.licenses import NO_LICENSE, checked_license
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items.in_words import number
from pytomo_scrapy.reporting.bundle import write_bundle
from pytomo_scrapy.storage.database import open_database
from tests.pdf_texts import pdf_text

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of a few measurements, for what does not depend on how many there are."""
    path = tmp_path_factory.mktemp("few") / "few.db"
    database = open_database(f"sqlite:///{path}")
    synthetic.fill(database, 60, days=4, videos=20, traces=2)
    database.close()
    return path


def bundle(filled: Path, target: Path, file_format: str = "csv", shape: str = "wide", **more: Any) -> Path:
    database = open_database(f"sqlite:///{filled}")
    facts: dict[str, Any] = {"license": NO_LICENSE, "selection": ExportSelection()} | more
    try:
        write_bundle(database, target, ExportChoice(file_format, shape, **facts))
    finally:
        database.close()
    return target


def table_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(path.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def made(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "wide"
    return bundle(filled, target, who="Example Institute", license="CC-BY-4.0")


@pytest.fixture(scope="module")
def report(filled: Path) -> ReportSummary:
    database = open_database(f"sqlite:///{filled}")
    found = summarise(database)
    database.close()
    return found


def test_bundle_has_its_files_and_their_hashes(made: Path) -> None:
    names = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert names == {
        "README.md", "export.json", "codebook.csv", "figures.json", "measurements.csv", "method-sheet.pdf",
        "schemas/measurements.schema.json", "CITATION.cff", "SHA256SUMS",
    }  # fmt: skip
    sums = dict(reversed(line.split("  ")) for line in (made / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == names - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((made / name).read_bytes()).hexdigest() == digest
    readme = (made / "README.md").read_text()
    assert "under the licence CC-BY-4.0" in readme and all(
        f"`{name}`" in readme for name in ("codebook.csv", "figures.json")
    )
    assert json.loads((made / "export.json").read_text())["license"] == "CC-BY-4.0"
    cited = (made / "CITATION.cff").read_text()
    assert '  - name: "Example Institute"' in cited and "license: CC-BY-4.0" in cited and "type: dataset" in cited


def test_report_sheet_and_bundle_say_the_same(made: Path, report: ReportSummary) -> None:
    told = json.loads((made / "figures.json").read_text())
    published = report.publication
    assert published is not None
    sheet, readme = pdf_text((made / "method-sheet.pdf").read_bytes()), (made / "README.md").read_text()
    counts = (number(count, 0) for count in (published.row_count, published.valid_count))
    sentence = "{} measurements, {} of which say something about the line (n)".format(*counts)
    assert sentence.replace("\u202f", " ") in sheet and sentence in readme
    assert (told["n"], told["row_count"]) == (report.valid_count, report.attempted_count)
    assert told["selection"] == report.selection
    by_name = {one["name"]: one for one in told["figures"]}
    rows = {
        cells[0]: cells[1:]
        for cells in (line.strip("| ").split(" | ") for line in readme.splitlines())
        if len(cells) == 6
    }
    for one in published.figures:
        estimate, kind = one.estimate, one.reported.kind
        assert (by_name[kind.name]["value"], by_name[kind.name]["n"]) == (estimate.value, estimate.row_count)
        assert (by_name[kind.name]["low"], by_name[kind.name]["high"]) == (estimate.low, estimate.high)
        if estimate.row_count:
            assert rows[kind.title][:2] == [shown(one, estimate.value), interval(one)]
            assert f"{shown(one, estimate.value)} {interval(one)}".replace("\u202f", " ") in sheet
    assert (
        published.refusals == report.refusals
        and told["refused"]["refused_count"] == report.refusals.every.refused_count
    )


@pytest.mark.parametrize("shape", ["wide", "tables"])
def test_every_column_of_every_file_has_a_unit_and_a_definition_of_its_own(
    few: Path, tmp_path: Path, shape: str
) -> None:
    folder = bundle(few, tmp_path / shape, shape=shape)
    words = {(row["table"], row["column"]): row for row in table_of(folder / "codebook.csv")}
    files = sorted(folder.glob("*.csv"))
    assert len(files) == (2 if shape == "wide" else len({table for table, _ in words}))
    for path in files:
        with path.open(encoding="utf-8") as file:
            names = next(csv.reader(file))
        own = [words[(path.stem, name)] for name in names]
        for row in own:
            assert row["unit"] and len(row["definition"]) >= 12 and "copied from" not in row["definition"], row
        assert max(Counter(row["definition"] for row in own).values()) == 1, path.name
        if path.stem != "codebook":
            schema = json.loads((folder / "schemas" / f"{path.stem}.schema.json").read_text())
            assert list(schema["properties"]) == names == schema["required"]
            assert [(one["unit"], one["description"]) for one in schema["properties"].values()] == [
                (row["unit"], row["definition"]) for row in own
            ]
    readme = (folder / "README.md").read_text()
    assert "No licence was chosen" in readme and "no CITATION.cff" in readme
    assert not (folder / "CITATION.cff").exists()


def test_parquet_columns_and_rows_of_json_lines_are_as_the_schema_says(few: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    folder = bundle(few, tmp_path / "parquet", "parquet")
    schema = json.loads((folder / "schemas" / "measurements.schema.json").read_text())["properties"]
    for field in parquet.read_schema(folder / "measurements.parquet"):
        told = {name.decode(): text.decode() for name, text in field.metadata.items()}
        assert (told["unit"], told["meaning"]) == (schema[field.name]["unit"], schema[field.name]["description"])
    lines = bundle(few, tmp_path / "lines", "jsonl") / "measurements.jsonl"
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
    for line in lines.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert row.keys() == schema.keys()
        for name, value in row.items():
            types = schema[name].get("type")
            assert types is None or any(isinstance(value, kinds[one]) for one in types), (name, value)


def test_zip_holds_the_bundle_in_a_folder_of_its_name(few: Path, tmp_path: Path) -> None:
    target = bundle(few, tmp_path / "new" / "line.zip")
    with zipfile.ZipFile(target) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        sums = packed.read("line/SHA256SUMS").decode()
        for digest, name in (line.split("  ") for line in sums.splitlines()):
            assert hashlib.sha256(packed.read(f"line/{name}")).hexdigest() == digest
    assert "line/measurements.csv" in names and all(name.startswith("line/") for name in names)
    assert [path.name for path in target.parent.iterdir()] == ["line.zip"], "nothing is left beside it"


def test_place_that_is_taken_is_refused_and_stays_as_it_was(few: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("keep")
    with pytest.raises(SettingError, match="is not empty"):
        bundle(few, tmp_path / "taken")
    (tmp_path / "taken.zip").write_text("keep")
    with pytest.raises(SettingError, match="is there already"):
        bundle(few, tmp_path / "taken.zip")
    assert [path.read_text() for path in (tmp_path / "taken" / "mine", tmp_path / "taken.zip")] == ["keep", "keep"]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("is_absolute", [False, True])
def test_folder_that_it_runs_in_is_refused(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_absolute: bool
) -> None:
    # Another folder would take its place: the user would go on in one that has no name any more.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match="is the one that this runs in"):
        bundle(few, tmp_path if is_absolute else Path())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [("cc-by-4.0", "CC-BY-4.0"), ("CC0-1.0 OR odbl-1.0", "CC0-1.0 OR ODbL-1.0"), ("LicenseRef-own", "LicenseRef-own")],
)
def test_licence_is_spelled_as_spdx_does(text: str, known: str) -> None:
    assert checked_license(text) == known


@pytest.mark.parametrize("text", ["", "free", "CC-BY", "CC-BY-4.0 OR", "GPL"])
def test_licence_that_spdx_does_not_know_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(SettingError, match=r"no licence of SPDX's list") as refused:
        checked_license(text)
    assert re.search(r"such as CC-BY-4\.0", str(refused.value)) and "\n" not in str(refused.value)


def test_bundle_of_a_condition_has_the_figures_of_its_rows_and_says_so_everywhere(
    filled: Path, tmp_path: Path, client: TestClient
) -> None:
    where = "vantage_id = 2"
    made = bundle(filled, tmp_path / "chosen", selection=ExportSelection(where=where))
    told = json.loads((made / "figures.json").read_text())
    page = client.get("/api/overview?period=all&vantage=2").json()
    assert (told["n"], told["row_count"], told["video_count"]) == (page["n"], page["row_count"], page["video_count"])
    assert 0 < told["n"] < client.get("/api/overview?period=all").json()["n"]
    estimates = {one["name"]: one for one in page["estimates"]}
    for one in told["figures"]:
        same = estimates[one["name"]]
        assert (one["value"], one["low"], one["high"]) == (same["value"], same["low"], same["high"]), one["name"]
    assert [line["name"] for line in told["method"]["lines"]] == ["lyon"]
    assert told["selection"]["filters"] == {"Condition": where}
    export = json.loads((made / "export.json").read_text())
    assert (export["selection"]["n"], export["where"]) == (told["n"], where)
    sheet, readme = pdf_text((made / "method-sheet.pdf").read_bytes()), (made / "README.md").read_text()
    assert f"condition {where}" in sheet and "A condition chose the rows" in sheet
    assert f"for which {where} holds." in readme and f"Figures count {told['n']} rows of them" in readme
