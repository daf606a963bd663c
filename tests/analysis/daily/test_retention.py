"""Whole measurements go, and their days say the same as before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from pytomo_scrapy.analysis import distribution, series
from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.analysis.crawl_report import ReportSummary, summarise
from pytomo_scrapy.analysis.daily.retention import prune_measurements
from pytomo_scrapy.analysis.figures import PARAMETERS
from pytomo_scrapy.analysis.selection import Selection, period_of
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.reporting.terminal import print_report
from pytomo_scrapy.storage.database import Database, open_database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl
from pytomo_scrapy.storage.measurements.repository import Repository, VantageFacts
from pytomo_scrapy.storage.schema.crawl_tables import frontier, measurement, video
from pytomo_scrapy.storage.schema.daily_tables import daily, daily_figure
from pytomo_scrapy.storage.schema.figure_tables import figure, figure_block, figure_column
from pytomo_scrapy.storage.schema.measurement_tables import download, http_request, network, playback, stream
from tests.storage.factories import make_item

DAY_S = 86_400
ROWS = 220  # ids up to 1100: two blocks
OPTIONS = {"days": 6, "videos": 60, "traces": 0, "apart": 5}


@pytest.fixture
def filled(synthetic_template: Callable[..., str], tmp_path: Path) -> Iterator[Database]:
    """Two blocks of the flat table, one of them packed."""
    template = synthetic_template(None, ROWS, seal_all, **OPTIONS)
    shutil.copy(str(make_url(template).database), tmp_path / "filled.db")
    opened = open_database(f"sqlite:///{tmp_path / 'filled.db'}")
    yield opened
    opened.close()


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def middle(synthetic: ModuleType) -> datetime:
    return datetime.fromtimestamp(synthetic.END_S - 3 * DAY_S, UTC)


def days_drawn(
    connection: Connection, name: str, before_s: int, *, is_kept: bool, compare: str | None = None, **equals: str | int
) -> dict[str, Any]:
    """Return the days before an instant as the graph of a figure has them: rows or aggregates."""
    selection = Selection(before_s - 20 * DAY_S, before_s, equals)
    found = series.series(connection, selection, PARAMETERS[name], compare=compare, buckets=series.Buckets(20, DAY_S))
    assert found.width_s == DAY_S
    labels = [line.label for line in found.lines if any(value is not None for value in line.value)]
    assert all(label.endswith(" (daily aggregates)") == is_kept for label in labels)
    lines = {}
    for line in found.lines:
        columns = zip(found.start_s, line.value, line.low, line.high, strict=True)
        lines[line.group] = ([row for row in columns if row[1] is not None], line.known_count, line.mean)
    return lines


def assert_same(before: dict[str, Any], after: dict[str, Any], name: str) -> None:
    known = {group: line for group, line in before.items() if line[0]}
    assert {group for group, line in after.items() if line[0]} == known.keys(), name
    for group, (rows, known_count, mean) in known.items():
        assert [row[0] for row in after[group][0]] == [row[0] for row in rows], name
        for old, new in zip(rows, after[group][0], strict=True):
            for was, now in zip(old, new, strict=True):
                assert now == (was if was is None else pytest.approx(was, rel=1e-12)), name
        assert (after[group][1], after[group][2]) == (
            known_count,
            mean if mean is None else pytest.approx(mean, rel=1e-12),
        ), name


@pytest.mark.slow
def test_days_are_drawn_as_their_measurements_were(filled: Database, synthetic: ModuleType) -> None:
    before = middle(synthetic)
    before_s = int(before.timestamp()) // DAY_S * DAY_S
    questions: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in PARAMETERS]
    questions += [
        (name, {"compare": dimension})
        for name in ("delivery_bps", "join_time_s")
        for dimension in ("vantage", "provider")
    ]
    questions += [(name, {"player": "classic"}) for name in ("startup_delay_s", "stalled_s", "is_started", "rtt_min_s")]
    questions += [
        ("startup_delay_s", {"compare": "player", "provider": "ISP A"}),
        ("rtt_avg_s", {"compare": "ping_method"}),
    ]
    questions += [("delivery_bps", {"compare": "mode"}), ("has_stall", {"service": "youtube", "vantage": 1})]
    later = Selection(before_s, synthetic.END_S + 1)
    with filled.read() as connection:
        drawn = [days_drawn(connection, name, before_s, is_kept=False, **more) for name, more in questions]
        assert all(drawn[:3])
        series_before = asdict(series.series(connection, later, PARAMETERS["startup_delay_s"]))
        ends = period_of(connection)
    done = prune_measurements(filled, before)
    assert done["measurement"] == done["figure"] and 0 < done["measurement"] < ROWS
    for is_packed in (False, True):
        if is_packed:
            seal_all(filled)
        with filled.read() as connection:
            for lines, (name, more) in zip(drawn, questions, strict=True):
                assert_same(lines, days_drawn(connection, name, before_s, is_kept=True, **more), f"{name} {more}")
            assert asdict(series.series(connection, later, PARAMETERS["startup_delay_s"])) == series_before
            assert ends is not None and period_of(connection) == (ends[0] // DAY_S * DAY_S, ends[1])
    # What the days do not tell apart is not drawn of them.
    with filled.read() as connection:
        unknown = days_drawn(connection, "delivery_bps", before_s, is_kept=True, host="nowhere.example")
    assert [*unknown.values()] == [([], 0, None)]
    assert prune_measurements(filled, before) == {}


def of_the_rows(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without its period, which deleted days are part of, and what is cut into steps of it."""
    return report | {
        "aggregated": None,
        "selection": None,
        "good_or_not": report["good_or_not"] | {"faults": None},
        "publication": report["publication"] | {"selection": None},
    }


