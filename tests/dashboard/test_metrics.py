"""What a monitoring system reads: the formats of Prometheus and OpenMetrics, and numbers that equal the tables."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser
from sqlalchemy import text
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.newest import STARTUP_BOUNDS_S, Totals
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.failures import Stage
from pytomo_scrapy.storage.database import Database, open_database
from tests.storage.factories import begin, make_download, make_item, make_playback

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# Sessions are valid, and a player ran or the network ended them before.
SESSION = "(m.failure IS NULL AND b.id IS NOT NULL OR m.attribution = 'network')"
TABLES = (
    "measurement m JOIN vantage v ON v.id = m.vantage_id LEFT JOIN playback b ON b.id = "
    "(SELECT p.id FROM playback p JOIN figure f ON f.measurement_id = m.id WHERE p.measurement_id = m.id"
    " AND p.player = f.player AND p.place = f.place)"
)


def samples_of(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a name, by the values of their labels: of the vantage point, then of the others by name."""
    found = parser.text_string_to_metric_families(text)
    return {
        tuple(
            sample.labels[key] for key in sorted(sample.labels, key=lambda key: (key != "vantage", key))
        ): sample.value
        for family in found
        for sample in family.samples
        if sample.name == name
    }


def by_vantage(raw: sqlite3.Connection, what: str) -> dict[tuple[str, ...], float]:
    rows = raw.execute(f"SELECT v.name, {what} FROM {TABLES} WHERE NOT m.is_superseded GROUP BY v.name")
    return {(name,): value for name, value in rows}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("pytomo_sessions_total", f"SUM({SESSION})"),
        ("pytomo_stalls_total", f"SUM(CASE WHEN {SESSION} THEN b.stall_count END)"),
        ("pytomo_stalled_sessions_total", f"SUM({SESSION} AND b.stall_count > 0)"),
        ("pytomo_stalled_seconds_total", f"SUM(CASE WHEN {SESSION} THEN b.stalled_s END)"),
        ("pytomo_played_seconds_total", f"SUM(CASE WHEN {SESSION} THEN b.played_s END)"),
        ("pytomo_refusals_total", "SUM(m.failure = 'bot_check')"),
        ("pytomo_startup_seconds_count", f"SUM({SESSION})"),
        ("pytomo_startup_seconds_sum", f"SUM(CASE WHEN {SESSION} THEN b.startup_delay_s END)"),
    ],
)
def test_counter_equals_the_tables(client: TestClient, raw: sqlite3.Connection, name: str, what: str) -> None:
    found = samples_of(client.get("/metrics").text, name)
    assert found == {key: pytest.approx(value or 0) for key, value in by_vantage(raw, what).items()}
    assert any(found.values())


def test_bucket_of_startup_holds_the_sessions_that_started_within_its_bound(
    client: TestClient, raw: sqlite3.Connection
) -> None:
    found = samples_of(client.get("/metrics").text, "pytomo_startup_seconds_bucket")
    for bound_s in STARTUP_BOUNDS_S:
        counts = by_vantage(raw, f"SUM({SESSION} AND b.startup_delay_s <= {bound_s})")
        assert {key: found[(*key, f"{bound_s:g}")] for key in counts} == counts
    # A session that never started is above every bound.
    assert all(found[(*key, "+Inf")] == count for key, count in by_vantage(raw, f"SUM({SESSION})").items())


def test_measurements_are_counted_by_class_with_whose_fault_it_is(client: TestClient, raw: sqlite3.Connection) -> None:
    found = samples_of(client.get("/metrics").text, "pytomo_measurements_total")
    rows = raw.execute(
        f"SELECT v.name, COALESCE(m.attribution, ''), COALESCE(m.failure, ''), COUNT(*) FROM {TABLES} GROUP BY 1, 2, 3"
    )
    assert {key: count for key, count in found.items() if count} == {tuple(row[:3]): row[3] for row in rows}


