"""How fast all rungs of a window are replayed, and how small a ladder is stored; with --lab, whether it is right.

`--lab` takes the database of a crawl of the lab's world `ladder` (bulk windows, PYTOMO_LADDER=index), and for each
host the databases of crawls at every fixed quality, and says where the best quality that was computed is not the
highest that such windows played without a stall:

    pytomo lab --world ladder crawl -u 12 -s PYTOMO_DOWNLOAD_MODE=bulk -s PYTOMO_LADDER=index
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median

from pytomo_scrapy.config import PlaybackConfig
from pytomo_scrapy.items import Ladder, MediaTimeline, MediaTrack, TrackSegment
from pytomo_scrapy.items.precision import round_ladder
from pytomo_scrapy.measure.playback.best_quality import replay_rungs
from pytomo_scrapy.measure.playback.player_model import StreamTrace
from pytomo_scrapy.storage.measurements.ladder_blob import encode_ladder

WINDOW_S = 30.0
ARRIVALS = 6000  # as many as a stored trace has at the most
ROUNDS = 15
VIDEO_S, SEGMENTS = 600.0, 140
RATES_BPS = (110_000, 250_000, 560_000, 1_050_000, 2_300_000, 4_400_000, 8_000_000, 16_000_000)
SIZES_PX = ((256, 144), (426, 240), (640, 360), (854, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))


def make_ladder() -> Ladder:
    """Return eight rungs of a video of ten minutes with one sound, with all that is declared of each.

    All pictures are cut alike, at key pictures and so never evenly; each segment has a size of its own.
    """
    chance = Random(18)
    # Of 30 pictures a second, 3.3 to 5.3 s at a time.
    cuts_s = [chance.randint(100, 160) / 30 for _ in range(SEGMENTS)]
    scale = VIDEO_S / sum(cuts_s)
    cuts_s = [round(30 * scale * cut_s) / 30 for cut_s in cuts_s]
    video = [_track(_picture(rate), cuts_s, chance) for rate in RATES_BPS]
    sound = MediaTrack("audio", "140", 129_478.0, (), codec="mp4a.40.2", init_bytes=722, index_bytes=788)
    return round_ladder(Ladder(tuple(video), (_track(sound, [10.005] * 60, chance),)))


def _picture(rate_bps: int) -> MediaTrack:
    rung = RATES_BPS.index(rate_bps)
    width_px, height_px = SIZES_PX[rung]
    return MediaTrack(
        "video",
        str(394 + rung),
        float(rate_bps),
        (),
        width_px=width_px,
        height_px=height_px,
        frame_rate_fps=30.0,
        codec=f"av01.0.{rung:02}M.08",
        init_bytes=700,
        index_bytes=32 + 12 * SEGMENTS,
    )


def _track(track: MediaTrack, cuts_s: Sequence[float], chance: Random) -> MediaTrack:
    segments, start_s, start_byte = [], 0.0, track.init_bytes + track.index_bytes
    for cut_s in cuts_s:
        size = round(track.bitrate_bps / 8 * cut_s * chance.uniform(0.3, 1.9))
        segments.append(TrackSegment(start_s, cut_s, size, start_byte))
        start_s, start_byte = start_s + cut_s, start_byte + size
    return replace(track, segments=tuple(segments), size_bytes=start_byte)


def make_streams(rate_bps: int) -> list[StreamTrace]:
    """Return two streams that share a line of this rate evenly, with as many arrivals as a trace may have."""
    at_s = tuple(WINDOW_S * (index + 1) / ARRIVALS for index in range(ARRIVALS))
    counts = tuple(int(rate_bps / 16 * t_s) for t_s in at_s)
    return [StreamTrace(at_s, counts, MediaTimeline(kind, "segments")) for kind in ("video", "audio")]


def timed() -> dict[str, float]:
    """Return the milliseconds that all rungs of a window take, and the bytes of their ladder.

    Of a window that always asks, and of one that rests for a second after each: what such a line would have carried
    is not known, so that a rung is replayed up to three times.
    """
    ladder, streams, config = make_ladder(), make_streams(3_000_000), PlaybackConfig()
    rests_s = [(2.0 * turn + 1, 2.0 * turn + 2) for turn in range(int(WINDOW_S / 2))]
    resting = [replace(stream, no_demand_s=rests_s) for stream in streams]
    times: dict[str, list[float]] = {"all_rungs": [], "all_rungs_resting": []}
    for name, window in (("all_rungs", streams), ("all_rungs_resting", resting)) * ROUNDS:
        began_s = time.process_time()
        replay_rungs(window, ladder, ladder.audio[0], WINDOW_S, config)
        times[name].append((time.process_time() - began_s) * 1000)
    return {
        "rungs": len(ladder.video),
        "segments": sum(len(track.segments) for track in (*ladder.video, *ladder.audio)),
        **{f"{name}_median_ms": round(median(found), 2) for name, found in times.items()},
        **{f"{name}_max_ms": round(max(found), 2) for name, found in times.items()},
        "ladder_bytes": len(encode_ladder(ladder)),
    }


def stored(path: Path) -> list[dict[str, object]]:
    """Return the best quality of each window of a database, and how the window itself played."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(
            "SELECT v.title, l.best_height_px, l.best_unknown, l.plays_height_px, l.fails_height_px, l.source,"
            " s.height_px AS fetched_px, b.stall_count, b.startup_delay_s FROM ladder l"
            " JOIN measurement m ON m.id = l.measurement_id JOIN video v ON v.id = m.video_row_id"
            " JOIN playback b ON b.measurement_id = m.id AND b.place = l.place AND b.player = 'dashjs'"
            " JOIN stream s ON s.measurement_id = m.id AND s.place = l.place AND s.stream = 0 ORDER BY v.title, m.id"
        )
        return [dict(row) for row in rows]


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", type=Path, nargs="*", default=[], help="databases of crawls of the world `ladder`")
    options = parser.parse_args()
    print(json.dumps(timed()))
    for path in options.lab:
        for row in stored(path):
            print(json.dumps(row))


if __name__ == "__main__":
    main()
