"""Every page in a real headless Chromium at a desk and on a phone: accessible, in view, quiet; and what charts draw."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import missing
from tests.dashboard.visiting import (
    ADDRESSES,
    Onlookers,
    Served,
    Visit,
    browser,
    filled_page,
    onlooker,
    onlookers,
    visit,
)

# One file, as one browser serves it: to start another one takes as long as a dozen pages.
__all__ = ["browser", "filled_page", "onlooker", "onlookers", "visit"]

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
LISTS = ("/videos", "/failures", "/lines", "/runs")
OVERFLOWS = "() => [...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
# Every text that is drawn on a canvas: titles and ticks of axes are in no document.
NOTE_TEXTS = """
window.drawnTexts = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
  window.drawnTexts.push(text);
  return fillText.call(this, text, ...rest);
};
"""

# Long tables are checked by their first rows: the others are of the same form, and each costs as much time again.
FIRST_ROWS = "document.querySelectorAll('tbody tr:nth-child(n+9)').forEach(row => row.remove())"
GROUND = "getComputedStyle(document.body).backgroundColor"
# Put together where they are found: all that axe-core has to say of a page is longer than the page.
VIOLATIONS = """async (options) => (await axe.run(document, options)).violations
  .filter(one => ["serious", "critical"].includes(one.impact))
  .flatMap(one => one.nodes.map(node => `${one.id}: ${one.help}: ${node.html.slice(0, 200)}`))"""


@pytest.fixture(scope="module")
def with_phone(onlookers: Onlookers) -> Callable[[], Visit]:
    """Gives a visitor with a phone, whose pages know axe-core's rules: a script that the browser keeps."""
    try:
        from axe_playwright_python.base import AXE_SCRIPT
    except ModuleNotFoundError:
        missing("axe-playwright-python is not installed")
    phone = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
    onlookers.on(**phone).page.add_init_script(AXE_SCRIPT)
    return lambda: onlookers.on(**phone)


@pytest.fixture
def visitor(with_phone: Callable[[], Visit]) -> Visit:
    return with_phone()


def to_desk(page: Any) -> None:
    """Look at a page that a phone opened on a larger screen, where nothing is folded up."""
    page.set_viewport_size(DESK)
    page.evaluate("document.querySelectorAll('[data-role=aside]').forEach(one => { one.open = true; })")


def violations(page: Any, **options: Any) -> list[str]:
    """Return what axe-core finds of level serious or above."""
    found: list[str] = page.evaluate(VIOLATIONS, {"resultTypes": ["violations"], **options})
    return found


def check_lists(page: Any, address: str, width: int) -> None:
    """No list needs sideways scrolling, and classes of failure are in view."""
    if not address.startswith(LISTS):
        return
    assert page.evaluate(OVERFLOWS) == 0
    failures = page.locator("td .failure")
    for place in range(min(3, failures.count())):
        box = failures.nth(place).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


@pytest.mark.slow
@pytest.mark.parametrize("address", [*ADDRESSES, "/series?group=new"])
def test_page_fits_a_phone_is_accessible_at_a_desk_in_both_themes_and_asks_nobody_else(
    visitor: Visit, filled_page: Served, address: str
) -> None:
    visitor.page.emulate_media(color_scheme="light")
    visitor.page.set_viewport_size(PHONE)
    page = visitor.open(filled_page.origin + address)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    check_lists(page, address, PHONE["width"])
    tabs = page.locator("nav [aria-current=page]:visible").all()
    assert tabs or address == "/series?group=nothing"
    for tab in tabs:
        box = tab.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    to_desk(page)
    check_lists(page, address, DESK["width"])
    page.evaluate(FIRST_ROWS)
    assert violations(page) == []
    light = page.evaluate(GROUND)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) != light
    assert violations(page, runOnly=["color-contrast"]) == []
    visitor.check_quiet(filled_page.origin, address)


@pytest.mark.slow
def test_what_is_not_accessible_is_found(visitor: Visit, filled_page: Served) -> None:
    page = visitor.open(f"{filled_page.origin}/databases")
    to_desk(page)
    page.evaluate("""() => {
      const add = name => document.querySelector("main").appendChild(document.createElement(name));
      const [picture, words] = [add("img"), add("p")];
      words.textContent = "pale";
      Object.assign(words.style, { color: "#aaa", background: "#fff" });
    }""")
    assert [one.partition(":")[0] for one in violations(page)] == ["color-contrast", "image-alt"]
    assert [one.partition(":")[0] for one in violations(page, runOnly=["color-contrast"])] == ["color-contrast"]


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


def period_of(page: Any) -> list[str]:
    """Return from and to of the page's address."""
    values = parse_qs(urlsplit(page.url).query)
    assert "period" not in values
    return [values["from"][0], values["to"][0]]


@pytest.mark.slow
def test_zoom_becomes_the_period_of_the_page_and_its_address(onlooker: Visit, filled_page: Served) -> None:
    page = onlooker.open(f"{filled_page.origin}/series/delivery_bps?period=all&provider=ISP+B")
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
    assert onlooker.complaints == []


@pytest.mark.slow
def test_keys_move_and_zoom_the_period(onlooker: Visit, filled_page: Served) -> None:
    page = onlooker.open(f"{filled_page.origin}/series/delivery_bps?from=2026-11-10T00:00&to=2026-11-12T00:00")
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


@pytest.fixture(scope="module")
def page_of_charts(onlookers: Onlookers, filled_page: Served) -> Any:
    """A page whose functions that draw are called, and no more."""
    return onlookers.on(viewport={"width": 800, "height": 600}).open(f"{filled_page.origin}/distributions?period=all")


@pytest.mark.slow
def test_ticks_of_a_logarithmic_axis_are_round_and_fit(page_of_charts: Any) -> None:
    page = page_of_charts
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
def test_legend_tells_its_lines_apart_without_a_pointer(onlooker: Visit, filled_page: Served) -> None:
    page = onlooker.open(f"{filled_page.origin}/series/delivery_bps?period=all")
    shown = [row for row in page.locator(".u-legend .u-series").all() if row.is_visible()]
    assert [row.inner_text().strip() for row in shown] == ["mean", "10 % to 90 % of the sessions"]
    grounds = [row.locator(".u-marker").evaluate("mark => getComputedStyle(mark).backgroundColor") for row in shown]
    assert len(set(grounds)) == 2 and "rgba(0, 0, 0, 0)" not in grounds


@pytest.mark.slow
def test_whole_page_is_drawn_without_scrolling(onlooker: Visit, filled_page: Served) -> None:
    page = onlooker.page
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


@pytest.mark.slow
def test_points_stand_on_a_line_where_there_is_room_and_where_no_line_leads_to_them(page_of_charts: Any) -> None:
    page = page_of_charts
    # Values, and the rows behind each; the last but one stands alone, and the third has too few rows.
    given = "[1, 2, 3, null, 5, null], [10, 10, 9, 0, 10, 0], 10"
    assert page.evaluate(f"pytomoParts.pointsOf({given}, true)") == [0, 1, 4]
    assert page.evaluate(f"pytomoParts.pointsOf({given}, false)") == [4]
    plot = "{ over: { clientWidth: 900 } }"
    assert page.evaluate(f"[99, 101].map((count) => pytomoParts.hasRoom({plot}, count))") == [True, False]
