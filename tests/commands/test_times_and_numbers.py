"""Ages, times, and numbers of rows as commands read them: what is one, and the sentence where it is none."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytomo_scrapy.commands.lab import _count, _host_rate, _positive, _share
from pytomo_scrapy.commands.prune import age
from pytomo_scrapy.commands.replay import read_filters
from pytomo_scrapy.commands.report import moment
from tests.commands.conftest import Run, refused

BEYOND = "9223372036854775808"  # one more than a database can hold


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (age, "12h", timedelta(hours=12)),
        (age, " 90d ", timedelta(days=90)),
        (age, "26w", timedelta(days=182)),
        (age, "36600d", timedelta(days=36_600)),
        (moment, "2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (moment, "2026-01-31T12:00+01:00", datetime(2026, 1, 31, 11, tzinfo=UTC)),
        (_positive, "2e6", 2e6),
        (_share, "0", 0.0),
        (_share, "1", 1.0),
        (_count, "1", 1),
        (_host_rate, "rr1---sn-a=2e6", ("rr1---sn-a", 2e6)),
        (_host_rate, "a=b=5", ("a=b", 5.0)),
    ],
)
def test_word_is_read_as_what_its_option_takes(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        *(
            (age, text, f"{text!r} is not an age such as 12h, 90d or 26w")
            for text in ("", "12", "d", "1.5d", "-1d", "1m")
        ),
        # Nothing was measured then, and soon before there is no year to count from.
        *(
            (age, text, f"{text!r} is not an age such as 12h, 90d or 26w, of 100 years at most")
            for text in ("36601d", "999999w")
        ),
        (moment, "yesterday", "'yesterday' is not a time such as 2026-01-31 or 2026-01-31T12:00"),
        (moment, "0001-01-01T00:00+01:00", "'0001-01-01T00:00+01:00' is not a time such as"),
        *((_positive, text, f"{text!r} is not a number above 0") for text in ("0", "-1", "inf", "nan", "fast", "")),
        *((_share, text, f"{text!r} is not a number from 0 to 1") for text in ("-0.1", "1.1", "nan", "half")),
        *((_count, text, f"{text!r} is not a whole number above 0") for text in ("0", "-1", "1.5", "many")),
        (_host_rate, "=2e6", "'=2e6' is not HOST=BPS, such as rr1---sn-25ge7nsk=2e6"),
        (_host_rate, "host", "'host' is not HOST=BPS, such as"),
        (_host_rate, "host=", "'' is not a number above 0"),
    ],
)
def test_word_that_is_none_is_answered_with_what_would_be_one(
    read: Callable[[str], Any], text: str, sentence: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        read(text)
    assert sentence in str(caught.value)


def test_filters_are_named_as_the_storage_takes_them() -> None:
    words = ["crawl=spring", "since=2026-01-31", "service=youtube", "provider=a=b", "video=-abc", "run=007"]
    assert read_filters(words) == {
        "crawl_name": "spring", "since": datetime(2026, 1, 31, tzinfo=UTC), "service": "youtube", "provider": "a=b",
        "video_id": "-abc", "run_id": 7,
    }  # fmt: skip
    assert read_filters([]) == {} and read_filters(["run=1", "run=2"]) == {"run_id": 2}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("crawls=spring", "--where crawls=spring: did you mean crawl?"),
        (
            "colour=red",
            "--where colour=red: write FIELD=VALUE with one of crawl, since, until, service, provider, video, run",
        ),
        ("crawl=", "--where crawl=: write FIELD=VALUE with one of crawl"),
        ("crawl", "--where crawl: write FIELD=VALUE with one of crawl"),
        ("run=first", "--where run=first: 'first' is not the number of a run"),
        (f"run={BEYOND}", f"--where run={BEYOND}: '{BEYOND}' is not the number of a run"),
        ("since=soon", "--where since=soon: 'soon' is not a time such as"),
    ],
)
def test_filter_that_is_none_is_answered_with_what_would_be_one(
    word: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_filters(["service=youtube", word])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("plot", BEYOND), f"There is no measurement {BEYOND} in sqlite:///"),
        (("explain", "--json", "2", BEYOND), f"There is no measurement {BEYOND} in sqlite:///"),
        (("plot", "²"), "There is no measurement ² in sqlite:///"),
        (("differential", "--again", BEYOND), f"There is no differential test {BEYOND}: --list shows those that are"),
        (("prune", "--run", BEYOND), f"There is no run '{BEYOND}': the newest are 1 (here, "),
    ],
)
def test_number_that_no_row_can_have_is_one_that_is_not_there(
    run: Run, filled: Path, words: tuple[str, ...], sentence: str
) -> None:
    refused(run(*words, "--database", filled), 2, sentence)


@pytest.mark.parametrize("every", ["inf", "nan", "86401", "-1"])
def test_look_that_is_too_seldom_or_never_is_refused(run: Run, filled: Path, every: str) -> None:
    hook = ("-s", "PYTOMO_ALERT_WEBHOOK=http://hook.example/token")
    sentence = "--every needs --alert and a number of seconds above 0, a day (86400) at most."
    refused(run("lines", "--alert", "--every", every, *hook, "--database", filled), 2, sentence)


@pytest.mark.parametrize(
    "words", [("report",), ("report", "--by", "vantage"), ("report", "--pdf", "x.pdf"), ("export", "out")]
)
def test_period_that_ends_before_it_begins_is_one_sentence(
    run: Run, filled: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ended = run(*words, "--since", "2026-02-01", "--until", "2026-01-01T12:00", "--database", filled)
    refused(ended, 2, "--until 2026-01-01 12:00 is before --since 2026-02-01 00:00: there is no time between them.")
    assert not (tmp_path / "x.pdf").exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "name"), [("--getbool", "PYTOMO_FORMAT"), ("--getint", "BOT_NAME"), ("--getfloat", "BOT_NAME")]
)
def test_setting_that_is_of_another_kind_than_asked_for_is_one_sentence(run: Run, option: str, name: str) -> None:
    refused(run("settings", option, name), 2, f"{name} cannot be read so: ")
