"""The catalogue of figures is all there is to write: a toy figure is seen everywhere that figures are."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytomo_scrapy.analysis.figures import DIMENSIONS, LIST_COLUMNS, PARAMETERS
from pytomo_scrapy.storage.schema.figure_catalogue import FIGURES
from pytomo_scrapy.storage.schema.measurement_tables import figure
from tests.running import new_files
from tests.running.elsewhere import run_elsewhere

ROOT = Path(__file__).resolve().parents[2]

# What docs/extending.md says, in a process of its own that has the further rows in its catalogue.
_RECIPE = """
import sys
from dataclasses import replace
from pathlib import Path
from pytomo_scrapy.storage.schema import figure_catalogue as catalogue
from pytomo_scrapy.storage.schema.figure_catalogue import Figure, Kind, Listed, Use

shown = {"title": "Time waited", "unit": "s", "help": "How long a viewer waited, in vain or not."}
catalogue.FIGURES = tuple(replace(one, **shown) if one.name == "waited_s" else one for one in catalogue.FIGURES)
catalogue.FIGURES += (
    Figure("active_s", Kind.REAL, "d.active_s", Use.GAUGE | Use.BY_MODE, 40, "Active time", "ms",
           "First byte to last, without pauses.", listed=Listed(19, "Active (ms)")),
)

import sqlite3
from datetime import UTC, datetime
from statistics import mean
from starlette.testclient import TestClient
from docs.generate import all_regions
from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.analysis.daily.retention import prune_measurements
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app
from pytomo_scrapy.storage.database import open_database
from benchmarks import synthetic

path = Path(sys.argv[1]) / "toy.db"
database = open_database(f"sqlite:///{path}")
with database.write() as connection:
    connection.exec_driver_sql("ALTER TABLE figure ADD COLUMN active_s DOUBLE PRECISION")  # the migration
synthetic.fill(database, 110, days=3, videos=50, apart=10)
assert seal_all(database) == 1
raw = sqlite3.connect(path)
regions = all_regions()
with TestClient(create_app(DashboardConfig(f"sqlite:///{path}", path.parent))) as client:
    asked = {"active_s": ("SELECT active_s * 1000 FROM download d", "Active time"),
             "waited_s": ("SELECT waited_s FROM figure WHERE is_session = 1", "Time waited")}
    for name, (question, title) in asked.items():
        assert client.get("/api/parameters").json()[name]["title"] == title
        [line] = client.get(f"/api/series?period=all&eras=all&parameter={name}").json()["lines"]
        if name == "active_s":
            valid = " JOIN measurement m ON m.id = d.measurement_id WHERE m.failure IS NULL OR attribution = 'network'"
            assert abs(line["mean"] - mean(row[0] for row in raw.execute(question + valid))) < 1e-6
        assert line["known_count"] > 80
        assert title in client.get("/series?period=all&group=all").text
        assert f"<h1>{title}</h1>" in client.get(f"/series/{name}?period=all").text
        assert client.get(f"/api/distribution?period=all&parameter={name}").json()["lines"][0]["known_count"] > 80
        assert f"| `{name}` | {title} |" in regions["figures"]
    listed = client.get("/videos?period=all&sort=active_s&failure=none").text
    assert ">Active (ms)</a>" in listed
    assert 'data-label="Active (ms)" class="figure">28 000</td>' in listed.replace("\\u202f", " ")
    assert client.get("/api/videos?period=all&failure=none").json()["rows"][0]["active_s"] == 28.0
    assert "pytomo_active_s{" in client.get("/metrics").text
prune_measurements(database, datetime.fromtimestamp(synthetic.END_S, UTC))
kept = raw.execute("SELECT DISTINCT part FROM daily_figure WHERE name = 'active_s' ORDER BY part").fetchall()
assert kept == [("",), ("mode=bulk",), ("mode=paced",)], kept
database.close()
"""


@pytest.mark.process
def test_toy_figure_is_seen_everywhere_from_its_row_alone(tmp_path: Path) -> None:
    new_files.place(tmp_path / "toy.db")
    done = run_elsewhere(ROOT, _RECIPE, str(tmp_path))
    assert done.exit_code == 0, done.errors


def test_catalogue_has_every_column_once_in_the_order_of_the_table() -> None:
    assert [entry.name for entry in FIGURES] == [column.name for column in figure.columns][1:]


@pytest.mark.parametrize(
    "places",
    [
        [figure.order for figure in PARAMETERS.values()],
        [figure.filter.order for figure in FIGURES if figure.filter is not None],
        [figure.listed.order for figure in FIGURES if figure.listed is not None],
    ],
    ids=["graphs", "filters", "list"],
)
def test_no_two_figures_have_one_place(places: list[int]) -> None:
    assert 0 not in places and len(set(places)) == len(places)


def test_orders_are_those_that_readers_know() -> None:
    assert list(PARAMETERS)[:3] == ["download_s", "received_bytes", "video_duration_s"]
    assert list(DIMENSIONS)[:4] == ["vantage", "provider", "service", "host"]
    assert [name for name, column in LIST_COLUMNS.items() if column.is_sortable] == [
        *("started_s", "startup_delay_s", "stall_count", "stalled_s", "delivery_bps", "rtt_min_s")
    ]
