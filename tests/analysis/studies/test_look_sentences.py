"""What a look says of its outcome: the verdict, and by what it is decided where the interval reads otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.analysis.studies.study_standing import _sentence
from tests.analysis.studies.test_study_standing import PLAN

RESULT = {
    "arm": "B", "against": "A", "n": 80, "n_against": 80, "level": 0.3, "level_against": 0.3,
    "difference_value": -0.05, "relative_value": -0.05, "relative_low": -0.09, "relative_high": -0.01,
    "chance": 0.093, "is_of_these_days": False, "is_shown": False, "is_worse": False,
}  # fmt: skip
DOUBT = "The interval leaves out 0"


@pytest.mark.parametrize(
    ("changes", "verdict", "is_doubted"),
    [
        ({}, "cannot tell", True),
        ({"relative_low": 0.01, "relative_high": 0.3}, "cannot tell", True),
        ({"relative_high": 0.02}, "cannot tell", False),
        ({"chance": 0.001, "is_shown": True}, "better", False),
        ({"chance": None}, "cannot tell", False),
    ],
)
def test_interval_that_reads_as_a_difference_is_explained_where_the_test_shows_none(
    changes: dict[str, Any], verdict: str, is_doubted: bool
) -> None:
    said = _sentence({**RESULT, **changes}, PLAN, is_planned=True)
    assert f": {verdict} (-5 %" in said
    assert (DOUBT in said) == is_doubted
    assert ("p 0.093" in said) == is_doubted


def test_difference_that_the_test_shows_is_explained_where_the_interval_reaches_0() -> None:
    shown = {**RESULT, "chance": 0.0014, "is_shown": True}
    said = _sentence({**shown, "relative_high": 0.16}, PLAN, is_planned=True)
    assert ": better (-5 %" in said and "The interval reaches 0" in said and "p 0.0014" in said
    assert "The interval" not in _sentence(shown, PLAN, is_planned=True)
