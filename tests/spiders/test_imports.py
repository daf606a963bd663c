"""What a crawl's processes load at their start: not what only some of them need."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In one Python: what the earlier ones load, the later ones may find there.
LOADING = """
import sys
HEAVY = {"av", "numpy", "yt_dlp"}
import scrapy.cmdline, pytomo_scrapy.spiders.youtube
print("crawl:", *sorted(HEAVY & set(sys.modules)))
import pytomo_scrapy.measure.window.loop
print("window:", *sorted(HEAVY & set(sys.modules)))
import pytomo_scrapy.measure.playback.window_analysis, pytomo_scrapy.measure.media.timeline
print("analysis:", *sorted(HEAVY & set(sys.modules)))
"""


@pytest.mark.process
def test_process_loads_nothing_heavy_that_it_does_not_need() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["crawl:", "window:", "analysis: av"]
