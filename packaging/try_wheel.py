"""Try a wheel as a user installs it: in an empty environment, run from another directory.

    python packaging/try_wheel.py dist/pytomo_scrapy-*.whl

`pip check`, a lab crawl of five videos, an export, and the web page asked by HTTP and ended with Ctrl-C.
"""

# ruff: noqa: T201
from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import closing
from pathlib import Path

VIDEOS = 5


def main() -> None:
    """Try it, and say what was seen."""
    wheel = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="pytomo-wheel-") as folder:
        place = Path(folder)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTOMO_"))}
        environment["PYTHONUNBUFFERED"] = "1"

        def run(*words: str | Path) -> None:
            subprocess.run(words, cwd=place, env=environment, check=True)

        run(sys.executable, "-m", "venv", "venv")
        scripts = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
        run(scripts / "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
        run(scripts / "pip", "check", "--disable-pip-version-check")
        pytomo = scripts / "pytomo"
        run(pytomo, "lab", "--world", "clean", "crawl", "-u", str(VIDEOS), "-R", "-D", "2", "-S", "0")
        with closing(sqlite3.connect(place / "databases" / "pytomo.db")) as connection:
            rows = connection.execute("SELECT failure FROM measurement").fetchall()
        assert rows == [(None,)] * VIDEOS, rows
        run(pytomo, "export", "--format", "csv", "my-export")
        _serve([str(pytomo), "serve", "0"], place, environment)
    print("all as it ought to be")


def _serve(command: list[str], place: Path, environment: dict[str, str]) -> None:
    process = subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        line = next(one for one in process.stdout if "is at " in one)
        address = line.partition("is at ")[2].split()[0].rstrip("/")
        for path, sign in (
            ("/", "<html"),
            ("/videos", "<html"),
            ("/docs/metrics", "Censoring"),
            ("/docs/images/window.svg", "<svg"),
            ("/metrics", "pytomo_"),
        ):
            with opener.open(address + path, timeout=60) as answer:
                text = answer.read().decode()
            assert sign in text, path
            print(f"{path}: {len(text)} characters")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, process.returncode
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
