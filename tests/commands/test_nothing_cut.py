"""What commands print is whole: in a pipe, in the log of a CI run, and on terminals of 80 and 60 columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from pytomo_scrapy import config
from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.lab.world import build_world
from pytomo_scrapy.reporting import checks
from pytomo_scrapy.reporting.checks import Check
from pytomo_scrapy.reporting.tables import TableLayout, report_tables
from pytomo_scrapy.storage.reading import open_for_reading
from tests.commands.conftest import Run

PIPE = 0
WIDTHS = (PIPE, 80, 60, 40)
LONG = Check("gate", "warn", "a finding of many words " * 10, "advice in as many words as it takes " * 5)


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, run: Run, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many columns there are. Standard output is no terminal in tests: without COLUMNS it is a pipe."""
    monkeypatch.delenv("COLUMNS")
    if request.param != PIPE:
        monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def check_cells(text: str, layouts: Sequence[TableLayout]) -> None:
    """Read tables back, cell by cell in their order, in whichever of the two forms each was printed."""
    words = " ".join(text.split())
    for layout in layouts:
        if not layout.rows:
            continue
        columns = [*layout.columns, *(cell for row in layout.rows for cell in row)]
        blocks = [part for row in layout.rows for pair in zip(layout.columns, row, strict=True) for part in pair]
        forms = (" ".join([layout.title, layout.note, *form]) for form in (columns, blocks))
        assert any(" ".join(form.split()) in words for form in forms), layout.title


def test_every_cell_of_a_report_is_read_back(run: Run, filled: Path, width: int) -> None:
    with closing(open_for_reading(f"sqlite:///{filled}")) as database:
        layouts = report_tables(summarise(database))
    assert {"Videos", "Playback by player"} <= {layout.title for layout in layouts if layout.rows}
    text = run("report", "--database", filled).output
    check_cells(text, layouts)
    if width != PIPE:
        # What goes beyond the edge is one word, which the terminal breaks.
        assert all(len(line) <= width or len(line.split()) <= 2 for line in text.splitlines())
    else:
        assert str(layouts[3].note) in text.splitlines(), "a sentence is one line in a pipe"


def test_every_word_of_a_status_is_there(run: Run, filled: Path, width: int) -> None:
    words = run("status", "--all", "--database", filled).output.split()
    counts = json.loads(run("status", "--all", "--json", "--database", filled).output)[0]["counts"]
    assert [str(counts["done"]), "done,", str(counts["queued"]), "queued,"] == words[words.index("2") :][:4]
    assert f"sqlite:///{filled}" in words


def test_every_setting_is_there_with_its_whole_value(run: Run, width: int) -> None:
    text = run("settings").output
    for one in json.loads(run("settings", "--json").output):
        (line,) = [line for line in text.splitlines() if line.startswith(f"{one['name']} ")]
        assert line.split(maxsplit=1)[1].startswith("-" if one["value"] in (None, "") else str(one["value"]))
        assert line.endswith(f"({one['comes_from']})")
    assert str(config.BY_NAME["PYTOMO_FORMAT"].default) in text


def test_every_word_of_a_doctor_is_there(run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(checks, "run_checks", lambda _: [LONG])
    words = run("doctor").output.split()
    said = ["warn", "gate:", *LONG.finding.split(), *LONG.advice.split()]
    assert words[: len(said)] == said


def test_every_word_of_the_lab_is_there(run: Run, width: int) -> None:
    world = build_world("default")
    text = run("lab", "list").output
    assert set(world.hosts) | set(world.known) <= set(text.split())


def test_results_for_programs_are_json_whatever_the_command(run: Run, filled: Path, tmp_path: Path) -> None:
    of = ("--json", "--database", filled)
    assert json.loads(run("db", "revision", *of).output)["schema"]
    assert json.loads(run("db", "upgrade", *of).output)["schema_before"]
    gone = json.loads(run("prune", "--older-than", "0d", "--dry-run", *of).output)
    assert gone["is_dry_run"] and gone["row_counts"]["arrival_trace"] > 0
    (written,) = json.loads(run("export", tmp_path / "out", *of).output)
    assert (written["row_count"], Path(written["file"]).is_file()) == (2, True)
    listed = json.loads(run("lab", "list", "--world", "demo", "--json").output)
    assert listed["world"] == "demo" and {"name", "video", "failure", "about"} == set(listed["faults"][0])
