"""Sections of the documents, the anchors of their headings, and where words are found in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MOST_FOUND = 40
SNIPPET_CHARS = 220
_HEADING = re.compile(r"^(#{1,4})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()]{0,500}\)")
_REMARK = re.compile(r"<!--[^<>]{0,200}-->")
_MARKS = re.compile(r"[`*|]|^[ \t]{0,40}[#>-]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """A section in which all words stand, with the place where the first does."""

    document: str
    heading: str
    anchor: str
    before: str
    word: str
    after: str


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading, as links between the documents and the built site write it."""
    text = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def plain(text: str) -> str:
    """Return Markdown as it is read: links by their words, no remarks, no marks of tables and emphasis."""
    words = _MARKS.sub(" ", _LINK.sub(r"\1", _REMARK.sub("", text))).split()
    return " ".join(word for word in words if word.strip("-:"))


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Split a document at its headings: (heading, plain text below it). Lines of code are no headings."""
    heading, lines, is_code = "", [], False
    for line in text.splitlines():
        if _FENCE.match(line):
            is_code = not is_code
            continue
        found = None if is_code else _HEADING.match(line)
        if found is None:
            lines.append(line)
            continue
        if heading or any(map(str.strip, lines)):
            yield heading, plain("\n".join(lines))
        heading, lines = plain(found[2]), []
    yield heading, plain("\n".join(lines))


def search(documents: Mapping[str, str], asked: str) -> list[Found]:
    """Return the sections that hold all words, those with a word in their heading first; else in reading order.

    A word is found where one begins, or a part of a name: stall in has_stall, and not in install.
    """
    words = [re.compile(rf"(?<![^\W_]){re.escape(word)}") for word in asked.casefold().split()]
    if not words:
        return []
    ranked = []
    for document, text in documents.items():
        for heading, body in sections(text):
            whole = f"{heading} {body}".casefold()
            if all(word.search(whole) for word in words):
                rank = sum(not word.search(heading.casefold()) for word in words)
                ranked.append((rank, _found(document, heading, body, words)))
    return [found for _, found in sorted(ranked, key=lambda pair: pair[0])[:MOST_FOUND]]


def _found(document: str, heading: str, body: str, words: list[re.Pattern[str]]) -> Found:
    folded = body.casefold()
    place, stop = next((found.span() for word in words if (found := word.search(folded))), (0, 0))
    start = max(0, place - SNIPPET_CHARS // 3)
    end = start + SNIPPET_CHARS
    before = ("… " if start else "") + body[start:place]
    after = body[stop:end] + (" …" if end < len(body) else "")
    return Found(document, heading, anchor_of(heading), before, body[place:stop], after)
