"""Windows over SABR in the lab: each thing that its server may do, and the bytes that come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytomo_scrapy.failures import Attribution, attribution_of
from pytomo_scrapy.lab.clips.library import load_clip
from pytomo_scrapy.lab.sabr.behaviours import BEHAVIOURS, SabrBehaviour
from tests.measure.sabr.sabr_windows import SabrLab, Window, running_sabr_lab

pytestmark = [pytest.mark.lab, pytest.mark.process, pytest.mark.alone]

FAULTS = [row for row in BEHAVIOURS.values() if row.failure is not None]
READAHEAD_S = 15.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SabrLab]:
    with running_sabr_lab(str(tmp_path_factory.mktemp("spool"))) as running:
        yield running


@pytest.fixture(scope="module")
def plain(lab: SabrLab) -> Window:
    """A window without anything odd, long enough to be ahead as far as the server wants it."""
    return lab.window(BEHAVIOURS["plain"].help, window_s=8.0)


def assert_bytes_of_the_clip(window: Window, clip_name: str = "separate_40") -> None:
    """Compare what was kept of each stream with the clip's file, byte by byte."""
    clip = load_clip(clip_name)
    for stream in window.result.streams:
        source = clip.stream(int(stream.format_id))
        assert source is not None and stream.spool_path is not None
        kept = Path(stream.spool_path).read_bytes()
        assert len(kept) == stream.received_bytes > 0
        assert kept == source.path.read_bytes()[: len(kept)]


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.name)
def test_fault_gives_its_class_and_whose_it_is(lab: SabrLab, row: SabrBehaviour) -> None:
    window = lab.window(row.help, window_s=12.0)
    result = window.result
    assert (result.transport, result.ended_by, result.failure) == ("sabr", "failure", row.failure)
    assert {stream.failure for stream in result.streams} == {row.failure}
    assert (
        attribution_of(row.failure)
        is (Attribution.NETWORK if row.failure == "truncated" else attribution_of("media_gated"))
        or row.failure == "redirect_loop"
    )
    assert (result.gated_at_s is not None) == (row.failure == "media_gated")
    assert result.elapsed_s is not None and result.elapsed_s < 5.0  # at once, not at the window's end
    if row.failure not in {"redirect_loop", "bad_response"}:
        assert_bytes_of_the_clip(window)
        assert window.players["dashjs"].is_started


@pytest.mark.parametrize("name", ["plain", "redirect", "odd"])
def test_healthy_session_plays_the_clips_own_bytes_in_order(lab: SabrLab, plain: Window, name: str) -> None:
    window = plain if name == "plain" else lab.window(BEHAVIOURS[name].help, window_s=4.0)
    result = window.result
    assert (result.failure, result.ended_by, result.mode) == (None, "deadline", "paced")
    assert_bytes_of_the_clip(window)
    assert [timeline.method for timeline in window.timelines] == ["packets", "packets"]
    assert window.players["dashjs"].stall_count == 0
    assert result.sabr.protection_status == 1 and result.sabr.readahead_s == READAHEAD_S
    assert (result.sabr.start_s, result.sabr.resume_s) == (1.2, 6.0)
    assert result.sabr.repeated_bytes == 0 and (result.sabr.overhead_bytes or 0) > 500


def test_redirect_is_followed_and_each_hop_is_a_row(lab: SabrLab) -> None:
    window = lab.window(BEHAVIOURS["redirect"].help, window_s=2.0)
    first, second = window.result.requests[:2]
    assert (first.hop, second.hop) == (0, 1)
    assert first.host != second.host and second.dns_s is not None and second.connect_s is not None
    assert first.received_bytes > 0 and second.received_bytes > 100_000


