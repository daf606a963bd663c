"""What several tests of the analysis share."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def simulated() -> int:
    """How many studies, or crawls, are simulated to see how often something is said that is not so."""
    return int(os.environ.get("PYTOMO_TEST_SIMULATED", "80"))


@pytest.fixture(scope="session")
def three_errors(simulated: int) -> float:
    """Three standard errors of a share of 5 % (or 95 %) among so many."""
    return 3 * (0.05 * 0.95 / simulated) ** 0.5


@pytest.fixture(scope="session")
def coverage() -> ModuleType:
    """benchmarks/coverage.py, which is outside of every package."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["coverage_benchmark"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
