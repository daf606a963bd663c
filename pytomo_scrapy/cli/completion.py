"""`pytomo completion SHELL`: a script that completes commands and options."""

from __future__ import annotations

import argparse
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.cli.scrapy_commands import root_parser
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
