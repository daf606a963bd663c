"""Figures of a window that is over: foreign traffic, demand, loaded round trips; and what a stored window replays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytomo_scrapy.items import DownloadResult, HttpRequest, StreamDownload, TcpConnection, TcpSummary
from pytomo_scrapy.items.playback_result import Interval
from pytomo_scrapy.measure.host.interface import REQUEST_SENT_BYTES, Counters, wire_received_bytes, wire_sent_bytes
from pytomo_scrapy.measure.playback.window_replay import (
    differing_figures,
    horizon_s,
    line_facts,
    p1203_input,
    replay_window,
    window_traces,
)
from pytomo_scrapy.measure.window import summary
from pytomo_scrapy.measure.window.probes import LoadedRoundTrips
from tests.factories import make_download, make_playback, make_timeline


def make_counters(received: int = 0, sent: int = 0, name: str = "eth0") -> Counters:
    return Counters({name: received}, {name: sent}, 0.0, 0.0)


def make_connection(**overrides: Any) -> TcpConnection:
    values = {"stream": 0, "address": "192.0.2.1", "port": 443, "local_port": 50000}
    counts = {"received_bytes": 10_000, "all_received_segment_count": 10, "all_sent_segment_count": 5}
    return TcpConnection(**{**values, **counts, **overrides})


def make_request(**overrides: Any) -> HttpRequest:
    return HttpRequest(**{"stream": 0, "hop": 0, "host": "h", "port": 443, **overrides})


def test_requests_that_begin_at_once_come_in_the_order_of_their_streams_whichever_ended_first() -> None:
    late, audio, video = make_request(t_s=2.0), make_request(stream=1, t_s=0.0), make_request(t_s=0.0)
    assert summary.in_order([audio, late, video]) == (video, audio, late)


@pytest.mark.parametrize(
    ("family", "tcp", "received", "sent"),
    [
        # The kernel's own counts: 10 000 bytes and 10 headers of 66; 5 headers and a request.
        (4, (make_connection(),), 10_000 + 10 * 66, 5 * 66 + REQUEST_SENT_BYTES),
        (6, (make_connection(),), 10_000 + 10 * 86, 5 * 86 + REQUEST_SENT_BYTES),
        (4, (make_connection(), make_connection()), 2 * 10_660, 2 * 330 + REQUEST_SENT_BYTES),
    ],
)
def test_own_bytes_are_those_that_the_kernel_counted(
    family: int, tcp: tuple[TcpConnection, ...], received: int, sent: int
) -> None:
    assert summary._own_bytes(make_download(address_family=family, tcp=tcp)) == (received, sent)


@pytest.mark.parametrize("tcp", [(), (make_connection(), make_connection(all_sent_segment_count=None))])
@pytest.mark.parametrize("is_tls", [True, False])
def test_own_bytes_are_estimated_where_the_kernel_does_not_count_them_all(
    tcp: tuple[TcpConnection, ...], is_tls: bool
) -> None:
    requests = (
        make_request(connect_s=0.01, tls_s=0.02 if is_tls else None),
        make_request(connect_s=0.01),
        make_request(),  # over a connection that was there
    )
    download = make_download(received_bytes=1_000_000, address_family=4, tcp=tcp, requests=requests)
    assert summary._own_bytes(download) == (
        wire_received_bytes(1_000_000, 4, 2, is_tls),
        wire_sent_bytes(1_000_000, 4, 2),
    )


def test_wire_bytes_of_a_body_hold_headers_records_and_handshakes() -> None:
    # Plain: 14 480 / 1448 + 1 = 11 segments of 66 bytes more.
    assert wire_received_bytes(14_480, 4, 3, is_tls=False) == 14_480 + 11 * 66
    # TLS: one record of 22 bytes and one handshake of 6000: 20 502 bytes; / 1448 = 14, + 1 = 15 segments.
    assert wire_received_bytes(14_480, 4, 1, is_tls=True) == 20_502 + 15 * 66
    # Acknowledgements: 10 segments / 2 + 1 = 6 of 66 bytes; and a request a connection.
    assert wire_sent_bytes(14_480, 4, 2) == 6 * 66 + 2 * REQUEST_SENT_BYTES


OWN_RECEIVED, OWN_SENT = 10_660, 5 * 66 + REQUEST_SENT_BYTES


@pytest.mark.parametrize(
    ("received", "sent", "foreign", "is_cross"),
    [
        (OWN_RECEIVED, OWN_SENT, (0, 0), False),
        (OWN_RECEIVED - 500, OWN_SENT - 500, (0, 0), False),  # an estimate a little too high
        (OWN_RECEIVED + 99_999, OWN_SENT, (99_999, 0), False),  # a chat client, whatever share it is
        (OWN_RECEIVED + 100_000, OWN_SENT, (100_000, 0), True),
        (OWN_RECEIVED, OWN_SENT + 200_000, (0, 200_000), True),
    ],
)
def test_foreign_traffic_is_what_the_interface_counted_beyond_our_own(
    received: int, sent: int, foreign: tuple[int, int], is_cross: bool
) -> None:
    result = make_download(address_family=4, tcp=(make_connection(),))
    found = summary._with_foreign_traffic(result, "eth0", make_counters(), make_counters(received, sent), 0.1)
    assert (found.foreign_received_bytes, found.foreign_sent_bytes) == foreign
    assert found.is_cross_traffic is is_cross


@pytest.mark.parametrize(
    ("interface", "after"), [(None, make_counters()), ("eth1", make_counters()), ("eth0", make_counters(name="eth1"))]
)
def test_foreign_traffic_is_not_told_where_no_interface_counts_it(interface: str | None, after: Counters) -> None:
    result = make_download()
    assert summary._with_foreign_traffic(result, interface, make_counters(), after, 0.1) is result


def make_stream(**overrides: Any) -> StreamDownload:
    return StreamDownload(**{"kind": "video", "format_id": "134", **overrides})


DONE_AT_12 = {"is_complete": True, "arrival_s": (12.0,), "arrival_bytes": (9,)}


@pytest.mark.parametrize(
    ("mode", "streams", "idle"),
    [
        ("paced", [{"no_demand": ((5.0, 10.0),)}], [(5.0, 10.0)]),
        # Both streams must have asked for nothing: 5 to 10 and 8 to 20 have 8 to 10 in common.
        ("paced", [{"no_demand": ((5.0, 10.0),)}, {"no_demand": ((8.0, 20.0),)}], [(8.0, 10.0)]),
        # One that is complete asks no more, from its last byte to the window's end.
        ("paced", [DONE_AT_12], [(12.0, 30.0)]),
        ("paced", [DONE_AT_12, {"no_demand": ((5.0, 15.0), (20.0, 25.0))}], [(12.0, 15.0), (20.0, 25.0)]),
        ("paced", [DONE_AT_12, {}], []),
        # One that has failed asks no more either: here from the end of its request on, at 4 s.
        ("paced", [{"failure": "http_404"}, {"no_demand": ((2.0, 10.0),)}], [(4.0, 10.0)]),
        # One of a wrong length is at rest, and not twice.
        ("paced", [{"failure": "wrong_length", "no_demand": ((5.0, 30.0),)}], [(5.0, 30.0)]),
        # A player that chooses its quality rests as well.
        ("adaptive", [{"no_demand": ((5.0, 10.0),)}], [(5.0, 10.0)]),
        ("paced", [], []),
        ("bulk", [{"no_demand": ((5.0, 10.0),)}], []),  # a bulk window always asks
    ],
)
def test_time_without_demand_is_where_no_stream_asked(
    mode: str, streams: list[dict[str, Any]], idle: list[tuple[float, float]]
) -> None:
    requests = (make_request(t_s=1.0, total_s=3.0), make_request(stream=1, t_s=8.0, total_s=3.0))
    made = tuple(make_stream(**one) for one in streams)
    download = make_download(mode=mode, elapsed_s=30.0, streams=made, requests=requests)
    assert summary._no_demand(download) == idle


@pytest.mark.parametrize(
    ("rtts_s", "sent_count", "figures"),
    [
        ((0.03, 0.01, 0.02), 4, (4, 3, 0.01, 0.02, 0.03)),
        ((), 4, (4, 0, None, None, None)),
    ],
)
def test_loaded_round_trips_are_over_the_replies(
    rtts_s: tuple[float, ...], sent_count: int, figures: tuple[object, ...]
) -> None:
    probes = LoadedRoundTrips(sent_count, tuple(float(n) for n in range(len(rtts_s))), rtts_s)
    found = summary._loaded_rtt(probes)
    assert (
        found.sent_count, found.received_count, found.rtt_min_s, found.rtt_median_s, found.rtt_max_s,
    ) == figures  # fmt: skip
    assert summary._loaded_rtt(None).sent_count is None


# What is played of a stored window.


@pytest.mark.parametrize(
    ("ended_by", "elapsed_s", "window_s", "horizon"),
    [
        ("deadline", 30.1, 30.0, 30.0),
        ("complete", 3.0, 30.0, 30.0),  # the video may go on playing
        ("failure", 3.0, 30.0, 30.0),
        ("byte_cap", 3.0, 30.0, 3.0),  # our own cap: nobody can tell what would have come
        ("byte_cap", None, 30.0, None),
        ("deadline", 30.0, None, None),
    ],
)
def test_playback_is_told_until_the_windows_end_or_our_own_cap(
    ended_by: str, elapsed_s: float | None, window_s: float | None, horizon: float | None
) -> None:
    download = DownloadResult(ended_by=ended_by, elapsed_s=elapsed_s, window_s=window_s)
    assert horizon_s(download) == horizon


MEDIA = make_timeline(offset_bytes=(100, 200), complete_s=(2.0, 4.0), duration_s=4.0)


@pytest.mark.parametrize(
    ("overrides", "timelines"),
    [
        ({"window_s": None}, (MEDIA,)),
        ({}, ()),
        ({}, (MEDIA, MEDIA)),  # the traces of one stream are gone
        ({"streams": ()}, (MEDIA,)),
    ],
)
def test_window_without_its_traces_is_not_played_again(overrides: dict[str, Any], timelines: Any) -> None:
    assert replay_window(make_download(**overrides), timelines, "classic", {}, "mine") is None


def test_window_is_played_again_under_another_name_and_place() -> None:
    result = replay_window(make_download(place=2), (MEDIA,), "classic", {}, "mine")
    assert result is not None and (result.player, result.place, result.horizon_s) == ("mine", 2, 30.0)
    (trace,) = window_traces(make_download(), (MEDIA,))
    assert (trace.arrival_s, trace.arrival_bytes, trace.timeline) == ((0.1,), (100,), MEDIA)


def loaded(sent_count: int, *probes: tuple[float, float]) -> DownloadResult:
    """Return a window whose probes were answered so, of as many."""
    found = summary._loaded_rtt(LoadedRoundTrips.of(sent_count, probes))
    return make_download(loaded=found, connect_s=0.03, tcp_summary=TcpSummary(rtt_min_s=0.02))


def test_line_of_a_window_is_known_by_its_round_trip_and_its_probes() -> None:
    probes = tuple((0.5 * number, 0.1) for number in range(1, 11))
    facts = line_facts(loaded(11, *probes))
    assert (facts.round_trip_s, facts.probes) == (0.02, probes), "10 of 11 were answered"
    assert line_facts(loaded(12, *probes)).probes == (), "who lost more would count the short waits alone"
    assert line_facts(make_download(connect_s=0.03)).round_trip_s == 0.03
    assert line_facts(make_download()).probes == ()


def test_probes_count_on_the_clock_without_advertisements() -> None:
    # Those sent at 1, 3 and 6 s; the second while an advertisement was waited for, from 2 to 4 s.
    window = replace(loaded(3, (1.0, 0.1), (3.0, 0.1), (6.0, 0.1)), ad_waits=((2.0, 4.0),))
    assert [sent_s for sent_s, _ in line_facts(window).probes] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        ({}, []),
        ({"stall_count": 2, "stalled_s": 3.0}, []),
        ({"stall_count": 3, "stalled_s": 3.0}, ["stall_count"]),
        ({"stalled_s": 3.0000001}, ["stalled_s"]),  # exact, not nearly
        ({"startup_delay_s": None}, ["startup_delay_s"]),
        ({"player": "another", "parameters": {"x": 1}, "unknown": 1}, []),  # no figures
    ],
)
def test_figures_that_differ_from_a_stored_row_are_named(stored: dict[str, Any], names: list[str]) -> None:
    assert differing_figures(make_playback(), stored) == names


def test_input_of_the_quality_model_has_its_stalls_at_media_time() -> None:
    stalls = (Interval(5.5, 2.0), Interval(10.5, 1.0))
    result = replace(make_playback(startup_delay_s=1.5, played_s=20.0), stalls=stalls)
    video = make_timeline(
        kind="video", video_codec="h264", bitrate_bps=800_000.0, frame_rate_fps=25.0, width_px=640, height_px=360
    )
    audio = make_timeline(kind="audio", audio_codec="aac", bitrate_bps=96_000.0)
    found = p1203_input(result, (video, audio))
    assert found is not None
    # 5.5 - 1.5 = 4 s of media; 10.5 - 1.5 - 2 = 7 s.
    assert found["I23"]["stalling"] == [[0.0, 1.5], [4.0, 2.0], [7.0, 1.0]]
    assert found["I13"]["segments"] == [
        {"bitrate": 800.0, "codec": "h264", "duration": 20.0, "fps": 25.0, "resolution": "640x360", "start": 0}
    ]
    assert found["I11"]["segments"] == [{"bitrate": 96.0, "codec": "aaclc", "duration": 20.0, "start": 0}]


@pytest.mark.parametrize(
    ("timelines", "video_count", "audio_kbps"),
    [
        ((), 0, []),
        ((make_timeline(video_codec="h264", audio_codec="aac", bitrate_bps=900_000.0),), 1, [128.0]),
        ((make_timeline(kind="audio", audio_codec="aac"),), 0, [128.0]),  # its rate is not known
    ],
)
def test_input_of_the_quality_model_takes_a_usual_rate_for_sound_of_unknown_rate(
    timelines: Any, video_count: int, audio_kbps: list[float]
) -> None:
    found = p1203_input(make_playback(played_s=20.0), timelines)
    assert found is not None and len(found["I13"]["segments"]) == video_count
    assert [segment["bitrate"] for segment in found["I11"]["segments"]] == audio_kbps


@pytest.mark.parametrize("missing", [{"startup_delay_s": None}, {"played_s": None}])
def test_input_of_the_quality_model_needs_a_playback_that_started(missing: dict[str, Any]) -> None:
    assert p1203_input(make_playback(**{"played_s": 20.0, **missing}), ()) is None
