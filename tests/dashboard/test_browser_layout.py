"""Pages in a real headless Chromium at a desk and on a phone: what matters is in view, and times can be local too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.visiting import Onlookers, Served, Visit, browser, filled_page, onlookers

__all__ = ["browser", "filled_page", "onlookers"]

DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
OVERFLOWS = "() => [...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"


@pytest.mark.slow
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("address", ["/videos?period=all&eras=all", "/failures?period=all", "/lines", "/runs"])
def test_list_needs_no_sideways_scrolling(
    onlookers: Onlookers, filled_page: Served, screen: dict[str, Any], address: str
) -> None:
    page = onlookers.on(**screen).open(filled_page.origin + address)
    assert page.evaluate(OVERFLOWS) == 0
    failures = page.locator("td .failure")
    for place in range(min(3, failures.count())):
        box = failures.nth(place).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= screen["viewport"]["width"]


@pytest.mark.slow
@pytest.mark.parametrize("address", ["/", "/series?group=new", "/videos", "/measurement/1", "/docs/metrics"])
def test_current_tab_is_in_view_on_a_phone(onlookers: Onlookers, filled_page: Served, address: str) -> None:
    page = onlookers.on(**PHONE).open(filled_page.origin + address)
    tabs = page.locator("nav [aria-current=page]:visible").all()
    assert tabs
    for tab in tabs:
        box = tab.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390


@pytest.mark.slow
def test_local_time_stands_beside_utc_where_it_is_chosen(browser: Any, filled_page: Served) -> None:
    visit = Visit(browser, timezone_id="Asia/Tokyo")
    try:
        page = visit.open(f"{filled_page.origin}/measurement/1")
        at = page.locator("time").first
        utc = at.inner_text()
        page.get_by_role("button", name="UTC").click()
        hour = int(utc[11:13])
        assert at.inner_text().startswith(utc) and f"{(hour + 9) % 24:02}:{utc[14:16]})" in at.inner_text()
        visit.open(f"{filled_page.origin}/series/delivery_bps?period=all")
        assert "(" in page.locator(".reads").inner_text()
        assert "Asia/Tokyo" in page.locator("footer").inner_text()
        page.get_by_role("button", name="UTC and local").click()
        assert "(" not in page.locator(".reads").inner_text()
    finally:
        visit.close()
