"""`scrapy crawl` and `scrapy measure` up to the crawl itself, and what they make of how it ended."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import signals
from scrapy.commands import ScrapyCommand
from scrapy.signalmanager import SignalManager
from scrapy.utils.log import configure_logging
from scrapy.utils.project import get_project_settings

from pytomo_scrapy.cli import crawl_letters
from pytomo_scrapy.commands import crawl, measure
from pytomo_scrapy.crawl.line_lock import LineLock
from tests.commands.conftest import VIDEOS

LINE = ("-s", "PYTOMO_LINE=tests of crawl and measure")
VIDEO = "https://www.youtube.com/watch?v=jNQXAC9IVRw"


class FakeStats:
    """The statistics of a crawl that ended for a reason. None: a component failed before it began."""

    def __init__(self, reason: str | None, *, is_begun: bool = True) -> None:
        self.reason, self.is_begun = reason, is_begun

    def get_value(self, name: str) -> str | None:
        assert name == "finish_reason"
        if not self.is_begun:
            raise RuntimeError("the statistics are not there yet")
        return self.reason


class FakeProcess:
    """Scrapy's process: it runs nothing, and gives the items that a crawl would have stored."""

    def __init__(self, stats: FakeStats, *uuids: str) -> None:
        self.crawler = SimpleNamespace(stats=stats, signals=SignalManager())
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._uuids = uuids
        self._spider = ""

    def create_crawler(self, spider: str) -> Any:
        self._spider = spider
        return self.crawler

    def crawl(self, crawler: object, **arguments: str) -> None:
        assert crawler is self.crawler
        self.asked.append((self._spider, arguments))

    def start(self) -> None:
        for uuid in self._uuids:
            self.crawler.signals.send_catch_log(signals.item_scraped, item=SimpleNamespace(uuid=uuid))


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[argparse.Namespace, list[str]]]:
    """Read a command line as Scrapy does, with a database of this test, and let the command check it."""
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "pytomo_scrapy.settings")
    monkeypatch.chdir(tmp_path)

    def read(
        command: ScrapyCommand,
        *words: str,
        path: Path = tmp_path / "x.db",
        line: tuple[str, str] = ("-s", "PYTOMO_LINE=off"),
    ) -> tuple[argparse.Namespace, list[str]]:
        command.settings = get_project_settings()
        parser = argparse.ArgumentParser(conflict_handler="resolve")
        command.add_options(parser)
        url = f"PYTOMO_DATABASE_URL=sqlite:///{path}"
        opts, args = parser.parse_known_args([*words, *line, "-s", url])
        command.process_options(args, opts)
        return opts, args

    return read


Prepare = Callable[..., tuple[argparse.Namespace, list[str]]]


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """Let the loggers that a crawl quietens speak again."""
    yield
    for name in crawl._ABOUT_SCRAPY:
        logging.getLogger(name).removeFilter(crawl._is_warning)


@pytest.mark.parametrize(
    ("words", "exit_code", "sentence"),
    [
        ((), 2, "Name one spider: scrapy crawl youtube"),
        (("youtube", "dailymotion"), 2, "Name one spider: scrapy crawl youtube"),
        (("no_such_spider",), 2, "Spider not found: no_such_spider"),
        (("youtube", "-a", "max_rounds=0"), 2, "max_rounds='0' is not usable"),
        (("youtube", "-a", "no_such=1"), 2, "no_such is not known"),
        (("youtube", "-a", "input_file=/no/such/file"), 2, "/no/such/file cannot be read"),
        (("youtube", "-s", "PYTOMO_PING_PACKETS=few"), 2, "PYTOMO_PING_PACKETS='few' is not usable"),
        (("youtube", "-s", "PYTOMO_AS_FILE=/no/such.mmdb"), 2, "/no/such.mmdb"),
    ],
)
def test_crawl_refuses_what_would_only_fail_later(
    prepare: Prepare,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    exit_code: int,
    sentence: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        prepare(crawl.Command(), *words)
    errors = capsys.readouterr().err
    assert ended.value.code == exit_code
    assert sentence in errors and len(errors.splitlines()) == 1
    assert not (tmp_path / "x.db").exists()


@pytest.mark.process
@pytest.mark.parametrize(
    ("make", "words"),
    [(crawl.Command, ("youtube",)), (crawl_letters.Command, ()), (measure.Command, (VIDEO,))],
)
def test_second_crawl_of_a_line_is_refused_with_3(
    prepare: Prepare,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    make: Callable[[], ScrapyCommand],
    words: tuple[str, ...],
) -> None:
    first = LineLock(f"name {LINE[1].partition('=')[2]}")
    assert first.take()
    try:
        with pytest.raises(SystemExit) as ended:
            prepare(make(), *words, line=LINE)
    finally:
        first.free()
    assert ended.value.code == 3
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize(
    ("reason", "exit_code"),
    [
        ("finished", 0),
        ("data_cap", 0),
        ("closespider_timeout", 0),
        ("closespider_itemcount", 0),
        ("closespider_pagecount", 0),
        ("shutdown", 130),
        ("no_video", 3),
        ("closespider_errorcount", 3),
    ],
)
def test_exit_code_tells_how_the_crawl_ended(prepare: Prepare, reason: str, exit_code: int) -> None:
    command = crawl.Command()
    opts, args = prepare(command, "youtube", "-a", "max_rounds=2")
    process = FakeProcess(FakeStats(reason))
    command.crawler_process = process  # type: ignore[assignment]
    command.run(args, opts)
    assert process.asked == [("youtube", {"max_rounds": "2"})]
    assert command.exitcode == exit_code


def test_crawl_that_did_not_begin_has_failed(prepare: Prepare) -> None:
    command = crawl.Command()
    opts, args = prepare(command, "youtube")
    command.crawler_process = FakeProcess(FakeStats(None, is_begun=False))  # type: ignore[assignment]
    command.run(args, opts)
    assert command.exitcode == 3


@pytest.mark.parametrize("has_context", [True, False])
def test_second_interrupt_abandons_the_resolutions_and_ends_at_once(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], has_context: bool
) -> None:
    done: list[object] = []

    def end(code: int) -> None:
        done.append(code)
        raise SystemExit(code)

    monkeypatch.setattr("os._exit", end)
    command = crawl.Command()
    opts, args = prepare(command, "youtube")
    process = FakeProcess(FakeStats(None))
    context = SimpleNamespace(process=SimpleNamespace(abandon=lambda: done.append("abandoned")))
    process.crawler.get_extension = lambda _: context if has_context else None
    command.crawler_process = process  # type: ignore[assignment]
    with pytest.raises(SystemExit):
        command.run(args, opts)
    assert done == (["abandoned", 130] if has_context else [130])
    assert capsys.readouterr().err.startswith("Ended at once: what was under way is not stored")


