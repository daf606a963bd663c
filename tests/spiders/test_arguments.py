"""Spider arguments: the forerunner's defaults, and one sentence for what cannot be used."""

from __future__ import annotations

import locale

import pytest

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.spiders.arguments import of_the_user, parse_arguments


def test_arguments_left_out_are_the_forerunners_defaults() -> None:
    arguments = parse_arguments({})
    assert (arguments.time_frame, arguments.max_rounds, arguments.max_crawled_url) == ("week", 10_000, 5_000_000)
    assert (arguments.max_per_url, arguments.max_per_page, arguments.related, arguments.loop) == (20, 20, True, False)
    assert len(arguments.country) == 2


def test_arguments_come_as_text_and_leave_as_values() -> None:
    arguments = parse_arguments({"max_rounds": "3", "related": "0", "urls": " a , b,", "country": "GB", "seed": "7"})
    assert (arguments.max_rounds, arguments.related, arguments.urls, arguments.seed) == (3, False, ("a", "b"), "7")


def test_seed_left_out_differs_between_crawls() -> None:
    assert parse_arguments({}).seed != parse_arguments({}).seed


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("time_frame", "yesterday"),
        ("max_rounds", "0"),
        ("max_crawled_url", "-1"),
        ("max_per_url", "many"),
        ("related", "maybe"),
        ("country", "Britain"),
    ],
)
def test_bad_argument_is_named_with_what_would_be_right(name: str, bad: str) -> None:
    with pytest.raises(SettingError, match=rf"^Argument {name}='{bad}' is not usable: it must be [^\n]+\.$"):
        parse_arguments({name: bad})


def test_unknown_argument_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match=r"max_round is not known: it must be one of .*max_rounds"):
        parse_arguments({"max_round": "1"})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *(("loop", word, True) for word in ("1", "true", "Yes", " on ")),
        *(("related", word, False) for word in ("0", "FALSE", "no", "off")),
        ("max_per_page", " 7 ", 7),
        ("max_crawled_url", str(2**63 - 1), 2**63 - 1),
        ("time_frame", " all_time ", "all_time"),
        ("urls", "a,,b , ", ("a", "b")),
        ("urls", "", ()),
        ("country", "gb", "gb"),
        ("vantage", "own", "own"),
        ("crawl", " spring ", "spring"),
        ("input_file", "-", "-"),
    ],
)
def test_argument_is_read_as_its_kind(name: str, text: str, value: object) -> None:
    assert getattr(parse_arguments({name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "bad", "right"),
    [
        ("max_rounds", "1.5", "a whole number of at least 1"),
        ("max_rounds", "", "a whole number of at least 1"),
        # More than a database holds.
        ("max_crawled_url", str(2**63), "a whole number of at least 1 and at most 9223372036854775807"),
        ("loop", "2", "1 or 0"),
        ("time_frame", "", "one of today, week, month, all_time"),
        ("vantage", "mine", "one of shared, own"),
        ("country", "G1", "two letters such as GB"),
        ("country", "", "two letters such as GB"),
    ],
)
def test_sentence_says_what_would_be_right(name: str, bad: str, right: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse_arguments({name: bad})
    assert str(caught.value) == f"Argument {name}={bad!r} is not usable: it must be {right}."


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("de_AT.UTF-8", "AT"),
        ("pt_BR", "BR"),
        ("C", "US"),
        (None, "US"),
        ("en_001", "US"),
        ("de", "US"),
        ("sr_RS@latin", "RS"),
    ],
)
def test_country_is_that_of_the_machine_where_it_says_one(
    name: str | None, country: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locale, "getlocale", lambda: (name, "UTF-8"))
    assert parse_arguments({}).country == country
    assert parse_arguments({"country": "FR"}).country == "FR"


def test_arguments_that_a_supervisor_adds_are_none_of_the_users() -> None:
    assert of_the_user({"_job": "17", "max_rounds": "3", "_version": "x"}) == {"max_rounds": "3"}
    with pytest.raises(SettingError, match="Argument _job is not known"):
        parse_arguments({"_job": "17"})
