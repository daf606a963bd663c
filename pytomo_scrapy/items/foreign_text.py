"""Text from outside - titles, names, messages of a service - before it is searched, and before a person reads it."""

from __future__ import annotations

_ENDS = " \t\n\r'\"<>"


def first_words(text: str, max_chars: int) -> str:
    """Return the beginning of a text, cut behind a word: half a secret at the cut would be known by no pattern."""
    if len(text) <= max_chars:
        return text
    end = max(text.rfind(sign, 0, max_chars) for sign in _ENDS)
    return text[: end + 1]


# The longest titles of known services have 255 characters.
MAX_TITLE_CHARS = 500
# What moves a terminal's cursor, changes its colours or its window, and what turns the direction of a line around.
_UNPRINTABLE = frozenset((*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F),
                          *range(0x2066, 0x206A), *range(0xD800, 0xE000), 0xFEFF))  # fmt: skip
_ONE_LINE = dict.fromkeys(_UNPRINTABLE, "?")
_LINES = {code: sign for code, sign in _ONE_LINE.items() if code not in (0x09, 0x0A)}


def printable(text: str, max_chars: int | None = None, *, has_lines: bool = False) -> str:
    """Return a text that a terminal only shows, each sign that would do more replaced; `has_lines` keeps its lines.

    Every text from outside passes through here before it is printed or logged.
    """
    if max_chars is not None and len(text) > max_chars:
        text = text[: max_chars - 3] + "..."
    return text.translate(_LINES if has_lines else _ONE_LINE)


def title_of(value: object) -> str | None:
    """Return a title that a service sent, cut. None where it is no text, or an empty one."""
    return value[:MAX_TITLE_CHARS] or None if isinstance(value, str) else None
