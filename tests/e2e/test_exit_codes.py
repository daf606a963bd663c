"""How a crawl ends, and what it then says."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from pytomo_scrapy.crawl.line_lock import LineLock
from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import ROOT, clean_environment, database_setting, query, run_scrapy, scrapy_command

# More than are measured before an end.
VIDEOS = list(build_world("clean").videos)[:5]
NOWHERE = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}


def test_setting_that_is_not_usable_ends_the_crawl_with_one_sentence_and_2(tmp_path: Path) -> None:
    done = run_scrapy("crawl", "youtube", *database_setting(tmp_path / "x.db"), PYTOMO_PING_PACKETS="few")
    assert done.exit_code == 2
    assert "PYTOMO_PING_PACKETS='few' is not usable" in done.errors and len(done.errors.splitlines()) == 1


def test_crawl_without_a_way_to_the_service_says_so_quickly_and_ends_with_3(tmp_path: Path) -> None:
    done = run_scrapy("crawl", "youtube", *database_setting(tmp_path / "x.db"), timeout_s=60, **NOWHERE)
    assert done.exit_code == 3
    assert "No video was found to measure" in done.errors
    assert "Traceback" not in done.errors
    assert done.elapsed_s < 30


def test_database_that_cannot_be_used_ends_with_3_and_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "not_a.db"
    path.write_text("this is a text file, not a database\n" * 100)
    done = run_scrapy("crawl", "youtube", *database_setting(path), **NOWHERE)
    assert done.exit_code == 3
    assert str(path) in done.errors and "Traceback" not in done.errors
    assert path.read_text().startswith("this is a text file")


def test_second_crawl_of_a_line_is_refused_with_3_and_names_the_first(tmp_path: Path) -> None:
    first = LineLock("name my line")
    assert first.take()
    try:
        done = run_scrapy("crawl", "youtube", *database_setting(tmp_path / "x.db"), **NOWHERE, PYTOMO_LINE="my line")
    finally:
        first.free()
    assert done.exit_code == 3
    assert f"(process {os.getpid()})" in done.errors and len(done.errors.splitlines()) == 1
    assert not (tmp_path / "x.db").exists()


def started_crawl(database: Path, window_s: float) -> subprocess.Popen[str]:
    settings = {"PYTOMO_DOWNLOAD_WINDOW_S": window_s, "PYTOMO_PACE_S": 0, "PYTOMO_PING_PACKETS": 1}
    chosen = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    return subprocess.Popen(
        scrapy_command(
            # No host is faster than a window needs: a window that is open costs nothing then.
            *("lab", "--world", "clean", "--clip-ratio", "1.5", "crawl", "youtube", "-a", f"urls={','.join(VIDEOS)}"),
            *("-a", "related=0"),
            *chosen,
            *database_setting(database),
        ),
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_rows(database: Path, count: int, timeout_s: float = 90) -> None:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if database.exists():
            try:
                if query(database, "SELECT COUNT(*) FROM measurement")[0][0] >= count:
                    return
            except Exception:  # noqa: BLE001, S110 - the tables are not there yet
                pass
        time.sleep(0.1)
    raise AssertionError(f"no {count} rows within {timeout_s} s")


def interrupt(process: subprocess.Popen[str]) -> None:
    # As a terminal does: to every process of the group.
    os.killpg(process.pid, signal.SIGINT)


def test_interrupt_finishes_the_window_and_ends_with_130(database: Path) -> None:
    process = started_crawl(database, 3)
    try:
        wait_for_rows(database, 1)
        time.sleep(1.0)  # into a later window
        interrupt(process)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, errors[-2000:]
    assert "Traceback" not in errors
    # What it says comes once, when it is asked to end, and names the end.
    assert errors.count("The crawl ends: ") == 1 and "Ctrl-C once more ends it at once" in errors
    assert "The crawl was interrupted, and the same command goes on with what is left" in errors
    rows = query(database, "SELECT failure FROM measurement")
    assert len(rows) >= 2, "the open window was finished and stored"
    assert all(failure is None for (failure,) in rows)
    assert query(database, "SELECT COUNT(*) FROM frontier WHERE state = 1") == [(0,)], "claims went back"


def test_second_interrupt_ends_at_once(database: Path) -> None:
    process = started_crawl(database, 60)
    try:
        wait_for_open_window(database)
        interrupt(process)
        time.sleep(0.5)
        interrupt(process)
        started_s = time.monotonic()
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert time.monotonic() - started_s < 10
    assert errors.count("The crawl ends: ") == 1


def wait_for_open_window(database: Path, timeout_s: float = 60) -> None:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if database.exists():
            try:
                if query(database, "SELECT COUNT(*) FROM frontier WHERE state = 1")[0][0] >= 1:
                    time.sleep(3.0)
                    return
            except Exception:  # noqa: BLE001, S110 - the tables are not there yet
                pass
        time.sleep(0.1)
    raise AssertionError("no window was opened")
