"""`scrapy lab`: run any command inside the offline lab, keep the lab running, or list what it holds."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from pytomo_scrapy.commands import EXIT_FAILED, EXIT_INTERRUPTED, PipedCommand, refuse

if TYPE_CHECKING:
    from pytomo_scrapy.lab.servers import LabOptions


class Command(PipedCommand, ScrapyCommand):
    """Everything after the command's name belongs to that command, its options too."""

    requires_project = False
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}
    takes_all_words = True  # what follows `--` too: it is of the command inside
    entry: ClassVar[Sequence[str] | None] = None  # what runs the words in the lab; None for Scrapy's own command

    def syntax(self) -> str:
        return "[--world W] [--seed N] [other lab options] COMMAND ... | serve | list"

    def short_desc(self) -> str:
        return "Run a command in the offline lab: the service, media hosts and name servers, all on this machine"

    def long_desc(self) -> str:
        return f"{self.short_desc()}. `serve` keeps it running and prints what points a client to it; `list` shows it."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        _add_lab_options(parser)
        parser.add_argument(
            "words", nargs=argparse.REMAINDER, metavar="COMMAND", help="a Scrapy command, serve or list"
        )
        parser.set_defaults(profile=None)

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.lab.servers import LabOptions

        # argparse leaves here what it took for an option of the lab and did not know.
        if args:
            raise UsageError(
                f"{args[0]} is no option of `lab`: options of a command come after its name.", print_help=False
            )
        if not opts.words:
            raise UsageError("Name a command to run in the lab, such as `pytomo lab crawl -u 5`.", print_help=False)
        if opts.words[0] in {"serve", "list"}:
            # Here the options may also come last: no other command is there to take them.
            parser = argparse.ArgumentParser(prog=f"pytomo lab {opts.words[0]}")
            _add_lab_options(parser)
            if opts.words[0] == "list":
                parser.add_argument("--json", action="store_true", help="print one JSON object")
            parser.parse_args(opts.words[1:], opts)
        guests = {name: getattr(opts, name) for name in _GUEST_OPTIONS}
        self._options = LabOptions(opts.world, opts.seed, opts.clip_ratio, dict(opts.rate), **guests)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.lab.launcher import SCRAPY_COMMAND, run_in_lab
        from pytomo_scrapy.lab.listing import describe_lab, lab_record
        from pytomo_scrapy.lab.servers import LabError, make_world

        try:
            world = make_world(self._options)
        except LabError as error:
            refuse(error)
        try:
            if opts.words[0] == "list":
                print(json.dumps(lab_record(world)) if opts.json else describe_lab(world))
            elif opts.words[0] == "serve":
                _serve(self._options)
            else:
                self.exitcode = run_in_lab(self._options, opts.words, self.entry or SCRAPY_COMMAND)
        except LabError as error:
            refuse(error, EXIT_FAILED)
        except KeyboardInterrupt:
            self.exitcode = EXIT_INTERRUPTED


_GUEST_OPTIONS = ("gated_share", "gate_bytes", "gate_media_s", "bot_check_share")


def _add_lab_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Lab options")
    group.add_argument("--world", default="default", help="which world to serve (default: default)")
    group.add_argument(
        "--seed", type=int, default=0, help="another graph, other titles and views, other draws (default: 0)"
    )
    group.add_argument(
        "--clip-ratio", type=_positive, default=None, metavar="R", help="every media host at R times its clip's rate"
    )
    group.add_argument(
        "--rate", type=_host_rate, action="append", default=[], metavar="HOST=BPS", help="one media host at BPS bit/s"
    )
    group.add_argument(
        "--gated-share",
        type=_share,
        metavar="SHARE",
        help="share of guests (without a bot check) whose media are cut off, 0 to 1",
    )
    group.add_argument(
        "--gate-bytes", type=_count, metavar="N", help="where a gated identity is cut off in each file: at byte N"
    )
    group.add_argument(
        "--gate-media-s", type=_positive, metavar="S", help="the same, at S seconds of media; what comes first counts"
    )
    group.add_argument(
        "--bot-check-share", type=_share, metavar="SHARE", help="share of guest identities that get a bot check, 0 to 1"
    )


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _host_rate(text: str) -> tuple[str, float]:
    host, equals, rate = text.rpartition("=")
    if not equals or not host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST=BPS, such as rr1---sn-25ge7nsk=2e6")
    return host, _positive(rate)


def _serve(options: LabOptions) -> None:
    from pytomo_scrapy.lab.launcher import running_lab
    from pytomo_scrapy.lab.servers import LabError

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    # As a supervisor ends it: what the lab holds is cleared away as after Ctrl-C.
    signal.signal(signal.SIGTERM, stop)
    with running_lab(options) as lab:
        try:
            print(f"# The lab serves world {options.world!r} until Ctrl-C. In another shell of this project:")
            for name, value in sorted(lab.endpoints.environment().items()):
                print(f"export {name}={shlex.quote(value)}")
            sys.stdout.flush()
            lab.wait_until_it_ends()
        except KeyboardInterrupt:
            return
    raise LabError(f"The lab's servers (world {options.world!r}) ended by themselves; process {os.getpid()} ends too.")
