"""Commands run in this process, with the parser and the settings of `pytomo`, over small databases."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytomo_scrapy.cli import scrapy_commands
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.measure.playback.window_replay import replay_window
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from pytomo_scrapy.storage.measurements.repository import Repository, VantageFacts
from tests.commands.windows import make_window
from tests.storage.factories import make_failed, make_item

VIDEOS = ("good5678901", "gone5678901", "left5678901")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    output: str
    errors: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `pytomo WORDS` here, in an empty folder, and say how it ended. Every database it opens must be closed."""
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "pytomo_scrapy.settings")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    is_open: dict[int, Database] = {}
    opened, close = Database.__init__, Database.close

    def remember(database: Database, *arguments: object) -> None:
        opened(database, *arguments)  # type: ignore[arg-type]
        is_open[id(database)] = database

    def forget(database: Database) -> None:
        is_open.pop(id(database), None)
        close(database)

    monkeypatch.setattr(Database, "__init__", remember)
    monkeypatch.setattr(Database, "close", forget)

    monkeypatch.setattr(scrapy_commands, "AsyncCrawlerProcess", lambda settings: pytest.fail("a crawl would start"))

    def run_words(name: str, *words: object) -> Ended:
        capsys.readouterr()
        is_open.clear()
        try:
            exit_code: object = scrapy_commands.run_command(name, [str(word) for word in words])
        except SystemExit as ended:
            exit_code = ended.code
        assert not is_open, "the command left a database open"
        said = capsys.readouterr()
        assert isinstance(exit_code, int)
        return Ended(exit_code, said.out, said.err)

    return run_words


def refused(ended: Ended, exit_code: int, sentence: str) -> None:
    """Check that a command ended with that exit code and one sentence, and did nothing else."""
    assert (ended.exit_code, ended.output) == (exit_code, "")
    assert sentence in ended.errors
    assert len(ended.errors.splitlines()) == 1, ended.errors


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of an unfinished crawl: measurement 1 went well, 2 is a private video, one video is left."""
    path = tmp_path_factory.mktemp("commands") / "filled.db"
    database = open_database(f"sqlite:///{path}")
    repository = Repository(database)
    frontier = open_crawl(database, "youtube", {}, name="spring")
    frontier.add_listed([FoundVideo("youtube", video_id) for video_id in VIDEOS], 10)
    run = repository.begin_run(
        spider="youtube", arguments={}, settings={}, vantage=VantageFacts("here", "isp"), crawl_id=frontier.crawl.id
    )
    window, timelines = make_window()
    classic = replay_window(window, timelines, "classic", {}, "classic")
    assert classic is not None
    good = {"downloads": (window,), "timelines": (timelines,), "playbacks": (classic,)}
    for video_id in VIDEOS[:2]:
        claim = frontier.claim()
        assert claim is not None and claim.video_id == video_id
        given = {"video_id": video_id, "claim_id": claim.id, "uuid": f"uuid-{video_id}"}
        is_good = video_id == VIDEOS[0]
        item = make_item(**good, **given) if is_good else make_failed(Stage.RESOLVE, "private", "[b]said[/b]", **given)
        repository.save(item, run, frontier)
    database.close()
    return path


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> Path:
    """That database, a copy for each test."""
    return shutil.copy(filled_once, tmp_path / "filled.db")


@pytest.fixture
def not_a_database(tmp_path: Path) -> Path:
    """A file that is no database."""
    path = tmp_path / "text.db"
    path.write_text("this is a text file, not a database\n" * 100)
    return path


@pytest.fixture
def without_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package look as if it were not installed."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)
