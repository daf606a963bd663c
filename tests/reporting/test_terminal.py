"""What a person reads: no figure is shown that was not measured, and hostile text stays text."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pytomo_scrapy.analysis.crawl_report import FailureCount, PlayerSummary, ReportSummary, ThroughputSummary
from pytomo_scrapy.analysis.refusals import RefusalAccount, RefusedShare, Strata
from pytomo_scrapy.reporting.format import megabits, megabytes, milliseconds, percent, seconds
from pytomo_scrapy.reporting.terminal import print_measurement, print_report


@pytest.mark.parametrize("show", [seconds, milliseconds, megabits, megabytes, percent])
def test_what_was_not_measured_is_a_dash_and_not_a_zero(show) -> None:  # type: ignore[no-untyped-def]
    assert show(None) == "-"
    assert show(0).startswith("0")


def printed(width: int = 80, **figures: object) -> str:
    out = StringIO()
    print_report(Console(file=out, width=width), ReportSummary(**figures), "sqlite:///x.db")  # type: ignore[arg-type]
    return out.getvalue()


def test_report_of_an_empty_database_says_what_to_run() -> None:
    assert "    pytomo crawl -u 10" in printed().splitlines()


def test_report_shows_counts_failures_players_and_throughput_within_80_columns() -> None:
    player = PlayerSummary(
        "dashjs", 6, 5, 1, {"0.25": 0.3, "0.5": 0.5, "0.75": None}, 2, 3, 1, 0.5, 0.086, 4.3, 50.0, 0
    )  # fmt: skip
    text = printed(
        attempted_count=7,
        resolved_count=6,
        started_count=5,
        valid_count=6,
        excluded_count=1,
        first_at="2026-01-02T03:04:05+00:00",
        last_at="2026-01-02T03:05:05+00:00",
        excluded=[FailureCount("private", "content", "resolve", 1)],
        network_failures=[FailureCount("reset", "network", "download", 1)],
        players=[player],
        throughput=ThroughputSummary(6, 9_200_000, {"0.5": 2.78e6, "0.95": None}, 0),
        throughput_by_mode=[ThroughputSummary(6, 9_200_000, {"0.5": 2.78e6, "0.95": None}, 0, "paced")],
    )
    assert "2026-01-02 03:04:05 UTC" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["7", "6", "5", "6", "1"] in lines
    assert ["dashjs", "6", "1", "0.30", "0.50", "-", "2", "3", "4.3", "8.6", "%"] in lines
    assert ["paced", "6", "9.20", "MB", "2.78", "-", "0"] in lines
    assert any(line[:4] == ["reset", "network", "download", "1"] for line in lines)
    assert max(map(len, text.splitlines())) <= 80


def test_measurement_with_a_hostile_title_shows_it_as_it_is() -> None:
    out = StringIO()
    record = {
        "video": {"title": "[red]loud[/red] <script>", "video_id": "abcdefghijk", "url": "https://x.example/"},
        "failure": "private",
        "failure_stage": "resolve",
        "failure_detail": "[bold]said[/bold] so",
        "attribution": "content",
    }
    print_measurement(Console(file=out, width=100), record)
    text = out.getvalue()
    assert "[red]loud[/red] <script>" in text and "[bold]said[/bold] so" in text
    assert "private (content, at resolve): the video is private" in text


def test_report_without_a_refusal_says_so_in_one_line() -> None:
    said = "The service refused none of 7 videos (95 % interval 0.0 % to 35.4 %)."
    account = RefusalAccount(7, 7, RefusedShare("all", 7, 0, 0.0, 0.0, 0.354), sentences=(said,))
    text = printed(attempted_count=7, refusals=account)
    assert said in text and "Refused by the service" not in text


def test_report_lays_out_refusals_by_class_and_stratum_within_80_columns() -> None:
    every = RefusedShare("all", 10, 5, 0.5, 0.2366, 0.7634)
    classes = (RefusedShare("bot_check", 10, 5, 0.5, 0.2366, 0.7634),)
    strata = (
        RefusedShare("100 000 to 1 million", 4, 1, 0.25, 0.0456, 0.6994),
        RefusedShare("not listed", 6, 4, 2 / 3, 0.3, 0.9032),
    )
    account = RefusalAccount(10, 5, every, classes, (Strata("views", "views", strata),), ("The service refused 5.",))
    lines = printed(attempted_count=10, refusals=account).splitlines()
    assert max(map(len, lines)) <= 80
    table = [line.split() for line in lines[lines.index("The service refused 5.") :]]
    assert ["by", "group", "asked", "refused", "share", "95", "%"] in table
    assert ["class", "bot", "check", "10", "5", "50.0", "%", "23.7", "to", "76.3", "%"] in table
    assert ["views", *["100", "000", "to", "1", "million", "4", "1", "25.0", "%", "4.6", "to", "69.9", "%"]] in table
    # What a row is by stands on its first row only.
    assert ["not", "listed", "6", "4", "66.7", "%", "30.0", "to", "90.3", "%"] in table
