"""As much of Scrapy's crawler as an extension, a pipeline and a spider are built from."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from pytomo_scrapy.crawl.context import CrawlContext
from pytomo_scrapy.storage.database import open_database


class Stats(dict[str, Any]):
    def set_value(self, key: str, value: Any) -> None:
        self[key] = value

    def inc_value(self, key: str) -> None:
        self[key] = self.get(key, 0) + 1


class Signals:
    """Notes who listens to what, by the names of the part and its method."""

    def __init__(self) -> None:
        self.heard: dict[object, list[str]] = {}

    def connect(self, receiver: Any, signal: object) -> None:
        owner = type(getattr(receiver, "__self__", None)).__name__
        self.heard.setdefault(signal, []).append(f"{owner}.{receiver.__name__}")

    def send_catch_log(self, signal: object, **sent: object) -> None:
        """Call nobody."""


class FakeCrawler:
    """A crawler whose one extension, if any, is the context."""

    spider: object = None

    def __init__(self, **settings: object) -> None:
        self.settings, self.stats, self.signals = settings, Stats(), Signals()
        self.extension: CrawlContext | None = None

    def get_extension(self, kind: type) -> CrawlContext | None:
        return self.extension


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        open_database(f"sqlite:///{path}").close()
        return path.read_bytes()


def sqlite_in(folder: Path) -> str:
    """Return the URL of the folder's database, whose tables are there already: their making takes a second."""
    path = folder / "x.db"
    if not path.exists():
        path.write_bytes(_empty_database())
    return f"sqlite:///{path}"
