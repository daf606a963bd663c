"""`pytomo crawl`: the letters of Pytomo 3, translated to spider arguments and settings."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy import config
from pytomo_scrapy.commands import refuse
from pytomo_scrapy.commands.crawl import Command as CrawlCommand

# Above this nobody means seconds: the -B of Pytomo 3 was labelled seconds and took milliseconds (default 2000).
_LONGEST_BUFFER_S = 100.0
_SERVICES = ("youtube", "dailymotion")


@dataclass(frozen=True, slots=True)
class Letter:
    """One option of Pytomo 3: the spider argument or the setting that it sets. `value` None: as given."""

    flags: tuple[str, ...]
    argument: str | None
    setting: str | None
    help: str
    metavar: str | None = None
    value: str | None = None
    read: Callable[[str], str] = str

    @property
    def dest(self) -> str:
        """Return where the parser keeps it."""
        return "letter_" + self.flags[0].strip("-").replace("-", "_")


def _buffer_s(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text  # the setting's own check says what would be right
    if not _LONGEST_BUFFER_S < number < math.inf:
        return text
    sys.stderr.write(f"-B {text} is read as milliseconds: {number / 1000:g} s of media before playback starts.\n")
    return f"{number / 1000:g}"


def _high_definition() -> str:
    return str(config.BY_NAME["PYTOMO_FORMAT"].default).replace("height<=720", "height<=1080")


LETTERS: tuple[Letter, ...] = (
    Letter(("-r",), "max_rounds", None, "depth of the walk; 1 measures the first videos only", "MAX_ROUNDS"),
    Letter(("-l", "--loop"), "loop", None, "measure again, as a new pass, when all is done", value="1"),
    Letter(("--no-loop",), "loop", None, "end when all is done (the default)", value="0"),
    Letter(("-u",), "max_crawled_url", None, "videos to measure at most", "MAX_CRAWLED_URL"),
    Letter(("-p",), "max_per_url", None, "related videos drawn from each page", "MAX_PER_URL"),
    Letter(("-P",), "max_per_page", None, "videos considered from each page", "MAX_PER_PAGE"),
    Letter(("-t",), "time_frame", None, "popular videos of: today, week, month, all_time", "TIME_FRAME"),
    Letter(("-R", "--no-related"), "related", None, "only the first videos: no related ones", value="0"),
    Letter(("--related",), "related", None, "related videos too (the default)", value="1"),
    Letter(("-f", "--input-file"), "input_file", None, "videos to start from, a line each; - reads stdin", "FILE"),
    Letter(("-n",), None, "PYTOMO_PING_PACKETS", "probes of each ping", "PING_PACKETS"),
    Letter(("-D",), None, "PYTOMO_DOWNLOAD_WINDOW_S", "length of the download window in seconds", "DOWNLOAD_TIME"),
    Letter(
        ("-B",),
        None,
        "PYTOMO_PLAYBACK_INITIAL_BUFFER_S",
        "media in seconds before playback starts; above 100 read as milliseconds",
        "INITIAL_PLAYBACK_DURATION",
        read=_buffer_s,
    ),
    Letter(
        ("-M",), None, "PYTOMO_PLAYBACK_MIN_BUFFER_S", "media in seconds below which it stalls", "MIN_PLAYOUT_BUFFER"
    ),
    Letter(("-S",), None, "PYTOMO_PACE_S", "least time between the starts of two videos in seconds", "DELAY"),
    Letter(("-x", "--no-log-ip"), None, "PYTOMO_STORE_PUBLIC_IP", "do not store the public address", value="0"),
    Letter(("--http-proxy",), None, "PYTOMO_HTTP_PROXY", "proxy for pages, resolution and media", "PROXY"),
    Letter(("--provider",), None, "PYTOMO_PROVIDER", "name of the Internet provider", "PROVIDER"),
    Letter(
        ("--download-extra-dns",),
        None,
        "PYTOMO_DOWNLOAD_ALL_ADDRESSES",
        "download from every address that any resolver gave",
        value="1",
    ),
    Letter(("-H", "--hd"), None, "PYTOMO_FORMAT", "up to 1080p instead of 720p", value=_high_definition()),
)
_GONE = {
    ("-c", "--centralise"): "-c is gone: let all vantage points write to one PostgreSQL database, or send exports.",
    ("--snmp",): "--snmp is gone: `pytomo serve` gives the figures to Prometheus at /metrics.",
}


class Command(CrawlCommand):
    """The Scrapy command `crawl` with the letters in front; its exit codes too."""

    def syntax(self) -> str:
        return "[-u N] [-r N] [-t TIME_FRAME] [-D SECONDS] ... [-s SERVICE] [VIDEO ...]"

    def short_desc(self) -> str:
        return "Measure popular videos, or those that are named, and what is related to them"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_letters(parser, LETTERS)
        parser.add_argument(
            "-s", "--set", action="append", default=[], metavar="SERVICE|NAME=VALUE", help="youtube, or any setting"
        )
        for place, flags in enumerate(_GONE):
            parser.add_argument(*flags, dest=f"gone_{place}", action="store_true", help=argparse.SUPPRESS)

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        for place, sentence in enumerate(_GONE.values()):
            if getattr(opts, f"gone_{place}"):
                refuse(sentence)
        service, opts.set = _service(args, opts.set)
        arguments, settings = translate(opts)
        # What is written out (-a, -s NAME=VALUE) comes last and wins over a letter.
        opts.spargs = [f"{name}={value}" for name, value in arguments.items()] + _listed(args) + opts.spargs
        opts.set = [f"{name}={value}" for name, value in settings.items()] + opts.set
        # The videos are among the arguments now: what is left is Scrapy's own command line.
        args[:] = [service]
        super().process_options(args, opts)


def add_letters(parser: argparse.ArgumentParser, letters: Sequence[Letter]) -> None:
    """Add the letters, and those that mean nothing any more."""
    group = parser.add_argument_group("The letters of Pytomo 3")
    for letter in letters:
        shape: dict[str, Any] = {"metavar": letter.metavar} if letter.value is None else {"action": "store_true"}
        group.add_argument(*letter.flags, dest=letter.dest, help=letter.help, **shape)
    group.add_argument("-b", "--batch", action="store_true", help="accepted: nothing is ever asked")


def _service(args: list[str], given: list[str]) -> tuple[str, list[str]]:
    """Take the service out of `-s` values and, as `scrapy crawl youtube` names it, out of the videos."""
    services = [word for word in given if "=" not in word]
    if args and args[0] in _SERVICES:
        services.append(args.pop(0))
    if len(set(services)) > 1:
        refuse(f"One service at a time: -s {services[0]} and {services[-1]} are two crawls.")
    return services[0] if services else _SERVICES[0], [word for word in given if "=" in word]


def translate(opts: argparse.Namespace) -> tuple[dict[str, str], dict[str, str]]:
    """Return the spider arguments and the settings that the letters mean."""
    arguments: dict[str, str] = {}
    settings: dict[str, str] = {}
    for letter in LETTERS:
        given = getattr(opts, letter.dest, None)
        if given is None or given is False:
            continue
        value = letter.read(given) if letter.value is None else letter.value
        if letter.argument is not None:
            arguments[letter.argument] = value
        elif letter.setting is not None:
            settings[letter.setting] = value
    return arguments, settings


def _listed(args: list[str]) -> list[str]:
    # The list is comma-separated; a comma inside an address is escaped as addresses do.
    return [f"urls={','.join(word.replace(',', '%2C') for word in args)}"] if args else []
