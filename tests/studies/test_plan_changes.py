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
