"""Spider arguments: the forerunner's defaults, and one sentence for what cannot be used."""

from __future__ import annotations

import pytest

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.spiders.arguments import parse_arguments


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
