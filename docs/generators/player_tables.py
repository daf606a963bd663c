"""The players of docs/playback.md: each with what its module says of it, and its parameters."""

from __future__ import annotations

import inspect

from docs.generators.markdown import table
from pytomo_scrapy.measure.playback.players.player_model import Player
from pytomo_scrapy.measure.playback.players.registry import PLAYERS


def regions() -> dict[str, str]:
    """Return a section for each player."""
    return {"players": "\n\n".join(_section(player) for player in PLAYERS.values())}


def _section(player: Player) -> str:
    head = ("parameter", "default", "unit", "meaning", "source")
    rows = [
        (f"`{name}`", f"{parameter.default:g}", parameter.unit, parameter.help, parameter.source)
        for name, parameter in player.parameters.items()
    ]
    about = inspect.getdoc(inspect.getmodule(player.run)) or ""
    return f"### {player.name}\n\n{about}\n\n{table(head, rows)}"
