from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.analysis.autopsy.explaining import explain
from pytomo_scrapy.analysis.autopsy.limits import RULES_VERSION, known_limits
from pytomo_scrapy.items import Cause, DnsLookup, Interval, MediaTimeline, Surroundings, Symptom
from tests.analysis.autopsy.sessions import Line, good, make_evidence, never, slow, stalled

FULL = {"gateway": 0.002, "access": 0.300, "host": 0.320}  # behind the gateway, in front of the line's far end
AT_HOME = {"gateway": 0.200, "access": 0.208, "host": 0.228}
FAR = {"host": 0.330}

# A line of the table: what the window met, and what it must be put down to. Half of the needed rate came.
CASES = {
    "queue at home": (Line(rtt_s=AT_HOME), Cause.HOME),
    "loss at home": (Line(lost=("gateway", "access", "host"), late_ratio=0.1), Cause.HOME),
    # Idle 2 and 10 ms. 29 ms more at home is no queue yet; 34 ms more at the far end is one, and most of it is home's.
    "queue at home that counts behind it": (Line(rtt_s={"gateway": 0.031, "access": 0.044}), Cause.HOME),
    "queue of the line, and a little at home": (Line(rtt_s={"gateway": 0.018, "access": 0.044}), Cause.ACCESS),
    "queue of the access line": (Line(rtt_s=FULL), Cause.ACCESS),
    "loss that slows nothing": (Line(lost=("access",), lost_every=6, past=False), Cause.UNKNOWN),
    "loss on the access line": (Line(lost=("access", "host"), late_ratio=0.1), Cause.ACCESS),
    "queue beyond the access line": (Line(rtt_s=FAR), Cause.PATH),
    "loss beyond the access line": (Line(late_ratio=0.1), Cause.PATH),
    "host silent, line's far end answers": (Line(silent=(5, 19), unanswered=("host",)), Cause.PATH),
    "nothing beyond the gateway answers": (Line(silent=(5, 19), unanswered=("host", "access")), Cause.OUTAGE),
    "nothing at all answers": (Line(silent=(5, 19), unanswered=("host", "access", "gateway")), Cause.HOME),
    "other programs, and a queue": (Line(rtt_s=FULL, foreign_received_bps=4e6), Cause.OWN_TRAFFIC),
    "other programs on a line that is full": (Line(foreign_received_bps=4e6), Cause.OWN_TRAFFIC),
    "other programs send, and a queue": (Line(rtt_s=FULL, foreign_sent_bps=1e6), Cause.OWN_TRAFFIC),
    "slow without queue and loss": (Line(), Cause.SERVICE),
    "the process waited for a processor": (Line(waited_ratio=0.8, rtt_s=FULL), Cause.PROBE),
    # Without probes to the line's far end, its rate and other hosts have to tell.
    "queue at the line's own rate": (Line(4.5e6, FULL, without=("access",)), Cause.UNKNOWN),
    "queue, and other hosts are well": (Line(rtt_s=FAR, without=("access",)), Cause.PATH),
    "loss, and other hosts are well": (Line(late_ratio=0.1, without=("access",)), Cause.PATH),
    # What shows nothing has no cause.
    "queue, and nothing known of others": (Line(rtt_s=FAR, without=("access",), past=False), Cause.UNKNOWN),
    "loss, and nothing known of others": (Line(late_ratio=0.1, without=("access",), past=False), Cause.UNKNOWN),
    "slow, and nothing known of the line": (Line(past=False), Cause.UNKNOWN),
    "slow, and no probe": (Line(without=("gateway", "access", "host")), Cause.UNKNOWN),
    "a few foreign bytes": (Line(rtt_s=FULL, foreign_received_bps=20e3), Cause.ACCESS),
    "foreign bytes on a line with room": (Line(late_ratio=0.1, foreign_received_bps=1e6), Cause.PATH),
}


@pytest.mark.parametrize("name", CASES)
def test_stall_has_the_cause_that_its_evidence_shows(name: str) -> None:
    line, cause = CASES[name]

    (verdict,) = explain(make_evidence(line))

    assert (verdict.symptom, verdict.cause) == (Symptom.STALL, cause)
    assert (verdict.start_s, verdict.duration_s, verdict.rules_version) == (8.0, 4.0, RULES_VERSION)
    assert verdict.sentence
    assert (verdict.share_ratio is None) == (cause is Cause.UNKNOWN)


@pytest.mark.parametrize("name", ["queue at home", "queue of the access line", "loss beyond the access line"])
def test_slow_start_is_judged_by_the_same_rules(name: str) -> None:
    line, cause = CASES[name]

    (verdict,) = explain(make_evidence(line, playback=slow()))

    assert (verdict.symptom, verdict.cause, verdict.startup_part) == (Symptom.STARTUP, cause, "transfer")
    # 0.03 s for TCP, 0.06 s for TLS; the first byte was there before the request's own steps were over.
    assert verdict.startup_parts is not None
    assert sum(verdict.startup_parts.values()) == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize(
    ("lost", "late_ratio", "cause"),
    [
        (("gateway", "access", "host"), 0.1, Cause.HOME),
        (("access", "host"), 0.1, Cause.ACCESS),
        (("host",), 0.1, Cause.PATH),
        # No segment of the span was lost: what probes lost at other times says nothing of it.
        (("access",), 0.0, Cause.SERVICE),
    ],
)
def test_loss_that_few_probes_of_a_short_start_met_is_placed_by_those_of_the_window(
    lost: tuple[str, ...], late_ratio: float, cause: Cause
) -> None:
    # Of the four probes of 2.4 s one was lost, which is chance; of the window's 39 each third.
    evidence = make_evidence(Line(lost=lost, late_ratio=late_ratio), playback=slow(2.4))

    (verdict,) = explain(evidence)

    assert (verdict.symptom, verdict.cause) == (Symptom.STARTUP, cause)
    if cause in (Cause.HOME, Cause.ACCESS):
        name = "gateway_loss_ratio" if cause is Cause.HOME else "access_loss_ratio"
        # 13 of 39 were lost; the last one may have been under way.
        assert verdict.evidence[name] == pytest.approx(12 / 39, abs=0.001)
        assert verdict.sentence.startswith("31 % of what was sent")


