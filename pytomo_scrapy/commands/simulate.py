"""`scrapy simulate --player NAME TRACE.json ...`: play trace files through a player model, one JSON object a line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from pytomo_scrapy.commands import EXIT_FAILED, PipedCommand, refuse
from pytomo_scrapy.exchange.trace_files import SESSION_SHAPE, TRACE_SHAPE, read_trace_file
from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import PlaybackResult
from pytomo_scrapy.measure.playback.simulation import PLAYERS, player_parameters, simulate_playback


class Command(PipedCommand, ScrapyCommand):
    """Exit code 2 for an unknown player or parameter, or what is no trace file; 3 where a file cannot be read."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "--player NAME [--set PARAM=VALUE] TRACE.json ..."

    def short_desc(self) -> str:
        return "Play trace files through a player model; one JSON object a line, in their order"

    def long_desc(self) -> str:
        return (
            f"A trace file is {TRACE_SHAPE}: one stream for a progressive file, video then audio for separate ones. "
            f"One with a ladder is played adaptively: {SESSION_SHAPE}."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_player_options(parser)
        parser.add_argument("--json", action="store_true", help="accepted: nothing else is ever printed")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args:
            refuse("Name at least one trace file: pytomo simulate --player dashjs TRACE.json ...")
        player, parameters = read_player_options(opts)
        for name in args:
            # One at a time: whoever reads the lines need not wait for the last of a thousand traces.
            print(json.dumps(asdict(simulate_file(Path(name), player, parameters))), flush=True)


def add_player_options(parser: argparse.ArgumentParser) -> None:
    """Add --player and --set."""
    parser.add_argument("--player", default="classic", metavar="NAME", help=f"one of {', '.join(PLAYERS)}")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="changes",
        metavar="PARAM=VALUE",
        help="another value of a player's parameter (docs/playback.md lists them)",
    )


def read_player_options(opts: argparse.Namespace) -> tuple[str, dict[str, float]]:
    """Return the player and the changed parameters. Raises UsageError with what would be right."""
    changes: dict[str, float] = {}
    for word in opts.changes:
        name, _, value = word.partition("=")
        try:
            changes[name.strip()] = float(value)
        except ValueError:
            raise UsageError(f"--set {word}: write PARAM=VALUE with a number", print_help=False) from None
    try:
        # Only to refuse, before the first trace is read.
        player_parameters(opts.player, changes)
    except SettingError as error:
        raise UsageError(str(error), print_help=False) from None
    return opts.player, changes


def simulate_file(path: Path, player: str, parameters: Mapping[str, float]) -> PlaybackResult:
    """Simulate one trace file; one with a ladder is played by the player's adaptive form, where it has one.

    Raises UsageError where it is no trace file; ends the command where it cannot be read.
    """
    try:
        trace = read_trace_file(path)
    except OSError as error:
        refuse(f"{error.filename} cannot be read: {error.strerror}", EXIT_FAILED)
    # Text that is nested too deeply ends in a RecursionError.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is no trace file ({error!r}): {TRACE_SHAPE}", print_help=False) from None
    # A fixed quality played from a ladder's trace would have the sizes of several qualities as one.
    if trace.source.ladder is not None and f"{player}-adaptive" in PLAYERS:
        player = f"{player}-adaptive"
    return simulate_playback(trace.streams, player, parameters, horizon_s=trace.window_s, source=trace.source)
