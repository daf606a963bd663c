"""`pytomo crawl`: every letter of the forerunner, and what it means here."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scrapy.utils.project import get_project_settings

from pytomo_scrapy import config
from pytomo_scrapy.cli import crawl_letters, measure_letters, scrapy_commands
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.spiders.arguments import WalkArguments, parse_arguments

Read = Callable[..., tuple[str, WalkArguments, config.Config, dict[str, Any]]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read a command line as the crawl would: service, spider arguments, settings, and the raw settings."""
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "pytomo_scrapy.settings")
    for name in config.BY_NAME:
        monkeypatch.delenv(name, raising=False)

    def read_line(*words: str) -> tuple[str, WalkArguments, config.Config, dict[str, Any]]:
        command = crawl_letters.Command()
        monkeypatch.setattr(command, "_check", lambda service, spargs: None)
        settings = get_project_settings()
        parser = scrapy_commands.make_parser("crawl", command, settings)
        opts, args = scrapy_commands._parse(parser, "crawl", list(words))
        command.process_options(args, opts)
        (service,) = args
        return service, parse_arguments(opts.spargs), config.load(settings.get), settings

    return read_line


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["-r", "3"], {"max_rounds": 3}),
        (["-u", "7"], {"max_crawled_url": 7}),
        (["-p", "4"], {"max_per_url": 4}),
        (["-P", "6"], {"max_per_page": 6}),
        (["-t", "all_time"], {"time_frame": "all_time"}),
        (["-l"], {"loop": True}),
        (["--loop", "--no-loop"], {"loop": False}),
        (["-R"], {"related": False}),
        (["--no-related"], {"related": False}),
        (["--related"], {}),
        (["-f", "list.txt"], {"input_file": "list.txt"}),
        (["--input-file", "-"], {"input_file": "-"}),
        (["https://www.youtube.com/watch?v=A", "B"], {"urls": ("https://www.youtube.com/watch?v=A", "B")}),
        (["https://x.test/a,b"], {"urls": ("https://x.test/a%2Cb",)}),
        (["--", "-startswith"], {"urls": ("-startswith",)}),
        (["A", "-u", "2", "B"], {"urls": ("A", "B"), "max_crawled_url": 2}),
        (["-a", "country=GB", "-u", "2"], {"country": "GB", "max_crawled_url": 2}),
        (["-u", "2", "-a", "max_crawled_url=9"], {"max_crawled_url": 9}),
    ],
)
def test_letter_sets_a_spider_argument(read: Read, words: list[str], changed: dict[str, Any]) -> None:
    _, arguments, _, _ = read(*words)
    expected = replace(WalkArguments(), **{"country": arguments.country, **changed})
    assert replace(arguments, seed="") == expected


@pytest.mark.parametrize(
    ("words", "setting", "value"),
    [
        (["-n", "3"], "PYTOMO_PING_PACKETS", 3),
        (["-D", "12.5"], "PYTOMO_DOWNLOAD_WINDOW_S", 12.5),
        (["-B", "3"], "PYTOMO_PLAYBACK_INITIAL_BUFFER_S", 3.0),
        (["-B", "100"], "PYTOMO_PLAYBACK_INITIAL_BUFFER_S", 100.0),
        (["-B", "2000"], "PYTOMO_PLAYBACK_INITIAL_BUFFER_S", 2.0),
        (["-M", "0.4"], "PYTOMO_PLAYBACK_MIN_BUFFER_S", 0.4),
        (["-S", "9"], "PYTOMO_PACE_S", 9.0),
        (["-x"], "PYTOMO_STORE_PUBLIC_IP", False),
        (["--no-log-ip"], "PYTOMO_STORE_PUBLIC_IP", False),
        (["--http-proxy", "http://p.test:3128"], "PYTOMO_HTTP_PROXY", "http://p.test:3128"),
        (["--download-extra-dns"], "PYTOMO_DOWNLOAD_ALL_ADDRESSES", True),
        (["--provider", "My ISP"], "PYTOMO_PROVIDER", "My ISP"),
        (["--provider=My ISP"], "PYTOMO_PROVIDER", "My ISP"),
        (["-s", "PYTOMO_PACE_S=1", "-S", "9"], "PYTOMO_PACE_S", 1.0),
    ],
)
def test_letter_sets_a_setting(read: Read, words: list[str], setting: str, value: object) -> None:
    _, arguments, _, settings = read(*words)
    assert config.read_setting(setting, settings[setting]) == value
    assert replace(arguments, seed="", country="US") == WalkArguments()


