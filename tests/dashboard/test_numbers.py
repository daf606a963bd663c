"""What the page says equals what an independent question to the tables below says."""

from __future__ import annotations

import math
import sqlite3
from statistics import mean, median

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile

# Every figure straight from the tables that the measurement was stored in; 1 row a measurement of the headline player.
_HEADLINE = """
SELECT {value} FROM measurement m
JOIN video v ON v.id = m.video_row_id
LEFT JOIN download d ON d.measurement_id = m.id AND d.place = 0
LEFT JOIN playback b ON b.measurement_id = m.id AND b.player = 'dashjs'
LEFT JOIN ping g ON g.measurement_id = m.id AND g.address = d.address
LEFT JOIN http_request q ON q.download_id = d.id
WHERE (m.failure IS NULL OR m.attribution = 'network')
"""
_BITRATE = "(SELECT SUM(s.file_bitrate_bps) FROM stream s WHERE s.download_id = d.id)"
_PLAYS = (
    "(SELECT CASE WHEN l.plays_height_px >= {0} THEN 1 WHEN l.top_height_px >= {0} AND l.fails_height_px <= {0} THEN 0"
    " END FROM ladder l WHERE l.measurement_id = m.id AND l.place = 0)"
)
_INDEPENDENT = {
    "download_s": ("d.elapsed_s", 1),
    "received_bytes": ("d.received_bytes", 1e-6),
    "video_duration_s": ("v.duration_s", 1),
    "size_bytes": ("(SELECT SUM(s.size_bytes) FROM stream s WHERE s.download_id = d.id)", 1e-6),
    "initial_buffer_bytes": ("b.initial_buffer_bytes", 1e-6),
    "initial_rate_bps": ("b.initial_rate_bps", 1e-6),
    "stalled_s": ("b.stalled_s", 1),
    "buffer_end_s": ("b.buffer_end_s", 1),
    "bin_max_bps": ("d.bin_max_bps", 1e-6),
    "played_s": ("b.played_s", 1),
    "stall_count": ("b.stall_count", 1),
    "bitrate_bps": (_BITRATE, 1e-6),
    "rtt_min_s": ("g.rtt_min_s", 1e3),
    "rtt_avg_s": ("g.rtt_avg_s", 1e3),
    "rtt_max_s": ("g.rtt_max_s", 1e3),
    "first_byte_s": ("d.first_byte_s", 1),
    "status": ("q.status", 1),
    "dns_elapsed_s": ("m.dns_elapsed_s", 1e3),
    "throughput_bps": ("d.received_bytes * 8.0 / d.elapsed_s", 1e-6),
    "reception_ratio": (f"d.received_bytes * 8.0 / d.elapsed_s / {_BITRATE}", 1),
    "has_stall": ("b.stall_count > 0", 100),
    "delivery_bps": ("d.delivery_bps", 1e-6),
    "is_started": ("COALESCE(b.is_started, 0)", 100),
    "stall_ratio": ("b.stall_ratio", 100),
    "stall_1s_count": ("b.stall_1s_count", 1),
    "initial_buffer_s": ("b.initial_buffer_s", 1),
    "mos_stalling_hossfeld2011": ("b.mos_stalling_hossfeld2011", 1),
    "bin_min_bps": ("d.bin_min_bps", 1e-6),
    "bin_median_bps": ("d.bin_median_bps", 1e-6),
    "connect_s": ("d.connect_s", 1e3),
    "loss_ratio": ("g.loss_ratio", 100),
    "resolve_elapsed_s": ("m.resolve_elapsed_s", 1),
    "service_estimate_bps": ("(SELECT MAX(s.service_estimate_bps) FROM stream s WHERE s.download_id = d.id)", 1e-6),
    "height_px": ("(SELECT MAX(s.height_px) FROM stream s WHERE s.download_id = d.id)", 1),
    "is_cross_traffic": ("d.is_cross_traffic", 100),
    "best_height_px": ("(SELECT l.best_height_px FROM ladder l WHERE l.measurement_id = m.id AND l.place = 0)", 1),
    "loaded_rtt_s": ("d.loaded_rtt_median_s", 1e3),
    "is_machine_limited": ("d.is_probe_limited", 100),
    **{f"plays_{height}p": (_PLAYS.format(height), 100) for height in (360, 480, 720, 1080)},
}
# Asked below, with the sessions that never started; and what the made-up rows do not have.
_ELSEWHERE = {"startup_delay_s", "join_time_s", "delivery_after_2s_bps", "cpu_ratio", "plays_2160p"}


