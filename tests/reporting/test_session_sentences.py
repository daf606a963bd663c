"""What is said of one session, and of many by their cause: sentences from records, and no figure that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from pytomo_scrapy.analysis.transport_pairs import PairedDifference, TransportPairs
from pytomo_scrapy.failures import FAILURES
from pytomo_scrapy.items import Autopsy
from pytomo_scrapy.reporting.cause_text import summary_text, verdict_lines
from pytomo_scrapy.reporting.tables import transport_table
from pytomo_scrapy.reporting.terminal import measurement_verdict

PLAYED = {
    "place": 0, "player": "classic", "is_started": True, "startup_delay_s": 1.5, "stall_count": 0, "stalled_s": 0.0,
    "horizon_s": 30.0,
}  # fmt: skip


def said(failure: str | None = None, stage: str = "download", *playbacks: dict[str, Any], **record: Any) -> str:
    attribution = FAILURES[failure].attribution.value if failure else None
    values = {"failure": failure, "attribution": attribution, "failure_stage": stage if failure else None}
    return measurement_verdict({**values, "playbacks": list(playbacks), **record})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "First picture after 1.50 s, no stall (player classic)."),
        (
            {"stall_count": 1, "stalled_s": 2.0},
            "First picture after 1.50 s, 1 stall of 2.00 s in all (player classic).",
        ),
        (
            {"stall_count": 2, "stalled_s": 2.5},
            "First picture after 1.50 s, 2 stalls of 2.50 s in all (player classic).",
        ),
        ({"is_started": False, "startup_delay_s": None}, "No picture within 30.00 s (player classic)."),
        ({"place": 1}, "Measured, but no player ran."),  # another window's
    ],
)
def test_session_that_went_well_is_told_by_its_first_window(changes: dict[str, Any], sentence: str) -> None:
    assert said(None, "download", {**PLAYED, **changes}) == sentence


def test_rate_of_the_first_window_is_told_where_it_is_known() -> None:
    windows = [{"place": 1, "delivery_bps": 9e6}, {"place": 0, "delivery_bps": 2e6}]
    told = said(None, "download", PLAYED, downloads=windows)
    assert told == "First picture after 1.50 s, no stall, media came at 2.00 Mbit/s (player classic)."
    assert "media came" not in said(None, "download", PLAYED, downloads=[{"place": 0, "delivery_bps": None}])


def test_player_that_stands_for_the_session_is_the_headlines() -> None:
    told = said(None, "download", PLAYED, {**PLAYED, "player": "dashjs", "startup_delay_s": 0.5})
    assert told == "First picture after 0.50 s, no stall (player dashjs)."


@pytest.mark.parametrize(
    ("failure", "stage", "playbacks", "begin", "end"),
    [
        # What the network failed is a bad session, with what was seen until then.
        ("reset", "download", (PLAYED,), "A bad session: reset (network, at download): ",
         ". Until then: first picture after 1.50 s, no stall (player classic)."),
        ("dns_timeout", "dns", (), "A bad session: dns_timeout (network, at dns): ", "."),
        # All else says nothing of the line, whatever was played.
        ("private", "resolve", (), "Not measured: private (content, at resolve): the video is private. ",
         "This says nothing about the line."),
        ("media_gated", "download", (PLAYED,), "Not measured: media_gated (service, at download): ",
         ". This says nothing about the line."),
        ("unknown_failure", "playback", (), "Not measured: unknown_failure (", "This says nothing about the line."),
    ],
)  # fmt: skip
def test_session_that_failed_says_whose_fault_it_is_and_what_that_says_of_the_line(
    failure: str, stage: str, playbacks: tuple[dict[str, Any], ...], begin: str, end: str
) -> None:
    told = said(failure, stage, *playbacks)
    assert told.startswith(begin) and told.endswith(end)
    assert FAILURES[failure].meaning in told


def make_verdict(**changes: Any) -> Autopsy:
    values = {"number": 0, "start_s": 2.0, "duration_s": 3.5, "cause": "access_line", "sentence": "It was slow."}
    return Autopsy(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["  stall at 2.0 s, 3.5 s long: access line", "    It was slow."]),
        (
            {"second_cause": "own_wifi"},
            ["  stall at 2.0 s, 3.5 s long: access line, perhaps own wifi", "    It was slow."],
        ),
        (
            {"startup_parts": {"dns": 0.0, "transfer": 2.0}, "evidence": {"lost_ratio": 0.25}},
            [
                "  stall at 2.0 s, 3.5 s long: access line",
                "    It was slow.",
                "    Of the start: transfer 2.00 s",
                "    Numbers: time in which the measurement could not run 25.0 %",
            ],
        ),
        # A rule of another version may know what this one does not.
        ({"symptom": "blinking"}, ["  blinking at 2.0 s, 3.5 s long: access line", "    It was slow."]),
    ],
)
def test_verdict_is_what_was_bad_its_cause_and_its_evidence(changes: dict[str, Any], lines: list[str]) -> None:
    assert verdict_lines(make_verdict(**changes)) == lines


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["9 sessions, 2 of them bad."]),
        (
            {"without_trace": 3, "causes": {"access_line": 2}},
            [
                "9 sessions, 2 of them bad.",
                "3 without a stored trace keep what was said of them.",
                "  access line  2",
            ],
        ),
        (
            {"moved": [{"from": "unknown", "to": "home", "sessions": 2}]},
            ["9 sessions, 2 of them bad.", "Against what was stored:", "  unknown -> home: 2"],
        ),
    ],
)
def test_causes_of_many_sessions_are_counted_and_what_moved_is_told(changes: dict[str, Any], lines: list[str]) -> None:
    summary = {"sessions": 9, "bad_sessions": 2, "without_trace": 0, "causes": {}, "moved": []}
    assert summary_text({**summary, **changes}).splitlines() == lines


@pytest.mark.parametrize(
    ("difference", "row"),
    [
        (
            PairedDifference("startup_delay_s", "s", 12, 1.5, 0.25, 0.1, 0.4),
            ("startup delay", "1.50 s", "+0.25 s", "+0.10 s to +0.40 s", "12"),
        ),
        (
            PairedDifference("delivery_bps", "bit/s", 12, 2e6, -5e5, -1e6, 0.0),
            ("delivery", "2.00 Mbit/s", "-0.50 Mbit/s", "-1.00 Mbit/s to +0.00 Mbit/s", "12"),
        ),
        # Too few videos for an interval.
        (
            PairedDifference("startup_delay_s", "s", 3, 1.5, 0.25, None, None),
            ("startup delay", "1.50 s", "+0.25 s", "-", "3"),
        ),
    ],
)
def test_difference_of_both_transports_has_its_sign_and_its_interval(
    difference: PairedDifference, row: tuple[str, ...]
) -> None:
    table = transport_table(TransportPairs(12, 10, 4, 2, 3, [difference]))
    assert table.rows == (row,) and len(table.columns) == len(row)
    assert "12 pairs of 10 videos on 4 days. Cut off by the service: 2 plain windows, 3 over SABR." in table.note
