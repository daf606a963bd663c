"""Compare what adaptive windows and single windows say of a line with what windows at every quality find one by one.

    python benchmarks/ladder.py [--window-s 30] [--players dashjs-adaptive,shaka-adaptive] [--at-once 3]

In the lab's world `ladder`: a video in six qualities, on hosts of 0.3 to 20 Mbit/s. For each host: a window in bulk at
the highest quality, from which the best quality that plays is told and the adaptive players are replayed; a window at
each quality; and an adaptive window of each player. Where that differs from the replay, two more are opened: on some
lines a player's windows differ among themselves, for a few bytes decide. Each is shown, and one that agrees is enough.
Printed as Markdown tables; ends with 1 where they do not agree.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import product
from multiprocessing import get_context

from pytomo_scrapy import config
from pytomo_scrapy.items import LadderResult, MediaFormat, PlaybackResult, ResolveResult
from pytomo_scrapy.items.precision import round_ladder, round_trace
from pytomo_scrapy.lab.launcher import running_lab
from pytomo_scrapy.lab.model import Delivery, LabVideo
from pytomo_scrapy.lab.servers import LabOptions, make_world
from pytomo_scrapy.measure.playback.declared_video import declared_video
from pytomo_scrapy.measure.playback.ladder_building import KnownLadder
from pytomo_scrapy.measure.playback.simulation import player_parameters
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.playback.window_replay import replay_window
from pytomo_scrapy.measure.resolve.resolution import resolve_video
from pytomo_scrapy.measure.window.adaptive import LIVE
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.rung_lists import read_lists

RATIO, STALLS = 0.10, 1  # within which a live player and its replay agree
LIVE_WINDOWS = 3  # of a player, where the first ones differ from the replay
BEST_HEAD = "| host Mbit/s | one window says | windows at each quality find | agree |\n|---|---|---|---|"
LIVE_HEAD = (
    "| player | host Mbit/s | live: start, stalls, switches, kbit/s | replay: the same | agree |\n|---|---|---|---|---|"
)

# A host's rate in Mbit/s, what is opened there (bulk, paced or an adaptive player), and at which quality.
Key = tuple[float, str, int | None]


@dataclass(frozen=True)
class Task:
    """One window: in bulk or paced at a quality (by its place, the last is the highest), or adaptive (None).

    `players` are those to replay, or the one that chooses.
    """

    video_id: str
    address: str
    mode: str
    rung: int | None
    window_s: float
    players: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """What one window gives."""

    height_px: int | None
    ladder: LadderResult | None
    playback: PlaybackResult
    replays: Mapping[str, PlaybackResult] = field(default_factory=dict)


def measure(task: Task) -> Seen:
    """Open one window. Runs in a process of its own, with the lab's environment."""
    settings = config.load(os.environ.get)
    resolve = resolve_video(f"https://www.youtube.com/watch?v={task.video_id}", settings.resolve)
    chosen = {resolve.formats[0].host: task.address}
    download = replace(settings.download, mode=task.mode, window_s=task.window_s, bulk_every=0, full_every=0)
    with tempfile.TemporaryDirectory() as folder:
        plan = WindowPlan(_formats(resolve, task.rung), chosen, spool_directory=folder, duration_s=resolve.duration_s)
        if task.mode == "adaptive":
            live, _ = read_lists(resolve.rungs, chosen, download, task.players[0])
            assert live is not None
            plan = replace(plan, live=replace(live, parameters=player_parameters(task.players[0])))
        window = round_trace(download_window(plan, download))
        declared = declared_video(resolve)
        if task.mode == "bulk":  # as with PYTOMO_LADDER=index
            known, cost = read_lists(resolve.rungs, chosen, download, "")
            ladder_read = round_ladder(known.ladder) if known is not None else None
            declared = replace(declared, known=KnownLadder(ladder_read, cost.received_bytes, cost.request_count))
        timelines, playbacks, ladder = analyse_window(window, declared, settings.playback)
    shown = next(found for found in playbacks if found.player in {"dashjs", f"{task.players[0]} {LIVE}"})
    replays: dict[str, PlaybackResult] = {}
    ladder_known = ladder.ladder if ladder is not None else None
    for player in task.players if task.mode == "bulk" else ():
        replayed = replay_window(window, timelines, player, {}, player, declared, ladder_known)
        assert replayed is not None
        replays[player] = replayed
    return Seen(plan.formats[0].height_px, ladder, shown, replays)


def _formats(resolve: ResolveResult, rung: int | None) -> tuple[MediaFormat, ...]:
    if rung is None:
        return resolve.formats
    videos = [media for media in resolve.rungs if media.kind == "video"]
    return (videos[rung], *(media for media in resolve.formats if media.kind == "audio"))