def test_every_figure_has_its_independent_question() -> None:
    assert set(PARAMETERS) == set(_INDEPENDENT) | _ELSEWHERE


def values_of(raw: sqlite3.Connection, expression: str, condition: str = "") -> list[float | None]:
    return [row[0] for row in raw.execute(_HEADLINE.format(value=expression) + condition)]


@pytest.mark.slow
@pytest.mark.parametrize("name", _INDEPENDENT)
def test_series_mean_equals_the_mean_of_the_tables(client: TestClient, raw: sqlite3.Connection, name: str) -> None:
    expression, factor = _INDEPENDENT[name]
    values = values_of(raw, expression)
    known = [value for value in values if value is not None]
    answer = client.get(f"/api/series?period=all&eras=all&parameter={name}").json()
    [line] = answer["lines"]
    assert (line["known_count"], line["unknown_count"]) == (len(known), len(values) - len(known))
    assert line["mean"] == pytest.approx(mean(known) * factor, rel=1e-9)


def test_series_buckets_together_hold_every_row(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/series?period=all&parameter=delivery_bps&rows=all").json()
    assert sum(answer["lines"][0]["count"]) == raw.execute("SELECT COUNT(*) FROM measurement").fetchone()[0]
    assert len(answer["times_s"]) <= 600 + len(answer["breaks"])


def test_series_bucket_equals_its_own_rows(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/series?period=all&eras=all&parameter=delivery_bps&buckets=20").json()
    bucket = 3
    start_s, width_s = answer["times_s"][bucket], answer["width_s"]
    condition = (
        f" AND CAST(strftime('%s', m.started_at) AS INTEGER) >= {start_s}"
        f" AND CAST(strftime('%s', m.started_at) AS INTEGER) < {start_s + width_s}"
    )
    known = [value for value in values_of(raw, "d.delivery_bps", condition) if value is not None]
    [line] = answer["lines"]
    assert line["value"][bucket] == pytest.approx(mean(known) / 1e6, rel=1e-5)
    ordered = sorted(known)
    for name, ratio in (("low", 0.1), ("high", 0.9)):  # from bins of 1 %
        exact = ordered[math.ceil(ratio * len(ordered)) - 1]
        assert line[name][bucket] == pytest.approx(exact / 1e6, rel=0.011)


def test_share_of_a_bucket_has_the_interval_of_wilson(client: TestClient) -> None:
    answer = client.get("/api/series?period=all&eras=all&parameter=has_stall").json()
    [line] = answer["lines"]
    for value, low, high in zip(line["value"], line["low"], line["high"], strict=True):
        assert low <= value <= high
    # The first and the last bucket may be cut by the period; the others hold 30 rows or more, all but one in ten.
    assert sum(count < 30 for count in line["count"]) <= max(2, len(line["count"]) // 10)


@pytest.mark.parametrize(("width", "width_s"), [("hour", 3600), ("day", 86_400), ("week", 604_800)])
def test_width_of_buckets_can_be_chosen(client: TestClient, width: str, width_s: int) -> None:
    answer = client.get(f"/api/series?period=7d&parameter=has_stall&width={width}").json()
    assert answer["width_s"] == width_s and answer["few_rows"] == 10
    assert client.get("/api/series?parameter=has_stall&width=minute").status_code == 400


def test_series_compared_by_vantage_equals_each_ones_rows(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/series?period=all&eras=all&parameter=delivery_bps&compare=vantage").json()
    means = {line["group"]: line["mean"] for line in answer["lines"]}
    assert set(means) == {"1", "2", "3"}
    for key, shown in means.items():
        known = [v for v in values_of(raw, "d.delivery_bps", f" AND m.vantage_id = {key}") if v is not None]
        assert shown == pytest.approx(mean(known) / 1e6, rel=1e-9)


def test_series_compared_by_autonomous_system_equals_each_ones_rows(
    client: TestClient, raw: sqlite3.Connection
) -> None:
    answer = client.get("/api/series?period=all&eras=all&parameter=delivery_bps&compare=as_number").json()
    shown = {line["label"]: line["mean"] for line in answer["lines"]}
    assert set(shown) == {"AS64500 HOLDER-64500", "AS64501 HOLDER-64501"}
    for label, mean_shown in shown.items():
        number = label.split()[0].removeprefix("AS")
        own = f" AND m.id IN (SELECT measurement_id FROM network WHERE as_number = {number})"
        known = [value for value in values_of(raw, "d.delivery_bps", own) if value is not None]
        assert mean_shown == pytest.approx(mean(known) / 1e6, rel=1e-9)
        [line] = client.get(f"/api/series?period=all&eras=all&parameter=delivery_bps&as_number={number}").json()[
            "lines"
        ]
        assert line["mean"] == pytest.approx(mean_shown, rel=1e-12)


def test_series_of_one_player_equals_that_players_rows(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/series?period=all&eras=all&parameter=played_s&player=classic").json()
    known = [row[0] for row in raw.execute("SELECT played_s FROM playback WHERE player = 'classic'")]
    assert answer["lines"][0]["mean"] == pytest.approx(mean(known), rel=1e-9)


def test_resolution_time_compared_by_resolver_equals_the_lookups(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/series?period=all&eras=all&parameter=dns_elapsed_s&compare=resolver").json()
    shown = {line["label"]: line["mean"] for line in answer["lines"]}
    for resolver in ("system", "google"):
        known = [
            row[0]
            for row in raw.execute(
                "SELECT l.elapsed_s FROM dns_lookup l JOIN measurement m ON m.id = l.measurement_id"
                " WHERE l.resolver = ? AND (m.failure IS NULL OR m.attribution = 'network')",
                (resolver,),
            )
        ]
        assert shown[resolver] == pytest.approx(mean(known) * 1000, rel=1e-9)


def _delays(raw: sqlite3.Connection, condition: str = "") -> list[Delay]:
    rows = raw.execute(_HEADLINE.format(value="b.startup_delay_s, m.failure, d.elapsed_s") + condition)
    waiting = {None, "first_byte_timeout"}  # of the made-up failures
    return [
        Delay(delay, True)
        if delay is not None
        else Delay(30.0, False)
        if failure in waiting
        else Delay(elapsed_s or 0.0, False, True)
        for delay, failure, elapsed_s in rows
    ]


def test_startup_median_equals_incidence_over_all_sessions(client: TestClient, raw: sqlite3.Connection) -> None:
    exact = incidence_quantile(incidence_curve(_delays(raw)), 0.5)
    assert exact is not None
    curve = client.get("/api/distribution?period=all&parameter=startup_delay_s").json()["lines"][0]
    found = client.get("/api/overview?period=all&eras=all").json()
    [estimate] = [estimate for estimate in found["estimates"] if estimate["name"] == "startup"]
    # Bins of 1 %.
    assert curve["median"] == pytest.approx(exact, rel=0.011)
    assert estimate["value"] == pytest.approx(exact, rel=0.011)
    assert estimate["low"] < exact < estimate["high"]
    assert estimate["row_count"] == len(_delays(raw))


def test_distribution_equals_the_incidence_at_every_point(client: TestClient, raw: sqlite3.Connection) -> None:
    curve = incidence_curve(_delays(raw))
    shown = client.get("/api/distribution?period=all&parameter=startup_delay_s").json()["lines"][0]
    assert len(shown["value"]) > 50
    for value, share in zip(shown["value"], shown["share"], strict=True):
        # The share at the end of a bin counts everything up to there (the end is written with six digits).
        exact = max((started for seconds, started in curve if seconds <= value * 1.00001), default=0.0)
        below = max((started for seconds, started in curve if seconds <= value * 0.99999), default=0.0)
        assert below - 1e-5 <= share <= exact + 1e-5


def test_overview_counts_equal_the_tables(client: TestClient, raw: sqlite3.Connection) -> None:
    found = client.get("/api/overview?period=all&eras=all").json()
    rows = raw.execute("SELECT COUNT(*) FROM measurement").fetchone()[0]
    # What stands beside n is of the same rows.
    counted = "SELECT COUNT(*), COUNT(DISTINCT video_row_id), COUNT(DISTINCT started_s / 86400) FROM figure"
    valid = raw.execute(f"{counted} WHERE is_valid = 1").fetchone()
    assert (found["n"], found["video_count"], found["day_count"]) == valid and found["row_count"] == rows
    every = client.get("/api/overview?period=all&eras=all&rows=all").json()
    assert (every["n"], every["video_count"], every["day_count"]) == raw.execute(counted).fetchone()
    failures = dict(raw.execute("SELECT failure, COUNT(*) FROM measurement WHERE failure IS NOT NULL GROUP BY 1"))
    assert {failure["failure"]: failure["count"] for failure in found["failures"]} == failures


def test_overview_shares_equal_the_tables(client: TestClient, raw: sqlite3.Connection) -> None:
    shown = {
        estimate["name"]: estimate for estimate in client.get("/api/overview?period=all&eras=all").json()["estimates"]
    }
    started = [value for value in values_of(raw, "COALESCE(b.is_started, 0)") if value is not None]
    assert shown["never_started"]["value"] == pytest.approx(1 - mean(started), rel=1e-9)
    stalls = [value for value in values_of(raw, "b.stall_count", " AND b.is_started") if value is not None]
    assert shown["with_stalls"]["value"] == pytest.approx(mean(stall > 0 for stall in stalls), rel=1e-9)
    stalled, played = raw.execute(
        "SELECT SUM(stalled_s), SUM(played_s) FROM playback WHERE player = 'dashjs'"
    ).fetchone()
    assert shown["stall_ratio"]["value"] == pytest.approx(stalled / (stalled + played), rel=1e-9)
    known = [value for value in values_of(raw, "d.delivery_bps") if value is not None]
    assert shown["delivery"]["value"] == pytest.approx(median(known), rel=0.011)
    assert shown["delivery"]["low"] < median(known) < shown["delivery"]["high"]


def test_overview_startup_agrees_with_the_report(client: TestClient, filled: object) -> None:
    from pytomo_scrapy.analysis.crawl_report import summarise
    from pytomo_scrapy.storage.database import open_database

    database = open_database(f"sqlite:///{filled}")
    summary = summarise(database)
    database.close()
    shown = {
        estimate["name"]: estimate for estimate in client.get("/api/overview?period=all&eras=all").json()["estimates"]
    }
    assert summary.headline is not None
    assert shown["startup"]["value"] == pytest.approx(summary.headline.startup_delay_quantiles_s["0.5"], rel=0.011)
    assert shown["stall_ratio"]["value"] == pytest.approx(summary.headline.stall_ratio, rel=1e-9)
    assert shown["startup"]["row_count"] == summary.headline.session_count


def test_failures_over_time_equal_the_tables(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/failures?period=all").json()
    shown = {name: sum(counts) for name, counts in answer["counts"].items()}
    assert shown == dict(
        raw.execute("SELECT failure, COUNT(*) FROM measurement WHERE failure IS NOT NULL GROUP BY failure")
    )


def test_heat_map_equals_the_hours_of_the_tables(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/heatmap?period=all&parameter=delivery_bps").json()
    rows = raw.execute(
        _HEADLINE.format(
            value="(strftime('%w', m.started_at) + 6) % 7 * 24 + strftime('%H', m.started_at), d.delivery_bps"
        )
    )
    by_hour: dict[int, list[float]] = {}
    for hour, value in rows:
        if value is not None:
            by_hour.setdefault(int(hour), []).append(value)
    assert answer["count"] == [len(by_hour.get(hour, [])) for hour in range(168)]
    for hour, values in by_hour.items():
        assert answer["value"][hour] == pytest.approx(mean(values) / 1e6, rel=1e-5)


def test_scatter_points_are_rows_of_the_tables(client: TestClient, raw: sqlite3.Connection) -> None:
    answer = client.get("/api/scatter?period=all&x=startup_delay_s&y=delivery_bps").json()
    rows = raw.execute(
        _HEADLINE.format(value="m.id, b.startup_delay_s, d.delivery_bps") + " AND b.startup_delay_s IS NOT NULL"
    ).fetchall()
    assert answer["known_count"] == len(rows) == len(answer["measurement_ids"])
    by_id = {row[0]: row[1:] for row in rows}
    for key, x, y in zip(answer["measurement_ids"], answer["x_values"], answer["y_values"], strict=True):
        assert (x, y) == (pytest.approx(by_id[key][0], rel=1e-5), pytest.approx(by_id[key][1] / 1e6, rel=1e-5))


@pytest.mark.parametrize(
    ("sort", "expression"), [("stalled_s", "b.stalled_s"), ("delivery_bps", "d.delivery_bps"), ("started_s", "m.id")]
)
def test_list_is_sorted_in_the_database(
    client: TestClient, raw: sqlite3.Connection, sort: str, expression: str
) -> None:
    found = client.get(f"/api/videos?period=all&sort={sort}&order=down").json()
    assert len(found["rows"]) == 50 and found["has_next"]
    every = _HEADLINE.split("WHERE")[0].format(value=f"m.id, {expression} AS sought")
    exact = [row[1] for row in raw.execute(f"{every} ORDER BY sought DESC LIMIT 50")]
    if sort == "started_s":
        assert [row["id"] for row in found["rows"]] == exact
    else:
        assert [row[sort] for row in found["rows"]] == exact


def test_list_pages_hold_each_measurement_once(client: TestClient) -> None:
    first = [row["id"] for row in client.get("/api/videos?period=all&sort=stall_count&page=1").json()["rows"]]
    second = [row["id"] for row in client.get("/api/videos?period=all&sort=stall_count&page=2").json()["rows"]]
    assert len({*first, *second}) == 100


def test_search_finds_what_contains_the_text_and_takes_wildcards_literally(
    client: TestClient, raw: sqlite3.Connection
) -> None:
    found = client.get("/api/videos", params={"period": "all", "q": "NUMBER 77 of"}).json()
    assert found["rows"] and {row["title"] for row in found["rows"]} == {"Video number 77 of the list"}
    assert client.get("/api/videos", params={"period": "all", "q": "number % of"}).json()["rows"] == []
    assert client.get("/api/videos", params={"period": "all", "q": "n_mber"}).json()["rows"] == []


def test_parameter_page_shows_the_same_numbers(client: TestClient, raw: sqlite3.Connection) -> None:
    values = values_of(raw, "d.delivery_bps")
    known = [value for value in values if value is not None]
    page = client.get("/series/delivery_bps?period=all&eras=all").text
    assert f'<td class="figure" id="unknown-1">{len(values) - len(known)}</td>' in page
    assert f"{mean(known) / 1e6:.2f}" in page


def test_averages_equal_the_tables(client: TestClient, raw: sqlite3.Connection) -> None:
    page = client.get("/series?period=all").text
    downloads = [value for value in values_of(raw, "d.elapsed_s") if value is not None]
    stalls = [value for value in values_of(raw, "b.stall_count") if value is not None]
    pings = [value for value in values_of(raw, "g.rtt_avg_s") if value is not None]
    assert f"<dt>Mean download time</dt><dd>{mean(downloads):.2f} s" in page
    assert f"<dt>Mean stalls</dt><dd>{mean(stalls):.3f}" in page
    assert f"<dt>Mean round trip</dt><dd>{1000 * mean(pings):.1f} ms" in page


def test_csv_holds_what_the_chart_shows(client: TestClient) -> None:
    address = "?period=all&parameter=startup_delay_s&compare=vantage"
    answer = client.get(f"/api/series{address}").json()
    lines = client.get(f"/api/series.csv{address}").text.splitlines()
    assert lines[0] == "start_utc,group,startup_delay_s median [s],low [s],high [s],count"
    assert len(lines) - 1 == sum(count > 0 for line in answer["lines"] for count in line["count"])


def test_stalls_beside_a_window_are_those_that_count(client: TestClient, raw: sqlite3.Connection) -> None:
    question = "SELECT player, stall_count FROM playback WHERE measurement_id = 1190 AND place = 0 ORDER BY player"
    stored = raw.execute(question).fetchall()
    players = client.get("/api/measurement/1190/timeline").json()["players"]
    assert stored and [(player["player"], player["stall_count"]) for player in players] == stored
