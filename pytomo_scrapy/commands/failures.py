"""`scrapy failures [CLASS ...]`: what a class of failure means, whose fault it is, and what to do."""

from __future__ import annotations

import argparse
import json
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import PipedCommand, refuse
from pytomo_scrapy.failures import FAILURES, advice_on
from pytomo_scrapy.items.near_words import did_you_mean


class Command(PipedCommand, ScrapyCommand):
    """Exit code 2 for a class that there is not."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "[--json] [CLASS ...]"

    def short_desc(self) -> str:
        return "Explain classes of failure: whose fault, what it means, what to do"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON list")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        for name in args:
            # All words before anything is printed: half an answer would look whole in a pipe.
            if name not in FAILURES:
                meant = did_you_mean(name, FAILURES)
                refuse(f"{name!r} is no class of failure{f': {meant}' if meant else '.'}")
        # In the order of the table, by stage, as the documents have them.
        classes = [FAILURES[name] for name in args or FAILURES]
        if opts.json:
            names = ("name", "attribution", "meaning", "advice")
            told = [(one.name, one.attribution, one.meaning, advice_on(one.name)) for one in classes]
            print(json.dumps([dict(zip(names, values, strict=True)) for values in told]))
            return
        from pytomo_scrapy.reporting.terminal import escape, make_console, say

        console = make_console()
        for one in classes:
            say(console, f"[bold]{one.name}[/bold] ({one.attribution}): {escape(one.meaning)}")
            say(console, f"  {escape(advice_on(one.name))}")
