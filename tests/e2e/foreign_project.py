"""A project that `scrapy startproject` makes, with the add-on switched on and a spider of its own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.running.commands import run_command

SWITCHED_ON = """
ADDONS = {"pytomo_scrapy.addons.PytomoAddon": 100}
COMMANDS_MODULE = "pytomo_scrapy.commands"
PYTOMO_DOWNLOAD_WINDOW_S = 3
PYTOMO_PACE_S = 0
"""

SPIDER = """
from pathlib import Path

import scrapy

from pytomo_scrapy.items import VideoItem


class BlogSpider(scrapy.Spider):
    name = "blog"

    async def start(self):
        yield scrapy.Request("https://www.youtube.com/watch?v=%(video)s")

    def parse(self, response):
        yield {"title": "a page of a blog"}
        yield VideoItem(url="https://youtu.be/%(video)s?t=5")
        yield VideoItem(url="not a link")
%(more)s
"""


def start_project(folder: Path, video_id: str, *, settings: str = "", parse: str = "") -> Path:
    """Make the project as a user does. Returns its folder; `parse` continues the spider's callback."""
    environment = {name: value for name, value in os.environ.items() if name != "SCRAPY_SETTINGS_MODULE"}
    done = run_command("scrapy", "startproject", "theirs", cwd=folder, environment=environment)
    assert done.exit_code == 0, done.errors
    project = folder / "theirs"
    with (project / "theirs" / "settings.py").open("a") as file:
        file.write(SWITCHED_ON + settings)
    (project / "theirs" / "spiders" / "blog.py").write_text(SPIDER % {"video": video_id, "more": parse})
    return project
