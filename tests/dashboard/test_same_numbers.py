"""Selections by chance: every face, and an export recomputed in pandas, give the same n and the same figures."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import parser
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.survival import Delay, incidence_curve, incidence_quantile
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import ExportChoice, export
from pytomo_scrapy.failures import is_for_good
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.bundle import write_bundle
from pytomo_scrapy.reporting.format import number
from pytomo_scrapy.storage.database import open_database
from tests.pdf_texts import pdf_text

pandas = pytest.importorskip("pandas")
pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("PYTOMO_TEST_SELECTIONS", "4"))
BIN = 0.011  # quantiles come from bins of 1 %
# A filter by its name in an address, and the column of the export that it is about.
FILTERS = {"provider": "provider", "vantage": "vantage_id", "host": "host", "mode": "mode", "cache_site": "cache_site",
           "family": "family"}  # fmt: skip
# What the figures here are computed from: each of hundreds of choices of rows copies all columns that were read.
USED = {
    *FILTERS.values(), "started_s", "is_valid", "is_ad_hoc", "is_session", "is_started", "has_stall", "attribution",
    "startup_delay_s", "failure", "download_s", "waited_s", "delivery_bps", "vantage",
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an export of the whole database."""
    folder = tmp_path_factory.mktemp("export") / "all"
    database = open_database(f"sqlite:///{filled}")
    export(database, folder, "csv", "wide", ExportSelection())
    database.close()
    return folder


@pytest.fixture(scope="module")
def rows(exported: Path) -> Any:
    """The whole database as an export reads it back."""
    return pandas.read_csv(exported / "measurements.csv", low_memory=False, usecols=sorted(USED))


