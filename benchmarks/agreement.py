"""Random selections: each face's figures beside those that pandas computes from an export.

    python benchmarks/agreement.py [--selections 50] [--seed N] [--rows 6000] [--reports 10] [--json]

A made-up database is exported once, as it is. Every selection is a period, up to two filters of any dimension, valid
rows or all, single measurements with or without. Overview, series, distribution, comparison, typical day and failures
answer for it; `/metrics` once; for the first `--reports` also the text of the PDF, `pytomo report`, and a bundle of the
same rows. Counts must be the same; shares and means to 1e-9, written ones to their six digits; quantiles, which come
from bins of 1 %, to 1.1 %. Needs pandas.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas
import synthetic
from recomputed import (
    BIN,
    COLUMNS,
    FILTERS,
    chosen_rows,
    figures_of,
    flags,
    half_of,
    lower,
    mean_of,
    selections,
    started_by,
    text_of,
)
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.analysis.crawl_report import summarise
from pytomo_scrapy.analysis.figures import DIMENSIONS, PARAMETERS
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.exchange.datasets import ExportSelection
from pytomo_scrapy.exchange.export_run import ExportChoice, export
from pytomo_scrapy.reporting.bundle import write_bundle
from pytomo_scrapy.storage.database import open_database
from tests.pdf_texts import pdf_text

SIX_DIGITS = 5.1e-6
DAYS = 21
FIGURES = [name for name, figure in PARAMETERS.items() if not figure.is_censored] + ["startup_delay_s"]


@dataclass
class Account:
    """What was compared, and what did not agree."""

    counts: dict[str, list[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def same(self, face: str, what: str, shown: Any, exact: Any, tolerance: float = 0.0) -> None:
        """Compare two figures; None and NaN are nothing."""
        shown, exact = (None if isinstance(one, float) and math.isnan(one) else one for one in (shown, exact))
        if isinstance(shown, (int, float)) and isinstance(exact, (int, float)):
            is_same = math.isclose(shown, exact, rel_tol=tolerance, abs_tol=1e-9 if tolerance else 0.0)
        else:
            is_same = shown == exact
        found = self.counts.setdefault(face, [0, 0])
        found[0] += 1
        if not is_same:
            found[1] += 1
            self.wrong.append(f"{face}: {what}: {shown!r} is {exact!r} in pandas")


def made_up(folder: Path, rows: int, seed: int) -> tuple[str, Any]:
    """Return a database's URL and its export as a frame; some runs are single measurements."""
    url = f"sqlite:///{folder / 'made-up.db'}"
    database = open_database(url)
    synthetic.fill(database, rows, days=DAYS, seed=seed, videos=400)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE run SET is_ad_hoc = 1 WHERE id % 11 = 0")
    seal_all(database)
    export(database, folder / "all", "csv", "wide", ExportSelection())
    database.close()
    return url, pandas.read_csv(folder / "all" / "measurements.csv", low_memory=False)


def check_estimates(account: Account, face: str, shown: list[dict[str, Any]], frame: Any) -> None:
    """Compare every headline figure."""
    exact = figures_of(frame)
    for one in shown:
        count, value, tolerance = exact[one["name"]]
        account.same(face, f"n of {one['name']}", one["row_count"], count)
        account.same(face, one["name"], one["value"], value, tolerance)


