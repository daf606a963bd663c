"""What all tests share: missing components skip with a reason, or fail where everything is required (CI)."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.running import in_memory, sharing
from tests.running.commands import end_all

pytest_plugins = [
    "tests.databases",
    "tests.filled_databases",
    "tests.quick",
    "tests.running.workers",
    "tests.running.spent",
]

EVERY_PYTHON = Path(__file__).parent / "running" / "every_python"
# Where pytest makes the folders of the tests, which is where they have their databases
_TEMPORARY_ROOT = "PYTEST_DEBUG_TEMPROOT"
SHARED = Path(__file__).resolve().parents[1].parent / "shared"

# What a shell starts in the background ignores Ctrl-C, and so would every command that the tests send one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Start what several processes of one run share, in the process that they are started from."""
    others = os.environ.get("PYTHONPATH", "")
    if str(EVERY_PYTHON) not in others.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(EVERY_PYTHON), others)))
    if _TEMPORARY_ROOT not in os.environ and (folder := in_memory.folder()) is not None:
        os.environ[_TEMPORARY_ROOT] = str(folder)
    at_once = config.getoption("--workers") or config.getoption("numprocesses", None)
    if at_once and not config.getoption("--quick"):
        os.environ[sharing.VARIABLE] = sharing.start_server()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End what the tests of this process shared. What failed keeps its files."""
    end_all()
    made = session.config._tmp_path_factory._basetemp  # type: ignore[attr-defined]
    if made is not None and made.is_relative_to(in_memory.FOLDER) and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(made, ignore_errors=True)


def missing(reason: str) -> None:
    """Skip the test for a missing component; fail it where PYTOMO_TEST_REQUIRE_ALL is set."""
    if os.environ.get("PYTOMO_TEST_REQUIRE_ALL"):
        pytest.fail(f"required here, but missing: {reason}")
    pytest.skip(reason)


@pytest.fixture
def shared() -> Path:
    """The folder of recordings and truth beside the checkout."""
    if not SHARED.is_dir():
        missing(f"no folder {SHARED.name} beside the checkout")
    return SHARED
