"""A crawl ends with its lab, and outside of a lab it knows of none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pytomo_scrapy.crawl.lab_life import PID_VARIABLE, LabLife


@pytest.mark.parametrize("variables", [{}, {PID_VARIABLE: ""}, {PID_VARIABLE: "lab"}, {PID_VARIABLE: str(os.getpid())}])
def test_lab_that_never_was_or_still_is_does_not_end_a_crawl(variables: dict[str, str]) -> None:
    assert not LabLife.of_environment(variables).is_over


@pytest.mark.process
def test_lab_that_was_killed_is_over_before_and_after_its_parent_looks() -> None:
    lab = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    life = LabLife(lab.pid)
    assert not life.is_over
    lab.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, lab.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    assert life.is_over
    lab.communicate()
    assert life.is_over
