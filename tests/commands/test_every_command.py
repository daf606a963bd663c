"""What all commands share: one sentence for a setting or a database that cannot be used, and for wrong words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Run, refused

VIDEO = "https://www.youtube.com/watch?v=jNQXAC9IVRw"
# Another crawl of this machine holds another line.
OWN_LINE = ("-s", "PYTOMO_LINE=tests of commands")
# Commands that open the database, and the exit code where it cannot be used.
OPENING = [
    (("report",), 3),
    (("status",), 3),
    (("plot", "1"), 3),
    (("replay",), 3),
    (("explain",), 3),
    (("differential", "--list"), 3),
    (("prune", "--older-than", "1d"), 3),
    (("export", "out"), 3),
    (("import-legacy", __file__), 3),  # it is there, and what it holds is looked at last
    (("db", "upgrade"), 3),
    (("crawl", *OWN_LINE), 3),
    (("measure", VIDEO, *OWN_LINE), 3),
]


@pytest.mark.parametrize("words", [*(words for words, _ in OPENING), ("db", "revision"), ("doctor",), ("serve",)])
def test_unusable_setting_is_one_sentence_and_2(run: Run, words: tuple[str, ...], tmp_path: Path) -> None:
    refused(run(*words, "-s", "PYTOMO_PACE_S=soon"), 2, "PYTOMO_PACE_S='soon' is not usable")
    assert not list(tmp_path.iterdir()), "nothing is created before the settings are checked"


@pytest.mark.parametrize(
    "words", [*(words for words, _ in OPENING), ("db", "revision"), ("doctor",), ("serve",), ("settings",)]
)
def test_misspelt_setting_is_one_sentence_and_2(
    run: Run, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "PYTOMO_DOWNLOAD_WINDOWS_S is no setting: did you mean PYTOMO_DOWNLOAD_WINDOW_S"
    refused(run(*words, "-s", "PYTOMO_DOWNLOAD_WINDOWS_S=2"), 2, sentence)
    monkeypatch.setenv("PYTOMO_DATABASE", "sqlite:///p.db")
    refused(run(*words), 2, "PYTOMO_DATABASE is no setting: did you mean PYTOMO_DATABASE_URL")
    assert not list(tmp_path.iterdir()), "nothing is created in the place of what was meant"


@pytest.mark.parametrize("words", [("report",), ("crawl", *OWN_LINE), ("settings",)])
def test_misspelt_setting_of_a_settings_file_is_one_sentence_and_2(
    run: Run, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_settings.py").write_text("from pytomo_scrapy.settings import *\nPYTOMO_PACE = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "my_settings")
    refused(run(*words), 2, "PYTOMO_PACE is no setting: did you mean PYTOMO_PACE_S")


@pytest.mark.process
@pytest.mark.parametrize(("words", "exit_code"), OPENING)
def test_file_that_is_no_database_is_one_sentence_and_stays_as_it_is(
    run: Run, words: tuple[str, ...], exit_code: int, not_a_database: Path
) -> None:
    text = not_a_database.read_text()
    ended = run(*words, "--database", not_a_database)
    refused(ended, exit_code, f"The file of sqlite:///{not_a_database} is not a SQLite database")
    assert not_a_database.read_text() == text


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://x.example/y", "PYTOMO_DATABASE_URL names the database 'mysql'"),
        ("sqlite:///:memory:", "a database in memory would lose every measurement"),
        ("sqlite:///.", "is a folder"),
    ],
)
@pytest.mark.parametrize(("words", "exit_code"), [OPENING[0], OPENING[4]])
def test_url_of_no_database_is_one_sentence(
    run: Run, words: tuple[str, ...], exit_code: int, url: str, sentence: str
) -> None:
    refused(run(*words, "--database", url), exit_code, sentence)


def test_folder_that_cannot_be_made_is_one_sentence(run: Run) -> None:
    sentence = "The folder /proc/none of the database cannot be created"
    refused(run("db", "upgrade", "--database", "sqlite:////proc/none/x.db"), 3, sentence)


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("report", "x.db"), "'x.db' is not understood: --database FILE names a database"),
        (("status", "a", "b"), "Name one crawl at most"),
        (("plot",), "Name one measurement by its id or uuid"),
        (("plot", "1", "2"), "Name one measurement by its id or uuid"),
        (("plot", "1", "-o", "x.pdf"), "x.pdf: the file must end in .svg or .png"),
        (("replay", "1"), "'1' is not understood: choose measurements by --where FIELD=VALUE"),
        (("replay", "--where", "colour=red"), "--where colour=red: write FIELD=VALUE with one of crawl, since"),
        (("replay", "--where", "crawl="), "--where crawl=: write FIELD=VALUE with one of"),
        (("replay", "--where", "since=soon"), "--where since=soon: 'soon' is not a time such as"),
        (("replay", "--where", "run=first"), "--where run=first: 'first' is not the number of a run"),
        (("replay", "--player", "flash"), "flash"),
        (("replay", "--set", "min_buffer_s"), "--set min_buffer_s: write PARAM=VALUE with a number"),
        (("prune",), "Say how old, or which run: pytomo prune --older-than 90d"),
        (("prune", "90d"), "Say how old, or which run: pytomo prune --older-than 90d"),
        (("export", "one", "two"), "Name one folder for the export."),
        (("export", "one", "--output", "two"), "Name one folder for the export."),
        (("import-legacy",), "Name at least one database of Pytomo 3: import-legacy FILE.db"),
        (("db",), "Say what to do: db upgrade, db revision, or db copy FILE_OR_URL."),
        (("db", "downgrade"), "Say what to do: db upgrade, db revision, or db copy FILE_OR_URL."),
        (("db", "upgrade", "now"), "Say what to do: db upgrade, db revision, or db copy FILE_OR_URL."),
        (("doctor", "who"), "doctor takes no argument"),
        (("serve", "1", "2"), "Give one port at most: pytomo serve 5555"),
        (("serve", "65536"), "'65536' is not a port: give a number up to 65535."),
        (("serve", "-1"), "-1 is not an option of `pytomo serve`"),
        (("serve", "-d", "nowhere"), "-d nowhere is not a folder."),
        (("serve", "-f", "http://x.example/"), "-f or PYTOMO_DATABASE_URL names no database"),
        (("serve", "--host", "192.0.2.1", "0"), "The web page cannot listen on 192.0.2.1 port 0"),
        (("simulate",), "Name at least one trace file: pytomo simulate --player dashjs TRACE.json ..."),
        (("simulate", "--player", "flash", "x"), "flash"),
        (("simulate", "--set", "speed=1", "x"), "speed"),
        (("simulate", "--set", "nonsense", "x"), "--set nonsense: write PARAM=VALUE with a number"),
        (("pages",), "Name at least one file: pytomo pages FILE ..."),
        (("measure",), "Name one video: pytomo measure https://www.youtube.com/watch?v=ID"),
        (("measure", "a", "b"), "Name one video: pytomo measure"),
        (("measure", "x"), "'x' is neither a video id of 11 characters nor a link that starts with http."),
        (("measure", VIDEO, "-a", "speed"), "Invalid -a value, use -a NAME=VALUE"),
        (("crawl", "-t", "never"), "time_frame='never' is not usable"),
        (("crawl", "-r", "0"), "max_rounds='0' is not usable"),
        (("crawl", "-a", "no_such=1"), "no_such is not known"),
        (("crawl", "-f", "/no/such/file"), "/no/such/file cannot be read"),
        (("crawl", "-B", "soon"), "PYTOMO_PLAYBACK_INITIAL_BUFFER_S='soon' is not usable"),
        (("crawl", "-D", "soon"), "PYTOMO_DOWNLOAD_WINDOW_S='soon' is not usable"),
        (("report", "-s", "PYTOMO_PACE_S"), "Invalid -s value, use -s NAME=VALUE"),
        (("report", "--bogus"), "--bogus is not an option of `pytomo report`: pytomo report -h lists them."),
        (("report", "--jsn"), "--jsn is not an option of `pytomo report`: did you mean --json?"),
        (("report", "--by", "hst"), "--by hst: did you mean host?"),
        (("report", "--by", "weather"), "--by weather: compare by one of vantage, provider"),
        (("report", "-L", "LOUD"), "-L LOUD is not usable: it must be one of DEBUG"),
        (("crawl", "-L", "LOUD"), "-L LOUD is not usable: it must be one of DEBUG"),
        (("replay", "--player", "dashsj"), "There is no player 'dashsj': did you mean dashjs"),
        (("replay", "--where", "provder=x"), "--where provder=x: did you mean provider?"),
        (("settings", "--get", "PYTOMO_DOWNLOD_WINDOW_S"), "did you mean PYTOMO_DOWNLOAD_WINDOW_S?"),
        (("lab", "--world", "demmo", "list"), "There is no lab world 'demmo': did you mean demo?"),
        (("completion",), "Name one shell: pytomo completion bash|zsh|fish|tcsh"),
        (("completion", "nushell"), "Name one shell: pytomo completion bash|zsh|fish|tcsh"),
        (("failures", "dns_nx_domain"), "'dns_nx_domain' is no class of failure: did you mean dns_nxdomain"),
        (("failures", "colour"), "'colour' is no class of failure."),
        (("lab",), "Name a command to run in the lab"),
        (("lab", "--nope", "version"), "--nope is not an option of `pytomo lab`: pytomo lab -h lists them."),
        (("lab", "--world", "nope", "list"), "There is no lab world 'nope'; `pytomo lab list` shows them."),
        (("lab", "--world", "nope", "serve"), "There is no lab world 'nope'; `pytomo lab list` shows them."),
        (("lab", "--world", "nope", "version"), "There is no lab world 'nope'; `pytomo lab list` shows them."),
    ],
)
def test_wrong_words_are_one_sentence_and_2(run: Run, words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    refused(run(*words), 2, sentence)
    assert not list(tmp_path.iterdir()), "nothing is created"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("report", "--since", "yesterday"), "'yesterday' is not a time such as 2026-01-31 or 2026-01-31T12:00"),
        (("prune", "--older-than", "long"), "'long' is not an age such as 12h, 90d or 26w"),
        (("prune", "--older-than", "-1d"), "expected one argument"),
        (("export", "--until", "2026-13-01"), "'2026-13-01' is not a time such as"),
        (("export", "--wide", "--tables"), "not allowed with argument --wide"),
        (("export", "--format", "xml"), "invalid choice: 'xml'"),
        (("plot", "1", "--window", "first"), "invalid int value: 'first'"),
        (("lab", "--rate", "fast", "version"), "'fast' is not HOST=BPS, such as"),
        (("lab", "--rate", "=2e6", "version"), "'=2e6' is not HOST=BPS, such as"),
        (("lab", "--rate", "host=fast", "version"), "'fast' is not a number above 0"),
        (("lab", "--clip-ratio", "0", "version"), "'0' is not a number above 0"),
        (("lab", "--clip-ratio", "inf", "version"), "'inf' is not a number above 0"),
        (("lab", "serve", "now"), "unrecognized arguments: now"),
    ],
)
def test_option_with_another_kind_of_value_is_named_with_2(run: Run, words: tuple[str, ...], sentence: str) -> None:
    ended = run(*words)
    assert (ended.exit_code, ended.output) == (2, "")
    assert sentence in ended.errors.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        *[("report",), ("report", "--by", "host"), ("status",), ("lines",), ("export", "out"), ("plot", "1")],
        *[("replay",), ("replay", "--dry-run"), ("explain",), ("explain", "1"), ("explain", "--dry-run")],
        *[("prune", "--older-than", "9d"), ("prune", "--run", "1")],
    ],
)
def test_database_that_is_not_there_is_one_sentence_and_no_new_file(
    run: Run, words: tuple[str, ...], tmp_path: Path
) -> None:
    refused(run(*words, "--database", "nowhere/x.db"), 3, "There is no database")
    assert not list(tmp_path.iterdir())


def test_import_of_a_file_that_is_not_there_makes_no_database(run: Run, tmp_path: Path) -> None:
    refused(run("import-legacy", "old.db", "--database", "x.db"), 3, "old.db is not a file.")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("pages", "none.html"), ("simulate", "none.json"), ("import-legacy", "none.db")])
def test_file_that_is_not_there_is_one_sentence_and_3(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words)
    assert (ended.exit_code, ended.output) == (3, "") and len(ended.errors.splitlines()) == 1, ended
    assert words[1] in ended.errors
