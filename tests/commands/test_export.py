"""`scrapy export`: where it goes, in which format and shape, and which measurements."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from pathlib import Path

import pytest

from tests.commands.conftest import VIDEOS, Run, refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file_format", "file_name"),
    [("csv", "measurements.csv"), ("jsonl", "measurements.jsonl"), ("sqlite", "pytomo_export.db")],
)
def test_export_writes_a_file_of_the_format_and_names_it(
    run: Run, filled: Path, tmp_path: Path, file_format: str, file_name: str
) -> None:
    ended = run("export", "--format", file_format, "out", "--database", filled)
    assert (ended.exit_code, ended.output, ended.errors) == (0, f"out/{file_name}: measurements, 2 rows\n", "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {file_name, "README.md", "export.json"}


@pytest.mark.slow
def test_export_as_parquet_needs_no_pandas(run: Run, filled: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    ended = run("export", "--format", "parquet", "--output", "out", "--database", filled)
    assert ended.exit_code == 0, ended.errors
    assert parquet.read_table(tmp_path / "out" / "measurements.parquet").num_rows == 2


@pytest.mark.slow
def test_export_of_every_table_names_each(run: Run, filled: Path) -> None:
    ended = run("export", "--tables", "out", "--database", filled)
    lines = ended.output.splitlines()
    assert "out/measurement.csv: measurement, 2 rows" in lines
    assert "out/playback.csv: playback, 1 row" in lines
    assert not any("frontier" in line for line in lines)


def test_export_without_a_folder_makes_one_of_its_time(run: Run, filled: Path, tmp_path: Path) -> None:
    run("export", "--database", filled)
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert re.fullmatch(r"pytomo-export-\d{8}T\d{6}Z", folder.name)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 2),
        (("--where", "failure IS NULL"), 1),
        (("--where", "failure = 'private'"), 1),
        (("--since", "2026-05-05"), 0),
        (("--until", "2026-05-05"), 2),
        (("--since", "2026-05-04T10:20", "--until", "2026-05-04T10:20"), 0),
    ],
)
def test_export_to_standard_output_is_of_the_measurements_that_were_asked_for(
    run: Run, filled: Path, words: tuple[str, ...], count: int
) -> None:
    ended = run("export", "-", *words, "--database", filled)
    assert (ended.exit_code, ended.errors) == (0, "")
    assert len(list(csv.DictReader(StringIO(ended.output)))) == count


def test_export_to_standard_output_in_other_shapes(run: Run, filled: Path) -> None:
    lines = run("export", "--format", "jsonl", "-", "--database", filled).output.splitlines()
    assert [json.loads(line)["video_id"] for line in lines] == list(VIDEOS[:2])
    old = list(csv.DictReader(StringIO(run("export", "--legacy", "-", "--database", filled).output)))
    assert len(old) == 2 and len(old[0]) == 29


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-", "--tables"), "Only one table as text goes to standard output"),
        (("-", "--format", "sqlite"), "Only one table as text goes to standard output"),
        (("out", "--where", "nonsense = 1"), "nonsense"),
        (("full",), "The folder full is not empty: choose a new or an empty folder."),
    ],
)
def test_export_that_cannot_be_made_is_one_sentence_and_2(
    run: Run, filled: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    refused(run("export", *words, "--database", filled), 2, sentence)


def test_export_into_a_folder_that_cannot_be_made_ends_with_3(run: Run, filled: Path) -> None:
    ended = run("export", f"{filled}/out", "--database", filled)
    refused(ended, 3, f"The export to {filled}/out could not be written: Not a directory.")


@pytest.mark.slow
def test_bundle_is_an_export_that_names_its_files(run: Run, filled: Path, tmp_path: Path) -> None:
    ended = run("export", "--bundle", "out.zip", "--license", "cc0-1.0", "--json", "--database", filled)
    assert ended.exit_code == 0, ended.errors
    assert {"README.md", "SHA256SUMS", "codebook.csv", "measurements.csv"} <= set(json.loads(ended.output))
    assert (tmp_path / "out.zip").is_file()


@pytest.mark.parametrize(
    ("words", "exit_code", "sentence"),
    [
        (("--bundle", "taken"), 2, "is not empty"),
        (("--bundle", "out", "elsewhere"), 2, "leave out the other folder"),
        (("--bundle", "out", "--legacy"), 2, "--legacy does not go with it"),
        (("--bundle", "out", "--where", "nonsense = 1"), 2, "nonsense"),
        (("--bundle", "out", "--license", "free"), 2, "no licence of SPDX's list"),
        (("--bundle", "mine.txt/out"), 3, "could not be written"),
    ],
)
def test_bundle_that_cannot_be_is_refused_in_a_sentence(
    run: Run, filled: Path, tmp_path: Path, words: tuple[str, ...], exit_code: int, sentence: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    (tmp_path / "mine.txt").touch()
    refused(run("export", *words, "--database", filled), exit_code, sentence)
    assert not (tmp_path / "out").exists()


def test_bundle_of_an_absent_database_is_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    refused(run("export", "--bundle", "out", "--database", tmp_path / "absent.db"), 3, "absent.db")
    assert list(tmp_path.iterdir()) == []
