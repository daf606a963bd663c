"""No pattern of the product takes more than its share of time: ten times the text, about ten times the work."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest

import pytomo_scrapy
from pytomo_scrapy.measure.net.cache_site import read_cache_site
from pytomo_scrapy.measure.resolve import refusal_messages
from pytomo_scrapy.measure.window.head import read_retry_after
from pytomo_scrapy.pages import read_video_list
from pytomo_scrapy.pages.dates import printed_date
from pytomo_scrapy.storage import scrub

SIGNS = string.printable + "\x00\x1b\u00a0\u202e\u4e2d"
# Below this a ratio says nothing on a busy machine. A quadratic pattern takes 100 times as long for ten times the text.
LEAST_S = 0.02
MOST_RATIO = 30.0
SLOWEST = 5
# What a pattern that starts to match at every place finds there, apart from one sign.
SEEDS = ("a:", "1.", "a=", "-a", "\n ", "P1", "a/", "1,", "<a", "ab ")


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(pytomo_scrapy.__path__, "pytomo_scrapy."):
        # The lab answers nobody but its own crawls; __main__ runs, and migrations are run by Alembic.
        if ".lab" not in found.name and "__main__" not in found.name and ".migrations" not in found.name:
            yield importlib.import_module(found.name)


def patterns_in(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, refusal_messages.ResolveSymptom):
        yield value.pattern
    elif isinstance(value, tuple | list | set | frozenset):
        for part in value:
            yield from patterns_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from patterns_in(part)


def patterns() -> dict[str, re.Pattern[Any]]:
    """Return each pattern once, however many modules use it."""
    names = {
        pattern: f"{module.__name__.removeprefix('pytomo_scrapy.')}.{name}.{number}"
        for module in modules()
        for name, value in vars(module).items()
        for number, pattern in enumerate(patterns_in(value))
    }
    return {name: pattern for pattern, name in names.items()}


PATTERNS = patterns()
UNITS = (*SIGNS, *SEEDS)


def time_of(work: Callable[[Any], object], text: Any) -> float:
    started_s = time.thread_time()  # of the processor: other programs do not count
    work(text)
    return time.thread_time() - started_s


def longest_s(work: Callable[[Any], object], unit: str, lengths: Sequence[int]) -> float:
    """Return the time that the longest text takes. The first that takes far longer than a tenth of it ends the test."""
    before_s = None
    for length in lengths:
        took_s = time_of(work, (unit * (length // len(unit) + 1))[:length])
        is_fast = before_s is None or took_s < LEAST_S or took_s < MOST_RATIO * max(before_s, LEAST_S / 1000)
        assert is_fast, f"{length} times {unit!r} took {took_s} s, and a tenth of it {before_s} s"
        before_s = took_s
    assert before_s is not None
    return before_s


def assert_linear(work: Callable[[Any], object], lengths: Sequence[int]) -> None:
    """Try every unit in texts of the first two lengths, and those that took the longest in texts of all lengths."""
    took_s = {unit: longest_s(work, unit, lengths[:2]) for unit in UNITS}
    for unit in sorted(UNITS, key=took_s.__getitem__)[-SLOWEST:]:
        longest_s(work, unit, lengths[1:])


def search_of(pattern: re.Pattern[Any]) -> Callable[[str], object]:
    if isinstance(pattern.pattern, bytes):
        return lambda text: pattern.sub(b"", text.encode("utf-8", "replace"))
    return lambda text: pattern.sub("", text)


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_is_linear_in_texts_of_one_sign(name: str) -> None:
    # What is quadratic takes half a second for the longest of these texts, where what is linear takes a millisecond.
    assert_linear(search_of(PATTERNS[name]), (200, 2_000, 20_000))


READERS: dict[str, Callable[[str], object]] = {
    "scrub": scrub.scrub,
    "resolution": lambda text: refusal_messages.classify_resolution([text], ValueError(text)),
    "cache site": read_cache_site,
    "retry after": read_retry_after,
    "link": lambda text: list(read_video_list([text])),
    "date": printed_date,
}


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_reader_of_foreign_text_is_linear_in_texts_of_one_sign(name: str) -> None:
    assert_linear(READERS[name], (300, 3_000, 30_000))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://h/v?sig=1", "https://h/v?[removed]"),
        ("GET /v#token and a?b", "GET /v?[removed] and a?b"),
        ("a?b/c?d", "a?b/c?[removed]"),
        ("is it /here? yes", "is it /here? yes"),
        ("x " * 10_000 + "https://u:SECRET@h/", "x " * 1_000),
        ("/" * 400_000, ""),
        ("https://u:SECRET" + "x" * 400_000 + "@h/", ""),
    ],
)
def test_text_is_cut_before_it_is_searched_and_never_within_a_word(text: str, clean: str) -> None:
    assert scrub.scrub(text) == clean
