"""The conditions above a page: a chip for each, which takes back itself and nothing else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from starlette.testclient import TestClient

from pytomo_scrapy.dashboard.page_words import stamp


def chips_of(page: str) -> dict[str, str]:
    """Return the address behind each chip by its words."""
    found = re.findall(r'<li><a href="([^"]*)" aria-label="Remove ([^"]*)">', page)
    return {unescape(words): unescape(address) for address, words in found}


def test_every_condition_has_a_chip_that_removes_it_alone(client: TestClient) -> None:
    given = "from=2026-11-10&provider=ISP+B&family=4&eras=all&rows=all"
    chips = chips_of(client.get(f"/series?group=qos&{given}").text)
    assert set(chips) == {
        *("From: 2026-11-10 00:00", "Provider: ISP B", "Address family: IPv4"),
        *("Rows: all", "Changes of method: averaged across"),
    }
    without = chips["Provider: ISP B"]
    assert "provider" not in without
    assert all(word in without for word in ("group=qos", "from=2026-11-10", "family=4", "eras=all", "rows=all"))
    remaining = chips_of(client.get(without).text)
    assert set(remaining) == set(chips) - {"Provider: ISP B"}


def test_default_period_has_no_chip(client: TestClient) -> None:
    assert chips_of(client.get("/").text) == {}


def test_from_takes_the_place_of_a_period(client: TestClient) -> None:
    page = client.get("/videos?period=30d&from=2026-11-10").text
    periods = page[page.index('class="periods"') : page.index("</ul>", page.index('class="periods"'))]
    assert "aria-current" not in periods


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0, "1970-01-01T00:00"), (1_795_000_001, "2026-11-18T11:06:41")]
)
def test_instant_of_an_address(seconds: int | None, text: str) -> None:
    assert stamp(seconds) == text
