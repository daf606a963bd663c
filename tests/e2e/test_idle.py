"""How long the line lies idle between windows, by the crawl's own stats."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import database_setting, run_scrapy

pytestmark = pytest.mark.alone


@pytest.mark.parametrize(("quiet", "most_s"), [("1", 2.5), ("0", 1.0)])
def test_crawl_leaves_the_line_idle_for_little_between_windows(database: Path, quiet: str, most_s: float) -> None:
    done = run_scrapy(
        "lab", "--world", "clean", "--clip-ratio", "0.9", "crawl", "youtube", "-a", "max_crawled_url=10",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=2", "-s", "PYTOMO_PACE_S=0", "-s", f"PYTOMO_QUIET_WINDOW={quiet}",
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    stats = dict(re.findall(r"'pytomo/gate/(\w+)': ([\d.]+)", done.errors))
    # The bound holds on a machine that does nothing else; three times as much on one that runs other tests too.
    assert float(stats["idle_s"]) <= 3 * most_s
    if quiet == "1":
        # Ten pings at 0.2 s for the two videos that are prepared together: nothing can be faster.
        assert float(stats["idle_s"]) >= 0.5
    assert 0 < float(stats["idle_mean_s"]) <= 4 * most_s
