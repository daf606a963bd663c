"""Steps of a crawl over its frontier, as tests write them."""

from __future__ import annotations

from collections.abc import Sequence

from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier.frontier import Claim, FoundVideo, Frontier, open_crawl


def videos(*ids: str) -> list[FoundVideo]:
    return [FoundVideo("youtube", video_id) for video_id in ids]


def start(database: Database, *, limit: int = 100, lease_s: float = 300.0, **arguments: str) -> Frontier:
    return open_crawl(database, "youtube", arguments, max_crawled_url=limit, lease_s=lease_s)


def take(frontier: Frontier) -> Claim:
    claim = frontier.claim()
    assert claim is not None
    return claim


def finish(frontier: Frontier, claim: Claim) -> bool:
    with frontier._database.write() as connection:
        return frontier.finish(claim.id, connection)


def seed(frontier: Frontier, *ids: str, name: str = "charts") -> None:
    frontier.add_sources([(name, {})])
    frontier.finish_source(take(frontier), videos(*ids))


def walk(frontier: Frontier, children: dict[str, Sequence[str]]) -> list[str]:
    order = []
    while (claim := frontier.claim()) is not None:
        order.append(claim.video_id)
        frontier.add_videos(claim, videos(*children.get(claim.video_id, ())))
        finish(frontier, claim)
    return order
