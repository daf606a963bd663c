"""Every source answers with nonsense of its own kind: the crawl ends with one sentence, soon, in bounded memory."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from tests.e2e.conftest import ROOT, clean_environment, scrapy_command
from tests.running.commands import kill, writers_of
from tests.running.hostile_proxy import Answer, choosing_proxy, hostile_proxy

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


# What the source is then called that is searched for by the name of the answer.
ANSWERS = {
    garbage: "unknown_page_shape",
    nothing: "page_unreachable",
    silence: "page_timeout",
    empty: "unknown_page_shape",
    endless: "page_timeout",
    fifty_megabytes: "page_too_large",
    a_page_as_large_as_is_read: "unknown_page_shape",
}


def chosen(request: bytes) -> Answer:
    """Return the answer whose name is searched for; what else is asked, robots.txt, is answered by nothing."""
    named = [one for one in ANSWERS if b'"%s"' % one.__name__.encode() in request]
    return named[0] if named else empty


def crawl_of(terms: str, environment: dict[str, str], folder: Path) -> tuple[int, str, int]:
    """Crawl popular videos, of which searches are the only sources. Returns exit code, log, and memory in kB."""
    log_path = folder / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            scrapy_command(
                "crawl", "youtube", "-a", "time_frame=month", "-s", f"PYTOMO_DATABASE_URL=sqlite:///{folder / 'x.db'}",
                "-s", f"PYTOMO_SEARCH_TERMS={terms}", "-s", "PYTOMO_PAGE_TIMEOUT_S=2",
                "-s", "PYTOMO_BACKOFF_RETRY_S=0.1",
                "-s", "PYTOMO_BACKOFF_PAUSE_S=0.1", "-s", "PYTOMO_BACKOFF_MAX_PAUSES=2", "-s", "RETRY_TIMES=0",
            ),
            cwd=ROOT, env=clean_environment(**environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        peak_kb = _peak_until_its_end(process, log_path, 90)
    return int(process.returncode), log_path.read_text(errors="replace"), peak_kb


def the_error(text: str) -> str:
    assert "Traceback" not in text
    (sentence,) = (line for line in text.splitlines() if " ERROR: " in line)
    return sentence


def test_sources_that_all_fail_end_the_crawl_with_one_sentence(tmp_path: Path) -> None:
    with choosing_proxy(chosen, tmp_path) as environment:
        exit_code, text, peak_kb = crawl_of(",".join(one.__name__ for one in ANSWERS), environment, tmp_path)
    assert exit_code == 3, text[-3000:]
    sentence = the_error(text)
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as database:
        rows = database.execute("SELECT video_id, failure, failure_detail FROM frontier").fetchall()
    assert len(rows) == len(ANSWERS)
    for answer, failure in ANSWERS.items():
        source = f"search:month:US:{answer.__name__}"
        ((found, detail),) = ((found, detail) for name, found, detail in rows if name == source)
        assert found == failure and f"{source}: {failure}" in sentence
        assert detail or failure not in {"page_unreachable", "page_timeout"}, "what was said is kept"
    assert peak_kb > 50_000, "kB: the crawl was seen, and not what stands for it"
    assert peak_kb < 300_000, "kB, also where a page of 4 MB is all small objects"


def test_service_that_refuses_every_source_ends_the_crawl_with_one_sentence(tmp_path: Path) -> None:
    with hostile_proxy(refuse, tmp_path) as environment:
        exit_code, text, _ = crawl_of("one,two", environment, tmp_path)
    assert exit_code == 3, text[-3000:]
    assert "service refused again" in the_error(text)


def _peak_until_its_end(process: subprocess.Popen[bytes], log_path: Path, timeout_s: float) -> int:
    """Wait for the process and return the largest resident memory of the command that it stands for, in kB.

    Not from its resource usage: that begins with the memory of whoever started it, which here is the whole test run.
    """
    peak_kb, crawl, deadline_s = 0, None, time.monotonic() + timeout_s
    while process.poll() is None:
        if time.monotonic() > deadline_s:
            kill(process)
        # Sources are all that it meets: it starts no worker.
        crawl = crawl or next((pid for pid in writers_of(log_path) if pid != process.pid), None)
        with contextlib.suppress(OSError, StopIteration, IndexError):
            lines = Path(f"/proc/{crawl}/status").read_text().splitlines()
            peak_kb = max(peak_kb, int(next(line for line in lines if line.startswith("VmHWM")).split()[1]))
        time.sleep(0.05)
    return peak_kb
