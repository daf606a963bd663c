"""Text from outside - titles, names, messages of a service - before it is searched, and before a person reads it."""

from __future__ import annotations

_ENDS = " \t\n\r'\"<>"


def first_words(text: str, max_chars: int) -> str:
    """Return the beginning of a text, cut behind a word: half a secret at the cut would be known by no pattern."""
    if len(text) <= max_chars:
        return text
    end = max(text.rfind(sign, 0, max_chars) for sign in _ENDS)
    return text[: end + 1]
