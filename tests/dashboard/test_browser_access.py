"""The page in a real headless Chromium: accessible by axe-core's rules in both themes, and as wide as a phone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import missing
from tests.dashboard.visiting import ADDRESSES, Onlookers, Served, browser, filled_page, onlookers

__all__ = ["browser", "filled_page", "onlookers"]


# Long tables are checked by their first rows: the others are of the same form, and each costs as much time again.
FIRST_ROWS = "document.querySelectorAll('tbody tr:nth-child(n+9)').forEach(row => row.remove())"
GROUND = "getComputedStyle(document.body).backgroundColor"
COLOURS_ONLY = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}


def violations(page: Any, **options: Any) -> list[str]:
    """Return what axe-core finds of level serious or above."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ModuleNotFoundError:
        missing("axe-playwright-python is not installed")
    found = Axe().run(page, **options).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_page_is_accessible_in_both_themes(onlookers: Onlookers, filled_page: Served, address: str) -> None:
    visit = onlookers.on()
    visit.page.emulate_media(color_scheme="light")
    page = visit.open(filled_page.origin + address)
    page.evaluate(FIRST_ROWS)
    assert violations(page) == []
    light = page.evaluate(GROUND)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) != light
    assert violations(page, options=COLOURS_ONLY) == []


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_page_fits_a_phone(onlookers: Onlookers, filled_page: Served, address: str) -> None:
    visit = onlookers.on(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = visit.open(filled_page.origin + address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
