"""An item as it leaves the pipelines, for a feed for example: without what the database never stores."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from pytomo_scrapy.items import MediaFormat, VideoItem
from pytomo_scrapy.items.sabr_source import SabrSource
from pytomo_scrapy.storage.measurements.fitting import fit
from pytomo_scrapy.storage.measurements.rows import scrub_deeply
from pytomo_scrapy.storage.measurements.save_details import private_addresses
from pytomo_scrapy.storage.scrub import scrub

# What is not one of these may hold something below it that must go.
_AS_THEY_ARE = frozenset((types.NoneType, bool, int, float, str, datetime))


def published(item: VideoItem, *, keeps_client_address: bool) -> VideoItem:
    """Return the item without signed parts of URLs, request headers, and, unless it is wanted, the client's address."""
    item, _ = fit(item)
    private = () if keeps_client_address else private_addresses(item)
    cleaned: VideoItem = _cleaned(item, private, keeps_client_address)
    return cleaned


def _cleaned(result: Any, private: tuple[str | None, ...], keeps_client_address: bool) -> Any:
    changes: dict[str, Any] = {}
    for field in fields(result):
        name, value = field.name, getattr(result, field.name)
        # Headers hold cookies, and a part's address is signed like the whole: nothing of either is of use later.
        if name == "http_headers":
            changes[name] = {}
        elif name == "parts" and isinstance(result, MediaFormat):
            changes[name] = ()
        elif name == "client_address":
            changes[name] = value if keeps_client_address else None
        elif name == "url" and isinstance(result, MediaFormat):
            changes[name] = scrub(value)
        elif name.endswith("failure_detail"):
            changes[name] = scrub(value, private)
        elif type(value) not in _AS_THEY_ARE:
            changes[name] = _cleaned_part(value, private, keeps_client_address)
    return replace(result, **changes) if changes else result


def _cleaned_part(value: Any, private: tuple[str | None, ...], keeps_client_address: bool) -> Any:
    if isinstance(value, SabrSource):
        return None  # an address and a configuration that the service signed for this client, and nothing else
    if isinstance(value, Mapping):
        return scrub_deeply(value, private)
    if is_dataclass(value):
        return _cleaned(value, private, keeps_client_address)
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return tuple(_cleaned(part, private, keeps_client_address) for part in value)
    return value
