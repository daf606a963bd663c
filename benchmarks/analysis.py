"""How fast the media analysis and the player models are, beside plain demultiplexing in the same run."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from pytomo_scrapy.items import MediaTimeline
from pytomo_scrapy.measure.media.timeline import read_timeline
from pytomo_scrapy.measure.playback.simulation import PLAYERS, StreamTrace, simulate_playback

CLIP_S = 60
ROUNDS = 15
SESSION_S = 60.0
ARRIVALS_PER_S = 200  # every 5 ms, the coarsest that a busy window is stored with


def make_clip(folder: Path) -> Path:
    """Encode a minute of 720p with sound into one progressive file."""
    path = folder / "clip.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        video = output.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt, video.bit_rate, video.gop_size = 1280, 720, "yuv420p", 2_500_000, 60
        video.options = {"preset": "ultrafast", "nal-hrd": "cbr", "maxrate": "2.5M", "bufsize": "2.5M"}
        audio = output.add_stream("aac", rate=44100, layout="stereo")
        for number in range(CLIP_S * 30):
            output.mux(video.encode(_picture(number)))
            output.mux(audio.encode(_sound(number)))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    return path


def _picture(number: int) -> av.VideoFrame:
    frame = av.VideoFrame(1280, 720, "yuv420p")
    for place, plane in enumerate(frame.planes):
        row = bytes((number * 3 + i + place * 40) & 255 for i in range(plane.line_size))
        plane.update(b"".join(row[shift:] + row[:shift] for shift in _shifts(number, plane.height, plane.line_size)))
    frame.pts, frame.time_base = number, Fraction(1, 30)
    return frame


def _shifts(number: int, height: int, width: int) -> list[int]:
    return [(y * y * (number % 7 + 1)) % width for y in range(height)]


def _sound(number: int) -> av.AudioFrame:
    frame = av.AudioFrame("s16", "stereo", 1470)
    frame.sample_rate, frame.pts, frame.time_base = 44100, number * 1470, Fraction(1, 44100)
    frame.planes[0].update(bytes((number * 31 + i * i) & 255 for i in range(frame.planes[0].buffer_size)))
    return frame


def best_s(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the shortest of `rounds` runs: what the machine can do when nothing else disturbs it."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def demultiplex(path: Path) -> int:
    """Read every packet and nothing of it."""
    with av.open(str(path)) as media:
        return sum(1 for _ in media.demux())


def measure(path: Path) -> dict[str, Any]:
    """Run both, turn by turn, on the same file."""
    size_bytes = path.stat().st_size
    pairs = [
        (best_s(lambda: demultiplex(path), 1), best_s(lambda: analyse(path, "muxed", size_bytes), 1))
        for _ in range(ROUNDS)
    ]
    plain_s, analysis_s = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    simulate_ms = {name: round(best_s(simulation(name, path)) * 1000, 2) for name in PLAYERS}
    return {
        "file_mb": round(size_bytes / 1e6, 1),
        "pyav_mb_per_s": round(size_bytes / 1e6 / plain_s, 1),
        "analysis_mb_per_s": round(size_bytes / 1e6 / analysis_s, 1),
        "analysis_vs_pyav": round(plain_s / analysis_s, 3),
        "simulate_ms": max(simulate_ms.values()),
        "simulate_ms_by_player": simulate_ms,
    }


def analyse(path: Path, kind: str, size_bytes: int) -> MediaTimeline:
    """Read the timeline of a whole file."""
    return read_timeline(str(path), kind, size_bytes, size_bytes)


def simulation(player: str, path: Path) -> Callable[[], object]:
    """Return a run of `player` over a session of SESSION_S on a link somewhat slower than the media."""
    size_bytes = path.stat().st_size
    timeline = analyse(path, "muxed", size_bytes)
    count = int(SESSION_S * ARRIVALS_PER_S)
    arrival_s = tuple((index + 1) / ARRIVALS_PER_S for index in range(count))
    arrival_bytes = tuple(int(size_bytes * 0.9 * (index + 1) / count) for index in range(count))
    stream = StreamTrace(arrival_s, arrival_bytes, timeline)
    return lambda: simulate_playback([stream], player, horizon_s=SESSION_S)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    parser.add_argument("--file", type=Path, help="a media file to use instead of an encoded clip")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(arguments.file or make_clip(Path(folder)))
    if arguments.as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {value}")


if __name__ == "__main__":
    main()
