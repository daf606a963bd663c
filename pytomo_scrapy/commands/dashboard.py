"""`scrapy dashboard [PORT]`: the web page over a database or a directory of them."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.settings import SETTINGS_PRIORITIES

from pytomo_scrapy.commands import DatabaseCommand


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 ended by Ctrl-C, 2 an address or port that cannot be used, 3 no such database."""

    requires_project = False
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "[-f DB] [-d DIR] [--host ADDRESS] [--token TOKEN] [--token-file FILE] [-v] [PORT]"

    def short_desc(self) -> str:
        return "Serve the web page with graphs, on 127.0.0.1:5555 unless told otherwise"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        group = parser.add_argument_group("Web page")
        group.add_argument("-f", dest="database", metavar="DB", help="SQLite file or database URL to show")
        group.add_argument("-d", dest="directory", metavar="DIR", help="folder whose databases form the archive")
        group.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        group.add_argument("--token", help="what visitors must give; beyond this machine one is made up otherwise")
        group.add_argument(
            "--token-file", metavar="FILE", help="file that holds the token: other users see a command line"
        )
        group.add_argument("-v", dest="verbose", action="store_true", help="log every request")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        # Imported late: Scrapy imports every command's module to list them.
        from pytomo_scrapy.dashboard import server
        from pytomo_scrapy.dashboard.choice import check_is_there, choose_databases

        if len(args) > 1:
            raise UsageError("Give one port at most: pytomo serve 5555", print_help=False)
        assert self.settings is not None
        with self.refusals():
            port = server.DEFAULT_PORT if not args else server.read_port(args[0])
            config = self.load_config()
            url = config.database_url
            # The name of nobody's choice has no priority yet: no add-on has set the defaults.
            priority = self.settings.getpriority("PYTOMO_DATABASE_URL")
            if priority == SETTINGS_PRIORITIES["cmdline"] and not (opts.database or opts.directory):
                check_is_there(url)
            folder = Path(opts.directory) if opts.directory else None
            choice = choose_databases(url, opts.database, folder, is_default=priority is None)
            server.serve(
                choice,
                host=opts.host,
                port=port,
                token=server.read_token(opts.token, Path(opts.token_file) if opts.token_file else None),
                is_verbose=opts.verbose,
                grade=config.grade,
                # Whoever supervises it reads where it listens while it runs.
                tell=partial(print, flush=True),
            )
