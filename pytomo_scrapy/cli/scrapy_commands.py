"""The commands of `pytomo`: the Scrapy commands of this project under their names here, run as Scrapy runs them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import NoReturn

from scrapy.cmdline import ScrapyArgumentParser
from scrapy.commands import ScrapyCommand
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import UsageError
from scrapy.settings import Settings
from scrapy.utils.project import get_project_settings

from pytomo_scrapy import commands
from pytomo_scrapy.cli.log_level import check_level
from pytomo_scrapy.commands import refuse
from pytomo_scrapy.items.near_words import did_you_mean
from pytomo_scrapy.storage.named_database import url_of

# In the order of the help: what is run daily first. Commands that are not named here follow by name.
_ORDER = (
    "crawl",
    "measure",
    "serve",
    "report",
    "export",
    "import-legacy",
    "replay",
    "explain",
    "plot",
    "doctor",
    "settings",
    "failures",
    "lab",
    "db",
)
# Commands of another name than their module in pytomo_scrapy.commands, or of another face than under `scrapy`. The web
# page's is `serve` here, as Pytomo 3's was `start_server`.
_MODULES = {
    "crawl": "pytomo_scrapy.cli.crawl_letters",
    "lab": "pytomo_scrapy.cli.lab_entry",
    "measure": "pytomo_scrapy.cli.measure_letters",
    "serve": "pytomo_scrapy.commands.dashboard",
    "completion": "pytomo_scrapy.cli.completion",
}


class OneSentenceParser(ScrapyArgumentParser):
    """A parser that refuses in one sentence. It is Scrapy's: `-o -:jsonlines` is a value to it, not an option."""

    def error(self, message: str) -> NoReturn:
        refuse(f"{message.removeprefix('argument ')} ({self.prog} -h explains the options)")


@cache
def names() -> tuple[str, ...]:
    """Return the commands' names: one for each module of pytomo_scrapy.commands, and the shell completion."""
    found = {one.name.replace("_", "-") for one in iter_modules(commands.__path__)} - {"dashboard"} | set(_MODULES)
    return tuple(sorted(found, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)))


def make_command(name: str) -> ScrapyCommand:
    """Return the command of that name."""
    module = _MODULES.get(name, f"pytomo_scrapy.commands.{name.replace('-', '_')}")
    command: ScrapyCommand = import_module(module).Command()
    return command


def listing() -> str:
    """Return a line for each command."""
    return "\n".join(f"  {name:<14} {make_command(name).short_desc()}" for name in names())


def make_parser(name: str, command: ScrapyCommand, settings: Settings) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = OneSentenceParser(
        prog=f"pytomo {name}",
        usage=f"pytomo {name} {command.syntax()}".rstrip(),
        description=command.long_desc(),
        conflict_handler="resolve",
        allow_abbrev=False,
    )
    fill_parser(parser, command, settings)
    return parser


def fill_parser(parser: argparse.ArgumentParser, command: ScrapyCommand, settings: Settings) -> None:
    """Add the command's options, and ours that all share."""
    parser.add_argument(
        "--database", dest="database_url", metavar="DB", help="SQLite file or database URL (PYTOMO_DATABASE_URL)"
    )
    command.settings = settings
    command.add_options(parser)


def root_parser() -> argparse.ArgumentParser:
    """Return one parser that knows every command, for the completion; commands are run by their own."""
    root = argparse.ArgumentParser(prog="pytomo")
    below = root.add_subparsers()
    settings = get_project_settings()
    for name in names():
        command = make_command(name)
        parser = below.add_parser(name, help=command.short_desc(), conflict_handler="resolve")
        fill_parser(parser, command, settings)
    return root


def run_command(name: str, words: list[str], begin: Callable[[], None] | None = None) -> int:
    """Run a command with its words, and `begin` just before it. Returns its exit code."""
    command = make_command(name)
    settings = get_project_settings()
    settings.setdict(command.default_settings, priority="command")
    parser = make_parser(name, command, settings)
    opts, args = _parse(parser, name, words, takes_all_words=getattr(command, "takes_all_words", False))
    check_level(opts)
    if opts.database_url is not None:
        settings.set("PYTOMO_DATABASE_URL", url_of(opts.database_url), "cmdline")
    try:
        command.process_options(args, opts)
        if command.requires_crawler_process:
            command.crawler_process = AsyncCrawlerProcess(settings)
        if begin is not None:
            begin()
        command.run(args, opts)
    except UsageError as error:
        refuse(str(error) or f"That is not how `pytomo {name}` is used: pytomo {name} -h explains it.")
    return command.exitcode


def _parse(
    parser: argparse.ArgumentParser, name: str, words: list[str], *, takes_all_words: bool = False
) -> tuple[argparse.Namespace, list[str]]:
    """Parse options; what follows `--` is never one, so that a video's id may begin with a dash."""
    ahead, behind = words, []
    if "--" in words and not takes_all_words:
        place = words.index("--")
        ahead, behind = words[:place], words[place + 1 :]
    opts, args = parser.parse_known_args(ahead)
    for word in args:
        if word.startswith("-") and word != "-":
            known = [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
            meant = did_you_mean(word.partition("=")[0], known, otherwise=f"pytomo {name} -h lists them.")
            refuse(f"{word} is not an option of `pytomo {name}`: {meant}")
    return opts, [*args, *behind]
