"""The script elements of an HTML page, as a browser's parser finds them.

Titles and descriptions are hostile: they may hold the very text of a script element. So comments, the text of a title
and the values of attributes are skipped over, and an element's own attributes are read whole, in any order and quoting.
Every step is bounded by the length of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A value that is not quoted goes on to the next white space or ">". A "<" inside a tag means that none is there: so a
# page full of tags that never end costs one look at each.
_VALUE = r"""(?:"[^"]*+"|'[^']*+'|[^\s"'<>][^\s<>]*+)"""
_ATTRIBUTE = rf"[\s/]*+[^\s/>=<]++(?:\s*+=\s*+(?:{_VALUE}|(?=>)))?+"
_TAG = re.compile(rf"<(?:!--|(?P<name>[a-zA-Z][^\s/<>]*+)(?P<attributes>(?:{_ATTRIBUTE}){{0,200}}+)[\s/]*+>)")
# From the first of the blanks in front of a name, and from no other: else each of them would be tried in vain.
_NAMED_VALUE = re.compile(rf"(?<![\s/])[\s/]*+(?P<name>[^\s/>=<]++)(?:\s*+=\s*+(?P<value>{_VALUE}|(?=>)))?+")
# What these hold is text up to their end, whatever it looks like.
_TEXT_ELEMENTS = ("script", "style", "title", "textarea", "noscript", "iframe", "xmp", "noembed", "noframes")
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _TEXT_ELEMENTS} | {
    "!--": re.compile("-->")
}
# Real pages have thousands of tags and hundreds of scripts.
_MAX_TAGS = 200_000
_MAX_SCRIPTS = 2_000


@dataclass(frozen=True, slots=True)
class Script:
    """A script element: its attributes as they stand, and its text."""

    attributes: str
    text: str

    def attribute(self, name: str) -> str | None:
        """Return the value of an attribute, "" for one without a value. None where the element has none of the name."""
        for match in _NAMED_VALUE.finditer(self.attributes):
            if match["name"].lower() == name:
                value = match["value"] or ""
                return value[1:-1] if value[:1] in {'"', "'"} else value
        return None


def script_elements(html: str) -> Iterator[Script]:
    """Yield the script elements of a page in its order, the last one also where the page breaks off in it."""
    position = script_count = 0
    for _ in range(_MAX_TAGS):
        tag = _TAG.search(html, position)
        if tag is None or script_count == _MAX_SCRIPTS:
            return
        position = tag.end()
        name = (tag["name"] or "!--").lower()
        if name not in _ENDS:
            continue
        end = _ENDS[name].search(html, position)
        if name == "script":
            script_count += 1
            yield Script(tag["attributes"], html[position : end.start() if end else len(html)])
        position = end.end() if end else len(html)