def test_openmetrics_is_given_to_who_asks_for_it(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"Accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    families = {family.name: family for family in openmetrics_parser.text_string_to_metric_families(answer.text)}
    assert families["pytomo_stalls"].type == "counter" and families["pytomo_startup_seconds"].type == "histogram"
    # The time of the measurement goes along in both formats, in their own units.
    [sample, *_] = families["pytomo_delivery_bps"].samples
    assert sample.timestamp is not None
    plain = client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    [there, *_] = [row for row in plain.text.splitlines() if row.startswith("pytomo_delivery_bps{")]
    assert int(there.split()[-1]) == float(sample.timestamp) * 1000


def test_totals_add_what_is_new_and_never_fall(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    totals = Totals()
    stalled = make_playback(stall_count=2, stalled_s=1.5, startup_delay_s=0.4)
    seen = []
    for playback in (stalled, make_playback(stall_count=0, stalled_s=0.0, startup_delay_s=4.0)):
        _save(database, make_item(downloads=(make_download(),), playbacks=(playback,)))
        with database.read() as connection:
            seen.extend(totals.read(connection))
    with database.read() as connection:
        seen.extend(totals.read(connection))
    database.close()
    assert [total.session_count for total in seen] == [1, 2, 2]
    assert [(total.stall_count, total.stalled_s) for total in seen] == [(2, 1.5)] * 3
    # Bounds 0.25, 0.5, 1, 2, 3, 5, ...: 0.4 s from the second on, 4.0 s from the sixth on.
    assert seen[-1].startup_counts[:6] == (0, 1, 1, 1, 1, 2) and seen[-1].startup_s == pytest.approx(4.4)


def test_what_a_gated_window_showed_before_is_of_no_session(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    stalled = make_playback(stall_count=2, stalled_s=1.5, startup_delay_s=0.4)
    for is_gated in (False, True, True):
        item = make_item(playbacks=(stalled,))
        if is_gated:
            item.fail(Stage.DOWNLOAD, "media_gated")
        _save(database, item)
    with database.read() as connection:
        [found] = Totals().read(connection)
    database.close()
    # Else three of one session would have stalled.
    assert (found.session_count, found.stalled_session_count, found.stall_count) == (1, 1, 2)
    assert (found.stalled_s, found.played_s, sum(found.by_failure.values())) == (1.5, stalled.played_s, 3)


def test_row_that_is_committed_behind_a_later_one_is_counted_once(filled: Path, tmp_path: Path) -> None:
    path = shutil.copyfile(filled, tmp_path / "late.db")
    database = open_database(f"sqlite:///{path}")
    with database.read() as connection:
        whole = Totals().read(connection)
    with database.write() as connection:
        # As a crawl at a server that took its number and commits it last.
        late = "(SELECT MAX(measurement_id) - 3 FROM figure WHERE is_session = 1)"
        connection.execute(text(f"CREATE TABLE late AS SELECT * FROM figure WHERE measurement_id = {late}"))
        connection.execute(text("DELETE FROM figure WHERE measurement_id IN (SELECT measurement_id FROM late)"))
    totals, seen = Totals(), []
    for sql in (None, "INSERT INTO figure SELECT * FROM late", None):
        if sql is not None:
            with database.write() as connection:
                connection.execute(text(sql))
        with database.read() as connection:
            seen.append(totals.read(connection))
    database.close()
    counts = [sum(sum(total.by_failure.values()) for total in each) for each in seen]
    assert counts == [counts[0], counts[0] + 1, counts[0] + 1]
    assert [total.by_failure for total in seen[-1]] == [total.by_failure for total in whole]
    assert [total.session_count for total in seen[-1]] == [total.session_count for total in whole]


def _save(database: Database, item: object) -> None:
    repository, run = begin(database)
    repository.save(item, run)  # type: ignore[arg-type]


def test_single_measurements_are_in_no_number_unless_asked_for(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    for is_ad_hoc, delay_s in ((False, 0.4), (True, 4.0)):
        repository, run = begin(database, is_ad_hoc=is_ad_hoc)
        repository.save(make_item(playbacks=(make_playback(startup_delay_s=delay_s),)), run)
    database.close()
    with TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'x.db'}"))) as client:
        for address, count, newest_s, sum_s in (("/metrics", 1.0, 0.4, 0.4), ("/metrics?ad_hoc=with", 2.0, 4.0, 4.4)):
            text = client.get(address).text
            assert set(samples_of(text, "pytomo_sessions_total").values()) == {count}
            assert set(samples_of(text, "pytomo_measurements_total").values()) == {count}
            assert set(samples_of(text, "pytomo_startup_seconds_count").values()) == {count}
            assert list(samples_of(text, "pytomo_startup_seconds_sum").values()) == [pytest.approx(sum_s)]
            assert set(samples_of(text, "pytomo_startup_delay_s").values()) == {newest_s}
