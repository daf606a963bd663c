"""`scrapy status`: how far the crawls of a database are."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from tests.commands.conftest import Run, refused
from tests.storage.factories import begin, make_item


@pytest.fixture(scope="module")
def made_crawls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three crawls: one of now with a claim that is held, one that has not begun, one that is finished."""
    path = tmp_path_factory.mktemp("crawls") / "x.db"
    database = open_database(f"sqlite:///{path}")
    frontier = open_crawl(database, "youtube", {}, name="now [red]")
    frontier.add_listed([FoundVideo("youtube", f"{number:011d}") for number in range(5)], 5)
    repository, run = begin(database, crawl_id=frontier.crawl.id)
    now = datetime.now(UTC)
    for age_s in (200, 100):  # one every 100 s: 36 an hour
        claim = frontier.claim()
        assert claim is not None
        at = now - timedelta(seconds=age_s)
        repository.save(
            make_item(video_id=claim.video_id, claim_id=claim.id, started_at=at, uuid=f"u{age_s}"), run, frontier
        )
    assert frontier.claim() is not None
    open_crawl(database, "dailymotion", {}, name="later", vantage="attic")
    open_crawl(database, "youtube", {}, name="done").finish_crawl()
    database.close()
    return path


@pytest.fixture
def crawls(made_crawls: Path, tmp_path: Path) -> Path:
    """That database, a copy for each test."""
    return shutil.copy(made_crawls, tmp_path / "x.db")


@pytest.mark.slow
def test_status_tells_of_each_unfinished_crawl(run: Run, crawls: Path) -> None:
    ended = run("status", "--database", crawls)
    assert (ended.exit_code, ended.errors) == (0, "")
    assert ended.output.splitlines() == [
        f"sqlite:///{crawls}",
        "",
        "now [red] (spider youtube, pass 1)",
        "  2 done, 2 queued, 1 in flight, 5 of at most 5000000 admitted, 0 sources left",
        # Three are left at one every 100 s.
        "  36 videos an hour, about 5 min left for what is queued",
        f"  {socket.gethostname()} process {os.getpid()} holds 1",
        "",
        "later (spider dailymotion, pass 1, own list of attic)",
        "  0 done, 0 queued, 0 in flight, 0 of at most 5000000 admitted, 0 sources left",
        "  nothing measured within the last hour",
    ]


@pytest.mark.slow
def test_status_of_one_video_within_the_hour_does_not_say_that_none_was_measured(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    database = open_database(f"sqlite:///{path}")
    frontier = open_crawl(database, "youtube", {}, name="one")
    repository, begun = begin(database, crawl_id=frontier.crawl.id)
    repository.save(make_item(started_at=datetime.now(UTC)), begun, frontier)
    database.close()
    ended = run("status", "--database", path)
    assert "only one video measured within the last hour: too few to tell a rate" in ended.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), ["now [red]", "later"]),
        (("--all",), ["now [red]", "later", "done"]),
        (("done",), ["done"]),
        (("never",), []),
    ],
)
def test_status_as_json_is_one_list(run: Run, crawls: Path, words: tuple[str, ...], names: list[str]) -> None:
    told = json.loads(run("status", "--json", "--database", crawls, *words).output)
    assert [one["name"] for one in told] == names


def test_status_of_a_finished_crawl_says_when(run: Run, crawls: Path) -> None:
    line = run("status", "done", "--database", crawls).output.splitlines()[2]
    assert re.fullmatch(r"done \(spider youtube, pass 1, finished \d{4}-\d\d-\d\d \d\d:\d\d UTC\)", line)


@pytest.mark.parametrize(("words", "sentence"), [((), "no unfinished crawl"), (("--all",), "no unf")])
def test_status_without_a_crawl_says_so(run: Run, words: tuple[str, ...], sentence: str) -> None:
    Path("x.db").touch()
    ended = run("status", "--database", "x.db", *words)
    assert ended.exit_code == 0 and ended.output.splitlines()[1].startswith(sentence)


@pytest.mark.parametrize(
    ("name", "meant"), [("dnoe", "did you mean done?"), ("a [b]", "pytomo status --all shows them.")]
)
def test_crawl_that_there_is_not_is_named_with_what_may_be_meant(run: Run, crawls: Path, name: str, meant: str) -> None:
    refused(run("status", name, "--database", crawls), 2, f"There is no crawl named {name}: {meant}")
    refused(run("report", "--crawl", name, "--database", crawls), 2, f"There is no crawl named {name}: {meant}")
