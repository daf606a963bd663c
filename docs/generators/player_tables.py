"""The players of docs/playback.md: each with what its module says of it, and its parameters."""

from __future__ import annotations

import inspect

from docs.generators.markdown import table
from pytomo_scrapy.measure.playback.player_model import Player
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
    about = inspect.getdoc(inspect.getmodule(player.run or player.adapt)) or ""
    parts = [f"### {player.name}", about, table(head, rows)]
    if player.by_client:
        parts += ["Known of the service's clients:", table(("client", "parameters", "source"), _client_rows(player))]
    return "\n\n".join(parts)


def _client_rows(player: Player) -> list[tuple[str, str, str]]:
    return [
        (f"`{client}`", ", ".join(f"`{name}` {value:g}" for name, value in known.values.items()), known.source)
        for client, known in player.by_client.items()
    ]
