"""A crawl whose lab is killed: it ends with a sentence, and stores nothing of a service that is not there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pytomo_scrapy.lab.servers import LabOptions
from pytomo_scrapy.lab.world import build_world
from tests.e2e.conftest import clean_environment
from tests.e2e.long import Crawl, ask, kill, wait_until
from tests.running.labs import own_lab

pytestmark = pytest.mark.slow

WORLD = list(build_world("clean").videos)[:8]


def test_crawl_whose_lab_is_killed_ends_with_a_sentence_and_no_row_of_it(tmp_path: Path) -> None:
    with own_lab(LabOptions(world="clean")) as lab:
        crawl = Crawl(
            lab.environment(clean_environment()),
            f"sqlite:///{tmp_path / 'x.db'}",
            ["-a", "urls=" + ",".join(WORLD), "-a", "related=0"],
            folder=tmp_path,
        )
        running = crawl.start()
        wait_until(lambda: ask(crawl.database_url, "SELECT COUNT(*) FROM measurement")[0][0] >= 1)
        os.kill(lab.endpoints.pid, signal.SIGKILL)
        try:
            assert running.wait(60) == 3, crawl.last_log()
        finally:
            kill(running)
        assert "The lab that is measured has ended" in crawl.last_log()
        bad = ask(crawl.database_url, "SELECT failure FROM measurement WHERE failure IS NOT NULL")
        assert bad == []
