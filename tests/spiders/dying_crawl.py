"""A crawl whose process dies in the middle of the videos that are named: `FOLDER VIDEO ...`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.spiders import walk
from tests.spiders.test_walk import Crawl

if __name__ == "__main__":
    walk.RETRY_PAUSE_S = 0.0
    crawl = Crawl(Path(sys.argv[1]), {})

    async def die(item: VideoItem) -> None:
        """Die as a killed process does."""
        if item.video_id in sys.argv[2:]:
            os._exit(9)
        await crawl.store(item)

    crawl.after_item = die
    crawl.run()
