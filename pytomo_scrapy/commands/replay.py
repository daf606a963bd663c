"""`scrapy replay`: play stored measurements again, with another player or other parameters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import IO, TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, EXIT_USAGE, DatabaseCommand, refuse
from pytomo_scrapy.commands.report import moment
from pytomo_scrapy.commands.simulate import add_player_options, read_player_options
from pytomo_scrapy.items import PlaybackResult, headline_player
from pytomo_scrapy.measure.playback.players.registry import PLAYERS
from pytomo_scrapy.measure.playback.window_replay import differing_figures, p1203_input, replay_window

if TYPE_CHECKING:
    from pytomo_scrapy.storage.measurements.repository import Repository

_PAGE = 200
_FILTERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "crawl": ("crawl_name", str),
    "since": ("since", moment),
    "until": ("until", moment),
    "service": ("service", str),
    "provider": ("provider", str),
    "video": ("video_id", str),
    "run": ("run_id", int),
}


@dataclass(slots=True)
class Moved:
    """How the answers moved against what was stored before."""

    name: str
    measurements: int = 0
    without_trace: int = 0
    added: int = 0
    same: int = 0
    different: list[str] = field(default_factory=list)
    pairs: list[tuple[dict[str, Any], PlaybackResult]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        before = [row for row, _ in self.pairs]
        after = [result for _, result in self.pairs]
        return {
            "name": self.name,
            "measurements": self.measurements,
            "without_trace": self.without_trace,
            "added": self.added,
            "same": self.same,
            "different": self.different,
            "compared_with": sorted({row["player"] for row in before}),
            "started": [sum(bool(row["is_started"]) for row in before), sum(result.is_started for result in after)],
            "startup_median_s": [
                _middle([row["startup_delay_s"] for row in before]),
                _middle([result.startup_delay_s for result in after]),
            ],
            "stalls_mean": [
                _average([row["stall_count"] for row in before]),
                _average([result.stall_count for result in after]),
            ],
            "stalled_mean_s": [
                _average([row["stalled_s"] for row in before]),
                _average([result.stalled_s for result in after]),
            ],
        }


def _middle(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 3) if known else None


def _average(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), 3) if known else None


class Command(DatabaseCommand, ScrapyCommand):
    """Exit code 3 where a stored figure of the same name does not come out again exactly."""

    requires_project = True
    requires_crawler_process = False
    database_exit_code = EXIT_USAGE

    def syntax(self) -> str:
        return "[--player NAME] [--set PARAM=VALUE] [--where FIELD=VALUE]"

    def short_desc(self) -> str:
        return "Play stored measurements again and say how the answers move"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_player_options(parser)
        parser.add_argument(
            "--where", action="append", default=[], metavar="FIELD=VALUE", help=f"only these: {', '.join(_FILTERS)}"
        )
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
        parser.add_argument("--p1203", type=Path, metavar="FILE", help="also write ITU-T P.1203 input, a line each")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from pytomo_scrapy.storage.measurements.repository import Repository

        if args:
            refuse(f"{args[0]!r} is not understood: choose measurements by --where FIELD=VALUE")
        player, changes = read_player_options(opts)
        filters = read_filters(opts.where)
        try:
            with (
                self.opened_database() as database,
                opts.p1203.open("w") if opts.p1203 else nullcontext() as export,
            ):
                moved = replay(Repository(database), player, changes, filters, export)
        except OSError as error:
            refuse(error)
        print(json.dumps(moved.to_dict()) if opts.json else as_text(moved))
        if moved.different:
            self.exitcode = EXIT_FAILED


def read_filters(words: list[str]) -> dict[str, Any]:
    """Read --where FIELD=VALUE. Ends the command with a sentence for anything else."""
    filters: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in _FILTERS or not value:
            refuse(f"--where {word}: write FIELD=VALUE with one of {', '.join(_FILTERS)}")
        key, parse = _FILTERS[name]
        try:
            filters[key] = parse(value)
        except (ValueError, argparse.ArgumentTypeError) as error:
            refuse(f"--where {word}: {error}")
    return filters


def result_name(player: str, changes: dict[str, float]) -> str:
    """Return the name that results are stored under: the player, and what was changed."""
    return " ".join([player, *(f"{name}={value:g}" for name, value in sorted(changes.items()))])


def replay(
    repository: Repository,
    player: str,
    changes: dict[str, float],
    filters: dict[str, Any],
    export: IO[str] | None = None,
) -> Moved:
    """Play every matching measurement again; add results under their name, and never touch a stored one."""
    from pytomo_scrapy.storage.measurements.read import recall_windows

    moved = Moved(result_name(player, changes))
    for key in _matching_ids(repository, filters):
        moved.measurements += 1
        stored = repository.measurement(key)
        assert stored is not None
        with repository.database.read() as connection:
            windows = recall_windows(connection, key)
        declared = PLAYERS[player].declared(stored.get("player_config"))
        is_replayed = False
        for download, timelines in windows:
            of_window = [row for row in stored["playbacks"] if row["place"] == download.place]
            known = next((row for row in of_window if row["player"] == moved.name), None)
            # The same name means the same settings: a crawl's own parameters are played again, not today's defaults.
            parameters = known["parameters"] if known else {**declared, **changes}
            result = replay_window(download, timelines, player, parameters, moved.name)
            if result is None:
                continue
            is_replayed = True
            _compare(moved, repository, key, known, result)
            before = known or row_to_compare(of_window, player)
            if before is not None:
                moved.pairs.append((before, result))
            session = p1203_input(result, timelines) if export else None
            if export and session is not None:
                export.write(json.dumps({"measurement": key, "place": download.place, "input": session}) + "\n")
        moved.without_trace += not is_replayed
    return moved


def _matching_ids(repository: Repository, filters: dict[str, Any]) -> Iterator[int]:
    offset = 0
    while rows := repository.measurements(_PAGE, offset=offset, **filters):
        yield from [row["id"] for row in rows]
        offset += len(rows)


def row_to_compare(rows: list[dict[str, Any]], player: str) -> dict[str, Any] | None:
    """Return the stored row of a window to compare with: the player's own, else the headline's."""
    by_name = {row["player"]: row for row in rows}
    chosen = player if player in by_name else headline_player(by_name)
    return by_name[chosen] if chosen else None


def _compare(
    moved: Moved, repository: Repository, key: int, known: dict[str, Any] | None, result: PlaybackResult
) -> None:
    if known is None:
        repository.add_playback(key, result)
        moved.added += 1
        return
    different = differing_figures(result, known)
    if different:
        moved.different.append(f"measurement {key}, window {result.place}: {', '.join(different)}")
    else:
        moved.same += 1


def as_text(moved: Moved) -> str:
    """Say in a few lines what was done and how the answers moved."""
    figures = moved.to_dict()
    lines = [f"{moved.measurements} measurements, {moved.without_trace} of them without a stored trace."]
    if moved.added:
        lines.append(f"{moved.added} results added under the name {moved.name!r}.")
    if moved.same or moved.different:
        lines.append(f"{moved.same} stored results of that name came out exactly the same, {len(moved.different)} not.")
        lines += [f"  {line}" for line in moved.different[:20]]
    if moved.pairs:
        lines.append(f"Against {', '.join(figures['compared_with'])}:")
        for name, unit in (("started", ""), ("startup_median_s", " s"), ("stalls_mean", ""), ("stalled_mean_s", " s")):
            before, after = figures[name]
            lines.append(f"  {name.removesuffix('_s').replace('_', ' '):16} {before}{unit} -> {after}{unit}")
    return "\n".join(lines)
