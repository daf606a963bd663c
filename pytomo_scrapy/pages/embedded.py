"""The JSON objects that the service's HTML pages assign to script variables.

Known forms: `var ytInitialData = {...};`, `window["ytInitialData"] = {...}`, and a quoted JavaScript string (on mobile
pages). Titles and descriptions are hostile: they may hold the very text of an assignment. So only script elements are
read, string literals are skipped over, and an object is decoded as JSON from its first brace, never cut by a pattern.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_SCRIPT_START = re.compile(r"<script\b[^<>]{0,2000}>", re.IGNORECASE)
_SCRIPT_END = re.compile(r"</script", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|([\s\S]))")
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_QUOTED = r"""(?P<quoted>"[^"\\\n]*+(?:\\[\s\S][^"\\\n]*+)*+"?|'[^'\\\n]*+(?:\\[\s\S][^'\\\n]*+)*+'?)"""
# A page has one assignment; more are bait, and each may cost a pass over the rest of the page.
_MAX_CANDIDATES = 16
# Literals that the careful reading skips in one script, and scripts that it reads: real pages have hundreds.
_MAX_LITERALS = 100_000
_MAX_SCRIPTS = 2_000
# Undoing escapes costs a microsecond each; a mobile page's literal has 2 MB.
_MAX_LITERAL_CHARACTERS = 8 * 1024 * 1024
_DECODER = json.JSONDecoder()


def load_json(text: str) -> Any:
    """Decode JSON. Raises ValueError if it is not valid, also where it is nested too deeply to be an answer."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def assigned_objects(html: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects that the page's scripts assign to `name`, the most trustworthy first."""
    scripts = [script for script in _scripts(html) if name in script]
    assignment = (
        rf"""(?:\[\s*["']{name}["']\s*\]|(?<![\w$."']){name}|(?<=window\.){name}|(?<=self\.){name})\s*=(?!=)\s*"""
    )
    careful = re.compile(f"(?P<target>{assignment})|{_QUOTED}")
    # A quote in a regular expression of the script may hide the assignment from the careful reading. In a JSON string
    # every quote is escaped, so that this second reading cannot decode an object out of a title.
    hasty = re.compile(rf"""{name}(?:["']\s*\])?\s*=\s*(?P<target>(?=\{{\s*"))""")
    for pattern, texts in ((careful, scripts), (hasty, scripts or [html])):
        for text in texts:
            yield from _objects(text, pattern)


def _scripts(html: str) -> Iterator[str]:
    position = 0
    for _ in range(_MAX_SCRIPTS):
        start = _SCRIPT_START.search(html, position)
        if start is None:
            return
        end = _SCRIPT_END.search(html, start.end())
        position = end.end() if end else len(html)
        yield html[start.end() : end.start() if end else len(html)]


def _objects(script: str, pattern: re.Pattern[str]) -> Iterator[dict[str, Any]]:
    position = candidates = 0
    for _ in range(_MAX_LITERALS):
        match = pattern.search(script, position)
        if match is None or candidates == _MAX_CANDIDATES:
            return
        position = max(match.end(), position + 1)
        if match["target"] is None:
            continue
        candidates += 1
        try:
            value, position = _value_at(script, match.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _value_at(script: str, position: int) -> tuple[Any, int]:
    quoted = re.compile(_QUOTED).match(script, position)
    if quoted:
        if quoted.end() - position > _MAX_LITERAL_CHARACTERS:
            raise ValueError("a literal too long to be an answer")
        return load_json(_unquote(quoted["quoted"])), quoted.end()
    return _DECODER.raw_decode(script, position)


def _unquote(literal: str) -> str:
    def replace(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        if digits:
            return chr(min(int(digits, 16), 0x10FFFF))
        return _PLAIN_ESCAPES.get(match[4], match[4])

    return _ESCAPE.sub(replace, literal[1:-1])
