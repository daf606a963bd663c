"""Ctrl-C while a resolution hangs or computes: the crawl ends soon, and the video is left for the next run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import ROOT, clean_environment, database_setting, query, scrapy_command
from tests.e2e.long import wait_until
from tests.running.commands import kill
from tests.running.hostile_proxy import hostile_proxy

SOON_S = 25.0  # on a busy machine; the resolution would take its minute


def silence(client: socket.socket) -> None:
    time.sleep(60)


def frozen_page(client: socket.socket) -> None:
    """Half a megabyte that one of yt-dlp's expressions searches for minutes."""
    page = b"<html>" + b"<script " * 60_000
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page) + page)


def asking_process(client: socket.socket) -> psutil.Process:
    """Return the process at the other end of a connection over loopback."""
    port = client.getpeername()[1]
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.pid not in (None, os.getpid()):
            return psutil.Process(connection.pid)
    raise AssertionError("nobody asks")


@pytest.mark.parametrize("answer", [silence, frozen_page], ids=lambda answer: answer.__name__)
def test_interrupt_ends_a_crawl_whose_resolution_does_not_end(
    answer: Callable[[socket.socket], None], database: Path, tmp_path: Path
) -> None:
    asking: list[psutil.Process] = []

    def noted(client: socket.socket) -> None:
        asking.append(asking_process(client))
        answer(client)

    command = scrapy_command(
        "crawl", "youtube", "-a", "urls=M4gD1WSo5mA", "-a", "related=0", "-a", "max_rounds=1",
        "-s", "PYTOMO_RESOLVE_EXTRACTOR_ARGS=", "-s", "PYTOMO_RESOLVE_TIMEOUT_S=60", *database_setting(database),
    )  # fmt: skip
    with hostile_proxy(noted, tmp_path) as environment, (tmp_path / "log").open("w+") as log:
        running = subprocess.Popen(command, cwd=ROOT, env=clean_environment(**environment), stderr=log, stdout=log)
        try:
            wait_until(lambda: bool(asking))
            if answer is frozen_page:
                # Its start is behind it: none but a frozen one computes for so long once it has been answered.
                answered_s = asking[0].cpu_times().user
                wait_until(lambda: asking[0].cpu_times().user > answered_s + 0.6)
            running.send_signal(signal.SIGINT)
            started_s = time.monotonic()
            code = running.wait(60)
            elapsed_s = time.monotonic() - started_s
        finally:
            kill(running)
        text = (tmp_path / "log").read_text()
    assert elapsed_s < SOON_S, text
    assert code == 130 and "Traceback" not in text, text
    assert query(database, "SELECT COUNT(*) FROM measurement") == [(0,)]
    assert query(database, "SELECT state, owner_id FROM frontier WHERE depth > 0") == [(0, None)]
