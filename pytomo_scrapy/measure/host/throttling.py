"""Throttling of this machine's processor: by heat, a quota or the hypervisor (Linux; None when unknown)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
CPUS = Path("/sys/devices/system/cpu")
# A smaller share of a window cannot have shaped its figures.
NOTABLE_RATIO = 0.05


@dataclass(frozen=True, slots=True)
class ThrottleCounters:
    """One reading; each only ever grows."""

    quota_s: float | None = None  # in which our group of processes was held back
    heat_count: int | None = None  # times that a core was slowed
    steal_s: float | None = None  # of all cores, taken by the hypervisor


@dataclass(frozen=True, slots=True)
class Throttling:
    """What happened between two readings."""

    is_throttled: bool | None = None
    quota_s: float | None = None
    steal_ratio: float | None = None


def read_throttling(cgroups: Path = CGROUPS, own_cgroup: Path = OWN_CGROUP, cpus: Path = CPUS) -> ThrottleCounters:
    """Read the counters."""
    steal_s = getattr(psutil.cpu_times(), "steal", None)
    heat = [_number(path) for path in cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    known = [count for count in heat if count is not None]
    return ThrottleCounters(_quota_s(cgroups, own_cgroup), sum(known) if known else None, steal_s)


def compare_throttling(
    before: ThrottleCounters, after: ThrottleCounters, elapsed_s: float, cpu_total_s: float
) -> Throttling:
    """Return what was lost in `elapsed_s`, in which all cores together had `cpu_total_s`."""
    quota_s = _grown(before.quota_s, after.quota_s)
    heat_count = _grown(before.heat_count, after.heat_count)
    steal_s = _grown(before.steal_s, after.steal_s)
    steal_ratio = min(1.0, steal_s / cpu_total_s) if steal_s is not None and cpu_total_s > 0 else None
    signs = [
        None if heat_count is None else heat_count > 0,
        None if quota_s is None or elapsed_s <= 0 else quota_s / elapsed_s >= NOTABLE_RATIO,
        None if steal_ratio is None else steal_ratio >= NOTABLE_RATIO,
    ]
    known = [sign for sign in signs if sign is not None]
    return Throttling(any(known) if known else None, quota_s, steal_ratio)


def _quota_s(cgroups: Path, own_cgroup: Path) -> float | None:
    """Return `throttled_usec` of our group (cgroup v2) or of the nearest one above that counts it."""
    try:
        lines = own_cgroup.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    if path is None:
        return None
    folder = cgroups / path
    for group in (folder, *folder.parents):
        try:
            stat = dict(line.split() for line in (group / "cpu.stat").read_text(encoding="ascii").splitlines())
        except (OSError, ValueError):
            stat = {}
        if "throttled_usec" in stat:
            return int(stat["throttled_usec"]) / 1e6
        if group == cgroups:
            break
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _grown(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(after - before, 0)