def check(client: TestClient, account: Account, rows: Any, chosen: dict[str, str], chance: random.Random) -> None:
    """Ask every face of the page for one selection."""
    frame, every = chosen_rows(rows, chosen), chosen_rows(rows, chosen, every=True)

    def ask(path: str, **more: str) -> Any:
        answer = client.get(f"/api/{path}", params=chosen | more)
        account.same(path, "answer", answer.status_code, 200)
        return answer.json()

    overview = ask("overview")
    for name, exact in (("n", len(frame)), ("row_count", len(every)), ("video_count", frame.video_row_id.nunique())):
        account.same("overview", name, overview[name], exact)
    account.same("overview", "day_count", overview["day_count"], (frame.started_s // 86400).nunique())
    check_estimates(account, "overview", overview["estimates"], frame)
    failed = {one["failure"]: one["count"] for one in overview["failures"]}
    account.same("overview", "failures", failed, every.failure.value_counts().to_dict())
    failures = ask("failures")
    sums = {name: sum(counts) for name, counts in failures["counts"].items() if sum(counts)}
    account.same("failures", "by class", sums, every.failure.value_counts().to_dict())
    check_day(account, ask("day"), frame)
    check_charts(account, ask, frame, chance)
    by = chance.choice([name for name in FILTERS if name not in {"run"}])
    compared, column = ask("compare", by=by), frame[COLUMNS[by]].map(text_of, na_action="ignore")
    shown = {group["value"]: group for group in compared["groups"]}
    sizes = column.value_counts()
    account.same("compare", f"groups by {by}", len(shown) + compared["left_out_count"], len(sizes))
    for value, group in shown.items():
        own = frame[column == value]
        found = (group["n"], group["video_count"], group["day_count"])
        exact = (len(own), own.video_row_id.nunique(), (own.started_s // 86400).nunique())
        account.same("compare", f"counts of {by} {value}", found, exact)
        check_estimates(account, "compare", group["estimates"], own)


def check_day(account: Account, day: dict[str, Any], frame: Any) -> None:
    """Compare bad sessions by hour: the made-up lines say no time zone, so that it is UTC. Of valid rows always."""
    sessions = frame[(frame.is_session == 1) & (frame.is_valid == 1)]
    is_bad = (sessions.is_started == 0) | (sessions.has_stall == 1)
    exact = {int(hour): (len(own), int(own.sum())) for hour, own in is_bad.groupby(sessions.started_s // 3600 % 24)}
    shown = {one["hour"]: (one["session_count"], one["bad_count"]) for one in day["hours"] if one["session_count"]}
    account.same("day", "sessions and bad ones by hour", shown, exact)
    for one in day["hours"]:
        own = sessions[sessions.started_s // 3600 % 24 == one["hour"]]
        account.same("day", "median startup", one["startup_median_s"], half_of(started_by(own)), BIN)


def check_charts(account: Account, ask: Callable[..., Any], frame: Any, chance: random.Random) -> None:
    """Compare a series in all its buckets, and a distribution, of figures by chance."""
    for name in {chance.choice(FIGURES), "startup_delay_s", "has_stall"}:
        figure = PARAMETERS[name]
        found = ask("series", parameter=name)
        sessions = frame[frame.is_session == 1] if figure.is_censored else frame
        account.same("series", f"n of {name}", found["n"], len(sessions))
        bucket = sessions.started_s // found["width_s"] * found["width_s"]
        for line in found["lines"]:
            for at_s, value, count in zip(found["times_s"], line["value"], line["count"], strict=True):
                own = sessions[bucket == at_s]
                account.same("series", f"count of {name}", count, len(own))
                exact = half_of(started_by(own)) if figure.is_censored else mean_of(own[name].dropna())
                exact = None if exact is None else exact * figure.factor
                account.same("series", name, value, exact, BIN if figure.is_censored else SIX_DIGITS)
        if figure.is_flag:
            continue
        curve = ask("distribution", parameter=name)
        account.same("distribution", f"n of {name}", curve["n"], len(sessions))
        for line in curve["lines"]:
            exact = half_of(started_by(sessions)) if figure.is_censored else lower(sessions[name].dropna())
            median = line["median"]
            # What is below the least bin is shown as 0.
            if exact is not None and exact >= 1e-4:
                account.same("distribution", f"median of {name}", median, exact * figure.factor, BIN)
            account.same("distribution", f"known of {name}", line["known_count"], len(sessions[name].dropna()))


def check_pdf(client: TestClient, account: Account, rows: Any, chosen: dict[str, str]) -> None:
    """Look for the figures in the text of the report."""
    frame, every = chosen_rows(rows, chosen), chosen_rows(rows, chosen, every=True)
    answer = client.get("/report.pdf", params=chosen)
    account.same("pdf", "answer", answer.status_code, 200)
    text = pdf_text(answer.content)
    valid = int((every.is_valid == 1).sum())
    videos = (
        f"{counted(frame.video_row_id.nunique(), 'video')} on {counted((frame.started_s // 86400).nunique(), 'day')}"
    )
    account.same("pdf", "counts", f"{counted(len(every), 'measurement')}, {valid} valid, of {videos}." in text, True)
    startup = figures_of(frame)["startup"]
    if startup[1] is not None:
        shown = client.get("/api/overview", params=chosen).json()["estimates"]
        value = next(one["value"] for one in shown if one["name"] == "startup")
        account.same("pdf", "startup", f"{value:.2f}" in text, True)


def counted(count: int, word: str) -> str:
    """Return a count with its noun."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def check_metrics(client: TestClient, account: Account, rows: Any) -> None:
    """Compare the counters of each vantage point."""
    found: dict[str, dict[str, float]] = {}
    for name, vantage, value in re.findall(
        r'^(pytomo_\w+_total)\{vantage="([^"]+)"\} (\S+)$', client.get("/metrics").text, re.MULTILINE
    ):
        found.setdefault(name, {})[vantage] = float(value)
    counting = rows[~flags(rows)]
    sessions = counting[(counting.is_session == 1) & (counting.is_valid == 1)]
    exact = {
        "pytomo_sessions_total": sessions.groupby("vantage").size(),
        "pytomo_stalled_sessions_total": sessions[sessions.has_stall == 1].groupby("vantage").size(),
        "pytomo_stalls_total": sessions.groupby("vantage").stall_count.sum(),
        "pytomo_stalled_seconds_total": sessions.groupby("vantage").stalled_s.sum(),
        "pytomo_played_seconds_total": sessions.groupby("vantage").played_s.sum(),
    }
    for name, by_vantage in exact.items():
        for vantage, value in by_vantage.items():
            account.same("metrics", f"{name} of {vantage}", found.get(name, {}).get(vantage), float(value), 1e-9)


def check_report(url: str, account: Account, rows: Any, chosen: dict[str, str]) -> None:
    """Compare what `pytomo report` says of the period and provider; its quantiles are of the rows themselves."""
    own = {"rows": "valid"} | {name: chosen[name] for name in ("from", "to", "ad_hoc", "provider") if name in chosen}
    frame, every = chosen_rows(rows, own), chosen_rows(rows, own, every=True)
    since, until = (datetime.fromtimestamp(int(chosen[name]), UTC) for name in ("from", "to"))
    asked: dict[str, Any] = {"since": since, "until": until, "provider": chosen.get("provider"), "eras": "all"}
    database = open_database(url)
    found = summarise(database, **asked, has_ad_hoc=chosen["ad_hoc"] == "with")
    database.close()
    exact, sessions = figures_of(frame), frame[frame.is_session == 1]
    account.same("report", "rows", (found.attempted_count, found.valid_count), (len(every), len(frame)))
    classes = {one.failure: one.count for one in [*found.excluded, *found.network_failures]}
    account.same("report", "failures", classes, every.failure.value_counts().to_dict())
    if found.headline is not None:
        shown = (found.headline.session_count, found.headline.never_started_count, found.headline.stall_count)
        stalls = int(sessions.stall_count.fillna(0).sum())
        account.same("report", "sessions", shown, (len(sessions), int((sessions.is_started == 0).sum()), stalls))
        account.same("report", "startup", found.headline.startup_delay_quantiles_s["0.5"], exact["startup"][1], 1e-12)
        account.same("report", "stall_ratio", found.headline.stall_ratio, exact["stall_ratio"][1], 1e-9)
    if found.publication is not None:
        figures = [
            {"name": one.reported.kind.name, "row_count": one.estimate.row_count, "value": one.estimate.value}
            for one in found.publication.figures
        ]
        check_estimates(account, "report", figures, frame)


def check_bundle(url: str, account: Account, rows: Any, chosen: dict[str, str], folder: Path) -> None:
    """Write the rows of a selection as a bundle, by a condition, and recompute its figures from its own table."""
    names = set(chosen) & set(DIMENSIONS)
    words = [f"started_s >= {chosen['from']} AND started_s < {chosen['to']}"]
    words += [f"CAST({COLUMNS[name]} AS TEXT) = '{chosen[name]}'" for name in sorted(names)]
    database = open_database(url)
    try:
        choice = ExportChoice("csv", "wide", ExportSelection(where=" AND ".join(words)), license="CC0-1.0")
        write_bundle(database, folder, choice)
    finally:
        database.close()
    frame = pandas.read_csv(folder / "measurements.csv", low_memory=False)
    account.same("bundle", "rows", len(frame), len(chosen_rows(rows, chosen | {"ad_hoc": "with"}, every=True)))
    left_out = json.loads((folder / "export.json").read_text())["selection"]["left_out_runs"]
    counting = frame[(frame.is_valid == 1) & ~frame.run_uuid.isin(left_out)]
    if not (folder / "figures.json").exists():
        account.same("bundle", "no figures", 0, len(counting))
        return
    told = json.loads((folder / "figures.json").read_text())
    account.same("bundle", "n", told["n"], len(counting))
    shown = [{"name": one["name"], "row_count": one["n"], "value": one["value"]} for one in told["figures"]]
    check_estimates(account, "bundle", shown, counting)


def run(options: argparse.Namespace) -> Account:
    """Compare everything."""
    account, chance = Account(), random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="pytomo-agreement-") as place:
        url, rows = made_up(Path(place), options.rows, options.seed)
        with TestClient(create_app(DashboardConfig(url, Path(place)))) as client:
            check_metrics(client, account, rows)
            for index, chosen in enumerate(selections(rows, chance, options.selections)):
                before = len(account.wrong)
                check(client, account, rows, chosen, chance)
                if index < options.reports:
                    if len(chosen_rows(rows, chosen, every=True)):
                        check_pdf(client, account, rows, chosen)
                    check_report(url, account, rows, chosen)
                    check_bundle(url, account, rows, chosen, Path(place) / f"bundle-{index}")
                account.wrong[before:] = [f"{wrong} [{chosen}]" for wrong in account.wrong[before:]]
    return account


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--selections", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    account = run(options)
    if options.json:
        print(json.dumps({"seed": options.seed, "counts": account.counts, "wrong": account.wrong}))
    else:
        print(f"seed {options.seed}, {options.selections} selections of {options.rows} rows")
        for face, (compared, wrong) in account.counts.items():
            print(f"{face:14} {compared - wrong:7} of {compared} agree")
        print(*account.wrong[:40], sep="\n")
    raise SystemExit(bool(account.wrong))


if __name__ == "__main__":
    main()
