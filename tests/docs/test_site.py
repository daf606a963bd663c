"""The documents as a site: built without a warning, and whole where there is neither a server nor the Internet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.dashboard.visiting import Onlookers, Visit, browser, onlookers, visit
from tests.running.commands import run_command

__all__ = ["browser", "onlookers", "visit"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (the extra docs)")
    if not (ROOT / "mkdocs.yml").exists():
        missing("mkdocs.yml is not part of an installed package")
    folder = tmp_path_factory.mktemp("built") / "site"
    done = run_command("mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder))
    assert done.exit_code == 0, done.errors[-3000:]
    return folder


@pytest.mark.slow
def test_generator_builds_the_documents_without_a_warning(site: Path) -> None:
    assert (site / "settings.html").exists()
    assert (site / "index.html").is_file() and (site / "images" / "window.svg").is_file()
    assert not list(site.rglob("*.py"))


@pytest.mark.process
def test_page_of_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img)\b[^>]*?(?:src|href)=\"([^\"]+)\"", path.read_text(encoding="utf-8"))
        assert [one for one in loaded if "//" in one] == [], path.name
    for path in site.rglob("*.css"):
        assert not re.findall(r"url\([\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), path.name


@pytest.mark.slow
@pytest.mark.parametrize("page", ["metrics.html", "design/scale.html"])
def test_search_finds_a_word_in_pages_opened_from_a_folder(site: Path, visit: Visit, page: str) -> None:
    opened = visit.open(f"{site.as_uri()}/{page}")
    opened.fill("input[name=q]", "censoring")
    opened.press("input[name=q]", "Enter")
    found = opened.locator("#mkdocs-search-results article h3 a")
    found.first.wait_for(timeout=60_000)
    found.filter(has_text="Censoring").first.click()
    opened.wait_for_url("**/metrics.html#censoring")
    assert visit.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("page", ["data-format", "metrics", "download", "settings"])
def test_tables_and_pictures_stay_inside_the_page(site: Path, onlookers: Onlookers, page: str) -> None:
    opened = onlookers.on().open(f"{site.as_uri()}/{page}.html")
    for width_px in (400, 1200):
        opened.set_viewport_size({"width": width_px, "height": 900})
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert opened.evaluate(fits), width_px
    cells = "[...document.querySelectorAll('.rst-content td')].map(one => getComputedStyle(one).whiteSpace)"
    assert set(opened.evaluate(cells)) == {"normal"}