@pytest.mark.slow
def test_report_tells_deleted_days_apart_and_as_before(filled: Database, synthetic: ModuleType) -> None:
    before = middle(synthetic)
    midnight = datetime.fromtimestamp(int(before.timestamp()) // DAY_S * DAY_S, UTC)
    old, new = summarise(filled, until=midnight), summarise(filled, since=midnight)
    prune_measurements(filled, before)
    report = summarise(filled)
    days = report.aggregated
    assert days is not None
    for name in ("attempted_count", "resolved_count", "valid_count", "excluded_count"):
        assert getattr(days, name) == getattr(old, name), name
    failures = {(row.failure, row.attribution, row.stage, row.count) for row in days.failures}
    assert failures == {(a.failure, a.attribution, a.stage, a.count) for a in (*old.excluded, *old.network_failures)}
    assert {player.player for player in days.players} == {player.player for player in old.players}
    for mine, theirs in zip((days.headline, *days.players), (old.headline, *old.players), strict=True):
        assert theirs is not None
        for name in ("session_count", "never_started_count", "stalled_session_count", "stall_count", "stall_1s_count"):
            assert getattr(mine, name) == getattr(theirs, name), name
        assert mine.stall_ratio == pytest.approx(theirs.stall_ratio)
        for name, value in theirs.startup_delay_quantiles_s.items():
            assert mine.startup_delay_quantiles_s[name] == pytest.approx(value, rel=0.006)
    # Everything else is of what is left, as if the rest had never been.
    assert of_the_rows(report.to_dict()) == of_the_rows(new.to_dict())
    shown = Console(record=True, width=200)
    print_report(shown, report, "db")
    assert "Daily aggregates of deleted measurements" in shown.export_text()
    assert summarise(filled, since=midnight).aggregated is None
    json.dumps(report.to_dict())


@pytest.mark.slow
def test_days_pruned_in_two_goes_are_those_of_one(filled: Database, synthetic: ModuleType) -> None:
    """A process killed between two blocks has done the first: the next call adds the rest."""
    early = datetime.fromtimestamp(synthetic.END_S, UTC)
    reports: list[ReportSummary] = []
    promised = prune_measurements(filled, early, is_dry_run=True)["measurement"]
    with filled.write() as connection:
        # A clock that was set later, and a packed block of which only some are old.
        connection.execute(text("UPDATE figure SET started_s = started_s + 864000 WHERE measurement_id % 3 = 0"))
        ids = measurement.c.id % 3 == 0
        own = [
            row._asdict()
            for row in connection.execute(
                select(measurement.c.id.label("own"), measurement.c.started_at.label("at")).where(ids)
            )
        ]
        moved = measurement.update().where(measurement.c.id == bindparam("own")).values(started_at=bindparam("at"))
        connection.execute(moved, [row | {"at": row["at"] + timedelta(days=10)} for row in own])
    reports.append(summarise(filled, until=early + timedelta(days=30)))
    first = prune_measurements(filled, early)["measurement"]
    with filled.write() as connection:
        connection.execute(text("UPDATE figure SET started_s = started_s - 864000"))
        connection.execute(moved, own)
    second = prune_measurements(filled, early)["measurement"]
    assert first > 0 and second > 0 and first + second == promised
    days = summarise(filled).aggregated
    assert days is not None and days.attempted_count == promised
    assert days.headline.session_count > 0


@pytest.mark.slow
def test_everything_old_leaves_the_newest_and_no_orphan(
    each_copy: Callable[..., Database], synthetic: ModuleType
) -> None:
    filled = each_copy(ROWS, seal_all, **OPTIONS)
    end = datetime.fromtimestamp(synthetic.END_S + 10 * DAY_S, UTC)
    promised = prune_measurements(filled, end, is_dry_run=True)
    assert count(filled, measurement) == ROWS and count(filled, daily) == 0
    assert prune_measurements(filled, end)["measurement"] == promised["measurement"] == ROWS - 1
    assert count(filled, measurement) == count(filled, figure) == count(filled, video) == 1
    assert count(filled, figure_block) == 1 and count(filled, figure_column) == 0
    for table in (download, stream, playback, http_request, network):
        owner = "download_id" if table is http_request else "measurement_id"
        with filled.read() as connection:
            owners = select(download.c.id if table is http_request else measurement.c.id)
            assert not connection.execute(select(table).where(table.c[owner].not_in(owners))).first(), table.name
    assert count(filled, daily_figure) > 0
    with filled.read() as connection:
        selection = Selection(synthetic.END_S - 30 * DAY_S, synthetic.END_S + 30 * DAY_S)
        assert series.series(connection, selection, PARAMETERS["delivery_bps"]).lines[-1].known_count > 0
        assert distribution.curves(connection, selection, PARAMETERS["delivery_bps"])[0][0].known_count <= 1


@pytest.mark.slow
def test_a_video_that_waits_for_another_try_keeps_its_measurement(each_database: Database) -> None:
    repository = Repository(each_database)
    crawl = open_crawl(each_database, "youtube", {}, name="c")
    names = ["old45678901", "put45678901", "new45678901"]
    crawl.add_listed([FoundVideo("youtube", name) for name in names], 3)
    run = repository.begin_run(spider="youtube", arguments={}, settings={}, vantage=VantageFacts("here"))
    now = datetime(2026, 5, 1, tzinfo=UTC)
    for name, age_d in zip(names, (100, 100, 10), strict=True):
        claim = crawl.claim()
        assert claim is not None and claim.video_id == name
        item = make_item(video_id=name, claim_id=claim.id, uuid=name, started_at=now - timedelta(days=age_d))
        repository.save(item, run, crawl)
    queued = frontier.update().where(frontier.c.video_id == "put45678901").values(state=0)
    with each_database.write() as connection:
        connection.execute(queued)
    assert prune_measurements(each_database, now - timedelta(days=90))["measurement"] == 1
    with each_database.read() as connection:
        left = connection.execute(select(measurement.c.uuid).order_by(measurement.c.id)).scalars().all()
    assert left == ["put45678901", "new45678901"]
    claim = crawl.claim()
    assert claim is not None and claim.video_id == "put45678901", "what was measured is not measured again"
    # The same measurement comes once more, from a spool that was away: it is kept, and counted once.
    with each_database.read() as connection:
        row = connection.execute(select(frontier).where(frontier.c.video_id == "old45678901")).one()
    late = make_item(video_id="old45678901", claim_id=row.id, uuid="old45678901", started_at=now - timedelta(days=100))
    assert repository.save(late, run, crawl).is_superseded


@pytest.mark.slow
def test_page_says_what_is_there_as_aggregates_only(filled: Database, synthetic: ModuleType, tmp_path: Path) -> None:
    done = prune_measurements(filled, middle(synthetic))["measurement"]
    client = TestClient(create_app(DashboardConfig(f"sqlite:///{tmp_path / 'filled.db'}", tmp_path)))
    with client:
        page = client.get("/?period=all").text
        assert f"{done} older measurements of this period are kept as daily aggregates only" in page
        assert "daily aggregates" not in client.get("/?period=1d").text
        answer = client.get("/api/series?period=all&parameter=delivery_bps").json()
        assert [line["label"] for line in answer["lines"]] == ["all", "all (daily aggregates)"]
        assert all(line["known_count"] for line in answer["lines"])
        assert "all (daily aggregates)" in client.get("/api/series.csv?period=all&parameter=delivery_bps").text
        assert client.get("/report.pdf?period=all").content.startswith(b"%PDF")
