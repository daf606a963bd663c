"""The comparison on the page, in the API and on the terminal says the same as the overview of each group."""

from __future__ import annotations

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
