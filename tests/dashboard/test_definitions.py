"""Every figure, share and verdict can be traced to its definition: in one line beside it, or by one link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.statement import DEFINITIONS

EVERYTHING = "period=all&eras=all"
_LINK = re.compile(r'href="(/docs/[\w-]+)[^"#]*(?:#([\w-]+))?"')
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("address", "section"),
    [
        (f"/?{EVERYTHING}", "intervals"),
        (f"/?{EVERYTHING}", "counts-of-a-report"),
        (f"/?{EVERYTHING}", "refusals"),
        (f"/?{EVERYTHING}", "good-or-not"),
        (f"/compare?{EVERYTHING}&by=vantage", "comparisons"),
        (f"/failures?{EVERYTHING}", "what-is-excluded-and-the-limits"),
        ("/lines", "refusals"),
    ],
)
def test_page_links_to_what_defines_its_figures(client: TestClient, address: str, section: str) -> None:
    links = _LINK.findall(client.get(address).text)
    assert ("/docs/metrics", section) in links
    for document, anchor in links:
        text = client.get(document).text
        assert not anchor or f'id="{anchor}"' in text, (document, anchor)


@pytest.mark.parametrize("address", [f"/?{EVERYTHING}", f"/compare?{EVERYTHING}&by=host"])
def test_page_that_cannot_tell_says_what_that_means(client: TestClient, address: str) -> None:
    text = client.get(address).text.casefold()
    assert "cannot tell" in text and ("not prove" in text or "no proof" in text)


def test_answers_define_their_figures(client: TestClient) -> None:
    overview = client.get(f"/api/overview?{EVERYTHING}").json()
    compared = client.get(f"/api/compare?{EVERYTHING}&by=vantage").json()
    named = {one["name"] for one in overview["estimates"]}
    assert overview["figures"].keys() == named
    assert {one["name"] for group in compared["groups"] for one in group["estimates"]} <= compared["figures"].keys()
    assert {one["figure"] for group in compared["groups"] for one in group["differences"]} <= compared["figures"].keys()
    assert client.get("/api/lines").json()["definitions"] == DEFINITIONS
    for answer in (overview, compared):
        assert all(one["title"] and one["definition"] for one in answer["figures"].values())
        assert answer["selection"]["definitions"] == DEFINITIONS
    assert (ROOT / DEFINITIONS).is_file()


def test_every_metric_says_what_it_is(client: TestClient) -> None:
    text = client.get("/metrics").text
    defined = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.MULTILINE))
    typed = re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)
    assert typed and all(len(defined[name]) > 10 for name in typed)
    assert DEFINITIONS in defined["pytomo_refusal_share"]
