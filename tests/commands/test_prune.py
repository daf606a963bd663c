"""`scrapy prune`: what is old goes, as much of it as was asked for."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytomo_scrapy.commands.prune import age
from pytomo_scrapy.storage.database import open_database
from tests.commands.conftest import Run
from tests.e2e.conftest import query
from tests.storage.factories import begin, make_item


@pytest.fixture
def aged(tmp_path: Path) -> Path:
    """A measurement of 100 days ago and one of 10 days ago."""
    path = tmp_path / "x.db"
    database = open_database(f"sqlite:///{path}")
    repository, run = begin(database)
    for age_d in (100, 10):
        started_at = datetime.now(UTC) - timedelta(days=age_d)
        repository.save(make_item(uuid=f"u{age_d}", started_at=started_at), run)
    database.close()
    return path


def counted(path: Path) -> dict[str, int]:
    tables = ("measurement", "arrival_trace", "media_timeline", "http_request", "playback_event")
    return {name: query(path, f"SELECT COUNT(*) FROM {name}")[0][0] for name in tables}


@pytest.mark.parametrize(
    ("text", "value"),
    [("12h", timedelta(hours=12)), (" 90d ", timedelta(days=90)), ("26w", timedelta(weeks=26)), ("0d", timedelta())],
)
def test_age_is_a_number_and_a_unit(text: str, value: timedelta) -> None:
    assert age(text) == value


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "1y", "1234567d", "1d 2h"])
def test_other_words_are_no_age(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not an age such as 12h, 90d or 26w"):
        age(text)


@pytest.mark.slow
def test_prune_takes_the_traces_of_old_measurements_and_says_how_many(run: Run, aged: Path) -> None:
    before = counted(aged)
    promised = run("prune", "--older-than", "90d", "--dry-run", "--database", aged)
    assert counted(aged) == before, "a dry run changes nothing"
    done = run("prune", "--older-than", "90d", "--database", aged)
    assert (done.exit_code, done.errors) == (0, "")
    # Half of the rows of each kind belong to the old measurement; both measurements stay.
    after = counted(aged)
    assert after == {name: count if name == "measurement" else count // 2 for name, count in before.items()}
    lines = [
        f"{name}: {count - after[name]} rows deleted" for name, count in sorted(before.items()) if count > after[name]
    ]
    assert done.output.splitlines()[:-1] == lines
    assert done.output.splitlines()[-1].startswith("The file keeps its size")
    assert promised.output.splitlines() == [line.replace("deleted", "would go") for line in lines]


@pytest.mark.slow
def test_prune_of_whole_measurements_keeps_aggregates_of_their_days(run: Run, aged: Path) -> None:
    promised = run("prune", "--older-than", "90d", "--measurements", "--dry-run", "--database", aged)
    assert counted(aged)["measurement"] == 2
    done = run("prune", "--older-than", "90d", "--measurements", "--database", aged)
    assert counted(aged)["measurement"] == 1
    assert "measurement: 1 row would go" in promised.output.splitlines()
    assert "measurement: 1 row deleted" in done.output.splitlines()
    assert query(aged, "SELECT measurement_count FROM daily") == [(1,)]


@pytest.mark.parametrize("more", [(), ("--measurements",), ("--dry-run",)])
def test_prune_of_nothing_says_so(run: Run, aged: Path, more: tuple[str, ...]) -> None:
    ended = run("prune", "--older-than", "52w", *more, "--database", aged)
    assert (ended.exit_code, ended.output) == (0, "nothing is that old\n")


def test_bad_run_is_deleted_by_its_number_after_a_look(run: Run, aged: Path) -> None:
    assert "measurement: 2 rows would go" in run("prune", "--run", "1", "--dry-run", "--database", aged).output
    done = run("prune", "--run", "1", "--database", aged)
    assert (done.exit_code, done.errors) == (0, "")
    assert "measurement: 1 row deleted" in done.output and "is set aside, and nothing counts it" in done.output
    unknown = run("prune", "--run", "7", "--database", aged)
    assert (unknown.exit_code, unknown.output) == (
        2,
        "",
    ) and "There is no run '7': the newest are 1 (" in unknown.errors


def test_run_that_may_still_measure_is_said_to_stay(run: Run, tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    begin(database)
    database.close()
    done = run("prune", "--run", "1", "--database", tmp_path / "x.db")
    assert (done.exit_code, done.errors) == (0, "")
    assert done.output == (
        "The run itself stays: it has no end, and its process may still measure. Stop it, and prune it again.\n"
    )


def test_age_and_run_together_are_refused(run: Run, aged: Path) -> None:
    for words in ((), ("--older-than", "90d", "--run", "1")):
        ended = run("prune", *words, "--database", aged)
        assert ended.exit_code == 2 and "Say how old, or which run" in ended.errors
