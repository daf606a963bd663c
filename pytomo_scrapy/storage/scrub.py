"""What is stored of settings and texts: no secret, and nothing that a database cannot keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytomo_scrapy.items.secret_texts import (
    CREDENTIALS,
    MAX_DETAIL_CHARS,
    scrub,
    without_identity,
    without_signed_links,
)

__all__ = [
    "MAX_DETAIL_CHARS",
    "is_secret",
    "scrub",
    "storable",
    "without_identity",
    "without_secrets",
    "without_signed_links",
]

# `?password=` of a database's URL or `?sig=` of an address, in a value whose own name says nothing.
_SECRET_PARAMETER = re.compile(
    r"([?&;](?:l?sig|[\w.-]{0,40}(?:password|passwd|secret|token|key|signature)[\w.-]{0,40})=)[^&\s]*", re.IGNORECASE
)
_SECRET_NAME = re.compile(r"key|secret|password|passwd|token|cookie|auth|credential|webhook", re.IGNORECASE)


def storable(text: str) -> str:
    """Return what both databases can keep of a text: no NUL, no lone surrogate."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def is_secret(name: str) -> bool:
    """Tell by its name whether a value is a secret."""
    return _SECRET_NAME.search(name) is not None


def without_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings or arguments as JSON values, with credentials in URLs and the values of secret names removed."""
    return {str(name): _harmless(str(name), value) for name, value in settings.items()}


def _harmless(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_secret(name):
        return "[removed]" if value else value
    if isinstance(value, Mapping):
        return without_secrets(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_harmless(name, part) for part in value]
    return _SECRET_PARAMETER.sub(r"\1[removed]", CREDENTIALS.sub(r"\1[removed]@", str(value)))
