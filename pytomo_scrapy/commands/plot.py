"""`scrapy plot MEASUREMENT_ID`: a picture that explains one session at a glance."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.commands import ScrapyCommand

from pytomo_scrapy.commands import EXIT_FAILED, DatabaseCommand, refuse
from pytomo_scrapy.items import Interval, headline_player
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.measure.playback.window_replay import horizon_s
from pytomo_scrapy.reporting.session_picture import Drawing, Shown, as_png, as_svg, draw_session

if TYPE_CHECKING:
    from pytomo_scrapy.storage.database import Database


class Command(DatabaseCommand, ScrapyCommand):
    """Exit code 2 for a measurement or player that does not exist, 3 where nothing can be drawn or written."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[--player NAME] [-o FILE.svg|FILE.png] [--json] MEASUREMENT_ID"

    def short_desc(self) -> str:
        return "Draw a stored measurement: bytes, media seconds, playhead and stalls over time"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--player", metavar="NAME", help="whose playback; default: the one that fits the streams")
        parser.add_argument("--window", type=int, default=0, metavar="N", help="which window, 0 is the first")
        parser.add_argument("--json", action="store_true", help="print what the picture shows as one JSON object")
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="FILE.svg or FILE.png")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            refuse("Name one measurement by its id or uuid (the page of `pytomo serve` lists them)")
        output = opts.output or Path(f"measurement-{args[0]}.svg")
        # Before the database is read: a wrong name is known at once.
        if output.suffix.lower() not in (".svg", ".png"):
            refuse(f"{output}: the file must end in .svg or .png")
        with self.read_database() as database:
            shown = _shown(database, args[0], opts.player, opts.window)
        try:
            _write(draw_session(shown), output)
        except OSError as error:
            refuse(f"{output} cannot be written: {error.strerror}.", EXIT_FAILED)
        print(json.dumps(_stated(shown, output)) if opts.json else output)


def _write(drawing: Drawing, output: Path) -> None:
    if output.suffix.lower() == ".svg":
        output.write_text(as_svg(drawing))
        return
    try:
        output.write_bytes(as_png(drawing))
    except ImportError:
        refuse("PNG needs Pillow (pip install pillow); SVG needs nothing.", EXIT_FAILED)


def _stated(shown: Shown, output: Path) -> dict[str, Any]:
    """Return what a picture shows: its file, what the viewer met, and bytes over time of each stream."""
    streams = [
        {"stream": stream.kind, "t_s": list(stream.arrival_s), "received_bytes": list(stream.arrival_bytes)}
        for stream in shown.download.streams
    ]
    return {
        "file": str(output),
        "title": shown.title,
        "player": shown.player,
        "horizon_s": shown.horizon_s,
        "startup_delay_s": shown.startup_delay_s,
        "played_s": shown.played_s,
        "stalls": [asdict(stall) for stall in shown.stalls],
        "streams": streams,
    }


def _shown(database: Database, key: str, player: str | None, place: int) -> Shown:
    from pytomo_scrapy.storage.measurements.read import recall_windows
    from pytomo_scrapy.storage.measurements.repository import Repository

    stored = Repository(database).measurement(key)
    if stored is None:
        refuse(f"There is no measurement {key} in {database.shown_url}")
    with database.read() as connection:
        windows = {download.place: (download, lines) for download, lines in recall_windows(connection, stored["id"])}
    # `pytomo prune` deletes traces and keeps the figures: there is nothing to draw then.
    if place not in windows or not any(stream.arrival_s for stream in windows[place][0].streams):
        refuse(f"Measurement {key} has no arrival trace of window {place}", EXIT_FAILED)
    download, timelines = windows[place]
    end_s = horizon_s(download)
    if end_s is None:
        refuse(f"Measurement {key} does not say how long window {place} was", EXIT_FAILED)
    playback = choose(stored["playbacks"], player, place)
    # Without --player a picture of what arrived is still worth having; with it, another's would be a lie.
    if playback is None and player is not None:
        refuse(f"Measurement {key} has no playback {player!r}: `pytomo replay --player` adds one")
    played = playback or {}
    started = stored["started_at"][:19].replace("T", " ")
    return Shown(
        title=f"{stored['video']['service']} {stored['video']['video_id']}  {started} UTC",
        subtitle=_subtitle(played),
        download=download,
        timelines=timelines,
        horizon_s=end_s,
        startup_delay_s=played.get("startup_delay_s"),
        played_s=played.get("played_s") or 0.0,
        stalls=_intervals(played.get("stalls")),
        freezes=_intervals(played.get("freezes")),
        player=played.get("player"),
    )


def choose(rows: list[dict[str, Any]], player: str | None, place: int) -> dict[str, Any] | None:
    """Return the playback of a window to draw: that of `player`, or the headline's. None where it did not run."""
    by_name = {row["player"]: row for row in rows if row["place"] == place}
    chosen = player or headline_player(by_name)
    return by_name.get(chosen) if chosen else None


def _intervals(rows: list[dict[str, Any]] | None) -> list[Interval]:
    return [Interval(row["start_s"], row["duration_s"], bool(row["is_open"])) for row in rows or ()]


def _subtitle(played: dict[str, Any]) -> str:
    if not played:
        return "no playback was simulated"
    if played["startup_delay_s"] is None:
        return f"{played['player']}: not started within {played['horizon_s']:g} s"
    text = f"{played['player']}: start {played['startup_delay_s']:.2f} s, {counted(played['stall_count'], 'stall')}"
    text += f" of {played['stalled_s']:.2f} s in all, {played['played_s']:.1f} s played"
    # Beside the figures and not in a footnote: pictures are passed on alone.
    return text if played["is_validated"] else text + " (outside the validated conditions)"
