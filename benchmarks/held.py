"""What held under attack and must go on holding: torn snapshots of a database, and raw requests to the web page.

    python benchmarks/held.py --snapshots 250 --requests 4800

A database is copied as snapshots of a disk find it while it is written: each copy must be whole and hold whole
transactions. A running web page is sent requests that no browser sends: it must answer the next visitor, and its log
must hold no traceback. Pages of hostile titles are read meanwhile: none of them may hold a script of a title's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.synthetic import fill
from pytomo_scrapy.storage.database import open_database

PAGES = (
    "/",
    "/videos",
    "/failures",
    "/series",
    "/distributions",
    "/runs",
    "/measurement/1",
    "/api/parameters",
    "/metrics",
)
TITLE_SCRIPTS = (b"<script>document.title", b"<img src=x", b"<svg/onload", b"49 {%")
FRAGMENTS = (
    *(b"GET ", b"POST ", b"HEAD ", b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"OPTIONS * ", b"get ", b"\0"),
    *(
        b"/",
        b"/videos?",
        b"//",
        b"/static/../../../etc/passwd",
        b"/%00",
        b"/%ff%fe",
        b"/api/",
        b"?" * 5000,
        b"http://x/",
    ),
    *(b" HTTP/1.1\r\n", b" HTTP/9.9\r\n", b" HTTP/1.0\r\n", b"\r\n", b"\n", b" "),
    *(b"Host: x\r\n", b"Host: x/static/?\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999\r\n"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Upgrade: websocket\r\n",
        b"Cookie: " + b"a" * 9000,
    ),
    *(b"Range: bytes=0-\r\n", b"Accept: \xff\r\n", b"X: y\r\n" * 200, b"\r\n\r\n", b"ffffffff\r\n", b"0\r\n\r\n"),
)


def write_on(path: Path) -> None:
    """Write until this process is ended: two tables in one transaction, of which a copy holds both rows or none."""
    number = 0
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        while True:
            number += 1
            with connection:
                connection.execute("INSERT INTO vantage (name, provider) VALUES (?, 'pair')", (f"v{number}",))
                connection.execute(
                    "INSERT INTO owner (token, host, machine, pid, process_started, created_at)"
                    " VALUES (?, 'pair', '', 1, '', '2026-11-27')",
                    (f"o{number}",),
                )


def torn_snapshots(count: int, folder: Path, random: Random) -> list[str]:
    """Copy a database as a snapshot of the disk finds it while it is written; return what is wrong with the copies."""
    path, wrong = folder / "live.db", list[str]()
    database = open_database(f"sqlite:///{path}")
    fill(database, 20, days=1.0)
    writer = multiprocessing.get_context("spawn").Process(target=write_on, args=(path,), daemon=True)
    writer.start()
    assert writer.pid is not None
    try:
        for number in range(count):
            time.sleep(random.uniform(0, 0.05))
            copy = folder / "copy"
            copy.mkdir()
            os.kill(writer.pid, signal.SIGSTOP)  # a snapshot is of one instant, wherever the writer is
            for ending in ("", "-wal"):
                shutil.copyfile(f"{path}{ending}", copy / f"x.db{ending}")
            os.kill(writer.pid, signal.SIGCONT)
            wrong += [f"snapshot {number}: {said}" for said in _judge_copy(copy / "x.db")]
            shutil.rmtree(copy)
        with closing(sqlite3.connect(path)) as connection:
            if connection.execute("SELECT count(*) FROM owner WHERE host = 'pair'").fetchone()[0] < 10:
                wrong.append("hardly anything was written meanwhile")
    finally:
        writer.kill()
        writer.join()
        database.close()
    return wrong


def _judge_copy(path: Path) -> list[str]:
    try:
        with closing(sqlite3.connect(path)) as connection:
            intact = connection.execute("PRAGMA integrity_check").fetchone()[0]
            pairs = connection.execute("SELECT (SELECT count(*) FROM vantage WHERE provider = 'pair'),"
                                       " (SELECT count(*) FROM owner WHERE host = 'pair')").fetchone()  # fmt: skip
    except sqlite3.DatabaseError as error:
        return [str(error)]
    said = [] if intact == "ok" else [intact]
    return said if pairs[0] == pairs[1] else [*said, f"half a transaction: {pairs}"]


def raw_requests(count: int, pages: int, folder: Path, random: Random) -> list[str]:
    """Send requests to a web page of its own; return what is wrong with it afterwards."""
    path = folder / "page.db"
    database = open_database(f"sqlite:///{path}")
    fill(database, 300, days=5.0)
    database.close()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = folder / "page.log"
    words = ["dashboard", "-f", str(path), str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "scrapy.cmdline", *words], stdout=output, stderr=output)
    try:
        _wait_for(port)
        wrong = list[str]()
        for number in range(count):
            _send(port, b"".join(random.choice(FRAGMENTS) for _ in range(random.randrange(1, 9))))
            if number * pages // count != (number + 1) * pages // count:
                wrong += _read_page(port, random.choice(PAGES))
        if process.poll() is not None:
            wrong.append(f"the page ended with {process.returncode}")
        wrong += _read_page(port, "/healthz")
    finally:
        process.terminate()
        process.wait(30)
    if "Traceback" in (text := log.read_text(errors="replace")):
        wrong.append(text[text.index("Traceback") :][:2000])
    return wrong


def _wait_for(port: int) -> None:
    until_s = time.monotonic() + 120
    while time.monotonic() < until_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise RuntimeError("the page does not listen")


def _send(port: int, raw: bytes) -> None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as connection:
        connection.settimeout(0.05)
        connection.sendall(raw)
        connection.recv(4096)


def _read_page(port: int, page: str) -> list[str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        body = opener.open(f"http://127.0.0.1:{port}{page}", timeout=30).read()
    except OSError as error:
        return [f"{page}: {error}"]
    return [
        f"{page} holds {mark!r}" for mark in TITLE_SCRIPTS if mark in body and not page.startswith(("/api", "/metrics"))
    ]


def main() -> None:
    """Run both and print the report; exit code 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshots", type=int, default=250)
    parser.add_argument("--requests", type=int, default=4800)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wrong = torn_snapshots(arguments.snapshots, folder, random)
        wrong += raw_requests(arguments.requests, arguments.pages, folder, random)
    report = {
        "snapshots": arguments.snapshots,
        "requests": arguments.requests,
        "pages": arguments.pages,
        "wrong": wrong,
    }
    print(json.dumps(report, indent=2))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
