"""A stored ladder: what a replay of an adaptive player starts from, and what the report sums up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.stored_replay import replay
from pytomo_scrapy.items import Ladder, LadderResult, MediaTrack, TrackSegment
from pytomo_scrapy.items.precision import round_ladder
from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.read import recall_ladders
from pytomo_scrapy.storage.measurements.repository import Repository
from tests.storage.factories import begin, make_download, make_item, make_timelines


def track(kind: str, rate_bps: float, height_px: int | None = None) -> MediaTrack:
    segments = tuple(
        TrackSegment(5.0 * n, 5.0, int(rate_bps * 5 / 8), 1000 + int(rate_bps * 5 / 8) * n) for n in range(12)
    )
    return MediaTrack(kind, f"{kind}{rate_bps:g}", rate_bps, segments, height_px=height_px, init_bytes=1000)


LADDER = round_ladder(
    Ladder((track("video", 1e5, 144), track("video", 4e5, 360), track("video", 2e6, 720)), (track("audio", 5e4),))
)
JUDGED = LadderResult(
    source="index",
    video_rung_count=3,
    audio_rung_count=1,
    top_height_px=720,
    best_height_px=360,
    best_bitrate_bps=450_000.0,
    plays_height_px=360,
    fails_height_px=720,
    ladder=LADDER,
)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A database with one session that has a ladder, and one that has none."""
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    repository, run = begin(database)
    window = make_download()
    repository.save(make_item(downloads=(window,), timelines=(make_timelines(),), ladders=(JUDGED,)), run)
    other = make_item(video_id="bbbbbbbbbbb", downloads=(window,), timelines=(make_timelines(),), ladders=())
    repository.save(other, run)
    yield repository
    database.close()


def test_a_stored_ladder_comes_back(repository: Repository) -> None:
    with repository.database.read() as connection:
        assert recall_ladders(connection, 1) == {0: LADDER}
        assert recall_ladders(connection, 2) == {}
    stored = repository.measurement(1)
    assert stored is not None
    [row] = stored["ladders"]
    assert (row["best_height_px"], row["source"], row["fails_height_px"]) == (360, "index", 720)
    assert "rungs" not in row


def test_an_adaptive_player_is_replayed_over_the_stored_ladder(repository: Repository) -> None:
    moved = replay(repository, "dashjs-adaptive", {}, {})
    assert moved.added == 2
    first, second = repository.measurement(1), repository.measurement(2)
    assert first is not None and second is not None
    [played] = [row for row in first["playbacks"] if row["player"] == "dashjs-adaptive"]
    assert played["failure"] is None and played["ladder_source"] == "index"
    assert played["switch_count"] is not None and set(played["height_s"]) <= {"144", "360", "720"}
    [failed] = [row for row in second["playbacks"] if row["player"] == "dashjs-adaptive"]
    assert failed["failure"] == "no_ladder"
    again = replay(repository, "dashjs-adaptive", {}, {})
    assert (again.added, again.same, again.different) == (0, 2, [])


def test_the_report_says_which_qualities_play(repository: Repository) -> None:
    quality = summarise(repository.database).quality
    assert quality is not None and (quality.window_count, quality.grade) == (1, "SD")
    shares = {one.height_px: (one.plays_count, one.known_count) for one in quality.shares}
    assert shares == {360: (1, 1), 480: (0, 0), 720: (0, 1), 1080: (0, 0), 2160: (0, 0)}


def test_an_address_is_never_stored(repository: Repository) -> None:
    signed = replace(LADDER.video[0], url="https://a/?sig=x", init_url="https://a/i?sig=x")
    assert round_ladder(Ladder((signed,))).video[0] == LADDER.video[0]
