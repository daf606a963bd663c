"""What somebody may have meant by a word that there is not."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_FARTHER = 0.1  # by how much less alike than the nearest a second word may be


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "", cutoff: float = 0.7) -> str:
    """Return "did you mean this or that?" of the known words that are near, `otherwise` where none is."""
    near = get_close_matches(word, list(known), n=2, cutoff=cutoff)
    if len(near) > 1 and _likeness(word, near[0]) - _likeness(word, near[1]) > _FARTHER:
        near.pop()
    return f"did you mean {' or '.join(near)}?" if near else otherwise


def _likeness(word: str, known: str) -> float:
    return SequenceMatcher(None, known, word).ratio()
