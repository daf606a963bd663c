"""Admission of found videos to the frontier: each once, in order, and never more than the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import BigInteger, Connection, bindparam, insert, select, update

from pytomo_scrapy.storage.schema.crawl_tables import LISTED, QUEUED, crawl, frontier

MAX_ID_CHARS = 1000  # an index entry of PostgreSQL holds 2.7 kB
# Of ids in one question: each is a parameter, and SQLite before 3.32 takes 999.
_CHUNK = 500
_MOST = 2**63 - 1

# What every page asks is formed once: to form a statement takes longer than its answer.
_IS_CRAWL = crawl.c.id == bindparam("of_crawl")
_LOCK_ROOM = (
    update(crawl)
    .where(_IS_CRAWL)
    .values(admitted_count=crawl.c.admitted_count)
    .returning(crawl.c.max_crawled_url - crawl.c.admitted_count)
)
_MORE = crawl.c.admitted_count + bindparam("count", type_=BigInteger)
_RAISE_ADMITTED = update(crawl).where(_IS_CRAWL, crawl.c.max_crawled_url >= _MORE).values(admitted_count=_MORE)
_KNOWN = select(frontier.c.video_id).where(
    frontier.c.crawl_id == bindparam("of_crawl"),
    frontier.c.pass_number == bindparam("of_pass"),
    frontier.c.service == bindparam("of_service"),
    frontier.c.video_id.in_(bindparam("ids", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class FoundVideo:
    """A video to be measured; `url` only where it does not follow from service and id. Raises ValueError.

    `listed_*` are what the page that led here says of it; None where it does not say.
    """

    service: str
    video_id: str
    url: str | None = None
    listed_view_count: int | None = None
    listed_duration_s: float | None = None
    listed_age_s: float | None = None

    def __post_init__(self) -> None:
        if not self.video_id or len(self.video_id) > MAX_ID_CHARS:
            raise ValueError(f"a video id has 1 to {MAX_ID_CHARS} characters")


@dataclass(frozen=True, slots=True)
class Branch:
    """Where in the walk the videos were found; the order of claims is (depth, parent, place)."""

    crawl_id: int
    pass_number: int
    depth: int
    parent_id: int
    seed_id: int | None
    first_position: int = 0


def admit(connection: Connection, branch: Branch, videos: Sequence[FoundVideo]) -> int:
    """Queue the videos that are new, in order, up to the crawl's limit. Returns how many were admitted."""
    if not videos:
        return 0
    # Locked before it is read what is known: what another machine admits in between would not be seen.
    room = _lock_room(connection, branch.crawl_id)
    if room <= 0:
        return 0
    known = _known(connection, branch, videos)
    fresh: dict[tuple[str, str], tuple[int, FoundVideo]] = {}
    for position, video in enumerate(videos, branch.first_position):
        key = (video.service, video.video_id)
        if key not in known:
            # A page may name a video twice: its first position counts.
            fresh.setdefault(key, (position, video))
    rows = [
        {
            "crawl_id": branch.crawl_id,
            "pass_number": branch.pass_number,
            "service": video.service,
            "video_id": video.video_id,
            "depth": branch.depth,
            "parent_id": branch.parent_id,
            "place": position,
            "state": QUEUED,
            "is_expanded": False,
            "attempt_count": 0,
            "seed_id": branch.seed_id,
            "payload": video.url,
            **{name: _countable(getattr(video, name)) for name in LISTED},
        }
        for position, video in islice(fresh.values(), room)
    ]
    if rows:
        connection.execute(insert(frontier), rows)
        _raise_admitted(connection, branch.crawl_id, len(rows))
    return len(rows)


def _countable(listed: float | None) -> float | None:
    """Return a number of a page, None where it is none that both databases can keep: a page may say anything."""
    return listed if listed is not None and abs(listed) <= _MOST else None


def _lock_room(connection: Connection, crawl_id: int) -> int:
    """Lock the crawl's counter until the transaction ends, so that two machines admit one after the other."""
    return int(connection.execute(_LOCK_ROOM, {"of_crawl": crawl_id}).scalar_one())


def _raise_admitted(connection: Connection, crawl_id: int, count: int) -> None:
    raised = connection.execute(_RAISE_ADMITTED, {"of_crawl": crawl_id, "count": count})
    if raised.rowcount != 1:
        raise AssertionError("the limit of the crawl was passed under its own lock")


def _known(connection: Connection, branch: Branch, videos: Sequence[FoundVideo]) -> set[tuple[str, str]]:
    known: set[tuple[str, str]] = set()
    for service in {video.service for video in videos}:
        ids = [video.video_id for video in videos if video.service == service]
        for start in range(0, len(ids), _CHUNK):
            asked = {"of_crawl": branch.crawl_id, "of_pass": branch.pass_number, "of_service": service}
            found = connection.execute(_KNOWN, {**asked, "ids": ids[start : start + _CHUNK]})
            known.update((service, video_id) for video_id in found.scalars())
    return known
