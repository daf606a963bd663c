"""The header fields of our own HTTP requests: those that the resolution asks for, as far as HTTP allows them."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Headers that curl or we ourselves set, or that would change what arrives.
_NOT_OURS = frozenset({"accept-encoding", "connection", "content-length", "host", "range", "te", "transfer-encoding"})
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110, 5.6.2: a token
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def header_lines(headers: Mapping[str, str]) -> list[bytes]:
    """Return the request's header fields: those that the resolution asks for, and that the body comes uncoded.

    A field that HTTP does not allow is passed over: it would end the request, or begin another one. Letters beyond
    ASCII go out in UTF-8, as browsers send them.
    """
    fields = [
        f"{name}: {value}"
        for name, value in headers.items()
        if name.lower() not in _NOT_OURS and _FIELD_NAME.fullmatch(name) and not _CONTROL.search(value)
    ]
    return [field.encode("utf-8", "replace") for field in (*fields, "Accept-Encoding: identity")]
