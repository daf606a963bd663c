"""The page in a real headless Chromium: every page, every control, nothing foreign, nothing hostile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.measurements.open_windows import note_window
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
from tests.filled_databases import ROWS
from tests.running.commands import run_command

__all__ = ["browser", "filled_page", "onlooker", "onlookers", "visit"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lab_database(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that a crawl in the offline lab filled."""
    path = tmp_path_factory.mktemp("lab") / "lab.db"
    words = "lab crawl youtube -a max_crawled_url=3 -a max_rounds=2 -s PYTOMO_DOWNLOAD_WINDOW_S=2 -s PYTOMO_PACE_S=0"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTOMO_")}
    done = run_command("scrapy", *words.split(), "-s", f"PYTOMO_DATABASE_URL=sqlite:///{path}", environment=environment)
    assert done.exit_code == 0, done.errors[-3000:]
    return path


@pytest.fixture(scope="module")
def lab_page(lab_database: Path) -> Iterator[Served]:
    served = Served(lab_database)
    yield served
    served.close()


# The pages whose figures are of what was measured, each period alike; every page is opened of made-up rows elsewhere.
ELSEWHERE = ("/?period", "/docs", "/databases", "/studies", "/series?group=nothing")
MEASURED = [one for one in ADDRESSES if not one.startswith(ELSEWHERE)]


@pytest.mark.lab
@pytest.mark.parametrize("address", MEASURED)
def test_page_of_a_lab_crawl_opens_quietly_and_asks_nobody_else(
    onlookers: Onlookers, lab_page: Served, address: str
) -> None:
    visit = onlookers.on()
    page = visit.open(lab_page.origin + address)
    visit.check_quiet(lab_page.origin, address)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.slow
def test_filter_narrows_what_is_shown(onlooker: Visit, filled_page: Served) -> None:
    page = onlooker.open(f"{filled_page.origin}/?period=all&eras=all")
    everything = page.locator(".card .value").first.inner_text()
    page.locator("summary", has_text="Filter and dates").click()
    page.get_by_label("Provider").select_option("ISP B")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**provider=ISP*")
    assert page.locator(".card .value").first.inner_text() != everything
    assert "ISP B" in page.locator(".verdict").inner_text() or "Not " in page.locator(".verdict").inner_text()


@pytest.mark.slow
def test_theme_is_switched_and_kept(visit: Visit, filled_page: Served) -> None:
    page = visit.open(filled_page.origin)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch between dark and light").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    visit.open(f"{filled_page.origin}/videos")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after


@pytest.mark.slow
def test_page_works_by_keyboard_alone(onlooker: Visit, filled_page: Served) -> None:
    page = onlooker.open(filled_page.origin)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Time series"
    page.keyboard.press("Enter")
    page.wait_for_url("**/series*")


@pytest.mark.slow
def test_csv_pdf_and_png_are_downloaded(onlooker: Visit, filled_page: Served, tmp_path: Path) -> None:
    page = onlooker.open(f"{filled_page.origin}/series/delivery_bps?period=all")
    starts = {"CSV": b"start_utc,", "PNG": b"\x89PNG", "PDF report": b"%PDF-"}
    for word, start in starts.items():
        with page.expect_download(timeout=60_000) as told:
            page.get_by_text(word, exact=True).first.click()
        path = tmp_path / told.value.suggested_filename
        told.value.save_as(path)
        assert path.read_bytes().startswith(start) and path.stat().st_size > 1000
    assert onlooker.complaints == []


@pytest.mark.slow
def test_table_stands_in_for_the_chart(onlooker: Visit, filled_page: Served) -> None:
    page = onlooker.open(f"{filled_page.origin}/series?group=main&period=all")
    chart = page.locator("figure[data-chart=series]").first
    chart.get_by_role("button", name="Table").click()
    assert chart.locator("table tbody tr").count() > 20
    assert chart.get_by_role("button", name="Table").get_attribute("aria-expanded") == "true"


@pytest.mark.slow
def test_hostile_titles_take_no_effect(onlooker: Visit, filled_page: Served) -> None:
    found = 0
    for words in ("document.title", "onload", "HYPERLINK", "7 * 7", "DROP TABLE"):
        page = onlooker.open(f"{filled_page.origin}/videos?period=all&q={words}")
        assert page.title() == "Videos · pytomo"
        rows = page.locator("tbody tr td a")
        if rows.count():
            found += 1
            onlooker.open(filled_page.origin + rows.first.get_attribute("href"))
            assert page.title() == "Measurement · pytomo"
            assert page.locator("h1 script, h1 img, h1 svg").count() == 0
    assert found == 5
    assert onlooker.complaints == []


@pytest.mark.slow
def test_running_crawl_shows_by_itself(
    visit: Visit, tmp_path: Path, synthetic: ModuleType, synthetic_file: Callable[..., Path]
) -> None:
    path = shutil.copyfile(synthetic_file(120, days=6, videos=40), tmp_path / "live.db")
    database = open_database(f"sqlite:///{path}")
    served = Served(path)
    try:
        page = visit.open(f"{served.origin}/?period=all&eras=all&rows=all")
        assert page.locator(".card .value").first.inner_text() == "120"
        note_window(
            database,
            1,
            service="youtube",
            video_id="v1",
            title="<b>Now</b>",
            elapsed_s=3,
            window_s=30,
            received_bytes=4_000_000,
        )
        page.get_by_text("download of <b>Now</b>, 4.0 MB").wait_for(timeout=60_000)
        synthetic.multiply(database, 120, 2, 0.001)
        page.locator(".card .value", has_text="240").first.wait_for(timeout=60_000)
        assert visit.complaints == []
    finally:
        served.close()
        database.close()


@pytest.mark.slow
def test_figures_that_follow_a_large_page_stay_up_to_date(
    visit: Visit,
    tmp_path: Path,
    synthetic: ModuleType,
    synthetic_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pytomo_scrapy.dashboard.graph_pages.SHELL_ROWS", 50)
    path = shutil.copyfile(synthetic_file(120, days=6, videos=40), tmp_path / "large.db")
    database = open_database(f"sqlite:///{path}")
    served = Served(path)
    try:
        page = visit.open(f"{served.origin}/?period=all&eras=all&rows=all")
        assert page.locator("[data-fragment]").count() == 1
        page.locator(".card .value", has_text="120").first.wait_for(timeout=60_000)
        synthetic.multiply(database, 120, 2, 0.001)
        page.locator(".card .value", has_text="240").first.wait_for(timeout=60_000)
        assert visit.complaints == []
    finally:
        served.close()
        database.close()


@pytest.mark.slow
def test_tables_and_averages_of_very_many_rows_follow_the_chart(
    onlooker: Visit, filled_page: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytomo_scrapy.dashboard.views.is_large", lambda *_: True)
    page = onlooker.open(f"{filled_page.origin}/series/delivery_bps?period=all&rows=all&eras=all&compare=vantage")
    assert page.locator("[data-fragment]").count() == 2
    lines = page.locator("table", has_text="Lines of the chart").first
    lines.wait_for(timeout=60_000)
    counts = [
        int(text.replace("\u202f", ""))
        for column in (2, 3)  # known and unknown values
        for text in lines.locator(f"tbody td:nth-child({column})").all_inner_texts()
    ]
    assert sum(counts) == ROWS
    page.get_by_text("The values as a table").click()
    assert page.locator("table", has_text="From (UTC)").locator("tbody tr").count() > 1
    page.get_by_text("Mean stalls").wait_for(timeout=60_000)
    assert onlooker.complaints == []
