"""Serves the page to a real headless Chromium, and visits it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing

# The shell has the same engine and no windows around it: a new page takes a fifth of the processor time.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    # Pages are drawn once, by the processor, and by none that stands for a graphics card.
    *("--disable-software-rasterizer", "--disable-gpu-compositing", "--num-raster-threads=1"),
)
ADDRESSES = (
    "/",
    "/?period=all&eras=all",
    "/series?group=qoe&period=all",
    "/series/startup_delay_s?period=all&compare=host",
    "/distributions?period=all&compare=host",
    "/compare?period=all&by=vantage",
    "/videos?period=all",
    "/measurement/1",
    "/failures?period=all",
    "/lines",
    "/runs",
    "/studies",
    "/databases",
    "/docs",
    "/docs/metrics",
    "/series?group=nothing",
)


# Charts are drawn when they come into view.
SEE_CHARTS = """async () => {
  const until = Date.now() + 60_000;
  for (const chart of document.querySelectorAll("figure[data-chart]")) {
    chart.scrollIntoView({ block: "center" });
    while (!chart.dataset.drawn) {
      if (Date.now() > until) throw new Error("not drawn: " + chart.dataset.src);
      await new Promise(next => setTimeout(next, 20));
    }
  }
}"""


class Served:
    """A page that is being served, and where."""

    def __init__(self, database: Path) -> None:
        import uvicorn

        from pytomo_scrapy.dashboard.app import DashboardConfig, create_app

        app = create_app(DashboardConfig(f"sqlite:///{database}", database.parent))
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until_s = time.monotonic() + 60
        while not self._server.started and time.monotonic() < until_s:
            time.sleep(0.02)
        self.origin = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        self.database = database

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


class Visit:
    """One visitor's page, with everything that it complained of."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self._context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
        self.page = self._context.new_page()
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def note_requests(self) -> None:
        """Note whom pages ask from now on. The browser tells of each request, which takes a good part of a visit."""
        self.page.on("request", lambda request: self.requested.append(request.url))

    def open(self, address: str) -> Any:
        self.page.goto(address)
        self.page.evaluate(SEE_CHARTS)
        return self.page

    def check_quiet(self, origin: str, address: str) -> None:
        """Assert that the page complained of nothing, and that nobody else was asked."""
        expected = ["400 (Bad Request)"] if address == "/series?group=nothing" else []
        unexpected = [line for line in self.complaints if not any(word in line for word in expected)]
        assert not unexpected, unexpected
        foreign = [one for one in self.requested if not one.startswith((origin, "blob:", "data:"))]
        assert self.requested and not foreign, foreign

    def close(self) -> None:
        self._context.close()


class Onlookers:
    """Visitors who look and change nothing, one for each screen: to make a new one costs as much as to load a page."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._visits: dict[str, Visit] = {}

    def on(self, **screen: Any) -> Visit:
        """Return the visitor with these options of a browser's context, who notes whom pages ask."""
        if repr(screen) not in self._visits:
            self._visits[repr(screen)] = Visit(self._browser, **screen)
            self._visits[repr(screen)].note_requests()
        visit = self._visits[repr(screen)]
        visit.complaints.clear()
        visit.requested.clear()
        return visit

    def close(self) -> None:
        for visit in self._visits.values():
            visit.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing("playwright is not installed")
    if CHROMIUM is None:
        missing("no Chromium (apt-get install chromium)")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def filled_page(browser: Any, filled: Path) -> Iterator[Served]:
    served = Served(filled)
    yield served
    served.close()


@pytest.fixture(scope="module")
def onlookers(browser: Any) -> Iterator[Onlookers]:
    made = Onlookers(browser)
    yield made
    made.close()


@pytest.fixture
def onlooker(onlookers: Onlookers) -> Visit:
    """One at a desk, who has seen other pages before: not for who chooses a theme, nor where the page's server ends."""
    return onlookers.on()


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    made = Visit(browser)
    yield made
    made.close()
