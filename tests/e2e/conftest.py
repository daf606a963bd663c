"""Runs the commands as a user does: in a process of their own, inside the offline lab."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running.commands import Finished as Finished
from tests.running.commands import command, run_command

ROOT = Path(__file__).resolve().parents[2]
Query = Callable[..., list[tuple[Any, ...]]]


def scrapy_command(*arguments: str) -> list[str]:
    return command("scrapy", *arguments)


def fresh_command(*arguments: str) -> list[str]:
    """Return `scrapy ARGUMENTS` as a Python of its own, for tests that look for, kill or restart its processes."""
    return [sys.executable, "-m", "scrapy.cmdline", *arguments]


def clean_environment(**more: str) -> dict[str, str]:
    # A command that ran in this process has named its project.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTOMO_", "SCRAPY_"))}
    # Other tests crawl at the same time: each process of them has a line of its own.
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTOMO_LINE": f"tests of {os.getpid()}", **more}


def run_scrapy(*arguments: str, timeout_s: float = 240, **environment: str) -> Finished:
    """Run `scrapy ARGUMENTS` in the project's folder, bounded in time; `lab ...` takes the lab that is up."""
    return run_command("scrapy", *arguments, environment=clean_environment(**environment), timeout_s=timeout_s)


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
