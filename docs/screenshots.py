"""Take the pictures of the web page that the documents show: `python docs/screenshots.py`.

Crawls two worlds of the lab for about three minutes, serves the page of that database on loopback, and writes
docs/images/dashboard-*.png. `--database FILE` takes them of a database that is there. Needs Chromium, playwright and
pillow, which come with the extra `dev`.

Those of causes are of an emulated line: `python benchmarks/autopsy.py --keep FOLDER`, and then
`python docs/screenshots.py --database FOLDER/line101/line.db cause-access cause-home cause-path` (as root: its servers
are in namespaces).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
WIDTH_PX = 1440
MAX_BYTES = 150_000  # of a picture
FAULT_COUNT = 4
# Of each picture its page and the height that is shown. MEASUREMENT stands for the number of one with a stall.
PICTURES = {
    "overview": ("/?period=all", 1080),
    "series": ("/series?group=qoe&period=all", 1180),
    "distributions": ("/distributions?period=all&parameter=startup_delay_s", 1080),
    "videos": ("/videos?period=all", 820),
    "measurement": ("/measurement/MEASUREMENT", 1180),
    "failures": ("/failures?period=all", 900),
}

# What was bad for these causes: the chart of the window, and why it was bad under it.
CAUSES = ("access", "home", "path")


def crawls() -> dict[str, list[str]]:
    """Return what is asked of each world: all of the first look, then the experiments and some faults of another."""
    from pytomo_scrapy.lab.world import build_world

    world = build_world("default")
    faulty = [video.video_id for video in world.videos.values() if video.fault is not None]
    urls = [f"https://www.youtube.com/watch?v={video_id}" for video_id in (*world.known, *faulty[:FAULT_COUNT])]
    return {"demo": ["time_frame=week", "max_crawled_url=8"], "default": [f"urls={','.join(urls)}", "max_rounds=1"]}


def crawl(database: Path) -> None:
    """Fill the database. Raises CalledProcessError if a crawl fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTOMO_")}
    settings = {
        "PYTOMO_DATABASE_URL": f"sqlite:///{database}",
        "PYTOMO_DOWNLOAD_WINDOW_S": "10",
        "PYTOMO_PACE_S": "0",
        "PYTOMO_PROVIDER": "Lab",
        "PYTOMO_VANTAGE": "lab",
        "PYTOMO_PROGRESS": "off",
        "LOG_LEVEL": "WARNING",
        "STATS_DUMP": "0",
    }
    shared = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    for world, arguments in crawls().items():
        words = ["lab", "--world", world, "crawl", "youtube", *shared]
        words += [word for argument in arguments for word in ("-a", argument)]
        subprocess.run(
            [sys.executable, "-m", "scrapy.cmdline", *words], cwd=ROOT, env=environment, check=True, timeout=600
        )


@contextmanager
def served(database: Path) -> Iterator[str]:
    """Serve the page of a database; give its address."""
    import uvicorn

    from pytomo_scrapy.dashboard.app import DashboardConfig, create_app

    app = create_app(DashboardConfig(f"sqlite:///{database}", database.parent))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until_s = time.monotonic() + 20
    while not server.started and time.monotonic() < until_s:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a browser that asks nothing of the Internet."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("There is no Chromium: apt-get install chromium")
    flags = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(flags))
        yield browser
        browser.close()


def photographed(page: Any, address: str, height_px: int) -> bytes:
    """Return the top of a page as it is once its charts are drawn."""
    page.set_viewport_size({"width": WIDTH_PX, "height": height_px})
    page.goto(address, wait_until="networkidle")
    # Charts draw when they come into view.
    for chart in page.query_selector_all("figure[data-chart]"):
        chart.scroll_into_view_if_needed()
        page.wait_for_function("one => one.dataset.drawn", arg=chart, timeout=20_000)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    return bytes(page.screenshot())


def explained(page: Any, address: str) -> bytes:
    """Return the part of a measurement's page that shows its first window and why it was bad."""
    photographed(page, address, 1180)
    first, last = (page.query_selector(name).bounding_box() for name in ("figure[data-chart]", "table.verdicts"))
    height_px = last["y"] + last["height"] - first["y"]
    return bytes(
        page.screenshot(clip={"x": 0, "y": first["y"], "width": WIDTH_PX, "height": height_px}, full_page=True)
    )


def small(picture: bytes) -> bytes:
    """Return the picture with as many colours as fit into MAX_BYTES."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        whole = opened.convert("RGB")
    packed = b""
    for colours in (256, 128, 64, 32):
        kept = io.BytesIO()
        whole.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
        packed = kept.getvalue()
        if len(packed) <= MAX_BYTES:
            break
    return packed


def stalled_measurement(page: Any, origin: str, more: str = "") -> str:
    """Return the number of the measurement whose playback stalled longest; `more` are further filters."""
    page.goto(f"{origin}/videos?period=all&sort=stalled_s&order=down&failure=none{more}")
    found = re.search(r'href="/measurement/(\d+)', page.content())
    if found is None:
        raise SystemExit("The database holds no measurement of that kind without a failure.")
    return found[1]


def taken(page: Any, origin: str, name: str) -> bytes:
    """Return a picture by its name."""
    if name.startswith("cause-"):
        number = stalled_measurement(page, origin, f"&cause={name.removeprefix('cause-')}")
        return explained(page, f"{origin}/measurement/{number}")
    address, height_px = PICTURES[name]
    number = stalled_measurement(page, origin) if "MEASUREMENT" in address else ""
    return photographed(page, origin + address.replace("MEASUREMENT", number), height_px)


def main() -> None:
    """Take every picture, or those that are named."""
    parser = argparse.ArgumentParser(description="Takes the pictures of the web page for the documents.")
    causes = [f"cause-{cause}" for cause in CAUSES]
    parser.add_argument(
        "names", nargs="*", help=f"of {', '.join(PICTURES)} (all of these by default), {', '.join(causes)}"
    )
    parser.add_argument("--database", type=Path, help="take them of this database and crawl nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - {*PICTURES, *causes}:
        parser.error(f"there is no picture {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.database
        if database is None:
            database = Path(folder) / "lab.db"
            crawl(database)
        with served(database.resolve()) as origin, chromium() as browser:
            page = browser.new_page(color_scheme="light", timezone_id="UTC")
            for name in arguments.names or PICTURES:
                path = IMAGES / (f"{name}.png" if name in causes else f"dashboard-{name}.png")
                path.write_bytes(small(taken(page, origin, name)))
                print(f"wrote {path.relative_to(ROOT)}: {path.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