def test_requests_share_one_connection_with_the_figures_of_any_window(plain: Window) -> None:
    result = plain.result
    assert len(result.requests) > 2
    assert [row.status for row in result.requests] == [200] * len(result.requests)
    assert [row.connect_s is not None for row in result.requests] == [True] + [False] * (len(result.requests) - 1)
    assert {row.content_type for row in result.requests} == {"application/vnd.yt-ump"}
    assert result.requests[0].tls_version is not None
    assert len(result.tcp) == 1 and result.tcp[0].received_bytes is not None
    assert result.tcp[0].received_bytes > (result.received_bytes or 0)
    assert result.connect_s is not None and result.address is not None and result.first_byte_s is not None


def test_readahead_is_what_lies_ahead_of_the_playhead(plain: Window) -> None:
    result = plain.result
    longest_s = max(segment.duration_s for timeline in plain.timelines for segment in timeline.segments)
    assert READAHEAD_S <= (result.sabr.ahead_max_s or 0.0) <= READAHEAD_S + longest_s + 0.01
    # On and off: most of a fast host's window asks for nothing.
    assert (result.throughput.no_demand_s or 0.0) > 5.0
    assert max(plain.timelines[0].complete_s) <= 8.0 + READAHEAD_S + longest_s + 0.01


def test_advertisement_is_its_own_figure_and_no_stall(lab: SabrLab) -> None:
    window = lab.window(BEHAVIOURS["ad"].help, window_s=9.0)
    result = window.result
    assert result.failure is None
    # The host asks for 4 s, in steps of which a busy machine adds one; the window would last for 9 s.
    assert result.sabr.ad_wait_s is not None and 3.9 <= result.sabr.ad_wait_s < 8.0
    assert len(result.ad_waits) == 1 and result.ad_waits[0][0] < 2.0
    # Nothing was asked for meanwhile: the rate of delivery leaves it out.
    assert all(result.ad_waits[0] in stream.no_demand for stream in result.streams)
    for player in window.players.values():
        assert player.startup_delay_s is not None and player.startup_delay_s < 3.9, "without the advertisement"
        assert player.stall_count == 0
        assert player.horizon_s == pytest.approx((result.window_s or 0.0) - result.sabr.ad_wait_s)
    assert_bytes_of_the_clip(window)


def test_byte_cap_ends_the_window(lab: SabrLab) -> None:
    result = lab.window(BEHAVIOURS["plain"].help, max_bytes=300_000).result
    assert (result.ended_by, result.failure) == ("byte_cap", None)
    assert 300_000 <= (result.received_bytes or 0) + (result.sabr.overhead_bytes or 0) < 1_000_000


def test_server_choice_follows_a_falling_rate(lab: SabrLab) -> None:
    # The first answer comes at 50 Mbit/s: an estimate of 1.7 is enough to be sent more than what follows allows. The
    # second is asked for when a second was played; a segment of 18 Mbit comes at 1.6 Mbit/s, over by half the window.
    window = lab.window("six qualities", window_s=24.0, sabr_quality="server")
    result = window.result
    assert result.failure is None and result.sabr.quality == "server"
    heights = [spell.height_px for spell in result.spells]
    # The lowest without an estimate, a better one with it (how good, a busy machine decides), less when the rate fell.
    known = [height or 0 for height in heights]
    assert known[0] == 144 < max(known) > known[-1] >= 144
    assert [spell.from_height_px for spell in result.spells] == [None, *heights[:-1]]
    assert result.sabr.switch_count == len(heights) - 1 >= 2
    media_s = sum(spell.media_s for spell in result.spells)
    sent_bytes = sum(spell.received_bytes for spell in result.spells)
    assert result.sabr.mean_bitrate_bps == pytest.approx(8 * sent_bytes / media_s)
    # Several files follow each other: only the headers know the time.
    assert window.timelines[0].method == "headers" and window.timelines[1].method == "packets"
    assert max(window.timelines[0].complete_s) == pytest.approx(media_s, abs=0.1)
    assert window.players["dashjs"].is_started


def test_fixed_quality_asks_for_one_format_whatever_the_rate(lab: SabrLab) -> None:
    result = lab.window("six qualities", window_s=4.0).result
    assert result.sabr.quality == "fixed" and result.sabr.switch_count == 0 and result.spells == ()
