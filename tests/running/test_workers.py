"""Tests that run in several forked processes are reported as if they had run in one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.running.commands import run_command
from tests.running.sharing import ROOT, VARIABLE

pytestmark = pytest.mark.process

_TEST = "PYTEST_CURRENT_TEST"
_FILES = {
    "test_a.py": """
import os, pathlib, pytest
def test_passes(): pass
def test_fails():
    print("said by it")
    assert [1, 2] == [1, 3]
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
def test_dies(): os._exit(3)
def test_after_it(): print("run all the same")
@pytest.mark.alone
def test_alone(): assert len(list(pathlib.Path(r"{folder}").glob("begun-*"))) == 2
""",
    "test_b.py": """
import pathlib, pytest
@pytest.fixture(scope="session", autouse=True)
def begun():
    pathlib.Path(r"{folder}/begun-b").touch()
    yield
    pathlib.Path(r"{folder}/ended").touch()
@pytest.mark.parametrize("number", range(3))
def test_in_one_process(number, tmp_path): assert tmp_path.exists()
""",
    "test_c.py": """
import pathlib
def test_second_try():
    pathlib.Path(r"{folder}/begun-c").touch()
    first = pathlib.Path(r"{folder}/tried")
    if not first.exists():
        first.touch()
        raise RuntimeError
""",
    "test_d.py": """
import pytest
@pytest.mark.parametrize("number", range(21))
def test_of_many(number): {many}
""",
}


def run(folder: Path, *words: str, many: str = "pass") -> str:
    for name, text in _FILES.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)).replace("{many}", many))
    done = run_command(
        *("pytest", "-p", "no:cacheprovider", "-p", "tests.running.workers", "--workers", "2"),
        *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), *words, str(folder)),
        environment={VARIABLE: "none", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", _TEST: os.environ[_TEST]},
    )
    assert done.exit_code == 1, done.output + done.errors
    return done.output


def test_outcomes_are_those_of_one_process(tmp_path: Path) -> None:
    shown = run(tmp_path)
    assert "3 failed, 27 passed, 1 skipped" in shown, shown
    assert "assert [1, 2] == [1, 3]" in shown and "said by it" in shown
    assert "test_dies" in shown and "the process of this test ended by itself: 3" in shown
    assert (tmp_path / "ended").exists(), "fixtures of the session are taken down"


def test_failures_are_tried_again_when_all_others_have_ended(tmp_path: Path) -> None:
    shown = run(tmp_path, "--retries", "2")
    assert "2 failed, 28 passed, 1 skipped, 5 rerun" in shown, shown
    assert "RERUN test_c.py::test_second_try - RuntimeError" in shown
    assert shown.count("RERUN test_a.py::test_dies - the process of this test ended by itself: 3") == 2
    assert shown.count("assert [1, 2] == [1, 3]") >= 1, "what fails in the end is shown whole"


def test_many_failures_are_not_tried_again(tmp_path: Path) -> None:
    shown = run(tmp_path, "--retries", "2", many="raise RuntimeError")
    assert "24 failed" in shown and "RERUN" not in shown, shown


def test_run_stops_at_the_first_failure_where_it_is_told_to(tmp_path: Path) -> None:
    shown = run(tmp_path, "-x", "-k", "test_fails or test_after_it")
    assert "1 failed" in shown and "stopping after 1 failures" in shown, shown
