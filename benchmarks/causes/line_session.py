"""One emulated line: its namespaces and programs, and one session after the other on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.causes.injections import (
    BURST,
    GATES,
    GOOD_A,
    GOOD_B,
    LATE,
    PEAKS,
    REFERENCE,
    SLOW,
    Injection,
    Line,
)

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S, SESSION_TIMEOUT_S = 90.0, 120.0
CGROUPS = Path("/sys/fs/cgroup/cpu")
MEAN_BPS = 700e3
QUOTA_S = 0.001  # the least that the kernel takes
HOGS_PERIOD_S = 0.1
PROBE = "10.77.0.2"


@dataclass(slots=True)
class MachineLag:
    """How much of a session this machine kept a program from running that only wants to look at the clock.

    Measured apart from the probe: where nothing was injected and it is large, the machine itself was overloaded.
    """

    lost_s: float = 0.0
    total_s: float = 0.0

    def watch(self, over: threading.Event) -> None:
        """Sleep for 10 ms again and again, and note what is longer than 50 ms."""
        last_s = time.monotonic()
        while not over.wait(0.01):
            now_s = time.monotonic()
            self.total_s += now_s - last_s
            self.lost_s += now_s - last_s if now_s - last_s > 0.05 else 0.0
            last_s = now_s

    @property
    def ratio(self) -> float:
        """Return the share."""
        return self.lost_s / self.total_s if self.total_s else 0.0


@dataclass(slots=True)
class EmulatedLine:
    """The namespaces and programs of a line; `close` ends what was started, by its own handles."""

    number: int
    line: Line
    folder: Path
    window_s: float
    programs: list[subprocess.Popen[str]] = field(default_factory=list)
    _path: subprocess.Popen[str] = field(init=False)
    _probe: subprocess.Popen[str] = field(init=False)

    def name(self, which: str) -> str:
        """Return the name of a namespace of this line."""
        return f"pc{os.getpid() % 10000}x{self.number}-{which}"

    def open(self) -> None:
        """Make everything and wait until it is ready."""
        for which in ("probe", "a", "b", "r"):
            subprocess.run(["ip", "netns", "add", self.name(which)], check=True)
        addresses = {"a": ",".join([GOOD_A, *SLOW, *LATE, BURST, PEAKS, *GATES]), "b": GOOD_B, "r": REFERENCE}
        hosts = [f"{self.name(which)}={given}" for which, given in addresses.items()]
        how = ["--silent-far-end"] if self.line.is_far_end_silent else []
        self._path = self._start(None, "line_path", *how, self.name("probe"), *hosts, nice=-10)
        self._wait(self._path)
        self.reset()
        served: list[dict[str, Any]] = [{"address": GOOD_A}, {"address": PEAKS}]
        served += [{"address": address, "steps": [[0.0, bps]]} for address, bps in SLOW.items()]
        served += [{"address": address, "first_byte_delay_s": late_s} for address, late_s in LATE.items()]
        served += [{"address": BURST, "steps": [[0.0, MEAN_BPS], [2.0, 0.0]], "period_s": 6.0}]
        served += [{"address": address, "gate_media_s": media_s} for address, media_s in GATES.items()]
        caches = {"a": served, "b": [{"address": GOOD_B}], "r": [{"address": REFERENCE}]}
        servers = [
            self._start(which, "line_programs", "serve", str(self.folder / which), json.dumps(hosts))
            for which, hosts in caches.items()
        ]
        servers.append(self._start("r", "line_programs", "serve-traffic", REFERENCE))
        for server in servers:
            self._wait(server)
        bundle = self.folder / "ca.pem"
        bundle.write_bytes(b"".join((self.folder / which / "ca.pem").read_bytes() for which in caches))
        settings = {
            "PYTOMO_DOWNLOAD_BUFFER_GOAL_S": 4,
            "PYTOMO_DOWNLOAD_BULK_EVERY": 0,
            "PYTOMO_DOWNLOAD_LOADED_PROBES_PER_S": 4,
            "PYTOMO_PING_PACKETS": 3,
            "PYTOMO_ALLOW_PRIVATE_ADDRESSES": "1",
            "PYTOMO_CONTROL": "on" if self.line.has_controls else "off",
        }
        own = {"SSL_CERT_FILE": str(bundle)}
        self._probe = self._start(
            "probe", "line_programs", "probe", str(self.folder), PROBE, json.dumps(settings), own=own
        )
        self._wait(self._probe)

    def reset(self) -> None:
        """Bring every stage to what the line is like without faults."""
        line = self.line
        numbers = {
            "home": (50e6, 50e6, 0.1, line.home_delay_s),
            "access": (line.down_bps, line.up_bps, 0.15, line.access_delay_s),
            **dict.fromkeys(("a", "b", "r"), (50e6, 50e6, 0.1, line.path_delay_s)),
        }
        for stage, (down_bps, up_bps, queue_s, delay_s) in numbers.items():
            same = {"queue_s": queue_s, "delay_s": delay_s, "loss": 0.0, "free_s": 0.0}
            self._change({"stage": stage, "down": {**same, "rate_bps": down_bps}, "up": {**same, "rate_bps": up_bps}})

    def session(self, injection: Injection, number: int, mode: str) -> dict[str, Any]:
        """Run one session with what is injected. Returns what the probe said of it."""
        self.reset()
        for at_s, change in injection.changes:
            if at_s < 0:
                self._change(change)
        traffic = self._traffic(injection)
        if traffic is not None:
            time.sleep(1.5)  # it has filled the line by then
        over, lag = threading.Event(), MachineLag()
        window_s = self.window_s + injection.more_s
        self._say({"address": injection.address, "mode": mode, "number": number, "window_s": window_s})
        self._hear("begins")
        disturbing = threading.Thread(target=self._disturb, args=(injection, over))
        disturbing.start()
        watching = threading.Thread(target=lag.watch, args=(over,))
        watching.start()
        try:
            self._hear("ends")
        finally:
            over.set()
            disturbing.join()
            watching.join()
        said = self._hear("measurement") | {"machine_lag_ratio": lag.ratio}
        if traffic is not None:
            traffic.kill()
            traffic.wait()
            self.programs.remove(traffic)
        return said

    def close(self) -> None:
        """End the programs and remove the namespaces."""
        for program in self.programs:
            with suppress(ProcessLookupError):
                program.send_signal(signal.SIGCONT)
                program.kill()
            program.wait()
        for which in ("probe", "a", "b", "r"):
            subprocess.run(["ip", "netns", "del", self.name(which)], check=False, capture_output=True)
        for group in ("quota", "hogs"):
            with suppress(OSError):
                (CGROUPS / self.name(group)).rmdir()

    def _disturb(self, injection: Injection, over: threading.Event) -> None:
        """Do what happens inside the window, until it is over."""
        begun_s = time.monotonic()
        for at_s, change in sorted(injection.changes, key=lambda pair: pair[0]):
            if at_s >= 0 and not over.wait(max(0.0, begun_s + at_s - time.monotonic())):
                self._change(change)
        if injection.quota_ratio is not None:
            self._with_quota("quota", QUOTA_S, injection.quota_ratio, over)
        if injection.hogs is not None:
            self._with_hogs(*injection.hogs, over)
        if injection.freeze_s is not None:
            stopped_s, running_s = injection.freeze_s
            while not over.is_set():
                self._probe.send_signal(signal.SIGSTOP)
                time.sleep(stopped_s)
                self._probe.send_signal(signal.SIGCONT)
                over.wait(running_s)

    def _with_quota(self, name: str, quota_s: float, ratio: float, over: threading.Event) -> None:
        """Give the probe this share of a core until the window is over (cgroup v1)."""
        group = CGROUPS / self.name(name)
        group.mkdir(exist_ok=True)
        (group / "cpu.cfs_period_us").write_text(str(round(quota_s * 1e6 / ratio)))
        (group / "cpu.cfs_quota_us").write_text(str(round(quota_s * 1e6)))
        (group / "cgroup.procs").write_text(str(self._probe.pid))
        over.wait(self.window_s * 3)
        (CGROUPS / "cgroup.procs").write_text(str(self._probe.pid))

    def _with_hogs(self, count: int, share: float, over: threading.Event) -> None:
        """Run busy programs of the highest priority beside the probe, all in a group that has this share of a core.

        A group, since hogs on the whole machine would hold up the line that is emulated too.
        """
        busy = ["nice", "-n", "-20", sys.executable, "-c", "while True: pass"]
        hogs = [subprocess.Popen(busy) for _ in range(count)]
        try:
            group = CGROUPS / self.name("hogs")
            group.mkdir(exist_ok=True)
            for hog in hogs:
                (group / "cgroup.procs").write_text(str(hog.pid))
            self._with_quota("hogs", HOGS_PERIOD_S * share, share, over)
        finally:
            for hog in hogs:
                hog.kill()
                hog.wait()

    def _traffic(self, injection: Injection) -> subprocess.Popen[str] | None:
        if injection.traffic is None:
            return None
        direction, count = injection.traffic
        words = (REFERENCE, direction, str(count), str(self.window_s * 2 + 10))
        traffic = self._start("probe", "other_traffic", *words)
        self._wait(traffic)
        return traffic

    def _start(
        self, which: str | None, module: str, *words: str, own: dict[str, str] | None = None, nice: int = 0
    ) -> subprocess.Popen[str]:
        within = ["ip", "netns", "exec", self.name(which)] if which else []
        first = ["nice", "-n", str(nice)] if nice else []
        command = [*first, *within, sys.executable, "-m", f"benchmarks.causes.{module}", *words]
        program = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(own or {})},
        )
        self.programs.append(program)
        return program

    @staticmethod
    def _wait(program: subprocess.Popen[str]) -> None:
        assert program.stdout is not None
        if program.stdout.readline().strip() != "ready":
            raise RuntimeError("a program of the line did not start")

    def _change(self, change: Any) -> None:
        assert self._path.stdin is not None
        self._path.stdin.write(json.dumps(change) + "\n")
        self._path.stdin.flush()

    def _say(self, command: Any) -> None:
        assert self._probe.stdin is not None
        self._probe.stdin.write(json.dumps(command) + "\n")
        self._probe.stdin.flush()

    def _hear(self, what: str) -> dict[str, Any]:
        assert self._probe.stdout is not None
        while text := self._probe.stdout.readline():
            said: dict[str, Any] = json.loads(text)
            if what in said:
                return said
        raise RuntimeError("the probe ended")


def run_line(emulated: EmulatedLine, sessions: Sequence[Injection], show: Any) -> list[dict[str, Any]]:
    """Run sessions on a line. Returns of each its injection and the measurement's number."""
    rows = []
    for number, injection in enumerate(sessions):
        # The first two windows take all that the line gives, as one paced window in ten does by default.
        mode = "bulk" if number < 2 else "paced"
        said = emulated.session(injection, number, mode)
        row = {
            "label": injection.label,
            "causes": list(injection.causes),
            "stronger": injection.stronger,
            "strength": injection.strength,
        } | said
        rows.append(row)
        show(emulated.number, row)
    return rows
