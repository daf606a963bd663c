"""The JSON objects that the service's HTML pages hold: in an element of data, or assigned to a script's variable.

Known forms: `<script id="yt-initial-data" type="application/json">{...}</script>` (since September 2026),
`var ytInitialData = {...};`, `window["ytInitialData"] = {...}`, and a quoted JavaScript string (on mobile pages).
Titles and descriptions are hostile: they may hold the very text of an element or an assignment. So only script elements
are read, string literals are skipped over, and an object is decoded as JSON from its first brace, never cut by a
pattern.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pytomo_scrapy.pages.html_scripts import Script, script_elements

# The shapes, by the names that `scrapy pages` shows.
DATA_ELEMENT = "data element"
ASSIGNMENT = "assignment"
# Source: yt-dlp#17636 for the first; other readers of the service's pages know the second, which no recording has.
_ELEMENT_IDS = {"ytInitialData": "yt-initial-data", "ytInitialPlayerResponse": "yt-initial-player-response"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|([\s\S]))")
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_QUOTED = r"""(?P<quoted>"[^"\\\n]*+(?:\\[\s\S][^"\\\n]*+)*+"?|'[^'\\\n]*+(?:\\[\s\S][^'\\\n]*+)*+'?)"""
# A page has one element or assignment; more are bait, and each may cost a pass over the rest of the page.
_MAX_CANDIDATES = 16
# Literals that the careful reading skips in one script: real pages have hundreds.
_MAX_LITERALS = 100_000
# Undoing escapes costs a microsecond each; a mobile page's literal has 2 MB.
_MAX_LITERAL_CHARACTERS = 8 * 1024 * 1024
_DECODER = json.JSONDecoder()


def load_json(text: str) -> Any:
    """Decode JSON. Raises ValueError if it is not valid, also where it is nested too deeply to be an answer."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def embedded_objects(html: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield shape and JSON object of what a page holds under `name`, the most trustworthy first.

    The data element comes first: its text is nothing but the object, so that no title can pass for it.
    """
    scripts = list(script_elements(html))
    for value in _element_objects(scripts, _ELEMENT_IDS[name]):
        yield DATA_ELEMENT, value
    for value in _assigned_objects(html, scripts, name):
        yield ASSIGNMENT, value


def _element_objects(scripts: Sequence[Script], element_id: str) -> Iterator[dict[str, Any]]:
    elements = [script for script in scripts if script.attribute("id") == element_id]
    # Of several with the id, one that says that it holds data is more than one that might be code.
    elements.sort(key=lambda script: "json" not in (script.attribute("type") or "").lower())
    for element in elements[:_MAX_CANDIDATES]:
        try:
            value, _ = _value_at(element.text, len(element.text) - len(element.text.lstrip()))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _assigned_objects(html: str, elements: Sequence[Script], name: str) -> Iterator[dict[str, Any]]:
    scripts = [script.text for script in elements if name in script.text]
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
    # A page has few kinds of escapes, each a hundred thousand times.
    known: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        escape = match[0]
        if escape not in known:
            digits = match[1] or match[2] or match[3]
            known[escape] = chr(min(int(digits, 16), 0x10FFFF)) if digits else _PLAIN_ESCAPES.get(match[4], match[4])
        return known[escape]

    return _ESCAPE.sub(replace, literal[1:-1])
