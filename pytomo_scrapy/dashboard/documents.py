"""The documentation, from the same Markdown files and pictures as docs/: from the package, else from the checkout."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pytomo_scrapy.dashboard.render import render

# These first, in this order; the rest by name.
_FIRST = ("dashboard", "data-format", "metrics", "autopsy", "failures", "playback", "settings")
_LINK = re.compile(r'href="(?:\./)?([a-z0-9-]+)\.md(#[^"]*)?"')
_IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
# A link to the code, which is not served.
_CODE_LINK = re.compile(r"\[(`[^`\]]+`)\]\((?:\.\./|generators/)[^)]*\)")
_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
# The marks of generated tables are for those who write the documents.
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


@cache
def documents() -> dict[str, str]:
    """Return every document's Markdown by its name: a request can only name one of these."""
    found: dict[str, str] = {}
    for folder in _folders():
        for entry in folder.iterdir():
            # The site's first page: here the list of documents stands instead.
            if entry.name.endswith(".md") and entry.name != "index.md" and entry.is_file():
                found.setdefault(entry.name.removesuffix(".md"), entry.read_text(encoding="utf-8"))
    order = {name: position for position, name in enumerate(_FIRST)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


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
    made = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    # Our own files, rendered with HTML switched off.
    return Markup(_LINK.sub(r'href="/docs/\1\2"', made))


def index(request: Request) -> Response:
    """List the documents."""
    listed = [(name, title_of(name)) for name in documents()]
    return render(request, "docs.html", {"title": "Documentation", "documents": listed, "body": None, "name": None})


def page(request: Request) -> Response:
    """Show one document."""
    name = request.path_params["name"]
    if name not in documents():
        raise HTTPException(404)
    listed = [(document, title_of(document)) for document in documents()]
    values = {"title": title_of(name), "documents": listed, "body": _html(name), "name": name}
    return render(request, "docs.html", values)


def image(request: Request) -> Response:
    """Answer with a picture of a document."""
    found = _images().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(found.read_bytes(), headers=headers, media_type=_image_type(found.name))
