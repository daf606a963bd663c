"""`pytomo report --where`: each form of the report is of the rows that a condition chooses, and says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pytomo_scrapy.analysis.daily.retention import delete_measurements
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.figure_tables import BLOCK_ROWS, figure
from tests.commands.conftest import Run, refused
from tests.pdf_texts import pdf_text

# The first and the last row stay: the days of an interval begin with the first one.
CONDITION = "video_row_id % 2 = 0 OR measurement_id IN (1, 600)"
SAID = f"condition {CONDITION}"
# What is of the whole period, whatever rows are chosen, and what says of which rows a figure is.
WHOLE = ("refusals", "outages", "selection", "publication")


@pytest.fixture(scope="module")
def many(synthetic_file: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 rows of a fortnight."""
    return shutil.copyfile(synthetic_file(600, days=14), tmp_path_factory.mktemp("many") / "many.db")


@pytest.fixture(scope="module")
def chosen_alone(many: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same file without the rows that do not meet the condition."""
    path = shutil.copyfile(many, tmp_path_factory.mktemp("alone") / "alone.db")
    database = open_database(f"sqlite:///{path}")
    met = select(figure.c.measurement_id).where(
        (figure.c.video_row_id % 2 == 0) | figure.c.measurement_id.in_((1, 600))
    )
    with database.write() as connection:
        out = list(connection.execute(select(measurement.c.id).where(measurement.c.id.not_in(met))).scalars())
        assert 100 < len(out) < 500
        for block in {number // BLOCK_ROWS for number in out}:
            delete_measurements(connection, block, [number for number in out if number // BLOCK_ROWS == block])
    database.close()
    return path


def as_json(run: Run, path: Path, *words: str) -> dict[str, Any]:
    ended = run("report", "--json", "--eras", "all", "--database", path, *words)
    assert (ended.exit_code, ended.errors) == (0, "")
    answer: dict[str, Any] = json.loads(ended.output)
    return answer


@pytest.mark.slow
def test_figures_are_those_of_a_database_with_these_rows_alone(run: Run, many: Path, chosen_alone: Path) -> None:
    found, alone = as_json(run, many, "--where", CONDITION), as_json(run, chosen_alone)
    every = as_json(run, many)
    assert 0 < found["valid_count"] < every["valid_count"]
    assert {name: value for name, value in found.items() if name not in WHOLE} == {
        name: value for name, value in alone.items() if name not in WHOLE
    }
    published, theirs = found["publication"], alone["publication"]
    assert published["figures"] == theirs["figures"] and published["n"] == theirs["n"] == found["valid_count"]
    assert found["refusals"]["every"] == every["refusals"]["every"]
    assert found["selection"]["filters"] == published["selection"]["filters"] == {"Condition": CONDITION}


@pytest.mark.slow
def test_comparison_is_that_of_these_rows_alone(run: Run, many: Path, chosen_alone: Path) -> None:
    words = ("--by", "host")
    found, alone = as_json(run, many, *words, "--where", CONDITION), as_json(run, chosen_alone, *words)
    assert found.pop("selection")["filters"] == {"Condition": CONDITION}
    alone.pop("selection")
    assert found == alone and len(found["groups"]) > 1
    printed = run("report", *words, "--where", CONDITION, "--database", many).output
    assert SAID in printed.splitlines()[0]


@pytest.mark.slow
def test_every_text_names_the_condition_and_its_n(run: Run, many: Path, tmp_path: Path) -> None:
    words = ("--where", CONDITION, "--eras", "all", "--database", many)
    valid = as_json(run, many, "--where", CONDITION)["valid_count"]
    ended = run("report", "--pdf", "report.pdf", "--method-sheet", "sheet.pdf", *words)
    assert (ended.exit_code, ended.errors) == (0, "")
    report, sheet = (pdf_text((tmp_path / name).read_bytes()) for name in ("report.pdf", "sheet.pdf"))
    printed = " ".join(run("report", *words).output.split())
    assert f"Only rows that meet the condition: {CONDITION}" in printed
    for text in (printed, report, sheet):
        assert SAID in text and f"{valid} of which say something about the line" in text.replace("\u202f", " ")


def test_condition_that_no_row_meets_is_no_empty_database(run: Run, filled: Path) -> None:
    ended = run("report", "--where", "host = 'nowhere'", "--database", filled)
    assert (ended.exit_code, ended.errors) == (0, "") and "holds no measurement of that kind" in ended.output


@pytest.mark.parametrize("words", [(), ("--by", "host"), ("--pdf", "x.pdf"), ("--method-sheet", "x.pdf")])
def test_condition_that_the_database_refuses_is_a_sentence(
    run: Run, filled: Path, words: tuple[str, ...], tmp_path: Path
) -> None:
    ended = run("report", *words, "--where", "no_such_column = 1", "--database", filled)
    refused(ended, 2, "--where 'no_such_column = 1' is not usable: no such column: no_such_column.")
    assert not (tmp_path / "x.pdf").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--by", "host", "--pdf", "x.pdf"), "--by prints a comparison and no file: ask for --pdf without it."),
        (("--json", "--pdf", "x.pdf"), "--json prints the figures and writes no file: ask for --pdf without it."),
        (("--crawl", "spring", "--pdf", "x.pdf"), "--crawl chooses the rows of the printed report alone: --pdf takes"),
        (("--crawl", "spring", "--by", "host"), "--crawl chooses the rows of the printed report alone: --by takes"),
        (("--first", "x"), "--first names a group of a comparison: it goes with --by."),
    ],
)
def test_words_of_which_one_would_have_no_effect_are_refused(
    run: Run, filled: Path, words: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    refused(run("report", *words, "--database", filled), 2, sentence)
    assert not (tmp_path / "x.pdf").exists()