def plays(seen: Seen) -> bool:
    """Tell whether the window's own quality started within 5 s and never stood still."""
    shown = seen.playback
    return shown.startup_delay_s is not None and shown.startup_delay_s <= 5.0 and not shown.stall_count


def _said(shown: PlaybackResult) -> str:
    start = "never" if shown.startup_delay_s is None else f"{shown.startup_delay_s:.2f} s"
    rate = "-" if shown.mean_bitrate_bps is None else f"{shown.mean_bitrate_bps / 1000:.0f}"
    return f"{start}, {shown.stall_count or 0}, {shown.switch_count or 0}, {rate}"


def agree(live: PlaybackResult, replayed: PlaybackResult) -> bool:
    """Tell whether a live player and its replay show nearly the same."""
    rates = live.mean_bitrate_bps or 0.0, replayed.mean_bitrate_bps or 0.0
    is_near = abs(rates[0] - rates[1]) <= RATIO * max(rates)
    return is_near and abs((live.stall_count or 0) - (replayed.stall_count or 0)) <= STALLS


def compare(rates: Sequence[float], seen: Mapping[Key, Sequence[Seen]], count: int, players: Sequence[str]) -> bool:
    """Print both tables, and return whether everything agrees."""
    is_right = True
    print(BEST_HEAD)
    for rate in rates:
        (one,) = seen[rate, "bulk", count - 1]
        playing = [found for rung in range(count) for found in seen[rate, "paced", rung] if plays(found)]
        best = max((found.height_px or 0 for found in playing), default=0)
        told = one.ladder.best_height_px if one.ladder else None
        said = f"{told}p" if told is not None else f"unknown ({one.ladder.best_unknown if one.ladder else 'no ladder'})"
        is_right &= told == best
        print(f"| {rate:g} | {said} | {best}p | {'yes' if told == best else 'no'} |")
    print(f"\n{LIVE_HEAD}")
    for player, rate in product(players, rates):
        live = [found.playback for found in seen[rate, player, None]]
        replayed = seen[rate, "bulk", count - 1][0].replays[player]
        near = sum(agree(one, replayed) for one in live)
        is_right &= near > 0
        shown = " / ".join(_said(one) for one in live)
        verdict = "no" if not near else "yes" if len(live) == 1 else f"{near} of {len(live)}"
        print(f"| `{player}` | {rate:g} | {shown} | {_said(replayed)} | {verdict} |")
    return is_right


def main() -> int:
    """Measure every host and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window-s", type=float, default=30.0)
    parser.add_argument("--players", default="dashjs-adaptive,shaka-adaptive")
    parser.add_argument("--at-once", type=int, default=3)
    options = parser.parse_args()
    world = make_world(LabOptions("ladder"))
    videos = [video for video in world.videos.values() if video.delivery is Delivery.FILES]
    players = tuple(options.players.split(","))
    tasks: dict[Key, Task] = {}
    count = 6
    for video in videos:
        host = world.hosts[video.host]
        rate = host.rate.steps[0][1] / 1e6

        def task(mode: str, rung: int | None, chosen: tuple[str, ...], video: LabVideo = video) -> Task:
            return Task(video.video_id, world.hosts[video.host].address, mode, rung, options.window_s, chosen)

        tasks[rate, "bulk", count - 1] = task("bulk", count - 1, players)
        tasks |= {(rate, player, None): task("adaptive", None, (player,)) for player in players}
        tasks |= {(rate, "paced", rung): task("paced", rung, players) for rung in range(count)}
    with running_lab(LabOptions("ladder")) as lab:
        os.environ.update(lab.environment(os.environ))
        # Those of one host follow each other: they share its rate.
        hosts = sorted({rate for rate, _, _ in tasks})
        with ProcessPoolExecutor(options.at_once, get_context("spawn")) as pool:
            by_host = {
                rate: pool.submit(_measure_all, [t for key, t in tasks.items() if key[0] == rate]) for rate in hosts
            }
            found = {rate: future.result() for rate, future in by_host.items()}
    keys = {rate: [key for key in tasks if key[0] == rate] for rate in hosts}
    seen = {key: one for rate in hosts for key, one in zip(keys[rate], found[rate], strict=True)}
    return 0 if compare(hosts, seen, count, players) else 1


def _measure_all(tasks: Sequence[Task]) -> list[list[Seen]]:
    """Measure one host, of which the first window is that in bulk."""
    found = [[measure(task)] for task in tasks]
    (in_bulk,) = found[0]
    for task, seen in zip(tasks, found, strict=True):
        if task.mode == "adaptive" and not agree(seen[0].playback, in_bulk.replays[task.players[0]]):
            seen += [measure(task) for _ in range(LIVE_WINDOWS - 1)]
    return found


if __name__ == "__main__":
    sys.exit(main())
