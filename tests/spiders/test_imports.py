"""What a crawl's processes load at their start: not what only some of them need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"av", "numpy", "yt_dlp"}


@pytest.mark.process
@pytest.mark.parametrize(
    ("modules", "needed"),
    [
        ("scrapy.cmdline, pytomo_scrapy.spiders.youtube", set()),
        ("pytomo_scrapy.measure.window.loop", set()),
        ("pytomo_scrapy.measure.playback.window_analysis, pytomo_scrapy.measure.media.timeline", {"av"}),
    ],
    ids=["crawl", "window", "analysis"],
)
def test_process_loads_nothing_heavy_that_it_does_not_need(modules: str, needed: set[str]) -> None:
    code = f"import sys, {modules}; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) == needed
