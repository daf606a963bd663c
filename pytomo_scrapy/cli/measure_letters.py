"""`pytomo measure`: the letters of `pytomo crawl` that are about how a video is measured."""

from __future__ import annotations

import argparse

from pytomo_scrapy.cli.crawl_letters import LETTERS, add_letters, translate
from pytomo_scrapy.commands.measure import Command as MeasureCommand


class Command(MeasureCommand):
    """The Scrapy command `measure` with the letters in front; its exit codes too."""

    def syntax(self) -> str:
        return "[-D SECONDS] [-H] ... [--json] VIDEO"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        # Those that say which videos a crawl walks over mean nothing for one.
        add_letters(parser, [letter for letter in LETTERS if letter.setting is not None])

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        _, settings = translate(opts)
        # What is written out comes last and wins over a letter.
        opts.set = [f"{name}={value}" for name, value in settings.items()] + opts.set
        super().process_options(args, opts)
