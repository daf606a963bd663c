"""Charts in a real headless Chromium: a zoom becomes the period, and what is drawn says what it is."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.dashboard.visiting import Served, Visit, browser, filled_page, visit

__all__ = ["browser", "filled_page", "visit"]

# Every text that is drawn on a canvas: titles and ticks of axes are in no document.
NOTE_TEXTS = """
window.drawnTexts = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
  window.drawnTexts.push(text);
  return fillText.call(this, text, ...rest);
};
"""


def period_of(page: Any) -> list[str]:
    """Return from and to of the page's address."""
    values = parse_qs(urlsplit(page.url).query)
    assert "period" not in values
    return [values["from"][0], values["to"][0]]


@pytest.mark.slow
def test_zoom_becomes_the_period_of_the_page_and_its_address(visit: Visit, filled_page: Served) -> None:
    page = visit.open(f"{filled_page.origin}/series/delivery_bps?period=all&provider=ISP+B")
    known = "table:has(caption:text('Lines of the chart')) tbody td"
    everything = int(page.locator(known).first.inner_text().replace("\u202f", ""))
    chart = page.locator("figure[data-chart=series]").first
    box = chart.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_url("**from=*&to=*")
    zoomed = period_of(page)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d)?", zoomed[0]) and zoomed[0] < zoomed[1]
    assert "provider=ISP+B" in page.url
    # All of the page is of that period, not the chart alone.
    assert 0 < int(page.locator(known).first.inner_text().replace("\u202f", "")) < everything
    assert page.locator(".chips a").all_inner_texts()[0].startswith(f"From: {zoomed[0].replace('T', ' ')}")
    page.go_back()
    page.wait_for_url("**period=all**")
    assert visit.complaints == []


@pytest.mark.slow
def test_keys_move_and_zoom_the_period(visit: Visit, filled_page: Served) -> None:
    page = visit.open(f"{filled_page.origin}/series/delivery_bps?from=2026-11-10T00:00&to=2026-11-12T00:00")
    page.locator("[data-role=area]").first.focus()
    page.keyboard.press("+")
    page.wait_for_url("**from=2026-11-10T12*&to=2026-11-11T12*", timeout=60_000)
    page.wait_for_selector("figure[data-drawn]")
    page.locator("[data-role=area]").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**from=2026-11-10T16*&to=2026-11-11T16*", timeout=60_000)
    page.wait_for_selector("figure[data-drawn]")
    page.locator("[data-act=out]").first.click()
    page.wait_for_url("**from=2026-11-10T04*&to=2026-11-12T04*", timeout=60_000)
    page.wait_for_selector("figure[data-drawn]")
    page.locator("[data-role=area]").first.focus()
    page.keyboard.press("0")
    page.wait_for_url("**period=all")


@pytest.mark.slow
def test_axes_have_titles_and_logarithmic_ones_have_ticks(visit: Visit, filled_page: Served) -> None:
    visit.page.add_init_script(NOTE_TEXTS)
    page = visit.open(f"{filled_page.origin}/distributions?period=all&eras=all")
    drawn = page.evaluate("window.drawnTexts")
    for title in (
        "Startup delay (s)",
        "sessions up to the value",
        "sessions above the value",
        "Delivery rate (Mbit/s)",
    ):
        assert title in drawn
    ticks = {float(text) for text in drawn if re.fullmatch(r"\d+(\.\d+)?", text)}
    assert len(ticks & {0.1, 0.2, 0.5, 1, 2, 5, 10, 20}) >= 3
    assert {"100 %", "50 %", "10 %"} <= set(drawn)
    page = visit.open(f"{filled_page.origin}/series/delivery_bps?period=all")
    assert {"Delivery rate (Mbit/s)", "time (UTC)"} <= set(page.evaluate("window.drawnTexts"))


@pytest.mark.slow
def test_ticks_of_a_logarithmic_axis_are_round_and_fit(visit: Visit, filled_page: Served) -> None:
    page = visit.open(f"{filled_page.origin}/distributions?period=all")
    asked = "([low, high, most]) => pytomoParts.logTicks(low, high, most)"
    assert page.evaluate(asked, [0.1, 5, 12]) == [0.1, 0.2, 0.5, 1, 2, 5]
    assert page.evaluate(asked, [0.1, 5, 4]) == [0.1, 0.3, 1, 3]
    assert page.evaluate(asked, [1e-6, 1e6, 5]) == [1e-6, 1e-3, 1, 1e3, 1e6]
    # Between two of them: plain steps, never a bare axis.
    assert page.evaluate(asked, [3.1, 4.9, 12]) == [3.5, 4, 4.5]
    ranged = "([low, high]) => pytomoParts.logRange(low, high)"
    assert page.evaluate(ranged, [0.17, 4.8]) == [0.1, 5]
    assert page.evaluate(ranged, [1, 1]) == [0.5, 2]


@pytest.mark.slow
def test_legend_tells_its_lines_apart_without_a_pointer(visit: Visit, filled_page: Served) -> None:
    page = visit.open(f"{filled_page.origin}/series/delivery_bps?period=all")
    shown = [row for row in page.locator(".u-legend .u-series").all() if row.is_visible()]
    assert [row.inner_text().strip() for row in shown] == ["mean", "10 % to 90 % of the sessions"]
    grounds = [row.locator(".u-marker").evaluate("mark => getComputedStyle(mark).backgroundColor") for row in shown]
    assert len(set(grounds)) == 2 and "rgba(0, 0, 0, 0)" not in grounds


@pytest.mark.slow
def test_whole_page_is_drawn_without_scrolling(visit: Visit, filled_page: Served) -> None:
    page = visit.page
    page.goto(f"{filled_page.origin}/series?group=qos&period=all")
    assert page.locator("figure[data-chart]").count() >= 8
    page.wait_for_function(
        "() => [...document.querySelectorAll('figure[data-chart]')].every(one => one.dataset.drawn)", timeout=60_000
    )
    assert page.evaluate("scrollY") == 0


@pytest.mark.slow
def test_print_is_light_and_keeps_period_and_tables(visit: Visit, filled_page: Served) -> None:
    page = visit.open(f"{filled_page.origin}/videos?period=all")
    page.evaluate("document.documentElement.setAttribute('data-theme', 'dark')")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.getAttribute('data-theme')") == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.getAttribute('data-theme')") == "dark"
    page.emulate_media(media="print")
    assert page.locator(".filter .reads").is_visible() and not page.locator("nav").first.is_visible()
    assert page.locator(".scroll").first.evaluate("one => getComputedStyle(one).overflowX") == "visible"


def test_points_stand_on_a_line_where_there_is_room_and_where_no_line_leads_to_them(
    visit: Visit, filled_page: Served
) -> None:
    page = visit.open(filled_page.origin + "/?period=all")
    # Values, and the rows behind each; the last but one stands alone, and the third has too few rows.
    given = "[1, 2, 3, null, 5, null], [10, 10, 9, 0, 10, 0], 10"
    assert page.evaluate(f"pytomoParts.pointsOf({given}, true)") == [0, 1, 4]
    assert page.evaluate(f"pytomoParts.pointsOf({given}, false)") == [4]
    plot = "{ over: { clientWidth: 900 } }"
    assert page.evaluate(f"[99, 101].map((count) => pytomoParts.hasRoom({plot}, count))") == [True, False]
