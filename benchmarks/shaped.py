"""Compare a bulk and a paced window of one video on shaped links: two network namespaces, and tbf between them.

    python benchmarks/shaped.py [--rates 0.5,1,4,20] [--window-s 30] [--clip separate_90]      (as root; Linux)
    python benchmarks/shaped.py --player shaka-adaptive [--clip ladder_60] [--rates 0.8,1.5,3,6]

The lab's media host serves in one namespace, the window runs in the other, one window at a time. Printed as a Markdown
table, the one of docs/download.md: when `dashjs` starts and stalls, what arrived, and the round trip meanwhile.
With `--player` an adaptive window, and that player's replay from a bulk window.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pytomo_scrapy import config
from pytomo_scrapy.items import MediaFormat, PlaybackResult
from pytomo_scrapy.items.stored import flat
from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.clips.clip import Clip
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.media.media_hosts import MediaServer
from pytomo_scrapy.lab.media.signing import EXPIRES_IN_S, sign_url
from pytomo_scrapy.lab.model import LabVideo, MediaHost, World
from pytomo_scrapy.measure.playback.declared_video import DeclaredVideo
from pytomo_scrapy.measure.playback.simulation import player_parameters
from pytomo_scrapy.measure.playback.window_analysis import analyse_window
from pytomo_scrapy.measure.playback.window_replay import replay_window
from pytomo_scrapy.measure.window.loop import download_window
from pytomo_scrapy.measure.window.plan import WindowPlan
from pytomo_scrapy.measure.window.rung_lists import read_lists

HOST, SERVER, CLIENT, PORT = "rr1---sn-shaped.googlevideo.com", "10.78.1.1", "10.78.1.2", 8443
SECRET = b"of the benchmark"
MODES = ("bulk", "paced")
# As in the tests on shaped links: a small burst, no segmentation offload, a queue of 48 kB.
FIGURES = ("failure", "received_bytes", "delivery_bps", "no_demand_s", "loaded_rtt_median_s", "loaded_rtt_max_s")
HEAD = """| link Mbit/s | mode | start | stalls | MB | delivery Mbit/s | no demand s | loaded RTT, median ms | max ms |
|---|---|---|---|---|---|---|---|---|"""
SHOWN = ("startup_delay_s", "stall_count", "stalled_s", "switch_count", "mean_bitrate_bps")
PLAYED_HEAD = "| link Mbit/s | window | start | stalls | switches | kbit/s |\n|---|---|---|---|---|---|"
START_TIMEOUT_S = 60.0
SHAPE = "root tbf rate {bps}bit burst 15kb limit 48kb"


def run(command: str, *, is_checked: bool = True) -> None:
    """Run one command of iproute2."""
    subprocess.run(command.split(), check=is_checked, capture_output=not is_checked)


@contextmanager
def shaped_link(rate_mbit: float) -> Iterator[tuple[str, str]]:
    """Join two namespaces by a link whose server side sends at this rate; give the client's and the server's name."""
    client, server = f"pytomo-bc{os.getpid()}", f"pytomo-bs{os.getpid()}"
    try:
        for name in (client, server):
            run(f"ip netns add {name}")
            run(f"ip -n {name} link set lo up")
        run(f"ip link add shaped0 netns {server} type veth peer name shaped1 netns {client}")
        run(f"ip -n {server} addr add {SERVER}/24 dev shaped0")
        run(f"ip -n {client} addr add {CLIENT}/24 dev shaped1")
        run(f"ip -n {server} link set shaped0 gso_max_segs 1 up")
        run(f"ip -n {client} link set shaped1 up")
        run(f"tc -n {server} qdisc add dev shaped0 {SHAPE.format(bps=round(rate_mbit * 1e6))}")
        yield client, server
    finally:
        for name in (client, server):
            run(f"ip netns del {name}", is_checked=False)


def serve(clip_name: str, folder: Path) -> None:
    """Serve the clip on the server's address until killed."""

    async def forever() -> None:
        world = World("shaped", "", {"video": LabVideo("video", "", clip_name, HOST)}, {HOST: MediaHost(HOST, SERVER)})
        clips = {clip_name: load_clip(clip_name)}
        await MediaServer(world, clips, Authority.create(folder), SECRET, PORT).start()
        (folder / "ready").touch()
        await asyncio.Event().wait()

    asyncio.run(forever())


def formats_of(clip: Clip) -> tuple[MediaFormat, ...]:
    """Return the formats of the clip with signed addresses."""
    expire = int(time.time()) + EXPIRES_IN_S
    return tuple(
        MediaFormat(
            stream.kind, str(stream.itag), sign_url(SECRET, HOST, PORT, "video", stream, CLIENT, expire), HOST, PORT,
            declared_size_bytes=stream.size_bytes, declared_bitrate_bps=stream.average_bitrate_bps,
            height_px=stream.height_px,
        )
        for stream in clip.streams
    )  # fmt: skip


def highest(formats: tuple[MediaFormat, ...]) -> tuple[MediaFormat, ...]:
    """Return the format of the highest rate of each kind."""
    best = {media.kind: media for media in sorted(formats, key=lambda media: media.declared_bitrate_bps or 0)}
    return tuple(best[kind] for kind in sorted(best, reverse=True))


