"""The recorded responses of the service, for the parsers' tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def recording(shared: Path) -> Callable[[str], str]:
    """Read a recorded response by its file name."""
    return lambda name: (shared / "recordings" / name).read_text(encoding="utf-8")
