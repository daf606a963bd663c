"""`pytomo db`: bring a database to this version's schema, tell which it has, or copy all of it into another."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import DatabaseCommand, refuse
from pytomo_scrapy.items.in_words import counted


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 done, 2 usage, 3 the database cannot be used."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "upgrade | revision | copy TARGET"

    def short_desc(self) -> str:
        return "Bring a database to this version's schema, tell which it has, or copy it (SQLite to PostgreSQL or back)"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.analysis.columnar.hooks import pack_after_migration
        from pytomo_scrapy.storage import migrate
        from pytomo_scrapy.storage.reading import revision_at

        if args[:1] == ["copy"] and len(args) == 2:
            self._copy(args[1], is_json=opts.json)
            return
        if args not in (["upgrade"], ["revision"]):
            refuse("Say what to do: db upgrade, db revision, or db copy FILE_OR_URL.")
        # Before the database is opened, which brings it up to date.
        with self.refusals():
            before = revision_at(self.load_config().database_url)
        if args == ["revision"]:
            told = {"schema": before, "schema_of_this_version": migrate.HEAD}
            print(json.dumps(told) if opts.json else f"{before or 'none'} (this version's is {migrate.HEAD})")
            return
        with self.opened_database(pack_after_migration) as database:
            told = {"database": database.shown_url, "schema_before": before, "schema": migrate.HEAD}
            text = f"{database.shown_url}: schema {before or 'none'} -> {migrate.HEAD}"
            print(json.dumps(told) if opts.json else text)

    def _copy(self, where: str, *, is_json: bool) -> None:
        """Copy the database of the settings into the one named, which is created if need be."""
        from pytomo_scrapy.analysis.columnar.sealing import seal_all
        from pytomo_scrapy.exchange.database_copy import copy_database
        from pytomo_scrapy.storage.database import open_database
        from pytomo_scrapy.storage.named_database import url_of

        def tell(name: str, rows: int) -> None:
            if not is_json and rows:
                print(f"{name}: {counted(rows, 'row')}", flush=True)

        with self.read_database() as source, closing(open_database(url_of(where))) as target:
            counts = copy_database(source, target, tell)
            # Blocks of figures are derived, and not copied: without them the page would read every row.
            seal_all(target)
            told = {"from": source.shown_url, "to": target.shown_url, "row_counts": counts}
            total = counted(sum(counts.values()), "row")
            print(json.dumps(told) if is_json else f"{target.shown_url} holds {total}, counted in every table.")