@pytest.fixture(scope="module")
def selections(rows: Any) -> list[dict[str, str]]:
    """Choose periods and filters: the same ones every time."""
    chance = random.Random(17)
    first, last = int(rows.started_s.min()), int(rows.started_s.max()) + 1
    found = []
    for index in range(COUNT):
        start = first + chance.randrange((last - first) // 2)
        chosen = {"from": str(start), "to": str(start + chance.randrange(3 * 86400, last - first))}
        if index % 4:
            name = chance.choice(list(FILTERS))
            known = rows[FILTERS[name]].dropna()
            value = chance.choice(sorted(known.unique()))
            chosen[name] = str(int(value)) if not isinstance(value, str) else value
        found.append(chosen)
    return found


def chosen_rows(rows: Any, chosen: dict[str, str]) -> Any:
    """Return the valid rows of a selection, by pandas alone."""
    is_chosen = (rows.started_s >= int(chosen["from"])) & (rows.started_s < int(chosen["to"])) & (rows.is_valid == 1)
    is_chosen &= ~rows.is_ad_hoc.fillna(0).astype(bool)
    for name, column in FILTERS.items():
        if name in chosen:
            text = rows[column].map(
                lambda value: str(int(value)) if isinstance(value, float) and value == value else str(value)
            )
            is_chosen &= text == chosen[name]
    return rows[is_chosen]


def figures_of(frame: Any) -> dict[str, tuple[int, float | None]]:
    """Return n and value of the figures, from the columns of the export."""
    sessions = frame[frame.is_session == 1]
    started = sessions[sessions.is_started == 1]
    delays = [
        Delay(row.startup_delay_s, True)
        if row.startup_delay_s == row.startup_delay_s
        else Delay(row.download_s if row.download_s == row.download_s else 0.0, False, True)
        if isinstance(row.failure, str) and is_for_good(row.failure)
        else Delay(row.waited_s, False)
        for row in sessions[["startup_delay_s", "failure", "download_s", "waited_s"]].itertuples()
    ]
    rate = frame.delivery_bps.dropna()
    return {
        "never_started": (len(sessions), float((sessions.is_started == 0).mean()) if len(sessions) else None),
        "startup": (len(sessions), incidence_quantile(incidence_curve(delays), 0.5)),
        "with_stalls": (len(started), float(started.has_stall.mean()) if len(started) else None),
        "delivery": (len(rate), float(rate.quantile(0.5, interpolation="lower")) if len(rate) else None),
    }


def bad_of(frame: Any) -> tuple[int, int, dict[int, tuple[int, int]]]:
    """Return sessions, bad ones, and both by hour of the day: the made-up lines say no time zone, so in UTC."""
    sessions = frame[frame.is_session == 1]
    is_bad = (sessions.is_started == 0) | (sessions.has_stall == 1)
    hours = sessions.started_s // 3600 % 24
    by_hour = {int(hour): (len(own), int(own.sum())) for hour, own in is_bad.groupby(hours)}
    return len(sessions), int(is_bad.sum()), by_hour


def evening_of(frame: Any, start_s: int, length_s: int) -> float | None:
    """Return what the evening accounts for of the bad sessions, by the definition of docs/metrics.md."""
    sessions = frame[frame.is_session == 1]
    block_s = max(86_400, -(-length_s // 28))
    cells = pandas.DataFrame(
        {
            "line": sessions.vantage_id,
            "bad": (sessions.is_started == 0) | (sessions.has_stall == 1),
            "evening": (sessions.started_s // 3600 % 24).between(19, 22),
            "block": (sessions.started_s - start_s) // block_s,
        }
    )
    if min(cells.evening.sum(), (~cells.evening).sum()) < 20 or not cells.bad.any():
        return None
    risk = base = 0.0
    for _, own in cells.groupby(["line", "block"]):
        inside, outside = own[own.evening], own[~own.evening]
        risk += inside.bad.sum() * len(outside) / len(own)
        base += outside.bad.sum() * len(inside) / len(own)
    if not risk:
        return 0.0 if base else None
    return float(cells[cells.evening].bad.sum() / cells.bad.sum() * (1 - base / risk))


def query_of(chosen: dict[str, str], **more: str) -> str:
    return "&".join(f"{name}={value}" for name, value in (chosen | more).items())


def same(shown: float | None, exact: float | None, tolerance: float) -> None:
    assert (shown is None) == (exact is None)
    if shown is not None:
        assert shown == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("index", range(COUNT))
def test_every_face_gives_the_numbers_of_the_export(
    client: TestClient, rows: Any, selections: list[dict[str, str]], index: int
) -> None:
    chosen = selections[index]
    frame = chosen_rows(rows, chosen)
    exact = figures_of(frame)
    overview = client.get(f"/api/overview?{query_of(chosen)}").json()
    estimates = {one["name"]: one for one in overview["estimates"]}
    assert overview["n"] == len(frame)
    for name, (count, value) in exact.items():
        assert estimates[name]["row_count"] == count, name
        same(estimates[name]["value"], value, 1e-9 if name in {"never_started", "with_stalls"} else BIN)

    startup = estimates["startup"]
    series = client.get(f"/api/series?{query_of(chosen, parameter='startup_delay_s')}").json()
    curve = client.get(f"/api/distribution?{query_of(chosen, parameter='startup_delay_s')}").json()
    assert series["n"] == curve["n"] == startup["row_count"]
    if startup["value"] is not None:
        assert series["lines"][0]["median"] == curve["lines"][0]["median"] == startup["value"]
    stalls = client.get(f"/api/series?{query_of(chosen, parameter='has_stall')}").json()
    if stalls["lines"]:
        known = frame.has_stall.dropna()
        assert (stalls["n"], stalls["lines"][0]["known_count"]) == (len(frame), len(known))
        same(stalls["lines"][0]["mean"], 100 * known.mean(), 1e-9)

    compared = client.get(f"/api/compare?{query_of(chosen, by='vantage')}").json()
    assert compared["n"] == len(frame)
    for group in compared["groups"]:
        own = figures_of(frame[frame.vantage_id == int(group["value"])])
        for one in group["estimates"]:
            if one["name"] in own:
                assert one["row_count"] == own[one["name"]][0]
                same(one["value"], own[one["name"]][1], BIN)

    check_bad_sessions(client, overview, frame, chosen)
    text = pdf_text(client.get(f"/report.pdf?{query_of(chosen)}").content)
    counts = f"{counted(overview['row_count'], 'measurement')}, {number(len(frame), 0)} valid"
    assert counts.replace("\u202f", " ") in text
    if startup["value"] is not None:
        assert f"{number(startup['value'], 2)} s" in text


def check_bad_sessions(client: TestClient, overview: Any, frame: Any, chosen: dict[str, str]) -> None:
    """The grade, the bad sessions, a typical day and what goes with it are those of the export."""
    grade, bad, exact = overview["grade"], overview["bad"], figures_of(frame)
    count, bad_count, by_hour = bad_of(frame)
    assert (bad["session_count"], bad["bad_count"], grade["session_count"]) == (count, bad_count, count)
    for one, name in zip(grade["criteria"], ("never_started", "startup", "with_stalls"), strict=False):
        value = exact[name][1]
        same(one["value"], 1 - value if name == "never_started" and value is not None else value, BIN)
    day = client.get(f"/api/day?{query_of(chosen)}").json()
    assert day["n"] == count and day["hours"] == bad["hours"]
    shown = {one["hour"]: (one["session_count"], one["bad_count"]) for one in day["hours"] if one["session_count"]}
    assert shown == by_hour
    start_s, end_s = int(chosen["from"]), int(chosen["to"])
    evenings = [one["fraction"]["value"] for one in bad["exposures"] if one["which"] == "19 to 23 h"]
    same(evenings[0] if evenings else None, evening_of(frame, start_s, end_s - start_s), 1e-9)


# A report is narrowed by less than a page is: to a period and a provider.
@pytest.mark.parametrize("index", range(COUNT // 2))
def test_report_gives_the_numbers_of_the_export(
    filled: Path, rows: Any, selections: list[dict[str, str]], index: int
) -> None:
    chosen = {name: value for name, value in selections[index].items() if name in {"from", "to", "provider"}}
    frame = chosen_rows(rows, chosen)
    since, until = (datetime.fromtimestamp(int(chosen[name]), UTC) for name in ("from", "to"))
    database = open_database(f"sqlite:///{filled}")
    report = summarise(database, since=since, until=until, provider=chosen.get("provider"))
    database.close()
    exact = figures_of(frame)
    assert report.valid_count == len(frame) and report.headline is not None
    assert report.headline.session_count == exact["startup"][0]
    assert report.headline.startup_delay_quantiles_s["0.5"] == exact["startup"][1]
    never = report.headline.never_started_count / report.headline.session_count
    assert never == pytest.approx(exact["never_started"][1])
    assert report.selection["eras"] == "last" and report.selection["notes"] == []
    judged = report.good_or_not
    assert judged is not None
    assert (judged.bad.session_count, judged.bad.bad_count) == bad_of(frame)[:2]
    assert judged.grade.session_count == len(frame[frame.is_session == 1])
    every = rows[(rows.started_s >= int(chosen["from"])) & (rows.started_s < int(chosen["to"]))]
    every = every[every.provider == chosen["provider"]] if "provider" in chosen else every
    faults = every.attribution.value_counts().to_dict()
    assert {fault: sum(counts) for fault, counts in judged.faults.counts.items()} == faults


def test_metrics_give_the_numbers_of_the_export(client: TestClient, rows: Any) -> None:
    families = parser.text_string_to_metric_families(client.get("/metrics").text)
    found = {sample.labels["vantage"]: sample.value for family in families for sample in family.samples
             if sample.name == "pytomo_sessions_total"}  # fmt: skip
    assert found == rows[rows.is_session == 1].groupby("vantage").size().astype(float).to_dict()


def test_export_says_which_rows_figures_count(exported: Path, rows: Any) -> None:
    told = json.loads((exported / "export.json").read_text())["selection"]
    assert told["n"] == int((rows.is_valid == 1).sum()) and told["left_out_runs"] == []
    assert f"count {number(told['n'], 0)} rows of this period" in (exported / "README.md").read_text()


@pytest.mark.parametrize("where", [None, "mode = 'bulk' AND vantage_id < 3 AND dns_elapsed_s < 0.02"])
def test_bundle_recomputed_in_pandas_gives_its_own_figures(filled: Path, tmp_path: Path, where: str | None) -> None:
    database = open_database(f"sqlite:///{filled}")
    selection = ExportSelection(where=where)
    write_bundle(database, tmp_path / "bundle", ExportChoice("csv", "wide", selection, license="CC0-1.0"))
    database.close()
    told = json.loads((tmp_path / "bundle" / "figures.json").read_text())
    rows = pandas.read_csv(tmp_path / "bundle" / "measurements.csv", low_memory=False)
    left_out = json.loads((tmp_path / "bundle" / "export.json").read_text())["selection"]["left_out_runs"]
    frame = rows[(rows.is_valid == 1) & ~rows.run_uuid.isin(left_out)]
    assert (told["n"], told["row_count"]) == (len(frame), len(rows))
    exact = figures_of(frame)
    for name in [f"plays_{height}p" for height in (360, 480, 720, 1080)]:
        known = frame[name].dropna()
        exact[name] = (len(known), float(known.mean()))
    played = frame[(frame.is_session == 1) & frame.played_s.notna()]
    stalled = float(played.stalled_s.sum() / (played.stalled_s.sum() + played.played_s.sum()))
    exact["stall_ratio"] = (int((frame.is_started == 1).sum()), stalled)
    figures = {one["name"]: one for one in told["figures"]}
    assert exact.keys() <= figures.keys()
    for name, (count, value) in exact.items():
        assert figures[name]["n"] == count, name
        same(figures[name]["value"], value, BIN if name in {"startup", "delivery"} else 1e-9)
