"""`scrapy import_legacy FILE.db ...`: take in databases of Pytomo 3."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, DatabaseCommand, refuse
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.items.in_words import counted

if TYPE_CHECKING:
    from pytomo_scrapy.exchange.legacy_import import Imported
    from pytomo_scrapy.storage.database import Database


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 done (unreadable rows are counted and told), 2 usage, 3 a file or the database cannot be used."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "[--json] FILE.db ..."

    def short_desc(self) -> str:
        return "Take in databases of Pytomo 3; a row that is there already is not taken twice"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object for each table")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args:
            refuse("Name at least one database of Pytomo 3: import-legacy FILE.db")
        with self.refusals():
            self.load_config()
        # Before a database is opened: it would be a new one that nothing comes into.
        if not any(Path(name).is_file() for name in args):
            refuse("\n".join(f"{name} is not a file." for name in args), EXIT_FAILED)
        with self.opened_database() as database:
            for name in args:
                # One file that cannot be used does not keep the others out.
                try:
                    self._import(database, Path(name), is_json=opts.json)
                except StorageError as error:
                    sys.stderr.write(f"{error}\n")
                    self.exitcode = EXIT_FAILED

    def _import(self, database: Database, path: Path, *, is_json: bool) -> None:
        from pytomo_scrapy.exchange.legacy_import import import_legacy

        for table in import_legacy(database, path):
            if is_json:
                # A Counter does not survive `asdict`: its items become keys.
                told = {"unreadable": dict(table.unreadable), "unreadable_count": table.unreadable_count}
                print(json.dumps(asdict(table) | told))
            else:
                print(_told(table))


def _told(table: Imported) -> str:
    lines = [
        f"{table.file_name}, {table.table_name}: {table.row_count} new rows, {table.known_count} known, "
        f"{table.unreadable_count} unreadable"
    ]
    lines += [f"  {counted(count, 'row')}: {reason}" for reason, count in table.unreadable.most_common()]
    if table.ignored_columns:
        lines.append(f"  columns that are not known and were left out: {', '.join(table.ignored_columns)}")
    return "\n".join(lines)
