"""What differs between two versions of a plan, in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.studies.plan_changes import changes_between

BEFORE: dict[str, Any] = {
    "arms": [{"name": "A", "settings": {}}, {"name": "B", "settings": {"PYTOMO_IP_FAMILY": "6"}}],
    "outcome": {"figure": "startup"},
    "videos": ["v1", "v2"],
}


THREE = [{"name": name, "settings": {}} for name in ("A", "B", "C")]


@pytest.mark.parametrize(
    ("after", "sentences"),
    [
        ([THREE[0], THREE[2], THREE[1]], ["The arms are written in another order."]),
        (THREE[1:], ["The arm 'A' is gone.", "The arms are compared with 'B', before with 'A'."]),
        (
            [{"name": "D", "settings": {}}],
            [
                "The arm 'A' is gone.",
                "The arm 'B' is gone.",
                "The arm 'C' is gone.",
                "The arm 'D' is new.",
                "The arms are compared with 'D', before with 'A'.",
            ],
        ),
    ],
)
def test_first_arm_is_named_where_it_is_another_and_nowhere_else(after: list[Any], sentences: list[str]) -> None:
    assert changes_between({"arms": THREE}, {"arms": after}) == sentences


@pytest.mark.parametrize(
    ("after", "sentences"),
    [
        ({}, []),
        ({"outcome": {"figure": "delivery"}}, ['outcome.figure is "delivery", before "startup".']),
        ({"videos": ["v1", "v3"]}, ["The panel has no longer v2.", "The panel also has v3."]),
        (
            {"arms": [{"name": "A", "settings": {}}, {"name": "C", "settings": {}}]},
            ["The arm 'B' is gone.", "The arm 'C' is new."],
        ),
        (
            {"arms": [{"name": "A", "settings": {}}, {"name": "B", "settings": {"PYTOMO_IP_FAMILY": "4"}}]},
            ['arm \'B\'.settings.PYTOMO_IP_FAMILY is "4", before "6".'],
        ),
        (
            {"arms": BEFORE["arms"][::-1]},
            ["The arms are compared with 'B', before with 'A'."],
        ),
    ],
)
def test_each_value_that_differs_has_its_sentence(after: dict[str, Any], sentences: list[str]) -> None:
    assert changes_between(BEFORE, BEFORE | after) == sentences
