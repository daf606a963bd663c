"""What somebody may have meant by a word that there is not."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "", cutoff: float = 0.7) -> str:
    """Return "did you mean this or that?" of the known words that are near, `otherwise` where none is."""
    near = get_close_matches(word, list(known), n=2, cutoff=cutoff)
    return f"did you mean {' or '.join(near)}?" if near else otherwise
