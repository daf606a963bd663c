"""Runs the commands as a user does: in a process of their own, inside the offline lab."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
Query = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    exit_code: int
    output: str
    errors: str
    elapsed_s: float


def scrapy_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "scrapy.cmdline", *arguments]


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTOMO_")}
    # Other tests crawl at the same time: each process of them has a line of its own.
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTOMO_LINE": f"tests of {os.getpid()}", **more}


def run_scrapy(*arguments: str, timeout_s: float = 240, **environment: str) -> Finished:
    """Run `scrapy ARGUMENTS` in the project's folder, bounded in time."""
    started_s = time.monotonic()
    done = subprocess.run(
        scrapy_command(*arguments),
        cwd=ROOT,
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr, time.monotonic() - started_s)


def database_setting(path: Path) -> list[str]:
    return ["-s", f"PYTOMO_DATABASE_URL=sqlite:///{path}"]


def query(path: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Ask a database that a crawl has left behind."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "some where" / "x.db"
