"""The picture of simulated beside real is drawn from the figures beside its script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "docs" / "images" / "accuracy.svg"
FIGURES = ROOT / "docs" / "diagrams" / "accuracy.json"


@pytest.mark.process
def test_picture_is_that_of_its_figures() -> None:
    before = IMAGE.read_bytes()
    script = ROOT / "docs" / "diagrams" / "draw_accuracy.py"
    try:
        subprocess.run([sys.executable, str(script)], check=True, timeout=60, cwd=ROOT)
        assert IMAGE.read_bytes() == before, "run: python docs/diagrams/draw_accuracy.py"
    finally:
        IMAGE.write_bytes(before)


def test_every_session_has_its_runs_and_its_simulation() -> None:
    rows = json.loads(FIGURES.read_text())
    assert len(rows) == 26
    for row in rows:
        assert len(row["runs"]) == 3
        assert set(row["simulated"]) == {"startup_s", "stalled_s", "mean_kbps"}
