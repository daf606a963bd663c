"""Adaptive windows in the lab, from the choice of a segment's quality to the stored row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytomo_scrapy.lab.servers import LabOptions, make_world
from tests.e2e.conftest import database_setting, query, run_scrapy

WINDOW_S = 12


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    database = tmp_path_factory.mktemp("adaptive") / "x.db"
    known = make_world(LabOptions("ladder")).known
    chosen = {
        words: next(key for key, what in known.items() if words in what)
        for words in ("at 0.3 Mbit/s, FILES", "at 20 Mbit/s, DASH")
    }
    done = run_scrapy(
        "lab", "--world", "ladder", "crawl", "youtube", "-a", f"urls={','.join(chosen.values())}", "-a", "related=0",
        "-s", "PYTOMO_DOWNLOAD_MODE=adaptive", "-s", f"PYTOMO_DOWNLOAD_WINDOW_S={WINDOW_S}", "-s", "PYTOMO_PACE_S=0",
        "-s", "PYTOMO_PING_PACKETS=1", *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    return database, chosen


def test_row_says_what_the_player_chose_and_showed(measured: tuple[Path, dict[str, str]]) -> None:
    database, chosen = measured
    shown = {
        row[0]: row[1:]
        for row in query(
            database,
            "SELECT v.video_id, d.mode, p.player, p.startup_delay_s, p.mean_bitrate_bps, p.height_s, p.requested_bytes,"
            " d.received_bytes, p.played_s, p.switches FROM playback p JOIN measurement m ON m.id = p.measurement_id"
            " JOIN video v ON v.id = m.video_row_id JOIN download d ON d.measurement_id = m.id",
        )
    }
    assert len(shown) == 2 and {row[:2] for row in shown.values()} == {("adaptive", "dashjs-adaptive live")}
    for mode, player, startup_s, rate_bps, height_s, requested, received, played_s, switches in shown.values():
        assert 0 < startup_s < 8 and played_s > 3 and 0 < requested <= received, (mode, player)
        assert sum(json.loads(height_s).values()) == pytest.approx(played_s, abs=0.1)
        assert 1e5 < rate_bps < 5e6 and json.loads(switches)[0][0] == pytest.approx(startup_s)
    slow, fast = (shown[chosen[words]] for words in ("at 0.3 Mbit/s, FILES", "at 20 Mbit/s, DASH"))
    assert set(json.loads(slow[4])) == {"144"}
    # It begins with 480p, the highest of at most 1 Mbit/s, or one below: its rate is 1.0006 Mbit/s.
    assert "1080" in json.loads(fast[4]) and fast[3] > 5 * slow[3]


def test_ladder_is_stored_and_a_replay_plays_it(measured: tuple[Path, dict[str, str]]) -> None:
    database, _ = measured
    assert set(query(database, "SELECT source, video_rung_count, top_height_px FROM ladder")) == {
        ("index", 6, 1080), ("playlist", 6, 1080),
    }  # fmt: skip
    replayed = run_scrapy("replay", "--player", "shaka-adaptive", *database_setting(database))
    assert replayed.exit_code == 0, replayed.output + replayed.errors
    assert "2 results added" in replayed.output


def test_requests_name_the_quality_that_they_asked_for(measured: tuple[Path, dict[str, str]]) -> None:
    database, _ = measured
    rungs = {rung for (rung,) in query(database, "SELECT DISTINCT rung FROM http_request WHERE stream = 0")}
    assert {1, 6} < rungs <= {1, 2, 3, 4, 5, 6}
    assert query(database, "SELECT COUNT(*) FROM http_request WHERE failure IS NOT NULL") == [(0,)]


def test_media_addresses_of_all_qualities_are_stored_nowhere(measured: tuple[Path, dict[str, str]]) -> None:
    database, _ = measured
    content = database.read_bytes()
    assert b"videoplayback" not in content and b"sig=" not in content
