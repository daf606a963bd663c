"""The lab's guard over the sockets of a process: what is of this machine passes, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytomo_scrapy.lab import loopback_only
from pytomo_scrapy.lab.launcher import CLOSED


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True), ("127.42.53.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("localhost", True),
        (b"localhost", True), ("", True), ("0.0.0.0", True), ("::", True), ("192.168.1.1", False), ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False), ("fe80::1%eth0", False), ("www.example.com", False), ("169.254.1.1", False),
    ],
)  # fmt: skip
def test_only_loopback_is_this_machine(host: str | bytes, is_here: bool) -> None:
    assert loopback_only._is_here(host) is is_here


ATTEMPTS = """
import pycurl, socket, sys

class Address:
    addr = ("198.51.100.9", 80)
    family, socktype, protocol = socket.AF_INET, socket.SOCK_STREAM, 0

from pytomo_scrapy.config import PathConfig
from pytomo_scrapy.measure.net.private_addresses import GuardedSockets

said = []
for attempt in (
    lambda: socket.socket().connect(("198.51.100.9", 80)),
    lambda: socket.socket().connect_ex(("198.51.100.9", 80)),
    lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("2001:db8::9", 80)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("198.51.100.9", 80)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("www.example.com", 80)),
    lambda: socket.getaddrinfo("www.example.com", 80),
    lambda: socket.gethostbyname("www.example.com"),
    lambda: socket.gethostbyaddr("198.51.100.9"),
    lambda: socket.getnameinfo(("198.51.100.9", 80), 0),
):
    try:
        attempt()
        said.append("went out")
    except OSError as error:
        said.append(type(error).__name__)
curl = GuardedSockets(PathConfig(), is_direct=True)
said.append(str(curl.open(0, Address) == pycurl.SOCKET_BAD and curl.open_error))

listening = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listening.getsockname()).close()
socket.getaddrinfo("198.51.100.9", 80)  # a number is no look-up
socket.getaddrinfo("localhost", 80)
left, right = socket.socketpair()
left.send(b"x")
print(*said, "here is open")
"""


@pytest.mark.process
def test_process_of_the_lab_reaches_this_machine_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS],
        env={**os.environ, "PYTHONPATH": str(CLOSED)},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    words = ["OSError"] * 4 + ["gaierror"] * 5 + ["101", "here", "is", "open"]
    assert done.stdout.split() == words, done.stderr


@pytest.mark.process
def test_sitecustomize_behind_ours_runs_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.behind = 1\n")
    done = subprocess.run(
        [sys.executable, "-c", "print(behind)"],
        env={**os.environ, "PYTHONPATH": f"{CLOSED}{os.pathsep}{tmp_path}"},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "1\n", done.stderr
