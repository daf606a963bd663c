"""Try a single-file executable as on a bare machine: copied alone into an empty root directory without Python.

    python packaging/try_alone.py dist/pytomo        (as root; `make try-executable`)

Runs a lab crawl of five videos there, serves the web page, asks it by HTTP and ends it with Ctrl-C, in a network
namespace with a loopback of its own. Prints size and times. It shares the C library and /proc with this machine.
"""

# ruff: noqa: T201
from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

VIDEOS = 5
# Loaded by name at run time, so no list of the executable's own has them: name look-ups of the C library.
_BY_NAME = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1")


def lay_root(executable: Path, root: Path) -> None:
    """Make a root directory with the executable and the C library, and nothing else."""
    listed = subprocess.run(["ldd", executable], capture_output=True, text=True, check=True).stdout
    libraries = {Path(found) for found in re.findall(r"(/\S+)", listed)}
    folder = next(one for one in libraries if one.name == "libc.so.6").parent
    # What it unpacks needs the rest of the C library.
    wanted = ("libm.so.6", "librt.so.1", "libutil.so.1", "libpthread.so.0", "libdl.so.2", *_BY_NAME)
    libraries |= {folder / name for name in wanted if (folder / name).exists()}
    for library in libraries:
        (root / library.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, root / library.relative_to("/"))
    for name in ("tmp", "proc", "dev", "etc", "root"):
        (root / name).mkdir()
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc" / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    for name, number in (("null", 3), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o666 | 0o020000, os.makedev(1, number))
    shutil.copy(executable, root / "root" / "pytomo")


class BareMachine:
    """That root in a network namespace of its own; gone with the block."""

    def __init__(self, executable: Path) -> None:
        self._name = f"pytomo-alone-{os.getpid()}"
        self.root = Path(tempfile.mkdtemp(prefix="pytomo-alone-"))
        lay_root(executable, self.root)

    def __enter__(self) -> BareMachine:
        subprocess.run(["ip", "netns", "add", self._name], check=True)
        self._in_namespace("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "delete", self._name], check=True)
        shutil.rmtree(self.root)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the executable. `ip netns exec` gives it mounts of its own, which end with it."""
        script = f'mount --bind /proc "{self.root}/proc" && exec chroot "{self.root}" /root/pytomo "$@"'
        command = ["ip", "netns", "exec", self._name, "sh", "-c", script, "sh", *words]
        environment = {"PATH": os.environ["PATH"], "HOME": "/root"}
        return subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *words: str) -> float:
        """Run it to its end and demand exit code 0. Returns its time in seconds."""
        started_s = time.monotonic()
        process = self.start(*words)
        output, _ = process.communicate(timeout=600)
        if process.returncode != 0:
            sys.exit(f"{' '.join(words)} ended with {process.returncode}:\n{output[-5000:]}")
        return time.monotonic() - started_s

    def fetch(self, address: str) -> str:
        """Ask for a page from inside the namespace, with this machine's Python."""
        code = "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=60).read().decode())"
        return self._in_namespace(sys.executable, "-c", code, address)

    def _in_namespace(self, *words: str) -> str:
        environment = {"PATH": os.environ["PATH"]}  # no proxy
        command = ["ip", "netns", "exec", self._name, *words]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Try it, and say what was seen."""
    executable = Path(sys.argv[1]).resolve()
    with BareMachine(executable) as machine:
        print(f"{executable.stat().st_size / 1e6:.0f} MB; /: {sorted(one.name for one in machine.root.iterdir())}")
        assert not list(machine.root.rglob("*python*"))
        starts_s = sorted(machine.run("--version") for _ in range(3))
        print(f"pytomo --version: {starts_s[1]:.1f} s (median of 3)")
        database = "/root/pytomo.db"
        words = ("crawl", "-u", str(VIDEOS), "-R", "-D", "2", "-S", "0", "--database", database)
        print(f"lab crawl of {VIDEOS} videos: {machine.run('lab', '--world', 'clean', *words):.0f} s")
        with closing(sqlite3.connect(machine.root / database[1:])) as connection:
            rows = connection.execute("SELECT failure FROM measurement").fetchall()
            played = connection.execute("SELECT COUNT(*) FROM playback WHERE is_started").fetchone()[0]
        assert rows == [(None,)] * VIDEOS and played >= VIDEOS, (rows, played)
        machine.run("export", "--database", database, "--format", "sqlite", "/root/export")
        _serve(machine, database)
    print("all as it ought to be")


def _serve(machine: BareMachine, database: str) -> None:
    process = machine.start("serve", "-f", database, "0")
    assert process.stdout is not None
    try:
        line = next(one for one in process.stdout if "is at " in one)
        address = line.partition("is at ")[2].split()[0]
        pages = {
            path: machine.fetch(address.rstrip("/") + path) for path in ("/", "/videos", "/docs/metrics", "/metrics")
        }
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode == 0, (process.returncode, rest)
    assert "<html" in pages["/"] and "Censoring" in pages["/docs/metrics"] and "pytomo_" in pages["/metrics"]
    print(f"web page: {', '.join(f'{path} {len(text)} bytes' for path, text in pages.items())}; ended with 0")


if __name__ == "__main__":
    main()
