"""An address as it goes over the wire: letters beyond ASCII are encoded as browsers encode them.

Source: WHATWG URL, "URL parsing" and "domain to ASCII"; RFC 3987, 3.1; Unicode TS 46, without its transitional rules.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

import idna

# Blanks, quotes, angle brackets, control characters and whatever is not ASCII. All else stays as it is: a signature
# covers the letters that the service chose. `%` stays too: what is encoded is not encoded twice.
_ENCODED = re.compile(r"[^!#-;=?-~]")
_CHARS_OF_A_LABEL = 63


def as_uri(url: str) -> str:
    """Return the address in ASCII: UTF-8 percent-encoded, the host in IDNA. One that is ASCII stays what it is.

    Raises ValueError where there is no such address.
    """
    parts = urlsplit(url.strip())
    user, at, place = parts.netloc.rpartition("@")
    ascii_place = place if place.isascii() and "%" not in place else _ascii_place(place)
    netloc = f"{_quoted(user)}{at}{ascii_place}"
    if netloc == parts.netloc and not _ENCODED.search(url):
        return url
    return urlunsplit(
        (parts.scheme, netloc, _quoted(parts.path), _quoted(parts.query), _quoted(parts.fragment)),
    )


def _ascii_place(place: str) -> str:
    if place.startswith("["):
        return place  # an IPv6 address, perhaps with a zone
    host, colon, port = place.partition(":")
    return f"{_ascii_host(unquote(host))}{colon}{port}"


def _ascii_host(host: str) -> str:
    """Return the name as a resolver wants it. Labels that IDNA 2008 forbids (emoji) are encoded as browsers do."""
    labels = []
    for label in idna.uts46_remap(host, std3_rules=False, transitional=False).split("."):
        encoded = label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
        if len(encoded) > _CHARS_OF_A_LABEL:
            raise ValueError("a label of the host is too long")
        labels.append(encoded)
    name = ".".join(labels)
    if _ENCODED.search(name) or any(sign in name for sign in "/?#@:%[]\\"):
        raise ValueError("the host holds what no host holds")
    return name


def _quoted(text: str) -> str:
    return _ENCODED.sub(lambda match: "".join(f"%{byte:02X}" for byte in _wire_bytes(match[0])), text)


def _wire_bytes(sign: str) -> bytes:
    try:
        # Bytes that were no UTF-8 when they came (`surrogateescape`) go out as they came.
        return sign.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "\N{REPLACEMENT CHARACTER}".encode()
