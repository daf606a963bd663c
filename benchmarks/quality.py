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
RATES_BPS = (110_000, 250_000, 560_000, 1_050_000, 2_300_000, 4_400_000, 8_000_000, 16_000_000)


def make_ladder() -> Ladder:
    """Return eight rungs of a video of ten minutes with one sound."""
    chance = Random(18)
    tracks = [_track("video", rate, 120, 5.0, chance) for rate in RATES_BPS]
    return round_ladder(Ladder(tuple(tracks[:6]), (_track("audio", 130_000, 60, 10.0, chance),)))


def _track(kind: str, rate_bps: int, count: int, segment_s: float, chance: Random) -> MediaTrack:
    segments, start_byte = [], 1500
    for number in range(count):
        size = round(rate_bps / 8 * segment_s * chance.uniform(0.3, 1.9))
        segments.append(TrackSegment(number * segment_s, segment_s, size, start_byte))
        start_byte += size
    return MediaTrack(
        kind, str(rate_bps), float(rate_bps), tuple(segments), height_px=rate_bps // 4000, size_bytes=start_byte
    )


def make_streams(rate_bps: int) -> list[StreamTrace]:
    """Return two streams that share a line of this rate evenly, with as many arrivals as a trace may have."""
    at_s = tuple(WINDOW_S * (index + 1) / ARRIVALS for index in range(ARRIVALS))
    counts = tuple(int(rate_bps / 16 * t_s) for t_s in at_s)
    return [StreamTrace(at_s, counts, MediaTimeline(kind, "segments")) for kind in ("video", "audio")]


def timed() -> dict[str, float]:
    """Return the milliseconds that all rungs of a window take, and the bytes of their ladder."""
    ladder, streams, config = make_ladder(), make_streams(3_000_000), PlaybackConfig()
    times = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        replay_rungs(streams, ladder, ladder.audio[0], WINDOW_S, config)
        times.append((time.process_time() - began_s) * 1000)
    return {
        "rungs": len(ladder.video),
        "all_rungs_median_ms": round(median(times), 2),
        "all_rungs_max_ms": round(max(times), 2),
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
