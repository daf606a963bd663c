"""What `server.py` imports before it forks: all that a command needs, and no event loop."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import is_dataclass
from importlib import import_module

from scrapy.settings import default_settings
from scrapy.utils.misc import load_object, walk_modules_iter

from pytomo_scrapy import addons, items
from pytomo_scrapy.items import codec
from pytomo_scrapy.storage.measurements import fitting

_SENT = ("pytomo_scrapy.config", "pytomo_scrapy.items", "pytomo_scrapy.measure")

for name in (
    *("alembic.autogenerate", "alembic.command", "alembic.ddl.postgresql", "alembic.ddl.sqlite"),
    *("rich.console", "rich.live", "rich.table", "sqlalchemy.dialects.sqlite.pysqlite"),
    "scrapy.cmdline",
    *(f"scrapy.core.downloader.handlers.{kind}" for kind in ("datauri", "file", "ftp", "http11", "s3")),
    *("scrapy.dupefilters", "scrapy.logformatter", "scrapy.pqueues", "scrapy.squeues", "scrapy.statscollectors"),
    *("encodings.charmap", "encodings.utf_16_le"),
    *("yt_dlp.extractor.extractors", "yt_dlp.extractor.lazy_extractors", "yt_dlp.extractor.youtube"),
):
    import_module(name)
for group in ("DOWNLOADER_MIDDLEWARES", "EXTENSIONS", "SPIDER_MIDDLEWARES"):
    for path in getattr(default_settings, f"{group}_BASE"):
        if path not in {*addons.OPTIONAL_EXTENSIONS.values(), *addons.OPTIONAL_MIDDLEWARES.values()}:
            load_object(path)
for name in (
    "analysis",
    "cli",
    "commands",
    "crawl",
    "exchange",
    "lab",
    "measure.media",
    "measure.playback",
    "measure.resolve",
    "measure.window",
    "pages",
    "pipelines",
    "reporting",
    "spiders",
    "storage",
):
    list(walk_modules_iter(f"pytomo_scrapy.{name}"))
list(walk_modules_iter("scrapy.commands"))
# What each process would read from the annotations of the results, and of what is sent to a measuring process.
for kind in vars(items).values():
    if is_dataclass(kind):
        fitting._fields_of(kind)
for module in [one for name, one in sys.modules.items() if name.startswith(_SENT)]:
    for kind in list(vars(module).values()):
        if isinstance(kind, type) and is_dataclass(kind):
            with suppress(NameError):  # of a name that only type checkers know
                codec._fields_of(kind)
# The expression of a day, which each process would compile at its first video.
time.strptime("20260101", "%Y%m%d")

# Scrapy chooses the reactor when a command starts.
assert "twisted.internet.reactor" not in sys.modules
