"""`pytomo completion SHELL`: a script that completes commands and options."""

from __future__ import annotations

import argparse
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.utils.project import get_project_settings

from pytomo_scrapy import cli_commands
from pytomo_scrapy.commands import refuse

_SHELLS = ("bash", "zsh", "tcsh")


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
        print(shtab.complete(root_parser(), shell=args[0]))


def root_parser() -> argparse.ArgumentParser:
    """Return one parser that knows every command; commands are run by their own."""
    root = argparse.ArgumentParser(prog="pytomo")
    below = root.add_subparsers()
    settings = get_project_settings()
    for name in cli_commands.names():
        command = cli_commands.make_command(name)
        parser = below.add_parser(name, help=command.short_desc(), conflict_handler="resolve")
        cli_commands.fill_parser(parser, command, settings)
    return root
