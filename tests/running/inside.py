"""Forked processes inside the network and mount namespaces of another: as many Pythons, started there, would be.

A test names the process that holds the namespaces in the environment of a command. What the command starts inherits
that. In a lab such a process closes itself as a Python that starts there does; others are left as fast as they are.
"""

from __future__ import annotations

import ctypes
import os
import runpy
from collections.abc import Mapping
from pathlib import Path

from pytomo_scrapy.lab.launcher import CLOSED

# The id of the process whose namespaces are entered.
VARIABLE = "PYTOMO_TEST_INSIDE"


def enter(environment: Mapping[str, str]) -> None:
    """Enter what the environment names, where it names any. Raises OSError where that is forbidden."""
    if (holder := environment.get(VARIABLE)) is None:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    # The mounts last: they may hide the other's files.
    for kind in ("net", "mnt"):
        with Path("/proc", holder, "ns", kind).open("rb") as namespace:
            if libc.setns(namespace.fileno(), 0):
                raise OSError(ctypes.get_errno(), f"no way into the {kind} namespace of process {holder}")
    if str(CLOSED) in environment.get("PYTHONPATH", "").split(os.pathsep):
        runpy.run_path(str(CLOSED / "sitecustomize.py"), run_name="sitecustomize")
