"""A walk over a frontier that says each video it has claimed or done, to be killed at any moment: `DATABASE-URL`."""

from __future__ import annotations

import sys

from pytomo_scrapy.storage.database import open_database
from pytomo_scrapy.storage.frontier.frontier import FoundVideo, open_crawl


def say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    database = open_database(sys.argv[1])
    frontier = open_crawl(database, "youtube", {}, max_crawled_url=60)
    frontier.add_sources([("charts", {})])
    while (claim := frontier.claim()) is not None:
        if claim.kind == "source":
            frontier.finish_source(claim, [FoundVideo("youtube", f"s{number}") for number in range(10)])
            continue
        say(f"claimed {claim.video_id}")
        names = [f"{claim.video_id}.{number}" for number in range(3)] if claim.depth < 4 else []
        frontier.add_videos(claim, [FoundVideo("youtube", name) for name in names])
        with database.write() as connection:
            frontier.finish(claim.id, connection)
        say(f"done {claim.video_id}")
