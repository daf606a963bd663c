"""Videos that come in segments, from the list of them to stored rows and a replay."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.lab.servers import LabOptions, make_world
from pytomo_scrapy.lab.service.dailymotion_service import dailymotion_id
from tests.e2e.conftest import database_setting, query, run_scrapy

# What each experiment is for, by the words of the lab.
WINDOW_S = 12
SETTINGS = ("-s", f"PYTOMO_DOWNLOAD_WINDOW_S={WINDOW_S}", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1")


def experiments(*beginnings: str) -> dict[str, str]:
    """Return the ids of the default world's known videos whose words begin so, by these beginnings."""
    known = make_world(LabOptions("default")).known
    return {words: next(key for key, what in known.items() if what.startswith(words)) for words in beginnings}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    database = tmp_path_factory.mktemp("deliveries") / "x.db"
    chosen = experiments(
        "HLS: a transport stream (", "HLS: a transport stream and packed", "HLS: fragmented", "DASH: ",
        "DASH, a host at half",
    )  # fmt: skip
    done = run_scrapy(
        "lab", "crawl", "youtube", "-a", f"urls={','.join(chosen.values())}", "-a", "related=0", *SETTINGS,
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    return database, chosen


def test_every_delivery_is_measured_and_played(measured: tuple[Path, dict[str, str]]) -> None:
    database, chosen = measured
    rows = query(
        database,
        "SELECT v.video_id, m.failure, GROUP_CONCAT(DISTINCT s.delivery), GROUP_CONCAT(DISTINCT s.timeline_method),"
        " COUNT(*) FROM measurement m JOIN video v ON v.id = m.video_row_id JOIN stream s ON s.measurement_id = m.id"
        " GROUP BY m.id",
    )
    by_words = {words: next(row[1:] for row in rows if row[0] == key) for words, key in chosen.items()}
    assert by_words == {
        "HLS: a transport stream (": (None, "hls", "packets", 1),
        "HLS: a transport stream and packed": (None, "hls", "packets", 2),
        "HLS: fragmented": (None, "hls", "packets", 2),
        "DASH: ": (None, "dash", "packets", 2),
        "DASH, a host at half": (None, "dash", "packets", 2),
    }


# Of a host at half of the rate, whose segments of 4 s take 8 s each: a player of segments starts at 8 s, dry at 12 s.
SLOW = (
    "SELECT p.startup_delay_s, p.played_s, p.stall_count, p.stalled_s, (SELECT c.stall_count FROM playback c WHERE"
    " c.measurement_id = p.measurement_id AND c.player = 'classic'), m.failure, (SELECT MIN(s.delivery) FROM stream s"
    " WHERE s.measurement_id = m.id) FROM playback p JOIN measurement m ON m.id = p.measurement_id"
    " JOIN video v ON v.id = m.video_row_id WHERE p.player = 'dashjs'"
)


def test_host_at_half_of_the_rate_starts_late_and_stalls(measured: tuple[Path, dict[str, str]]) -> None:
    database, chosen = measured
    ((startup_s, dry_s, _, _, classic_stalls, *_),) = query(
        database, f"{SLOW} AND v.video_id = ?", chosen["DASH, a host at half"]
    )
    assert 7.0 < startup_s < 11.5 and 0.4 < dry_s <= 4.5
    assert classic_stalls >= 1


def test_fast_host_plays_without_a_stall_and_each_segment_is_a_request(measured: tuple[Path, dict[str, str]]) -> None:
    database, chosen = measured
    for words, count in (("HLS: a transport stream (", 10), ("DASH: ", 22), ("HLS: fragmented", 22)):
        rows = query(
            database,
            "SELECT r.segment, r.failure, d.is_cross_traffic IS NOT NULL, d.ended_by FROM http_request r"
            " JOIN download d ON d.id = r.download_id JOIN measurement m ON m.id = d.measurement_id"
            " JOIN video v ON v.id = m.video_row_id WHERE v.video_id = ?",
            chosen[words],
        )
        # A paced window takes window and goal, 12 + 30 s of media: all of the 40 s here.
        assert len(rows) == count and {row[1] for row in rows} == {None} and {row[3] for row in rows} == {"complete"}
        ((stalls, startup_s),) = query(
            database,
            "SELECT p.stall_count, p.startup_delay_s FROM playback p JOIN measurement m ON m.id = p.measurement_id"
            " JOIN video v ON v.id = m.video_row_id WHERE p.player = 'dashjs' AND v.video_id = ?",
            chosen[words],
        )
        assert stalls == 0 and startup_s < 4.0, "less than half of what the slow hosts take"


def test_replay_gives_the_stored_figures_again_and_a_plot_draws_them(
    measured: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    database, _ = measured
    replayed = run_scrapy("replay", "--player", "dashjs", *database_setting(database))
    assert replayed.exit_code == 0, replayed.errors
    assert "5 stored results of that name came out exactly the same, 0 not." in replayed.output
    plotted = run_scrapy("plot", "1", "-o", str(tmp_path / "x.svg"), *database_setting(database))
    assert plotted.exit_code == 0, plotted.errors
    assert (tmp_path / "x.svg").read_text().startswith("<svg")


def test_media_addresses_of_segments_are_stored_nowhere(measured: tuple[Path, dict[str, str]]) -> None:
    database, _ = measured
    content = database.read_bytes()
    assert b"videoplayback" not in content and b"sig=" not in content


def test_crawl_of_dailymotion_is_measured_in_segments_and_stalls_where_the_host_is_slow(database: Path) -> None:
    """The first of the list is on a host that sends at half of the media's rate."""
    done = run_scrapy(
        "lab", "crawl", "dailymotion", "-a", "time_frame=week", "-a", "max_crawled_url=1",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=15", "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1",
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    ((startup_s, _, stall_count, stalled_s, classic_stalls, *ended),) = query(database, SLOW)
    assert ended == [None, "hls"]
    assert 7.0 < startup_s < 11.5 and stall_count >= 1 and stalled_s > 0.5 and classic_stalls >= 1


def test_world_serves_each_kind_of_segments_to_the_second_service() -> None:
    videos = make_world(LabOptions("default")).videos.values()
    listed = {video.segmented_clip for video in videos if video.clip.startswith("muxed") and video.fault is None}
    assert listed == {"hls_20", "hls_40", "hls_90", "hls_vbr_40", "packed_40", "separate_40"}
    assert len({dailymotion_id(video.video_id) for video in videos}) == len(videos)