def fetch(folder: Path, options: argparse.Namespace) -> None:
    """Open one window and print its figures, and those of `dashjs`, as JSON; or those of an adaptive player."""
    clip = load_clip(options.clip)
    every = formats_of(clip)
    wanted = {
        "PYTOMO_DOWNLOAD_MODE": options.mode,
        "PYTOMO_DOWNLOAD_BULK_EVERY": 0,
        "PYTOMO_DOWNLOAD_WINDOW_S": options.window_s,
        "PYTOMO_ALLOW_PRIVATE_ADDRESSES": "1",
    }
    settings = config.load(wanted.get)
    plan = WindowPlan(highest(every), {HOST: SERVER}, spool_directory=str(folder), duration_s=clip.duration_s)
    lists = read_lists(every, plan.chosen, settings.download, options.player)[0] if options.player else None
    if lists is not None and options.mode == "adaptive":
        plan = replace(plan, live=replace(lists, parameters=player_parameters(options.player)))
    result = download_window(plan, settings.download)
    timelines, playbacks, _ = analyse_window(result, DeclaredVideo(duration_s=clip.duration_s), settings.playback)
    played: PlaybackResult | None = next((one for one in playbacks if one.player == "dashjs"), playbacks[0])
    if lists is not None and options.mode == "bulk":
        played = replay_window(result, timelines, options.player, {}, options.player, ladder=lists.ladder)
    figures = {name: flat(result)[name] for name in FIGURES}
    figures |= {name: getattr(played, name) for name in SHOWN}
    print(json.dumps(figures))


def measure(rate_mbit: float, mode: str, options: argparse.Namespace) -> dict[str, float | None]:
    """Run one window on a link of its own, so that no window meets another's queue or congestion window."""
    with tempfile.TemporaryDirectory() as name, shaped_link(rate_mbit) as (client, server):
        folder = Path(name)
        again = [sys.executable, __file__, "--clip", options.clip, "--window-s", str(options.window_s)]
        again += ["--player", options.player]
        serving = subprocess.Popen(["ip", "netns", "exec", server, *again, "--serve", str(folder)])
        try:
            until_s = time.monotonic() + START_TIMEOUT_S
            while not (folder / "ready").exists():
                if serving.poll() is not None or time.monotonic() > until_s:
                    sys.exit("the media host did not start")
                time.sleep(0.05)
            direct = {**os.environ, "no_proxy": "*", "SSL_CERT_FILE": str(folder / "ca.pem")}
            fetching = ["ip", "netns", "exec", client, *again, "--fetch", str(folder), "--mode", mode]
            done = subprocess.run(fetching, capture_output=True, text=True, env=direct, check=False)
        finally:
            serving.kill()
            serving.wait()
    if done.returncode:
        sys.exit(done.stderr)
    figures: dict[str, float | None] = json.loads(done.stdout)
    if figures.pop("failure"):
        sys.exit(f"the window failed: {done.stdout}")
    return figures


def print_row(rate_mbit: float, mode: str, figures: dict[str, float | None]) -> None:
    """Print one line of the table."""

    def shown(name: str, factor: float = 1.0, digits: int = 2) -> str:
        value = figures[name]
        return "none" if value is None else f"{factor * value:.{digits}f}"

    stalls = f"{figures['stall_count']} with {shown('stalled_s')} s" if figures["stall_count"] else "none"
    cells = [
        f"{rate_mbit:g}", mode, f"{shown('startup_delay_s')} s", stalls, shown("received_bytes", 1e-6),
        shown("delivery_bps", 1e-6), shown("no_demand_s", 1, 1), shown("loaded_rtt_median_s", 1e3, 1),
        shown("loaded_rtt_max_s", 1e3, 1),
    ]  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)


def print_played(rate_mbit: float, mode: str, figures: dict[str, float | None]) -> None:
    """Print one line of the table of an adaptive player."""
    startup_s, stall_count, stalled_s, switch_count, rate_bps = (figures[name] for name in SHOWN)
    start = "never" if startup_s is None else f"{startup_s:.2f} s"
    stalls = f"{stall_count} with {stalled_s:.2f} s" if stall_count else "none"
    window = "live" if mode == "adaptive" else "replay of bulk"
    rate = "-" if rate_bps is None else f"{rate_bps / 1000:.0f}"
    print(f"| {rate_mbit:g} | {window} | {start} | {stalls} | {switch_count} | {rate} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rates", default="0.5,1,4,20", help="of the link, in Mbit/s (default: 0.5,1,4,20)")
    parser.add_argument("--window-s", type=float, default=30.0)
    parser.add_argument("--clip", default="", help="(default: separate_90, or ladder_60 for a player)")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fetch", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--player", default="", help="an adaptive player: its window, and its replay of a bulk one")
    parser.add_argument("--mode", choices=(*MODES, "adaptive"), default="bulk", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.clip = options.clip or ("ladder_60" if options.player else "separate_90")
    if options.serve:
        serve(options.clip, options.serve)
    elif options.fetch:
        fetch(options.fetch, options)
    elif os.geteuid():
        sys.exit("benchmarks/shaped.py needs root: it makes network namespaces")
    else:
        print(
            f"{options.clip}: {load_clip(options.clip).mean_bps / 1e6:.2f} Mbit/s, windows of {options.window_s:g} s\n"
        )
        print(PLAYED_HEAD if options.player else HEAD)
        show = print_played if options.player else print_row
        for rate_mbit in map(float, options.rates.split(",")):
            for mode in ("adaptive", "bulk") if options.player else MODES:
                show(rate_mbit, mode, measure(rate_mbit, mode, options))


if __name__ == "__main__":
    main()
