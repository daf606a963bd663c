"""What all tests share: missing components skip with a reason, or fail where everything is required (CI)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


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
