"""The web page over a million measurements: how soon each page answers, what it takes, how soon a chart is drawn.

    python benchmarks/dashboard.py [--rows 1000000] [--database FILE_OR_URL] [--json]

Every page is asked for at its own default period and for the whole year; the sums of a whole year, which the page
loads after it is shown, are told apart as `slowest_sum_*`. Cold is the first request of a new server process, warm is
the same one again; `cpu` is the processor time that the server spent on it. `start_s` is the time to the first answer
of the server, `ready_s` to the first from the database.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import synthetic

from pytomo_scrapy.analysis.columnar.sealing import seal_all
from pytomo_scrapy.storage.database import open_database

COPIES = 20
DAYS = 365.0
PAGES = (
    "/",
    "/series",
    "/series?group=qoe",
    "/series?group=qos",
    "/series?group=all",
    "/series/startup_delay_s",
    "/series/delivery_bps?compare=vantage",
    "/distributions",
    "/compare",
    "/videos",
    "/videos?q=77",
    "/measurement/1000",
    "/failures",
    "/runs",
    "/databases",
    "/docs",
    "/?period=all",
    "/series?period=all",
    "/series/delivery_bps?period=all",
    "/distributions?period=all",
    "/videos?period=all",
    "/failures?period=all",
    "/compare?period=all",
)
SUMS = (
    "/fragment/overview",
    "/fragment/overview?period=all&eras=all",
    "/fragment/compare?by=vantage",
    "/fragment/compare?period=all&by=vantage",
    "/fragment/averages?period=all",
    "/fragment/series/startup_delay_s?period=all",
    "/api/series?parameter=delivery_bps&period=all",
    "/api/series?parameter=startup_delay_s&period=all",
    "/api/distribution?parameter=startup_delay_s&period=all",
)
ANSWERS = (
    "/api/series?parameter=delivery_bps",
    "/api/series?parameter=startup_delay_s&compare=vantage",
    "/api/distribution?parameter=startup_delay_s",
    "/api/scatter?x=startup_delay_s&y=delivery_bps",
    "/api/heatmap?parameter=startup_delay_s",
    "/metrics",
)
_SERVE = (
    "import sys; from pytomo_scrapy.dashboard.choice import Choice; from pytomo_scrapy.dashboard.server import serve; "
    "serve(Choice(sys.argv[1], None), port=int(sys.argv[2]))"
)
_DRAWN = "document.querySelector('figure[data-chart][data-drawn]') !== null"


def fill(url: str, rows: int) -> None:
    """Make the database: a twentieth row by row, the rest copies of it at earlier times."""
    copies = COPIES if rows >= 10_000 else 1
    database = open_database(url)
    synthetic.fill(database, rows // copies, days=DAYS / copies)
    if copies > 1:
        synthetic.multiply(database, rows // copies, copies, DAYS / copies)
    seal_all(database)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if database.is_sqlite else "VACUUM ANALYZE")
    database.close()


def is_empty(url: str) -> bool:
    """Tell whether there is no measurement yet."""
    database = open_database(url)
    try:
        return synthetic.count_of(database) == 0
    finally:
        database.close()


class Server:
    """A server process of its own."""

    def __init__(self, url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.origin = f"http://127.0.0.1:{port}"
        started_s = time.perf_counter()
        self._process = subprocess.Popen([sys.executable, "-c", _SERVE, url, str(port)], stdout=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                self.ask("/static/page.css")
                break
            if time.perf_counter() - started_s > 30:
                raise SystemExit("The server did not start within 30 s.")
            time.sleep(0.01)
        self.start_s = time.perf_counter() - started_s
        self.ask("/healthz")
        self.ready_s = time.perf_counter() - started_s

    def ask(self, address: str) -> float:
        """Return how long an answer took. Raises URLError where the server is away."""
        started_s = time.perf_counter()
        try:
            with urllib.request.urlopen(self.origin + address, timeout=60) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{address} was answered with {error.code}: {error.read()[-300:]!r}") from error
        return time.perf_counter() - started_s

    def cpu_s(self) -> float | None:
        """Return the processor time that the process has spent. None where the system does not say."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        if not stat.exists():
            return None
        spent = stat.read_text().rpartition(")")[2].split()
        return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float | None:
        """Return the largest resident memory so far. None where the system does not say."""
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return None
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1000

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)


def times_of(server: Server, addresses: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return for each address how long the first answer took, and the quickest of three more."""
    found = {}
    for address in addresses:
        before_s = server.cpu_s() or 0.0
        cold_s = server.ask(address)
        cold_cpu_s = (server.cpu_s() or 0.0) - before_s
        warm_s = min(server.ask(address) for _ in range(3))
        warm_cpu_s = ((server.cpu_s() or 0.0) - before_s - cold_cpu_s) / 3
        found[address] = {"cold_s": cold_s, "warm_s": warm_s, "cold_cpu_s": cold_cpu_s, "warm_cpu_s": warm_cpu_s}
    return found


def first_chart_s(origin: str) -> float | None:
    """Return how long a browser takes from the address to the first chart drawn. None where there is no browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return None
    if chromium is None:
        return None
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page()
        page.goto(f"{origin}/docs")  # the browser itself has started; nothing of the charts is in its cache
        started_s = time.perf_counter()
        page.goto(f"{origin}/")
        page.wait_for_function(f"() => {_DRAWN}", polling=20, timeout=30_000)
        elapsed_s = time.perf_counter() - started_s
        browser.close()
    return elapsed_s


def measure(url: str) -> dict[str, Any]:
    """Start servers over the database and time them."""
    server = Server(url)
    try:
        pages, answers = times_of(server, PAGES), times_of(server, ANSWERS)
        rss_mb = server.rss_mb()
        sums = times_of(server, SUMS)
        rss_sums_mb = server.rss_mb()
    finally:
        server.close()
    fresh = Server(url)
    try:
        chart_s = first_chart_s(fresh.origin)
    finally:
        fresh.close()
    return {
        "slowest_page_warm_s": max(one["warm_s"] for one in pages.values()),
        "slowest_page_cold_s": max(one["cold_s"] for one in pages.values()),
        "rss_mb": max(rss_mb or 0, rss_sums_mb or 0) or None,
        "start_s": min(server.start_s, fresh.start_s),
        "ready_s": min(server.ready_s, fresh.ready_s),
        "first_chart_s": chart_s,
        "slowest_answer_cold_s": max(one["cold_s"] for one in answers.values()),
        "slowest_sum_cold_s": max(one["cold_s"] for one in sums.values()),
        "slowest_sum_warm_s": max(one["warm_s"] for one in sums.values()),
        "load_average": os.getloadavg()[0],
        "pages": pages | answers | sums,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--database", help="file or postgresql:// URL of a database to be used and kept; filled if empty"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pytomo-benchmark-") as folder:
        where = options.database or str(Path(folder) / "dashboard.db")
        url = where if "://" in where else f"sqlite:///{where}"
        if is_empty(url):
            fill(url, options.rows)
        size_mb = None if "://" in where else Path(where).stat().st_size / 1e6
        found = {"database_mb": size_mb, **measure(url)}
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        if name != "pages":
            print(f"{name:24} {value if value is None else f'{value:.3f}'}")
    for address, one in found["pages"].items():
        cold, warm = (f"{one[f'{name}_s']:8.3f} s {name} ({one[f'{name}_cpu_s']:.2f} cpu)" for name in ("cold", "warm"))
        print(f"{cold} {warm}  {address}")


if __name__ == "__main__":
    main()
