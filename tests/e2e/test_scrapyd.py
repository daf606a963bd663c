"""A real scrapyd on loopback: the egg is deployed, a lab crawl is scheduled by the API, its rows are found."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from pytomo_scrapy.lab.world import build_world
from tests.conftest import missing
from tests.e2e.conftest import ROOT
from tests.e2e.long import ask, lab_environment, wait_until

WORLD = list(build_world("clean").videos)[:1]
SECRET = "AIzaSy-not-for-a-log"
VERSION = "0.0.0.dev7"  # of the egg only: a row that carries it was measured by the egg's code


def program(name: str) -> str:
    path = Path(sys.executable).parent / name
    if not path.exists():
        missing(f"{name} is not installed (the extra scrapyd)")
    return str(path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, so that building leaves nothing in the checkout."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "pytomo_scrapy", folder / "pytomo_scrapy", ignore=shutil.ignore_patterns("__pycache__"))
    start = folder / "pytomo_scrapy" / "__init__.py"
    text = start.read_text()
    version = text.partition("__version__ = ")[2].splitlines()[0]
    start.write_text(text.replace(f"__version__ = {version}", f'__version__ = "{VERSION}"'))
    return folder


@pytest.fixture
def scrapyd_url(tmp_path: Path) -> Iterator[str]:
    """A scrapyd in a lab, with the example configuration and a port of its own."""
    scrapyd = program("scrapyd")
    home = tmp_path / "home"
    home.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    example = (ROOT / "deploy" / "scrapyd" / "scrapyd.conf").read_text()
    assert "http_port    = 6800" in example
    (home / "scrapyd.conf").write_text(example.replace("http_port    = 6800", f"http_port    = {port}"))
    secret = {
        "PYTOMO_YOUTUBE_API_KEY": SECRET,
        "PYTOMO_CONTRACT_BPS": "50000000",
    }  # as its unit's EnvironmentFile would
    with lab_environment() as environment, (home / "scrapyd.log").open("wb") as log:
        process = subprocess.Popen(
            [scrapyd], cwd=home, env={**environment, **secret}, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: call(url, "daemonstatus.json")["status"] == "ok", 30)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def call(url: str, name: str, **form: Any) -> Any:
    body = urllib.parse.urlencode(form, doseq=True).encode() if form and name == "schedule.json" else None
    query = "" if body else "?" + urllib.parse.urlencode(form)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/{name}{query}", body, timeout=20) as answer:
        return json.load(answer)


def test_egg_deployed_to_scrapyd_runs_a_scheduled_crawl(scrapyd_url: str, project: Path, tmp_path: Path) -> None:
    (project / "scrapy.cfg").write_text(
        f"[settings]\ndefault = pytomo_scrapy.settings\n[deploy]\nurl = {scrapyd_url}/\nproject = pytomo\n"
    )
    # Compiled, as a user's is.
    environment = {
        name: value for name, value in os.environ.items()
        if "proxy" not in name.lower() and name != "PYTHONDONTWRITEBYTECODE"
    }  # fmt: skip
    deployed = subprocess.run(
        [program("scrapyd-deploy"), "--version", "r1"], cwd=project, env=environment, capture_output=True, text=True,
        timeout=180, check=False,
    )  # fmt: skip
    assert deployed.returncode == 0 and '"status": "ok"' in deployed.stdout, deployed.stdout + deployed.stderr
    (egg,) = (tmp_path / "home").rglob("*.egg")
    # Beside its source, where an import from the archive finds it.
    assert {"pytomo_scrapy/settings.py", "pytomo_scrapy/settings.pyc"} <= set(ZipFile(egg).namelist())
    # Of this version: what the deployment has listed is not listed again, in another Python.
    spiders = call(scrapyd_url, "listspiders.json", project="pytomo", _version="r1")
    assert "youtube" in spiders["spiders"]

    settings = [
        "PYTOMO_DOWNLOAD_WINDOW_S=0.5",
        "PYTOMO_PACE_S=0",
        "PYTOMO_PING_PACKETS=1",
        "PYTOMO_PROVIDER=by scrapyd",
    ]
    job = call(
        scrapyd_url, "schedule.json", project="pytomo", spider="youtube", urls=",".join(WORLD), related="0",
        _version="r1", setting=settings,
    )  # fmt: skip
    assert job["status"] == "ok"

    def is_finished() -> bool:
        jobs = call(scrapyd_url, "listjobs.json", project="pytomo")
        return job["jobid"] in [one["id"] for one in jobs["finished"]]

    wait_until(is_finished, 120)
    home = tmp_path / "home"
    log = home / "logs" / "pytomo" / "youtube" / f"{job['jobid']}.log"
    database = home / "databases" / "pytomo.db"
    assert database.exists(), log.read_text()[-3000:]
    url = f"sqlite:///{database}"
    rows = ask(url, "SELECT v.video_id, m.failure, m.software_version FROM measurement m"
                    " JOIN video v ON v.id = m.video_row_id ORDER BY m.frontier_order")  # fmt: skip
    assert rows == [(one, None, VERSION) for one in WORLD], log.read_text()[-3000:]
    assert ask(url, "SELECT provider FROM vantage") == [("by scrapyd",)]
    assert "The crawl is finished: " in log.read_text()
    # What scrapyd was started with reached the crawl, and no log holds it.
    assert ask(url, "SELECT DISTINCT contract_bps FROM download") == [(50_000_000,)]
    assert SECRET not in log.read_text() + (home / "scrapyd.log").read_text()
