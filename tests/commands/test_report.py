"""`scrapy report`: the figures as text, as JSON and as a PDF, of the measurements that were asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytomo_scrapy.analysis.daily.retention import prune_measurements
from pytomo_scrapy.storage.database import open_database
from tests.commands.conftest import Run, refused
from tests.e2e.conftest import database_setting, run_scrapy
from tests.pdf_texts import pdf_text


@pytest.mark.process
def test_report_of_an_empty_database_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    done = run_scrapy("report", *database_setting(tmp_path / "x.db"))
    assert (done.exit_code, done.errors) == (0, "")
    assert "pytomo crawl -u 10" in done.output


def test_report_of_an_empty_database_as_json_is_one_object(run: Run) -> None:
    Path("x.db").touch()
    assert json.loads(run("report", "--json", "--database", "x.db").output)["attempted_count"] == 0


@pytest.mark.slow
def test_report_says_what_the_database_holds(run: Run, filled: Path) -> None:
    ended = run("report", "--database", filled)
    assert (ended.exit_code, ended.errors) == (0, "")
    lines = ended.output.splitlines()
    assert lines[0] == f"sqlite:///{filled}"
    assert lines[1] == "2026-05-04 10:20:30 UTC to 2026-05-04 10:20:30 UTC"
    rows = [line.split() for line in lines]
    # Attempted, resolved, started, valid, excluded: the private video is the one that does not count.
    assert ["2", "1", "1", "1", "1"] in rows
    # One session of 9.1 s stalled and 19.9 s played.
    assert ["classic", "1", "0", "1.00", "1.00", "1.00", "1", "1", "9.1", "31.4", "%"] in rows
    assert any(row[:4] == ["private", "content", "resolve", "1"] for row in rows)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 2),
        (("--crawl", "spring"), 2),
        (("--crawl", "autumn"), 0),
        (("--since", "2026-05-04"), 2),
        (("--since", "2026-05-05"), 0),
        # Started at 10:20:30 UTC: a time without a zone is UTC, another zone is converted.
        (("--since", "2026-05-04T10:20:31"), 0),
        (("--since", "2026-05-04T12:20:31+02:00"), 0),
        (("--since", "2026-05-04T12:20:29+02:00"), 2),
        (("--until", "2026-05-04T10:20:31"), 2),
        (("--until", "2026-05-04T10:20:30"), 0),
    ],
)
def test_report_is_of_the_measurements_that_were_asked_for(
    run: Run, filled: Path, words: tuple[str, ...], count: int
) -> None:
    ended = run("report", "--json", "--database", filled, *words)
    assert json.loads(ended.output)["attempted_count"] == count


@pytest.mark.slow
def test_report_of_pruned_measurements_shows_their_days(run: Run, filled: Path) -> None:
    database = open_database(f"sqlite:///{filled}")
    prune_measurements(database, datetime(2026, 6, 1, tzinfo=UTC))
    database.close()
    text = run("report", "--database", filled).output
    assert "Daily aggregates of deleted measurements\n2026-05-04 to 2026-05-04, 1 day (UTC)" in text
    rows = [line.split() for line in text.splitlines()]
    # The good one is in the aggregates of its day; the newest measurement always stays, here the private video.
    assert ["1", "1", "1", "1", "0"] in rows
    assert ["classic", "1", "0", "1.00", "1.00", "1.00", "1", "1", "9.1", "31.4", "%"] in rows
    assert ["1", "0", "0", "0", "1"] in rows


@pytest.mark.slow
def test_report_as_pdf_is_written_and_named(run: Run, filled: Path, tmp_path: Path) -> None:
    ended = run("report", "--pdf", "out.pdf", "--database", filled)
    assert (ended.exit_code, ended.output, ended.errors) == (0, "out.pdf\n", "")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


def test_report_as_pdf_of_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade", "--database", "x.db")
    refused(run("report", "--pdf", "out.pdf", "--database", "x.db"), 3, "There is no measurement to report.")
    assert not (tmp_path / "out.pdf").exists()


def test_report_as_pdf_without_a_database_is_refused_and_creates_none(run: Run, tmp_path: Path) -> None:
    refused(run("report", "--pdf", "out.pdf", "--database", "x.db"), 3, "There is no database ")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_report_as_pdf_into_a_folder_that_is_not_there_ends_with_3(run: Run, filled: Path) -> None:
    ended = run("report", "--pdf", "no/out.pdf", "--database", filled)
    refused(ended, 3, "no/out.pdf cannot be written: No such file or directory.")


@pytest.mark.slow
def test_method_sheet_is_written_beside_the_pdf_and_says_the_same(run: Run, filled: Path, tmp_path: Path) -> None:
    words = ("--who", "Example Institute", "--database", filled)
    ended = run("report", "--pdf", "report.pdf", "--method-sheet", "sheet.pdf", *words)
    assert (ended.exit_code, ended.output.split()) == (0, ["report.pdf", "sheet.pdf"]), ended.errors
    report, sheet = (pdf_text((tmp_path / name).read_bytes()) for name in ("report.pdf", "sheet.pdf"))
    told = json.loads(run("report", "--json", *words).output)["publication"]
    assert told["who"] == "Example Institute" and told["n"] == 1
    printed = " ".join(run("report", *words).output.split()).replace("\u202f", " ")
    for text in (report, sheet, printed):
        assert "2 measurements, 1 of which say something about the line (n)" in text and "Example Institute" in text
        assert "With stalls 100.0 %" in text


def test_method_sheet_of_nothing_is_refused_in_a_sentence(run: Run, filled: Path, tmp_path: Path) -> None:
    refused(run("report", "--method-sheet", "sheet.pdf", "--database", tmp_path / "absent.db"), 3, "absent.db")
    ended = run("report", "--method-sheet", "sheet.pdf", "--since", "2027-01-01", "--database", filled)
    refused(ended, 3, "no measurement that says anything")
    assert not (tmp_path / "sheet.pdf").exists()
    refused(run("report", "--method-sheet", "no/such/sheet.pdf", "--database", filled), 3, "cannot be written")
