"""Layouts: every cell is text, what was not measured is not a zero, and every row has a cell for each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytomo_scrapy.analysis.crawl_report import (
    PlayerSummary,
    ReportSummary,
    RoundTripSummary,
    ThroughputSummary,
)
from pytomo_scrapy.analysis.daily.daily_report import DailyPlayer, DailyRate, DailyRoundTrip, DailySummary
from pytomo_scrapy.analysis.failure_count import FailureCount
from pytomo_scrapy.analysis.overview import KINDS, Estimate
from pytomo_scrapy.failures import FAILURES, advice_on
from pytomo_scrapy.reporting.measurement_layout import further_tables, measurement_tables
from pytomo_scrapy.reporting.tables import (
    TableLayout,
    average_table,
    daily_tables,
    estimate_table,
    failure_table,
    report_tables,
)
from pytomo_scrapy.storage.database import open_database
from tests.storage.factories import begin, make_item

PLAYER = PlayerSummary("dashjs", 6, 5, 1, {"0.25": 0.3, "0.5": 0.5, "0.75": None}, 2, 3, 1, 0.5, 0.086, 4.3, 50.0, 0)
QUANTILES = {"0.05": None, "0.5": 2.78e6}
TITLES = [
    "Videos",
    "Bad sessions: the network failed them, they count",
    "Excluded: they say nothing about the line",
    "Playback by player",
    "Delivery of media in Mbit/s",
    "Idle round trips by resolver",
    "Idle round trips by host",
]


def checked(layouts: Sequence[TableLayout]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return rows by title, once every row fits its table."""
    for layout in layouts:
        for row in layout.rows:
            assert len(row) == len(layout.columns), layout.title
            assert all(isinstance(cell, str) for cell in row), row
    return {layout.title: layout.rows for layout in layouts}


def test_report_of_nothing_has_its_counts_alone() -> None:
    rows = checked(report_tables(ReportSummary()))
    assert list(rows) == TITLES
    assert {title for title in rows if rows[title]} == {"Videos"}
    assert rows["Videos"] == (("0", "0", "0", "0", "0"),)


def test_report_has_a_row_for_each_class_player_mode_and_group() -> None:
    trips = RoundTripSummary("system", "icmp_raw", 4, 3, {"0.5": 0.0123, "0.95": None}, 0.25)
    report = ReportSummary(
        attempted_count=7,
        network_failures=[FailureCount("reset", "network", "download", 2)],
        excluded=[FailureCount("private", "content", None, 1)],
        players=[PLAYER],
        throughput_by_mode=[ThroughputSummary(6, 9_200_000, QUANTILES, 1, "paced")],
        rtt_by_resolver=[trips],
        rtt_by_host=[],
    )
    rows = checked(report_tables(report))
    assert rows[TITLES[1]] == (("reset", "network", "download", "2", FAILURES["reset"].meaning),)
    assert rows[TITLES[2]] == (("private", "content", "-", "1", FAILURES["private"].meaning),)
    assert rows[TITLES[4]] == (("paced", "6", "9.20 MB", "-", "2.78", "1"),)
    assert rows[TITLES[5]] == (("system", "icmp_raw", "3/4", "12.3 ms", "-", "25.0 %"),)
    assert rows[TITLES[6]] == ()
    (delivery,) = [layout for layout in report_tables(report) if layout.title == TITLES[4]]
    assert delivery.columns == ("mode", "windows", "media", "5 %", "50 %", "cross")


def test_days_of_deleted_measurements_are_laid_out_apart() -> None:
    player = DailyPlayer("classic", 5, 4, 1, {"0.25": 1.0, "0.5": 2.0, "0.75": None}, 2, 3, 1, 0.125, 6.0, 42.0)
    days = DailySummary(
        first_day="2026-05-04", last_day="2026-05-05", day_count=2, attempted_count=9, resolved_count=8, valid_count=7,
        excluded_count=2, failures=[FailureCount("reset", "network", "", 2)], headline=player, players=[player],
        delivery_by_mode=[DailyRate("bulk", 5, 1_000_000, {"0.5": 1e6})],
        rtt_by_method=[DailyRoundTrip("tcp", 5, {"0.5": 0.01, "0.95": None})],
    )  # fmt: skip
    rows = list(checked(daily_tables(days)).values())
    assert rows == [
        (("9", "8", "4", "7", "2"),),
        (("reset", "network", "-", "2", FAILURES["reset"].meaning),),
        (("classic", "5", "1", "1.00 2.00 -", "2", "3", "6.0", "12.5 %"),),
        (("bulk", "5", "1.00 MB", "1.00"),),
        (("tcp", "5", "10.0 ms", "-"),),
    ]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A measurement as the database gives it."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('tables') / 'x.db'}")
    repository, run = begin(database)
    found = repository.measurement(repository.save(make_item(), run).measurement_id)
    database.close()
    assert found is not None
    return found


