"""`pytomo completion SHELL`: a script that completes commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy import config
from pytomo_scrapy.cli.log_level import LEVELS
from pytomo_scrapy.cli.scrapy_commands import root_parser
from pytomo_scrapy.commands import refuse
from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.spiders.arguments import TIME_FRAMES

_SHELLS = ("bash", "zsh", "fish", "tcsh")


class Command(ScrapyCommand):
    """Exit code 2 for another shell."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "|".join(_SHELLS)

    def short_desc(self) -> str:
        return 'Print a completion script: eval "$(pytomo completion bash)"'

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        import shtab

        if len(args) != 1 or args[0] not in _SHELLS:
            refuse(f"Name one shell: pytomo completion {'|'.join(_SHELLS)}")
        # From the parsers themselves: a script that is written by hand is wrong with the next option.
        root = root_parser()
        for name, parser in _commands_of(root):
            _offer(name, parser)
        print(shtab.complete(root, shell=args[0]))


def _commands_of(root: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    # argparse tells nobody its subcommands; shtab itself reads them in this way.
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _offer(command: str, parser: argparse.ArgumentParser) -> None:
    """Give the parser of a command the words to choose from, which commands check by themselves."""
    from pytomo_scrapy.lab.world import world_names
    from pytomo_scrapy.measure.playback.simulation import PLAYERS

    words: dict[str, Iterable[str]] = {
        "set": [f"{name}=" for name in config.BY_NAME],
        "player": PLAYERS,
        "world": world_names(),
        "letter_t": TIME_FRAMES,
        "loglevel": LEVELS,
    }
    for action in parser._actions:
        if action.dest in words and action.option_strings:
            # Only for the script: commands name what would be right in a sentence of their own, with near matches.
            action.choices = list(words[action.dest])
    if command == "failures":
        parser.add_argument("classes", nargs="*", choices=list(FAILURES), metavar="CLASS")
    if command == "completion":
        parser.add_argument("shell", choices=_SHELLS)
