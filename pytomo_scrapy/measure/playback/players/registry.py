"""Every player model there is: a module of this folder that declares its `PLAYER` is one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from pytomo_scrapy.measure.playback import players
from pytomo_scrapy.measure.playback.player_model import Player


def registered() -> dict[str, Player]:
    """Return the players of the folder's modules by their names, which are in order."""
    modules = (import_module(f"{players.__name__}.{found.name}") for found in iter_modules(players.__path__))
    # The others are what players share, and this module itself.
    found = (module.PLAYER for module in modules if hasattr(module, "PLAYER"))
    return {player.name: player for player in sorted(found, key=lambda player: player.name)}


PLAYERS = registered()