def test_x_wins_over_the_environment(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTOMO_STORE_PUBLIC_IP", "1")
    assert read("-x")[2].store_public_ip is False


def test_b_above_100_is_read_as_milliseconds_and_says_so(read: Read, capsys: pytest.CaptureFixture[str]) -> None:
    assert read("-B", "2000")[2].playback.initial_buffer_s == 2.0
    assert capsys.readouterr().err == "-B 2000 is read as milliseconds: 2 s of media before playback starts.\n"
    read("-B", "2")
    for no_number in ("nan", "inf", "soon"):
        with pytest.raises(SettingError, match=f"PYTOMO_PLAYBACK_INITIAL_BUFFER_S='{no_number}' is not usable"):
            read("-B", no_number)
    assert capsys.readouterr().err == ""


def test_hd_asks_for_more_lines(read: Read) -> None:
    assert "height<=1080" in read("-H")[2].resolve.format_selector
    assert "height<=720" in read()[2].resolve.format_selector


@pytest.mark.parametrize(
    ("words", "service"),
    [
        ([], "youtube"),
        (["-s", "dailymotion"], "dailymotion"),
        (["-s", "youtube", "A"], "youtube"),
        (["dailymotion", "-u", "3"], "dailymotion"),
        (["-s", "PYTOMO_PACE_S=1", "-s", "dailymotion"], "dailymotion"),
    ],
)
def test_s_names_a_service_or_sets_a_setting(read: Read, words: list[str], service: str) -> None:
    assert read(*words)[0] == service


@pytest.mark.parametrize("word", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_l_sets_the_log_level(read: Read, word: str) -> None:
    assert read("-L", word)[3]["LOG_LEVEL"] == word


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-c"], "-c is gone: let all vantage points write to one PostgreSQL database, or send exports."),
        (["--snmp"], "--snmp is gone: `pytomo serve` gives the figures to Prometheus at /metrics."),
        (["-Z"], "-Z is not an option of `pytomo crawl`: pytomo crawl -h lists them."),
        (["youtube", "-s", "dailymotion"], "One service at a time: -s dailymotion and youtube are two crawls."),
    ],
)
def test_what_is_not_understood_ends_with_one_sentence_and_2(
    read: Read, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read(*words)
    assert ended.value.code == 2
    assert capsys.readouterr().err == sentence + "\n"


def test_every_letter_sets_something_that_exists() -> None:
    for letter in crawl_letters.LETTERS:
        assert (letter.argument is None) != (letter.setting is None)
        assert letter.argument is None or letter.argument in WalkArguments.__dataclass_fields__


def parity_rows(shared: Path) -> list[tuple[str, str, str]]:
    """Return letter, name here and default of each row of the table of crawl options that begins with a letter."""
    rows = []
    for line in (shared / "PARITY.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        letter = re.match(r"`(-{1,2}[A-Za-z-]+)", cells[0])
        name = re.match(r"(?:spiders )?`([A-Za-z_]+)", cells[1]) if len(cells) == 3 else None
        if letter and name:
            rows.append((letter.group(1), name.group(1), cells[2]))
    return rows


def test_every_letter_of_the_parity_table_sets_what_it_says_there(shared: Path) -> None:
    rows = parity_rows(shared)
    sets = {flag: letter.argument or letter.setting for letter in crawl_letters.LETTERS for flag in letter.flags}
    # `-L` and `-s` are options of all commands, `-x` and `-R` are in the table with their value.
    assert {letter: name for letter, name, _ in rows if letter not in {"-L", "-s"}}.items() <= sets.items()
    assert len(rows) >= 18
    defaults = {
        **{name: str(getattr(WalkArguments(), name)) for name in ("max_rounds", "max_crawled_url", "time_frame")}
    }
    defaults |= {name: str(getattr(WalkArguments(), name)) for name in ("max_per_url", "max_per_page")}
    for letter, name, default in rows:
        if name in defaults:
            assert defaults[name] == default, letter
        elif name in config.BY_NAME and re.fullmatch(r"[0-9.]+", default):
            assert float(str(config.BY_NAME[name].default)) == float(default), letter


def test_letters_are_those_of_the_parity_table(shared: Path) -> None:
    line = next(one for one in (shared / "PARITY.md").read_text().splitlines() if "takes these letters" in one)
    promised = set(line.partition("(`")[2].split()) - {"(`"}
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    command = crawl_letters.Command()
    scrapy_commands.fill_parser(parser, command, get_project_settings())
    assert {"-r", "-u", "-p", "-P", "-t", "-n", "-D", "-B", "-M", "-x", "-L"} <= promised
    assert {word for word in promised if word.startswith("-")} <= set(parser._option_string_actions)


def test_measure_takes_the_letters_that_are_about_how_a_video_is_measured(read: Read) -> None:
    command = measure_letters.Command()
    settings = get_project_settings()
    parser = scrapy_commands.make_parser("measure", command, settings)
    flags = {flag for action in parser._actions for flag in action.option_strings}
    assert {flag for letter in crawl_letters.LETTERS if letter.setting for flag in letter.flags} <= flags
    assert not {"-u", "-r", "-t", "-l"} & flags
    opts, _ = scrapy_commands._parse(parser, "measure", ["-D", "3", "-n", "1", "-b", "-s", "PYTOMO_PING_PACKETS=2"])
    command._check = lambda *_: None  # type: ignore[method-assign]
    command.process_options(["CGNIzzGfeuY"], opts)
    checked = config.load(settings.get)
    assert (checked.download.window_s, checked.ping.packets) == (3.0, 2)


def test_items_may_go_to_standard_output(read: Read) -> None:
    settings = read("-u", "2", "-o", "-:jsonlines")[3]
    assert {name: feed["format"] for name, feed in settings["FEEDS"].items()} == {"stdout:": "jsonlines"}
