"""The documentation, from the same Markdown files and pictures as docs/: from the package, else from the checkout.

Its reading order is that of the table in index.md, whose rows are the groups.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pytomo_scrapy.dashboard.document_search import anchor_of, plain, search
from pytomo_scrapy.dashboard.render import render

_INDEX = "index"
_GROUP = re.compile(r"^\|\s*([^|\[\]]+?)\s*\|(.*\]\(.*)\|$", re.MULTILINE)
_LISTED = re.compile(r"\]\(([a-z0-9-]+)\.md\)")
_MORE = "read more"
MAX_WORDS_CHARS = 200
_LINK = re.compile(r'href="(?:\./)?([a-z0-9-]+)\.md(#[^"]*)?"')
_IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
# A link to the code, which is not served.
_CODE_LINK = re.compile(r"\[(`[^`\]]+`)\]\((?:\.\./|generators/)[^)]*\)")
_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
# The marks of generated tables are for those who write the documents.
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
# It logs each rule that it tries on each line: where a log takes all, as Scrapy's does, that takes seconds.
logging.getLogger("markdown_it").setLevel(logging.INFO)


@cache
def documents() -> dict[str, str]:
    """Return every document's Markdown by its name: a request can only name one of these."""
    found: dict[str, str] = {}
    for folder in _folders():
        for entry in folder.iterdir():
            if entry.name.endswith(".md") and entry.is_file():
                found.setdefault(entry.name.removesuffix(".md"), entry.read_text(encoding="utf-8"))
    # The site's first page: here the groups stand in its place.
    index = found.pop(_INDEX, "")
    names = [name for _, row in _GROUP.findall(index) for name in _LISTED.findall(row) if name in found]
    order = {name: position for position, name in enumerate(dict.fromkeys(names))}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


@cache
def groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the documents in reading order: (what a reader wants to do, [(name, title), ...])."""
    index = next((folder.joinpath(f"{_INDEX}.md") for folder in _folders()), None)
    rows = _GROUP.findall(index.read_text(encoding="utf-8")) if index is not None and index.is_file() else []
    left = list(documents())
    found = []
    for words, row in rows:
        names = [name for name in _LISTED.findall(row) if name in left]
        left = [name for name in left if name not in names]
        if names:
            found.append((words, [(name, title_of(name)) for name in names]))
    return [*found, (_MORE, [(name, title_of(name)) for name in left])] if left else found


def _folders() -> list[Traversable]:
    shipped = resources.files("pytomo_scrapy.dashboard").joinpath("documents")
    if shipped.is_dir():
        return [shipped]
    beside = Path(__file__).resolve().parents[2] / "docs"
    return [beside] if beside.is_dir() else []


@cache
def _images() -> dict[str, Traversable]:
    """Return every picture of the documents by its name: a request can only name one of these."""
    folders = [folder.joinpath("images") for folder in _folders()]
    entries = [entry for folder in folders if folder.is_dir() for entry in folder.iterdir()]
    return {entry.name: entry for entry in entries if entry.is_file() and _image_type(entry.name) is not None}


def _image_type(name: str) -> str | None:
    return next((kind for suffix, kind in _IMAGE_TYPES.items() if name.endswith(suffix)), None)


def title_of(name: str) -> str:
    """Return the first heading of a document."""
    heading = _HEADING.search(documents()[name])
    return heading.group(1).replace("`", "") if heading else name


@cache
def _html(name: str) -> Markup:
    from markdown_it import MarkdownIt  # late: the page is to start quickly

    text = _CODE_LINK.sub(r"\1", _COMMENT.sub("", documents()[name]))
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = renderer.parse(text)
    for opened, words in pairwise(tokens):
        if opened.type == "heading_open":
            opened.attrSet("id", anchor_of(plain(words.content)))
    # Our own files, rendered with HTML switched off.
    return Markup(_LINK.sub(r'href="/docs/\1\2"', renderer.renderer.render(tokens, renderer.options, {})))


def index(request: Request) -> Response:
    """List the documents in reading order, or the sections in which the words of `q` stand."""
    asked = request.query_params.get("q", "")[:MAX_WORDS_CHARS].strip()
    found = [(title_of(section.document), section) for section in search(documents(), asked)]
    return _shown(request, "Documentation", {"body": None, "name": None, "asked": asked, "found": found})


def page(request: Request) -> Response:
    """Show one document."""
    name = request.path_params["name"]
    if name not in documents():
        raise HTTPException(404)
    order = list(documents())
    after = order[order.index(name) + 1 :][:1]
    following = [(other, title_of(other)) for other in after]
    return _shown(request, title_of(name), {"body": _html(name), "name": name, "asked": "", "following": following})


def _shown(request: Request, title: str, values: dict[str, Any]) -> Response:
    return render(request, "docs.html", {"title": title, "groups": groups(), "found": [], "following": [], **values})


def image(request: Request) -> Response:
    """Answer with a picture of a document."""
    found = _images().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(found.read_bytes(), headers=headers, media_type=_image_type(found.name))
