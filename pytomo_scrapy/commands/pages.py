"""`scrapy pages FILE ...`: what the parsers see in a saved page or API answer."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, PipedCommand, refuse
from pytomo_scrapy.items.foreign_text import printable
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.pages import ParsedPage, parse_page

_TITLE_CHARACTERS = 100


class Command(PipedCommand, ScrapyCommand):
    """Exit code 0, also where a page could not be used (its object says so); 3 if a file cannot be read."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "[--json] FILE ..."

    def short_desc(self) -> str:
        return "Show what the parsers see in saved pages or API answers: kind, shape, videos in order, continuation"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="print one JSON object a file, a line each"
        )
        parser.add_argument("--url", help="the address that the pages came from, where their text says too little")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args:
            refuse("Name at least one file: pytomo pages FILE ...")
        for name in args:
            try:
                content = Path(name).read_bytes()
            except OSError as error:
                print(f"{name} cannot be read: {error.strerror}.", file=sys.stderr)
                # The files that follow are shown all the same: one is often a wildcard's.
                self.exitcode = EXIT_FAILED
                continue
            page = parse_page(content, opts.url)
            print(_as_json(page) if opts.as_json else _as_text(name, page))


def _as_json(page: ParsedPage) -> str:
    # As few facts as a report of a page that is not understood needs, and no title or account of anybody.
    return json.dumps(
        {
            "kind": page.kind,
            "shape": page.shape,
            "videos": [video.video_id for video in page.videos],
            "continuation": page.continuation,
            "failure": page.failure,
            "failure_detail": page.failure_detail,
        }
    )


def _as_text(name: str, page: ParsedPage) -> str:
    shape = f" ({page.shape})" if page.shape else ""
    lines = [f"{name}: {page.kind}, {counted(len(page.videos), 'video')}{shape}"]
    if page.failure:
        lines.append(f"  failure: {page.failure} ({printable(page.failure_detail or '')})")
    for number, video in enumerate(page.videos, start=1):
        marks = [mark for mark, is_so in (("live", video.is_live), ("upcoming", video.is_upcoming)) if is_so]
        lines.append(
            f"  {number:3} {video.video_id} {printable(video.title or '-', _TITLE_CHARACTERS)}"
            + "".join(f" [{m}]" for m in marks)
        )
    lines.append(f"  continuation: {printable(page.continuation or 'none', _TITLE_CHARACTERS)}")
    return "\n".join(lines)
