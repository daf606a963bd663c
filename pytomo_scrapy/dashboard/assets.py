"""Files that come with the package, zipped or not: read once, served with an ETag."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


@cache
def _files() -> dict[str, tuple[bytes, str, str]]:
    """Return every static file by name: a request can only name one of these."""
    found = {}
    for entry in resources.files("pytomo_scrapy.dashboard").joinpath("static").iterdir():
        kind = next((kind for suffix, kind in _TYPES.items() if entry.name.endswith(suffix)), None)
        if kind is not None and entry.is_file():
            body = entry.read_bytes()
            found[entry.name] = (body, kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return found


# Browsers keep the files for a day: with another address a new version is seen at once.
def static_version() -> str:
    """Return a text that changes with any static file, to put into their addresses."""
    joined = "".join(tag for _, _, tag in (_files()[name] for name in sorted(_files())))
    return hashlib.sha256(joined.encode()).hexdigest()[:10]


def static_file(request: Request) -> Response:
    """Answer with a file of static/."""
    found = _files().get(request.path_params["name"])
    if found is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    body, kind, tag = found
    headers = {"ETag": tag, "Cache-Control": "public, max-age=86400"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=kind)
