"""Counts and lengths of time in words."""

from __future__ import annotations

import pytest

from pytomo_scrapy.items.in_words import counted, duration


@pytest.mark.parametrize(("count", "shown"), [(0, "0 stalls"), (1, "1 stall"), (2, "2 stalls")])
def test_one_thing_is_not_written_as_several(count: int, shown: str) -> None:
    assert counted(count, "stall") == shown


@pytest.mark.parametrize(
    ("value_s", "shown"),
    [(-3, "0 s"), (61, "61 s"), (600, "10 min"), (7199, "120 min"), (7201, "2 h"), (172_801, "2 days")],
)
def test_duration_is_written_in_the_unit_that_a_person_would_use(value_s: float, shown: str) -> None:
    assert duration(value_s) == shown
