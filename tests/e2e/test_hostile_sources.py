"""Every source answers with nonsense: the crawl ends with one sentence, soon, in bounded memory."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, clean_environment, scrapy_command
from tests.running.commands import kill
from tests.running.hostile_proxy import hostile_proxy

CHUNK = b'{"contents": [' + b'{"lockupViewModel": {"contentId": "aaaaaaaaaaa"}},' * 1300
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


def refuse(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def garbage(client: socket.socket) -> None:
    client.sendall(HEAD + os.urandom(200_000))


def nothing(client: socket.socket) -> None:
    client.close()


def silence(client: socket.socket) -> None:
    time.sleep(20)


def empty(client: socket.socket) -> None:
    client.sendall(HEAD)


def endless(client: socket.socket) -> None:
    client.sendall(HEAD)
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        client.sendall(b" ")
        time.sleep(0.05)


def fifty_megabytes(client: socket.socket) -> None:
    client.sendall(HEAD)
    for _ in range(50_000_000 // len(CHUNK)):
        client.sendall(CHUNK)


def a_page_as_large_as_is_read(client: socket.socket) -> None:
    client.sendall(HEAD + b'{"contents": [' + b'{"a": [1, 2]},' * 280_000 + b"{}]}")


# What a source is then called, in the sentence that ends the crawl.
ANSWERS = {
    refuse: "service refused again",
    garbage: "unknown_page_shape",
    nothing: "page_unreachable",
    silence: "page_timeout",
    empty: "unknown_page_shape",
    endless: "page_timeout",
    fifty_megabytes: "page_too_large",
    a_page_as_large_as_is_read: "unknown_page_shape",
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.__name__)
def test_sources_that_all_fail_end_the_crawl_with_one_sentence(answer: object, tmp_path: Path) -> None:
    log_path = tmp_path / "log"
    with hostile_proxy(answer, tmp_path) as environment, log_path.open("wb") as log:
        process = subprocess.Popen(
            scrapy_command(
                "crawl", "youtube", "-a", "time_frame=week", "-s", f"PYTOMO_DATABASE_URL=sqlite:///{tmp_path / 'x.db'}",
                "-s", "PYTOMO_SEARCH_TERMS=one,two", "-s", "PYTOMO_PAGE_TIMEOUT_S=2",
                "-s", "PYTOMO_BACKOFF_RETRY_S=0.1",
                "-s", "PYTOMO_BACKOFF_PAUSE_S=0.1", "-s", "PYTOMO_BACKOFF_MAX_PAUSES=2", "-s", "RETRY_TIMES=0",
            ),
            cwd=ROOT, env=clean_environment(**environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        peak_kb = _peak_until_its_end(process, log_path, 90)
    text = log_path.read_text(errors="replace")
    assert process.returncode == 3, text[-3000:]
    assert "Traceback" not in text
    sentences = [line for line in text.splitlines() if " ERROR: " in line]
    assert len(sentences) == 1 and ANSWERS[answer] in sentences[0], sentences  # type: ignore[index]
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as database:
        unanswered = "SELECT failure_detail FROM frontier WHERE failure IN ('page_unreachable', 'page_timeout')"
        assert all(detail for (detail,) in database.execute(unanswered)), "what was said is kept"
    assert peak_kb > 50_000, "kB: the crawl was seen, and not what stands for it"
    assert peak_kb < 300_000, "kB, also where a page of 4 MB is all small objects"


def _peak_until_its_end(process: subprocess.Popen[bytes], log_path: Path, timeout_s: float) -> int:
    """Wait for the process and return the largest resident memory of the command that it stands for, in kB.

    Not from its resource usage: that begins with the memory of whoever started it, which here is the whole test run.
    """
    peak_kb, crawl, deadline_s = 0, None, time.monotonic() + timeout_s
    while process.poll() is None:
        if time.monotonic() > deadline_s:
            kill(process)
        crawl = crawl or _writer_of(log_path, process.pid)
        with contextlib.suppress(OSError, StopIteration, IndexError):
            lines = Path(f"/proc/{crawl}/status").read_text().splitlines()
            peak_kb = max(peak_kb, int(next(line for line in lines if line.startswith("VmHWM")).split()[1]))
        time.sleep(0.05)
    return peak_kb


def _writer_of(path: Path, stand_in: int) -> int | None:
    """Return the process that has this file as its standard output. None as long as only its stand-in does."""
    for output in Path("/proc").glob("[0-9]*/fd/1"):
        with contextlib.suppress(OSError):
            if output.readlink() == path and int(output.parts[2]) != stand_in:
                return int(output.parts[2])
    return None
