"""docs/playback.md names every player with every parameter and its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytomo_scrapy.measure.playback.simulation import PLAYERS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "playback.md"


def section_of(player: str) -> str:
    sections = re.split(r"^### ", DOCS.read_text(), flags=re.MULTILINE)
    return next(part for part in sections if player in part.splitlines()[0])


@pytest.mark.parametrize("player", PLAYERS)
def test_every_parameter_is_documented_with_its_default(player: str) -> None:
    section = section_of(player)
    for name, parameter in PLAYERS[player].parameters.items():
        row = next((line for line in section.splitlines() if f"`{name}`" in line and line.startswith("|")), "")
        assert f"{parameter.default:g}" in row, f"{player}: {name} = {parameter.default:g}"


def test_an_undocumented_parameter_would_be_noticed() -> None:
    assert "`no_such_parameter_s`" not in section_of("classic")