@pytest.mark.parametrize(("level", "is_quiet"), [("INFO", True), ("DEBUG", False)])
def test_crawl_leaves_out_the_lists_of_components_unless_debugged(prepare: Prepare, level: str, is_quiet: bool) -> None:
    prepare(crawl.Command(), "youtube", "-L", level)
    # As Scrapy does before it tells its version and settings: the levels that were set before are gone.
    configure_logging({"LOG_LEVEL": level})
    for name in ("scrapy.utils.log", "scrapy.crawler", "scrapy.addons", "scrapy.core.engine"):
        logger = logging.getLogger(name)
        told = logger.makeRecord(name, logging.INFO, "", 0, "Scrapy started", (), None)
        warned = logger.makeRecord(name, logging.WARNING, "", 0, "wrong", (), None)
        assert (bool(logger.filter(told)), bool(logger.filter(warned))) == (not is_quiet, True)


def test_letters_start_the_crawl_of_the_service(prepare: Prepare) -> None:
    command = crawl_letters.Command()
    opts, args = prepare(command, "-s", "dailymotion", "-u", "7", "x5e9eog")
    process = FakeProcess(FakeStats("finished"))
    command.crawler_process = process  # type: ignore[assignment]
    command.run(args, opts)
    assert process.asked == [("dailymotion", {"max_crawled_url": "7", "urls": "x5e9eog"})]


@pytest.mark.parametrize(("words", "level"), [((), "WARNING"), (("-L", "INFO"), "INFO")])
def test_measure_crawls_one_video_quietly(prepare: Prepare, words: tuple[str, ...], level: str) -> None:
    command = measure.Command()
    opts, args = prepare(command, VIDEO, *words)
    arguments = dict(opts.spargs)
    assert arguments.pop("crawl").startswith("measure-")
    assert arguments == {"urls": VIDEO, "related": "0", "max_rounds": "1", "max_crawled_url": "1"}
    assert command.settings is not None
    assert command.settings["LOG_LEVEL"] == level
    assert command.settings["PYTOMO_BACKOFF_RETRY_S"] == 0
    assert args == [VIDEO]


def measured(prepare: Prepare, path: Path, *words: str, reason: str = "finished", uuids: tuple[str, ...]) -> int:
    command = measure.Command()
    opts, args = prepare(command, VIDEO, *words, path=path)
    command.crawler_process = FakeProcess(FakeStats(reason), *uuids)  # type: ignore[assignment]
    try:
        command.run(args, opts)
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code
    return command.exitcode


def test_measure_prints_what_was_stored(prepare: Prepare, filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(prepare, filled, uuids=(f"uuid-{VIDEOS[0]}",)) == 0
    text = capsys.readouterr().out
    assert f"A clip  https://www.youtube.com/watch?v={VIDEOS[0]}" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["classic", "1.00", "s", "1", "9.10", "s", "31.4", "%", "19.90", "s"] in [row[:10] for row in rows]


def test_measure_of_a_session_that_failed_says_why_and_ends_with_0(
    prepare: Prepare, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measured(prepare, filled, uuids=(f"uuid-{VIDEOS[1]}",)) == 0
    text = capsys.readouterr().out
    assert "private (content, at resolve): the video is private" in text
    assert "[b]said[/b]" in text and "What to do: " in text


def test_measure_as_json_is_the_record(prepare: Prepare, filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(prepare, filled, "--json", uuids=(f"uuid-{VIDEOS[0]}",)) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["uuid"], len(record["playbacks"])) == (f"uuid-{VIDEOS[0]}", 1)


@pytest.mark.parametrize(
    ("reason", "exit_code", "sentence"),
    [("finished", 3, "Nothing was stored; the log says why."), ("no_video", 3, ""), ("shutdown", 130, "")],
)
def test_measure_that_stored_nothing_has_failed(
    prepare: Prepare, filled: Path, capsys: pytest.CaptureFixture[str], reason: str, exit_code: int, sentence: str
) -> None:
    assert measured(prepare, filled, reason=reason, uuids=()) == exit_code
    said = capsys.readouterr()
    # A window of 30 s, 10 pings at 0.2 s, and some 5 s around them.
    begun, *rest = said.err.splitlines()
    assert begun == f"Measuring {VIDEO}: 37 s or a little more."
    assert (said.out, rest) == ("", [sentence] if sentence else [])
