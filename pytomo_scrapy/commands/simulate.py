"""`scrapy simulate --player NAME TRACE.json ...`: play trace files through a player model, one JSON object a line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from pytomo_scrapy.failures import SettingError
from pytomo_scrapy.items import MediaTimeline, PlaybackResult
from pytomo_scrapy.measure.playback.simulation import PLAYERS, StreamTrace, player_parameters, simulate_playback

_TRACE_SHAPE = '{"window_s": 32, "streams": [{"media": PATH, "arrivals": [[t_s, cumulative_bytes], ...]}, ...]}'


class Command(ScrapyCommand):
    """Exit code 2 for an unknown player or parameter, or a trace file that cannot be used."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "--player NAME [--set PARAM=VALUE] TRACE.json ..."

    def short_desc(self) -> str:
        return "Play trace files through a player model; one JSON object a line, in their order"

    def long_desc(self) -> str:
        return f"A trace file is {_TRACE_SHAPE}: one stream for a progressive file, video then audio for separate ones."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_player_options(parser)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args:
            raise UsageError("name at least one trace file")
        player, parameters = read_player_options(opts)
        for name in args:
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
        player_parameters(opts.player, changes)
    except SettingError as error:
        raise UsageError(str(error), print_help=False) from None
    return opts.player, changes


def simulate_file(path: Path, player: str, parameters: Mapping[str, float]) -> PlaybackResult:
    """Simulate one trace file. Raises UsageError where it cannot be used."""
    try:
        trace = json.loads(path.read_text())
        window_s = float(trace["window_s"])
        streams = [_stream(path, entry, len(trace["streams"]), place) for place, entry in enumerate(trace["streams"])]
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}", print_help=False) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no trace file ({error!r}): {_TRACE_SHAPE}", print_help=False) from None
    return simulate_playback(streams, player, parameters, horizon_s=window_s)


def _stream(trace_path: Path, entry: Mapping[str, Any], stream_count: int, place: int) -> StreamTrace:
    arrivals: Sequence[Sequence[float]] = entry["arrivals"]
    media = Path(entry["media"])
    media = media if media.exists() else trace_path.parent / media
    size_bytes = media.stat().st_size
    kind = "muxed" if stream_count == 1 else ("video", "audio")[min(place, 1)]
    # Clocks of several threads may have been written out of order by a hair: what had arrived stays arrived.
    arrival_s = tuple(accumulate((float(t_s) for t_s, _ in arrivals), max))
    arrival_bytes = tuple(accumulate((int(count) for _, count in arrivals), max))
    return StreamTrace(
        arrival_s,
        arrival_bytes,
        _timeline(str(media), kind, size_bytes),
        is_complete=bool(arrival_bytes) and arrival_bytes[-1] >= size_bytes,
    )


@lru_cache(maxsize=64)
def _timeline(media: str, kind: str, size_bytes: int) -> MediaTimeline:
    from pytomo_scrapy.measure.media.timeline import read_timeline

    return read_timeline(media, kind, size_bytes, size_bytes)
