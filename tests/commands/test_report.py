"""`scrapy report`: the sentence for what cannot be used, the figures as JSON, the PDF."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import database_setting, run_scrapy


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def test_report_of_an_empty_database_says_what_to_run(database: Path) -> None:
    done = run_scrapy("report", *database_setting(database))
    assert (done.exit_code, done.errors) == (0, "")
    assert "scrapy crawl youtube" in done.output


def test_report_as_json_is_one_object(database: Path) -> None:
    done = run_scrapy("report", "--json", *database_setting(database))
    assert json.loads(done.output)["attempted_count"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.db"], "'x.db' is not understood"),
        (["-s", "PYTOMO_PACE_S=soon"], "PYTOMO_PACE_S='soon' is not usable"),
        (["--pdf", "out.pdf"], ""),
    ],
)
def test_report_that_cannot_be_made_ends_with_one_sentence(database: Path, arguments: list[str], sentence: str) -> None:
    done = run_scrapy("report", *database_setting(database), *arguments)
    assert done.exit_code == 2
    assert sentence in done.errors
    assert len(done.errors.splitlines()) == 1