def test_measurement_has_a_table_for_each_stage(record: dict[str, Any]) -> None:
    rows = checked(measurement_tables(record))
    assert list(rows) == ["Name look-ups (DNS)", "Idle round trips", "Window", "Playback"]
    host = record["dns_lookups"][0]["host"]
    assert rows["Name look-ups (DNS)"][:3] == (
        ("system", host, "A", "20.0 ms", "192.0.2.1"),
        ("google", host, "A", "30.0 ms", "192.0.2.1, 192.0.2.2"),
        ("opendns", host, "A", "-", "dns_timeout"),
    )
    assert rows["Idle round trips"][0] == ("192.0.2.1", "icmp_raw", "9/10", "10.0 ms", "11.0 ms", "12.0 ms", "-")
    (window,) = rows["Window"]
    assert window[3:] == ("3.50 MB", "0.10 s", "0.94 Mbit/s", "-", "2.00 Mbit/s", "deadline")
    assert rows["Playback"] == (("classic", "3.00 s", "2", "4.00 s", "14.8 %", "23.00 s", "0.50 s"),)


@pytest.mark.parametrize(
    ("part", "changes", "title", "place", "cell"),
    [
        ("dns_lookups", {"addresses": [], "failure": None}, "Name look-ups (DNS)", 4, "-"),
        ("pings", {"method": None, "failure": "no_reply"}, "Idle round trips", 1, "no_reply"),
        ("downloads", {"failure": "reset", "ended_by": "failure"}, "Window", 8, "reset"),
        ("downloads", {"mode": None}, "Window", 2, "-"),
        ("playbacks", {"is_started": False, "startup_delay_s": None}, "Playback", 1, "not within 30.00 s"),
    ],
)
def test_cell_says_what_was_not_measured(
    record: dict[str, Any], part: str, changes: dict[str, Any], title: str, place: int, cell: str
) -> None:
    changed = record | {part: [record[part][0] | changes]}
    assert checked(measurement_tables(changed))[title][0][place] == cell


def test_number_of_a_probe_without_a_layout_is_no_count() -> None:
    [shown] = further_tables({"controls": [{"port": 44300, "failure": None}]})
    assert (shown.columns, shown.rows) == (("port", "failure"), (("44300", "-"),))


def test_window_that_was_not_opened_is_no_row(record: dict[str, Any]) -> None:
    closed = record | {"downloads": [record["downloads"][0] | {"window_s": None}]}
    assert checked(measurement_tables(closed))["Window"] == ()
    assert all(rows == () for rows in checked(measurement_tables({})).values())


def test_estimate_has_its_unit_and_interval_where_it_is_known() -> None:
    share, delay = KINDS[0], KINDS[1]
    layout = estimate_table(
        [
            Estimate(share, 0.125, 0.1, 0.15, 1234),
            Estimate(delay, 1.5, None, None, 3),
            Estimate(delay, None, None, None, 0),
        ]
    )
    assert layout.columns == ("Figure", "Value", "95 % interval", "n", "Meaning")
    assert layout.rows == (
        ("Never started", "12.5 %", "10.0 to 15.0", "1\u202f234", share.help),
        ("Startup delay", "1.50 s", "not enough data", "3", delay.help),
        ("Startup delay", "unknown", "not enough data", "0", delay.help),
    )


def test_averages_are_written_in_units_for_people() -> None:
    averages = {
        "service": "youtube", "total_s": 5400, "start_s": 0, "end_s": 86400, "video_count": 12, "mean_download_s": 29.5,
        "mean_stall_count": 0.125, "mean_ping_s": 0.0105,
    }  # fmt: skip
    assert dict(average_table(averages).rows) == {
        "Service": "youtube",
        "Total time": "1.5 h",
        "Start": "1970-01-01 00:00",
        "End": "1970-01-02 00:00",
        "Number of videos": "12",
        "Mean download time": "29.50 s",
        "Mean stalls": "0.125",
        "Mean round trip": "10.5 ms",
    }
    nothing = dict(average_table(dict.fromkeys(averages) | {"video_count": 0}).rows)
    assert {name for name, cell in nothing.items() if cell.startswith("unknown")} == set(nothing) - {"Number of videos"}


def test_failure_has_its_advice() -> None:
    assert failure_table([("http_403", "service", 3)]).rows == (("http 403", "service", "3", advice_on("http_403")),)
