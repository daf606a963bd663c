"""Crawls over SABR in the lab: what its server does by video, and both transports as a pair."""

from __future__ import annotations

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


def crawl(world: str, database: Path, *arguments: str) -> None:
    done = run_scrapy(
        "lab", "--world", world, "crawl", "youtube", "-a", "related=0", "-a", "max_rounds=1",
        "-s", "PYTOMO_PACE_S=0", "-s", "PYTOMO_PING_PACKETS=1", *arguments,
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    # Neither the address nor the configuration is for anybody's eyes.
    assert "sabr=1" not in done.errors and "TGFi" not in done.errors


# One for each attribution, and two that play: what the others come to, tests of windows hold.
STORED = ("plain", "redirect_loop", "gate", "cut", "ad")
LADDER = next(video.video_id for video in WORLD.videos.values() if "six qualities" in video.title)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crawl over SABR in which the server chooses the quality, where there is more than one."""
    database = tmp_path_factory.mktemp("sabr") / "x.db"
    ids = ",".join([*(BY_NAME[name].video_id for name in STORED), LADDER])
    crawl(
        "sabr", database, "-a", f"urls={ids}", "-s", "PYTOMO_TRANSPORT=sabr", "-s", "PYTOMO_SABR_QUALITY=server",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=6",
    )  # fmt: skip
    return database


def test_behaviours_leave_a_row_with_their_class(measured: Path) -> None:
    rows = query(
        measured,
        "SELECT v.video_id, m.failure, m.attribution, d.transport, d.elapsed_s, d.ad_wait_s, f.transport"
        " FROM measurement m JOIN video v ON v.id = m.video_row_id JOIN download d ON d.measurement_id = m.id"
        " JOIN figure f ON f.measurement_id = m.id WHERE d.place = 0",
    )
    found = {video_id: rest for video_id, *rest in rows}
    assert set(found) == {LADDER, *(BY_NAME[name].video_id for name in STORED)}
    for name in STORED:
        behaviour = BEHAVIOURS[name]
        failure, attribution, transport, elapsed_s, ad_wait_s, dimension = found[BY_NAME[name].video_id]
        assert failure == behaviour.failure, name
        assert attribution == (attribution_of(failure) if failure else None), name
        assert (transport, dimension) == ("sabr", "sabr"), name
        assert elapsed_s <= 6 + 2, name
        assert (ad_wait_s > 3) == (name == "ad"), name


def test_both_transports_are_two_rows_of_one_pair_and_one_stands_where_there_is_no_plain_url(database: Path) -> None:
    videos = build_world("faults").videos.values()
    well = next(one.video_id for one in videos if one.fault is None)
    (without,) = (one.video_id for one in videos if one.fault == "no_url")
    crawl(
        "faults", database, "-a", f"urls={well},{without}", "-s", "PYTOMO_TRANSPORT=both",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=3",
    )  # fmt: skip
    rows = query(
        database,
        "SELECT v.video_id, d.transport, d.pair_id, d.mode, d.failure, d.received_bytes, m.failure FROM download d"
        " JOIN measurement m ON m.id = d.measurement_id JOIN video v ON v.id = m.video_row_id ORDER BY d.place",
    )
    pair = [row[1:] for row in rows if row[0] == well]
    assert sorted(transport for transport, *_ in pair) == ["plain", "sabr"]
    assert len({pair_id for _, pair_id, *_ in pair}) == 1 and pair[0][1]
    assert {(mode, failure, whole) for _, _, mode, failure, _, whole in pair} == {("paced", None, None)}
    players = query(
        database,
        "SELECT p.place, p.player, p.is_started FROM playback p JOIN measurement m ON m.id = p.measurement_id"
        " JOIN video v ON v.id = m.video_row_id WHERE p.player = 'dashjs' AND v.video_id = ? ORDER BY p.place",
        well,
    )
    assert players == [(0, "dashjs", 1), (1, "dashjs", 1)]
    found = {transport: (failure, received, whole) for name, transport, _, _, failure, received, whole in rows
             if name == without}  # fmt: skip
    assert found["sabr"][0] is None and found["sabr"][1] > 100_000 and found["sabr"][2] is None
    assert found["plain"][:2] == ("no_url_formats", None)


def test_choice_of_the_server_is_stored_switch_by_switch(measured: Path) -> None:
    of_it = "JOIN measurement m ON m.id = {}.measurement_id JOIN video v ON v.id = m.video_row_id WHERE v.video_id = ?"
    spells = query(
        measured,
        "SELECT q.number, q.from_format_id, q.format_id, q.height_px, q.media_s FROM quality_spell q"
        f" {of_it.format('q')} ORDER BY 1",
        LADDER,
    )
    first, second = spells[:2]
    assert first[:4] == (0, None, "160", 144) and first[4] > 10
    assert second[:2] == (1, "160") and second[3] > 144  # how much better, the machine's first estimate decides
    ((quality, switches, bitrate, method),) = query(
        measured,
        "SELECT d.sabr_quality, d.sabr_switch_count, d.sabr_mean_bitrate_bps, s.timeline_method"
        f" FROM download d JOIN stream s ON s.download_id = d.id {of_it.format('d')} AND s.kind = 'video'",
        LADDER,
    )
    assert (quality, switches, method) == ("server", len(spells) - 1, "headers")
    assert 100_000 < bitrate < 5_000_000
