"""An item as it leaves the pipelines, for a feed for example: without what the database never stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from pytomo_scrapy.items import MediaFormat, VideoItem
from pytomo_scrapy.storage.measurements.fitting import fit
from pytomo_scrapy.storage.measurements.rows import scrub_deeply
from pytomo_scrapy.storage.measurements.save_details import private_addresses
from pytomo_scrapy.storage.scrub import scrub


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
        elif isinstance(value, Mapping):
            changes[name] = scrub_deeply(value, private)
        elif is_dataclass(value):
            changes[name] = _cleaned(value, private, keeps_client_address)
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            changes[name] = tuple(_cleaned(part, private, keeps_client_address) for part in value)
    return replace(result, **changes)
