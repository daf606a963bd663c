"""How long the line lies idle between windows, by the crawl's own stats."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.e2e.conftest import database_setting, run_scrapy

pytestmark = pytest.mark.alone


@pytest.mark.parametrize(("quiet", "most_s"), [("1", 2.5), ("0", 1.0)])
def test_crawl_leaves_the_line_idle_for_little_between_windows(database: Path, quiet: str, most_s: float) -> None:
    done = run_scrapy(
        "lab", "--world", "clean", "--clip-ratio", "0.9", "crawl", "youtube", "-a", "max_crawled_url=4",
        "-s", "PYTOMO_DOWNLOAD_WINDOW_S=2.5", "-s", "PYTOMO_PACE_S=0", "-s", "STATS_DUMP=1",
        "-s", "PYTOMO_PING_INTERVAL_S=0.2", "-s", f"PYTOMO_QUIET_WINDOW={quiet}",
        *database_setting(database),
    )  # fmt: skip
    assert done.exit_code == 0, done.errors[-3000:]
    stats = dict(re.findall(r"'pytomo/gate/(\w+)': ([\d.]+)", done.errors))
    # The limit is for a fast machine that does nothing else; it grows with the processes that share the cores.
    most_s *= max(2.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))
    assert float(stats["idle_s"]) <= most_s
    if quiet == "1":
        # Ten pings at 0.2 s for the two videos that are prepared together: nothing can be faster.
        assert float(stats["idle_s"]) >= 0.5
    # The first of each pair waits for both; without quiet mode all are prepared while another's window is open.
    assert 0 <= float(stats["idle_mean_s"]) <= 1.5 * most_s
