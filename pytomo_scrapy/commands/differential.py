"""`scrapy differential VIDEO`: does this line treat the service by its name?"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, DatabaseCommand, refuse

if TYPE_CHECKING:
    from pytomo_scrapy.config import Config
    from pytomo_scrapy.crawl.differential_run import Onlooker
    from pytomo_scrapy.pages.urls import VideoRef
    from pytomo_scrapy.storage.differential_store import StoredTest


class Command(DatabaseCommand, ScrapyCommand):
    """Exit codes: 0 measured, whatever the verdict; 2 usage, or no consent; 3 nothing could be measured or stored."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[--consent] [--json] VIDEO | --list | --again TEST"

    def short_desc(self) -> str:
        return (
            "Test whether this line treats the service by its name in TLS (off until you consent: docs/differential.md)"
        )

    def long_desc(self) -> str:
        return (
            f"{self.short_desc()}. Fetches the same bytes of a video from the same address in pairs of windows: under "
            "the service's own name, and under a neutral one. Read docs/differential.md first: what it sends may not "
            "be allowed where you are."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--consent", action="store_true", help="you have read docs/differential.md, and may do it")
        parser.add_argument("--list", action="store_true", help="show the tests that are stored, and measure nothing")
        parser.add_argument("--again", metavar="TEST", type=int, help="judge a stored test by this version's method")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if opts.list or opts.again is not None:
            if args or (opts.list and opts.again is not None):
                refuse("--list and --again TEST measure nothing: name no video, and one of the two.")
            self._show([self._judged_again(opts.again)] if opts.again is not None else self._listed(), opts.json)
            return
        # In the order in which a user can mend it: the link, the settings, and then what a test asks of the user.
        video = _video(args)
        with self.refusals():
            config = self.load_config()
            if opts.consent:
                config = replace(config, differential=replace(config.differential, has_consent=True))
            from pytomo_scrapy.crawl.differential_run import demand_consent

            demand_consent(config)
        self._show([self._measured(video, config)], opts.json)

    def _measured(self, video: VideoRef, config: Config) -> StoredTest:
        from pytomo_scrapy.crawl.differential_run import run_test
        from pytomo_scrapy.failures import MeasurementError, advice_on

        with self.opened_database() as database:
            try:
                return run_test(video, config, database, _onlooker())
            except MeasurementError as error:
                advice = advice_on(error.failure) or ""
                refuse(f"This video cannot be fetched in pairs: {error}. {advice}".rstrip(), EXIT_FAILED)

    def _judged_again(self, number: int) -> StoredTest:
        from pytomo_scrapy.crawl.differential_run import judge_again

        with self.opened_database() as database:
            found = judge_again(database, number)
        if found is None:
            refuse(f"There is no differential test {number}: --list shows those that are stored.")
        return found

    def _listed(self) -> list[StoredTest]:
        from pytomo_scrapy.storage.differential_store import read_tests

        with self.read_database() as database, database.read() as connection:
            return read_tests(connection)

    def _show(self, tests: list[StoredTest], is_json: bool) -> None:
        from pytomo_scrapy.reporting.differential_text import differential_lines

        if is_json:
            print(json.dumps([_plain(one) for one in tests]))
        elif not tests:
            print("No differential test is stored.")
        else:
            print("\n\n".join("\n".join(differential_lines(one.id, one.test)) for one in tests))


def _video(args: list[str]) -> VideoRef:
    from pytomo_scrapy.pages.urls import parse_video_url

    if len(args) != 1:
        refuse("Name one video: pytomo differential --consent VIDEO")
    try:
        return parse_video_url(args[0])
    except ValueError as error:
        refuse(error)


def _onlooker() -> Onlooker:
    """Return who tells on the standard error how the test goes on: results alone are printed."""
    from pytomo_scrapy.analysis.differentiation.paired import LEAST_PAIRS
    from pytomo_scrapy.crawl.differential_run import Onlooker
    from pytomo_scrapy.items import NamedWindow
    from pytomo_scrapy.measure.comparing.named_fetch import FetchPlan
    from pytomo_scrapy.reporting.differential_text import window_line

    # Not by print: standard output holds the result alone, for whoever reads its JSON.
    def say(sentence: str) -> None:
        sys.stderr.write(f"{sentence}\n")

    def begins(media: FetchPlan) -> None:
        say(f"{LEAST_PAIRS} pairs from {media.target.host} ({media.address}); their spread says how many are needed.")

    def needs(count: int, most: int) -> None:
        bound = "" if count <= most else f", of which PYTOMO_DIFFERENTIAL_MOST_PAIRS={most} allows {most}"
        say(f"By the spread of these pairs, {count} find the smallest slow-down that is looked for{bound}.")

    def measured(window: NamedWindow) -> None:
        say(window_line(window))

    return Onlooker(begins, measured, needs, waits=say)


def _plain(stored: StoredTest) -> dict[str, Any]:
    from pytomo_scrapy.items.codec import to_plain
    from pytomo_scrapy.items.stored import flat

    values = {name: to_plain(value) for name, value in flat(stored.test).items()}
    return {"id": stored.id, **values, "windows": [to_plain(flat(window)) for window in stored.windows]}
