"""Who holds a lease: one process of one machine, and whether it is still alive."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that claims. `machine` is another one after a reboot and in another container."""

    token: str
    host: str
    machine: str
    pid: int
    process_started: str


def this_process() -> Owner:
    """Describe the calling process, with a token of its own."""
    return Owner(str(uuid.uuid4()), socket.gethostname(), _machine(), os.getpid(), _started(os.getpid()) or "")


def is_dead(owner: Owner, *, is_same_machine: bool = False) -> bool | None:
    """Return whether the owner's process has ended. None if that cannot be known from here.

    `is_same_machine`: the database file itself says so (SQLite), so a boot before this one is dead too.
    """
    boot, _, namespace = _machine().partition("/")
    owner_boot, _, owner_namespace = owner.machine.partition("/")
    if boot != owner_boot:
        return True if is_same_machine and boot and owner_boot else None
    # Without /proc the host name has to do; in another container the same number means another process.
    if owner.host != socket.gethostname() or namespace != owner_namespace:
        return None
    return _started(owner.pid) != owner.process_started


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when a process started, in a form that a change of the clock leaves alone. None where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        # A killed child that nobody waited for is still listed, as a zombie.
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        pass
    try:
        return None if Path("/proc/self/stat").exists() else str(round(psutil.Process(pid).create_time()))
    except psutil.Error:
        return None
