"""Any command starts without waiting for what the others need."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

HEAVY = ("av", "dns", "numpy", "pycurl", "rich", "sqlalchemy", "yt_dlp", "pytomo_scrapy.lab.servers")
LISTING = """
import sys
from scrapy.utils.misc import walk_modules

walk_modules("pytomo_scrapy.commands")
print(*sys.modules)
"""


def test_listing_the_commands_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "pytomo_scrapy.commands.crawl" in loaded
    assert not loaded & set(HEAVY)


OPENING = """
import sys
from pytomo_scrapy.dashboard.app import DashboardConfig, create_app

create_app(DashboardConfig("sqlite:///none.db"))
print(*sys.modules)
"""


def test_web_page_opens_its_door_before_it_imports_what_the_pages_need() -> None:
    done = subprocess.run([sys.executable, "-c", OPENING], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "pytomo_scrapy.dashboard.health" in loaded
    assert not loaded & {"sqlalchemy", "numpy", "jinja2", "pytomo_scrapy.dashboard.graph_pages"}
