"""How far a simulated player is off, against recorded sessions of a real browser: the scores of docs/playback.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WHERE = "against recorded sessions of Chromium 156 on shaped links"
NOT_VALIDATED = "not known: nobody has compared this player with a real one"


@dataclass(frozen=True, slots=True)
class ModelError:
    """The mean error of a player's figure, beside what two runs of the browser itself differ by."""

    player: str
    figure: str
    error: float
    noise: float

    @property
    def words(self) -> str:
        """Return both as a person reads them."""
        unit = " s" if self.figure.endswith(" s") else ""
        return f"{self.error:.2f}{unit} (browser's own {self.noise:.2f}{unit})"


# Those of sessions of one quality; a test compares them with the document.
MODEL_ERRORS = (
    ModelError("progressive", "startup s", 0.07, 0.13),
    ModelError("progressive", "stalls", 0.15, 0.19),
    ModelError("progressive", "stalled s", 0.17, 0.17),
    ModelError("dashjs", "startup s", 0.08, 0.18),
    ModelError("dashjs", "stalls", 0.11, 0.14),
    ModelError("dashjs", "stalled s", 0.11, 0.15),
)
_BY_NAME = {(one.player, one.figure): one for one in MODEL_ERRORS}


def model_error_of(figure: str | None, players: Iterable[str]) -> str:
    """Return the error of a figure under these players in words. Empty where it does not depend on a player."""
    if figure is None:
        return ""
    known = {player: _BY_NAME.get((player, figure)) for player in players}
    what = figure.removesuffix(" s")
    parts = (f"{player}: {what} {one.words}" if one else f"{player}: {NOT_VALIDATED}" for player, one in known.items())
    return "; ".join(parts)


def players_words(players: Iterable[str]) -> str:
    """Return all that is known of the errors of these players, a clause each. Empty where there is no player."""
    parts = []
    for player in players:
        known = [one for one in MODEL_ERRORS if one.player == player]
        errors = ", ".join(f"{one.figure.removesuffix(' s')} {one.words}" for one in known)
        parts.append(f"{player}: {errors or NOT_VALIDATED}")
    return "; ".join(parts)
