"""The comparison on the page, in the API and on the terminal says the same as the overview of each group."""

from __future__ import annotations

import re
import sqlite3

import pytest
from starlette.testclient import TestClient

PERIOD = "period=all"


@pytest.mark.slow
def test_groups_have_the_figures_of_their_own_overviews(client: TestClient) -> None:
    found = client.get(f"/api/compare?{PERIOD}&by=vantage").json()
    assert found["groups"][0]["label"].startswith("paris")  # half of all rows
    for group in found["groups"]:
        own = client.get(f"/api/overview?{PERIOD}&vantage={group['value']}").json()
        assert (group["n"], group["row_count"], group["video_count"]) == (
            own["n"],
            own["row_count"],
            own["video_count"],
        )
        for mine, theirs in zip(group["estimates"], own["estimates"], strict=True):
            for name in ("name", "value", "low", "high", "row_count"):
                assert mine[name] == theirs[name], (group["label"], mine["name"], name)


@pytest.mark.parametrize("rows", ["valid", "all"])
def test_videos_and_days_are_of_the_rows_beside_them(client: TestClient, raw: sqlite3.Connection, rows: str) -> None:
    # Two days: long enough to compare, and short enough that some videos were measured once, and failed.
    end_s = raw.execute("SELECT MAX(started_s) FROM figure").fetchone()[0]
    start_s = end_s - 2 * 86_400
    query = f"from={start_s}&to={end_s}&eras=all&by=service&rows={rows}"
    (group,) = client.get(f"/api/compare?{query}").json()["groups"]
    counted = "SELECT COUNT(*), COUNT(DISTINCT video_row_id), COUNT(DISTINCT started_s / 86400) FROM figure"
    of_all = f"{counted} WHERE started_s >= {start_s} AND started_s < {end_s}"
    of = {name: raw.execute(sql).fetchone() for name, sql in (("all", of_all), ("valid", f"{of_all} AND is_valid"))}
    assert of["valid"][1] < of["all"][1]
    assert (group["n"], group["video_count"], group["day_count"]) == of[rows]
    page = client.get(f"/fragment/compare?{query}").text
    shown = re.findall(r'data-label="(?:n|videos|days)"[^>]*>(\d+)<', page, re.IGNORECASE)
    assert [int(one) for one in shown] == [*of[rows]]


def test_first_group_can_be_chosen(client: TestClient) -> None:
    found = client.get(f"/api/compare?{PERIOD}&by=vantage&first=3").json()
    assert found["groups"][0]["value"] == "3" and not found["groups"][0]["differences"]
    assert {one["figure"] for one in found["groups"][1]["differences"]} >= {"startup", "with_stalls", "delivery"}


def test_slower_line_is_said_to_be_worse(client: TestClient) -> None:
    # Made up with sqrt(vantage) times the delay: 1.41 times that of the first at the second.
    found = client.get(f"/api/compare?{PERIOD}&by=vantage&first=1").json()
    second = next(group for group in found["groups"] if group["value"] == "2")
    startup = next(one for one in second["differences"] if one["figure"] == "startup")
    assert startup["verdict"] == "worse" and startup["low"] < 2**0.5 - 1 < startup["high"]
    delivery = next(one for one in second["differences"] if one["figure"] == "delivery")
    assert delivery["verdict"] == "cannot tell"  # made up alike for all
    assert any("cannot tell for" in sentence and "delivery rate" in sentence for sentence in found["sentences"])


@pytest.mark.parametrize(
    "by", ["provider", "vantage", "family", "resolver", "host", "player", "cache_site", "as_number"]
)
def test_every_dimension_can_be_compared(client: TestClient, by: str) -> None:
    answer = client.get(f"/api/compare?{PERIOD}&by={by}")
    assert answer.status_code == 200 and answer.json()["groups"]
    page = client.get(f"/compare?{PERIOD}&by={by}")
    assert page.status_code == 200
    for sentence in answer.json()["sentences"]:
        assert sentence.split(":")[0].split(" (")[0] in page.text


def test_unknown_dimension_is_refused(client: TestClient) -> None:
    assert client.get("/api/compare?by=weather").status_code == 400
    assert client.get("/compare?by=weather").status_code == 400