def test_loss_on_the_path_that_pauses_a_fast_transfer_is_the_paths() -> None:
    # 1.15 Mbit/s are more than playback needs, and not enough more; a third of the probes to the host were lost.
    line = Line(rate_bps=1.15e6, lost=("host",), late_ratio=0.1)

    (verdict,) = explain(make_evidence(line, playback=slow(2.4)))

    assert (verdict.symptom, verdict.cause) == (Symptom.STARTUP, Cause.PATH)
    # By the window's probes: 13 of 39 were lost, and the last one may have been under way.
    assert verdict.evidence["host_loss_ratio"] == pytest.approx(12 / 39, abs=0.001)


def test_start_that_waits_for_the_server_is_the_services() -> None:
    line = Line(rate_bps=2e6, wait_s=5.0, silent=(0, 5.1))

    (verdict,) = explain(make_evidence(line, playback=slow(), window={"first_byte_s": 5.1}))

    assert (verdict.cause, verdict.startup_part) == (Cause.SERVICE, "server_wait")
    # 5 s from the request on, counted in tenths in which nothing came.
    assert (verdict.startup_parts or {})["server_wait"] == pytest.approx(5.0, abs=0.15)


def test_session_without_a_picture_is_a_failed_start() -> None:
    (verdict,) = explain(make_evidence(Line(rtt_s=FULL), playback=never()))

    assert (verdict.symptom, verdict.cause, verdict.duration_s) == (Symptom.FAILED_START, Cause.ACCESS, 20.0)


def test_good_session_has_no_verdict() -> None:
    assert explain(make_evidence(Line(rtt_s=FULL, late_ratio=0.2), playback=good())) == ()


def test_peak_of_the_media_is_the_contents() -> None:
    # 10 s of media at 0.8 Mbit/s, 10 s at 3 Mbit/s, then at 0.8 again: 1.2 Mbit/s came, and the mean is 1 Mbit/s.
    rates = [0.8e6] * 10 + [3e6] * 10 + [0.8e6] * 20
    offsets = [round(sum(rates[: second + 1]) / 8) for second in range(40)]
    timeline = MediaTimeline(
        "muxed", "packets", tuple(offsets), tuple(float(second + 1) for second in range(40)), bitrate_bps=1e6
    )

    (verdict,) = explain(make_evidence(Line(rate_bps=1.2e6), playback=stalled(14.0), timelines=(timeline,)))

    assert verdict.cause is Cause.CONTENT


def test_gate_is_the_services() -> None:
    facts: dict[str, Any] = {"failure": "media_gated", "failure_stage": "download", "attribution": "service"}

    verdicts = explain(make_evidence(Line(), window={"gated_at_s": 12.0}, **facts))

    assert {verdict.cause for verdict in verdicts} == {Cause.SERVICE}


def test_weak_radio_is_the_homes_where_it_cannot_carry_the_media() -> None:
    weak = Surroundings(wifi_signal_dbm=-82, link_rate_bps=1_500_000)

    (verdict,) = explain(make_evidence(Line(past=False), window={"surroundings": weak}))

    assert verdict.cause is Cause.HOME


@pytest.mark.parametrize(("resolvers", "cause"), [(("one", "two"), Cause.OUTAGE), (("one",), Cause.UNKNOWN)])
def test_session_without_a_window_is_judged_by_its_resolvers(resolvers: tuple[str, ...], cause: Cause) -> None:
    lookups = tuple(DnsLookup("host", name, "192.0.2.53", "udp", "A", failure="dns_timeout") for name in resolvers)
    facts: dict[str, Any] = {"failure": "dns_timeout", "failure_stage": "dns", "attribution": "network"}

    evidence = make_evidence(Line(), window={}, lookups=lookups, **facts)
    (verdict,) = explain(type(evidence)(lookups=lookups, **facts))

    assert (verdict.symptom, verdict.cause) == (Symptom.FAILED_START, cause)


def test_two_rules_that_hold_are_both_named() -> None:
    (verdict,) = explain(make_evidence(Line(rtt_s=FULL, waited_ratio=0.8)))

    assert (verdict.cause, verdict.second_cause) == (Cause.PROBE, Cause.ACCESS)


def test_worst_comes_first() -> None:
    played = stalled()
    both = type(played)(
        **{name: getattr(played, name) for name in played.__slots__}
        | {"stalls": (Interval(8.0, 1.0), Interval(12.0, 6.0))}
    )

    verdicts = explain(make_evidence(Line(rtt_s=FULL), playback=both))

    assert [(verdict.number, verdict.start_s) for verdict in verdicts] == [(0, 12.0), (1, 8.0)]


def test_refused_and_unplayable_videos_are_no_bad_sessions() -> None:
    private: dict[str, Any] = {"failure": "removed", "failure_stage": "resolve", "attribution": "content"}

    assert explain(type(make_evidence(Line()))(**private)) == ()


def test_limits_say_where_they_come_from() -> None:
    for name, limit in known_limits().items():
        assert limit.meaning, name
        assert limit.source, name
