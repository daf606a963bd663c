"""Crawls over SABR in the lab: what its server does by video, and both transports as a pair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytomo_scrapy.failures import attribution_of
from pytomo_scrapy.lab.sabr.behaviours import BEHAVIOURS
from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import database_setting, query, run_scrapy

pytestmark = [pytest.mark.lab, pytest.mark.process]

WORLD = build_world("sabr")
BY_NAME = {video.sabr: video for video in WORLD.videos.values() if "SABR: " in video.title}
BY_NAME |= {"plain": next(video for video in WORLD.videos.values() if BEHAVIOURS["plain"].help in video.title)}


def crawl(database: Path, *arguments: str) -> None:
    done = run_scrapy(
        "lab", "--world", "sabr", "crawl", "youtube", "-a", "related=0", "-a", "max_rounds=1",
        "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1", *arguments,
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    # Neither the address nor the configuration is for anybody's eyes.
    assert "sabr=1" not in done.errors and "TGFi" not in done.errors


# One for each attribution, and two that play: what the others come to, tests of windows hold.
STORED = ("plain", "redirect_loop", "gate", "cut", "ad")


def test_behaviours_leave_a_row_with_their_class(database: Path) -> None:
    ids = ",".join(BY_NAME[name].video_id for name in STORED)
    crawl(database, "-a", f"urls={ids}", "-s", "PYTOMO_TRANSPORT=sabr", "-s", "PYTOMO_DOWNLOAD_WINDOW_S=6")
    rows = query(
        database,
        "SELECT v.video_id, m.failure, m.attribution, d.transport, d.elapsed_s, d.ad_wait_s, f.transport"
        " FROM measurement m JOIN video v ON v.id = m.video_row_id JOIN download d ON d.measurement_id = m.id"
        " JOIN figure f ON f.measurement_id = m.id WHERE d.place = 0",
    )
    found = {video_id: rest for video_id, *rest in rows}
    assert len(found) == len(STORED)
    for name in STORED:
        behaviour = BEHAVIOURS[name]
        failure, attribution, transport, elapsed_s, ad_wait_s, dimension = found[BY_NAME[name].video_id]
        assert failure == behaviour.failure, name
        assert attribution == (attribution_of(failure) if failure else None), name
        assert (transport, dimension) == ("sabr", "sabr"), name
        assert elapsed_s <= 6 + 2, name
        assert (ad_wait_s > 3) == (name == "ad"), name


def test_both_transports_are_two_rows_of_one_pair(database: Path) -> None:
    video = BY_NAME["plain"]
    done = run_scrapy(
        "lab", "--world", "sabr", "measure", "--json", "--transport", "both", video.video_id,
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=3", "-s", "PYTOMO_PING_PACKETS=1", *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    record = json.loads(done.output)
    assert sorted(window["transport"] for window in record["downloads"]) == ["plain", "sabr"]
    rows = query(database, "SELECT transport, pair_id, mode, failure, delivery_bps FROM download ORDER BY place")
    assert len(rows) == 2 and len({pair for _, pair, *_ in rows}) == 1 and rows[0][1]
    assert {(mode, failure) for _, _, mode, failure, _ in rows} == {("paced", None)}
    players = query(database, "SELECT place, player, is_started FROM playback WHERE player = 'dashjs' ORDER BY place")
    assert players == [(0, "dashjs", 1), (1, "dashjs", 1)]


def test_answer_without_any_plain_url_is_measured_over_sabr_alone(database: Path) -> None:
    faults = build_world("faults")
    (video,) = (one for one in faults.videos.values() if one.fault == "no_url")
    done = run_scrapy(
        "lab", "--world", "faults", "measure", "--json", "--transport", "both", video.video_id,
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=2", "-s", "PYTOMO_PING_PACKETS=1", *database_setting(database),
    )  # fmt: skip
    record = json.loads(done.output)
    found = {window["transport"]: (window["failure"], window["received_bytes"]) for window in record["downloads"]}
    assert found["sabr"][0] is None and found["sabr"][1] > 100_000
    assert found["plain"] == ("no_url_formats", None)
    assert record["failure"] is None


def test_choice_of_the_server_is_stored_switch_by_switch(database: Path) -> None:
    ladder = next(video for video in WORLD.videos.values() if "six qualities" in video.title)
    crawl(
        database, "-a", f"urls={ladder.video_id}", "-s", "PYTOMO_TRANSPORT=sabr", "-s", "PYTOMO_SABR_QUALITY=server",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=5",
    )  # fmt: skip
    spells = query(
        database, "SELECT number, from_format_id, format_id, height_px, media_s FROM quality_spell ORDER BY 1"
    )
    first, second = spells[:2]
    assert first[:4] == (0, None, "160", 144) and first[4] > 10
    assert second[:2] == (1, "160") and second[3] > 144  # how much better, the machine's first estimate decides
    ((quality, switches, bitrate, method),) = query(
        database,
        "SELECT d.sabr_quality, d.sabr_switch_count, d.sabr_mean_bitrate_bps, s.timeline_method"
        " FROM download d JOIN stream s ON s.download_id = d.id WHERE s.kind = 'video'",
    )
    assert (quality, switches, method) == ("server", len(spells) - 1, "headers")
    assert 100_000 < bitrate < 5_000_000
