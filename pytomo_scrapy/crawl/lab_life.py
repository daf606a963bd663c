"""Whether the offline lab that a crawl measures is still there: without it, every failure is one of nobody's line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Self

import psutil

# Set by the lab for what runs inside. No setting: nobody chooses it.
PID_VARIABLE = "OFFLINE_LAB_PID"


class LabLife:
    """The process of the lab's servers. `pid` is None outside of a lab."""

    sentence = "The lab that is measured has ended: the crawl ends here. Start both again by the same command."

    def __init__(self, pid: int | None = None) -> None:
        self._pid = pid

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the lab that the variables of this process lead to, if any."""
        pid = environment.get(PID_VARIABLE, "")
        # What is no number was not set by a lab.
        return cls(int(pid) if pid.isascii() and pid.isdigit() else None)

    @property
    def is_over(self) -> bool:
        """Whether there was a lab, and is no more."""
        if self._pid is None:
            return False
        try:
            # One that was killed stays as a zombie until whoever started it looks.
            return bool(psutil.Process(self._pid).status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True
