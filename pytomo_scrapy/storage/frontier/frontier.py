"""The frontier: which videos and sources are queued, in flight under a lease, or done, in one table.

Every change is one short transaction, so a process killed at any instant loses nothing: what it held is queued again.
Where several rows are locked, the order is a frontier row first, the crawl's counter last: no two can wait in a ring.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, insert, select, update

from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.frontier import crawls, lease
from pytomo_scrapy.storage.frontier.admission import Branch, admit
from pytomo_scrapy.storage.frontier.admission import FoundVideo as FoundVideo
from pytomo_scrapy.storage.frontier.crawls import OpenCrawl as OpenCrawl
from pytomo_scrapy.storage.frontier.lease import IS_IN_FLIGHT, IS_QUEUED
from pytomo_scrapy.storage.frontier.owner import this_process
from pytomo_scrapy.storage.schema.crawl_tables import DONE, IN_FLIGHT, LISTED, QUEUED, crawl, frontier, owner
from pytomo_scrapy.storage.scrub import scrub, storable

Source = tuple[str, Mapping[str, Any]]  # name, and what the spider needs to ask it


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that this process holds. Of a source, `video_id` is its name and `service` is empty."""

    id: int
    kind: str  # "source" or "video"
    service: str
    video_id: str
    url: str | None
    depth: int
    order: int
    pass_number: int
    source: str
    seed_source: str | None
    parent_id: str | None
    is_expanded: bool
    attempt_count: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    listed_view_count: int | None = None
    listed_duration_s: float | None = None
    listed_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a pass is, in videos; `sources_left` are the sources not yet asked or being asked."""

    admitted: int
    queued: int
    in_flight: int
    done: int
    sources_left: int
    max_crawled_url: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds leases."""

    host: str
    pid: int
    count: int


def open_crawl(
    database: Database,
    spider: str,
    arguments: Mapping[str, Any],
    *,
    name: str | None = None,
    max_crawled_url: int = 5_000_000,
    vantage: str = "",
    lease_s: float = 300.0,
    retries_refused: bool = False,
) -> Frontier:
    """Resume the unfinished crawl of that name, or start it; the name defaults to one derived from the command.

    `vantage` gives a vantage point a frontier of its own, `retries_refused` a video that the service refused another
    try. Raises StorageError.
    """
    name = name or crawls.name_crawl(spider, arguments)
    opened = crawls.find_or_create(database, spider, arguments, name, max_crawled_url, vantage)
    with database.write() as connection:
        owner_id = lease.register(connection, this_process())
    return Frontier(database, opened, owner_id, lease_s, retries_refused)


class Frontier:
    """The rows of one crawl, as one process sees them. Blocking and thread-safe."""

    def __init__(
        self, database: Database, opened: OpenCrawl, owner_id: int, lease_s: float, retries_refused: bool = False
    ) -> None:
        self.crawl = opened
        self._retries_refused = retries_refused
        self._database = database
        self._owner_id = owner_id
        self._lease_s = lease_s

    # Filling.

    def add_sources(self, sources: Sequence[Source]) -> int:
        """Queue sources in order; those of the same name are there already. Returns how many are new."""
        with self._database.write() as connection:
            return self._insert_sources(connection, sources, QUEUED)

    def add_listed(
        self, videos: Sequence[FoundVideo], position: int, *, source: str = "urls", is_end: bool = False
    ) -> int:
        """Queue a batch of a list and keep how far the list was read, in one transaction.

        Returns how many were admitted. `position` counts what was read of the list, this batch included, in lines or
        whatever else the caller counts.
        """
        with self._database.write() as connection:
            self._insert_sources(connection, [(source, {})], DONE)
            source_id = connection.execute(select(frontier.c.id).where(self._is_row("", source))).scalar_one()
            branch = Branch(self.crawl.id, self.crawl.pass_number, 1, source_id, source_id, position - len(videos))
            count = admit(connection, branch, videos)
            connection.execute(
                update(crawl)
                .where(self._is_this_pass(), crawl.c.listed_position <= position)
                .values(listed_position=position, is_listed_end=is_end)
            )
            return count

    def listed(self) -> tuple[int, bool]:
        """Return how far the list was read, and whether that was its end."""
        with self._database.read() as connection:
            row = connection.execute(select(crawl).where(crawl.c.id == self.crawl.id)).one()
        return (row.listed_position, row.is_listed_end) if row.pass_number == self.crawl.pass_number else (0, False)

    def add_videos(self, claim: Claim, videos: Sequence[FoundVideo]) -> int:
        """Queue the videos that a page led to, once for each claim. Returns how many were new and under the limit."""
        with self._database.write() as connection:
            expanded = (
                update(frontier)
                .where(self._is_ours(claim.id), frontier.c.is_expanded.is_(False))
                .values(is_expanded=True)
            )
            if connection.execute(expanded).rowcount != 1:
                return 0
            seed_id = connection.execute(select(frontier.c.seed_id).where(frontier.c.id == claim.id)).scalar_one()
            branch = Branch(self.crawl.id, self.crawl.pass_number, claim.depth + 1, claim.id, seed_id)
            return admit(connection, branch, videos)

    def finish_source(
        self,
        claim: Claim,
        videos: Sequence[FoundVideo] = (),
        *,
        failure: str | None = None,
        detail: str | None = None,
    ) -> int:
        """Queue what a source listed and set it done, in one transaction. Returns how many videos were admitted."""
        said = scrub(storable(detail)) if detail else None
        values = {"failure": failure, "failure_detail": said, "is_expanded": True, **_FREED, "state": DONE}
        with self._database.write() as connection:
            if connection.execute(update(frontier).where(self._is_ours(claim.id)).values(values)).rowcount != 1:
                return 0
            branch = Branch(self.crawl.id, self.crawl.pass_number, 1, claim.id, claim.id)
            return admit(connection, branch, videos)

    # Claiming.

    def claim(self) -> Claim | None:
        """Take the next row under a lease: sources first, then by (depth, parent, place). None: nothing queued now.

        Rows whose attempts failed twice come last, in turn.
        """
        with self._database.write() as connection:
            lease.take_back(connection, self.crawl.id, self.crawl.pass_number, self._owner_id)
            row = lease.next_queued(connection, self.crawl.id, self.crawl.pass_number)
            if row is None:
                return None
            lease.take(connection, row.id, self._owner_id, self._lease_s)
            return self._claim_of(connection, row)

    def has_unfinished(self) -> bool:
        """Return whether any row of the pass is queued or in flight, here or elsewhere."""
        with self._database.read() as connection:
            return any(
                connection.execute(select(frontier.c.id).where(self._is_in_pass(), state).limit(1)).first() is not None
                for state in (IS_QUEUED, IS_IN_FLIGHT)
            )

    def renew(self) -> int:
        """Lengthen the leases of our claims. Returns how many were still ours."""
        with self._database.write() as connection:
            renewed = update(frontier).where(self._is_held()).values(lease_until_s=self._lease_end(connection))
            return connection.execute(renewed).rowcount

    def release(self, claim_id: int, *, is_counted: bool = True) -> bool:
        """Queue a claim of ours again, a failed attempt where it `is_counted`. False where it is not ours now."""
        freed = update(frontier).where(self._is_ours(claim_id)).values(_FREED if is_counted else _UNCOUNTED)
        with self._database.write() as connection:
            return connection.execute(freed).rowcount == 1

    def release_all(self, *, except_ids: Sequence[int] = ()) -> int:
        """Queue again what this process holds except for some claims, as no attempts. Returns how many rows."""
        with self._database.write() as connection:
            freed = update(frontier).where(self._is_held(), frontier.c.id.not_in(list(except_ids))).values(_UNCOUNTED)
            return connection.execute(freed).rowcount

    def take_back(self) -> int:
        """Queue again what dead or silent processes hold; `claim` does so too. Returns how many rows."""
        with self._database.write() as connection:
            return lease.take_back(connection, self.crawl.id, self.crawl.pass_number, self._owner_id)

    def of(self, opened: OpenCrawl) -> Frontier:
        """Return the frontier of another crawl of the same database, as the same process sees it."""
        return Frontier(self._database, opened, self._owner_id, self._lease_s, self._retries_refused)

    # Finishing.

    def hold(self, claim_id: int, connection: Connection) -> Row[Any] | None:
        """Lock a row until the caller's transaction ends. None where there is no such row in this crawl."""
        return connection.execute(_ROW, {"row_id": claim_id, "of_crawl": self.crawl.id}).one_or_none()

    def finish(self, claim_id: int, connection: Connection) -> bool:
        """Set a row done in the caller's transaction. False where the lease was lost meanwhile.

        A row that returned to the queue is set done too; a row that another process holds is left to it.
        """
        row = self.hold(claim_id, connection)
        if row is None or row.state == DONE:
            return False
        is_ours: bool = row.state == IN_FLIGHT and row.owner_id == self._owner_id
        if not is_ours and row.state != QUEUED:
            return False
        connection.execute(_END, {"row_id": claim_id})
        if row.depth > 0:
            connection.execute(_COUNT_DONE, {"of_crawl": row.crawl_id, "of_pass": row.pass_number})
        return is_ours

    def put_off(self, claim_id: int, connection: Connection, refusal: str) -> bool:
        """Queue a refused video again, in the caller's transaction. False the second time: finish it then."""
        again = update(frontier).where(self._is_ours(claim_id), frontier.c.failure.is_(None))
        again = again.values({**_FREED, "failure": refusal})
        return self._retries_refused and connection.execute(again).rowcount == 1

    def put_back(self, claim_id: int, connection: Connection) -> bool:
        """Queue a claim of ours again in the caller's transaction, as no attempt. False where it is not ours now."""
        return connection.execute(update(frontier).where(self._is_ours(claim_id)).values(_UNCOUNTED)).rowcount == 1

    def new_pass(self) -> int:
        """Begin the next pass where this one is through, or join one begun elsewhere. Returns the pass's number."""
        number = self.crawl.pass_number
        if not self.has_unfinished():
            start = {"admitted_count": 0, "done_count": 0, "listed_position": 0, "is_listed_end": False}
            with self._database.write() as connection:
                # Of two machines one begins it: to the other, this pass is past by then, and it joins.
                connection.execute(update(crawl).where(self._is_this_pass()).values(pass_number=number + 1, **start))
                current = select(crawl.c.pass_number).where(crawl.c.id == self.crawl.id)
                number = connection.execute(current).scalar_one()
            self.crawl = replace(self.crawl, pass_number=number)
        return number

    def finish_crawl(self) -> bool:
        """Mark the crawl finished: the same command then starts it anew. False where a row is not done."""
        if self.has_unfinished():
            return False
        with self._database.write() as connection:
            finished = update(crawl).where(crawl.c.id == self.crawl.id, crawl.c.finished_at.is_(None))
            connection.execute(finished.values(finished_at=datetime.now(UTC)))
        return True

    # Looking.

    def counts(self) -> Counts:
        """Count the pass's videos; costs the same at ten rows and at five million."""
        is_video = func.coalesce(func.sum(case((frontier.c.depth > 0, 1), else_=0)), 0)
        with self._database.read() as connection:
            row = connection.execute(select(crawl).where(crawl.c.id == self.crawl.id)).one()
            flying = connection.execute(select(is_video, func.count()).where(self._is_in_pass(), IS_IN_FLIGHT)).one()
            queued_sources = connection.execute(
                select(func.count()).select_from(frontier).where(self._is_in_pass(), IS_QUEUED, frontier.c.depth == 0)
            ).scalar_one()
        in_flight = int(flying[0])
        return Counts(
            admitted=row.admitted_count,
            # What is left, and not counted: the queued rows may be millions.
            queued=row.admitted_count - row.done_count - in_flight,
            in_flight=in_flight,
            done=row.done_count,
            sources_left=queued_sources + int(flying[1]) - in_flight,
            max_crawled_url=row.max_crawled_url,
        )

    def is_full(self) -> bool:
        """Return whether the limit is reached, so that looking for more videos is of no use."""
        with self._database.read() as connection:
            room = select(crawl.c.max_crawled_url - crawl.c.admitted_count).where(crawl.c.id == self.crawl.id)
            return int(connection.execute(room).scalar_one()) <= 0

    def holders(self) -> list[Holder]:
        """Return who holds rows of this pass, and how many."""
        held = (
            select(owner.c.host, owner.c.pid, func.count())
            .join(frontier, frontier.c.owner_id == owner.c.id)
            .where(self._is_in_pass(), IS_IN_FLIGHT)
            .group_by(owner.c.id, owner.c.host, owner.c.pid)
            .order_by(owner.c.id)
        )
        with self._database.read() as connection:
            return [Holder(*row) for row in connection.execute(held)]

    def _is_in_pass(self) -> ColumnElement[bool]:
        return and_(frontier.c.crawl_id == self.crawl.id, frontier.c.pass_number == self.crawl.pass_number)

    def _is_row(self, service: str, video_id: str) -> ColumnElement[bool]:
        return and_(self._is_in_pass(), frontier.c.service == service, frontier.c.video_id == video_id)

    def _is_this_pass(self) -> ColumnElement[bool]:
        return and_(crawl.c.id == self.crawl.id, crawl.c.pass_number == self.crawl.pass_number)

    def _is_held(self) -> ColumnElement[bool]:
        return and_(self._is_in_pass(), IS_IN_FLIGHT, frontier.c.owner_id == self._owner_id)

    def _is_ours(self, claim_id: int) -> ColumnElement[bool]:
        return and_(frontier.c.id == claim_id, IS_IN_FLIGHT, frontier.c.owner_id == self._owner_id)

    def _lease_end(self, connection: Connection) -> ColumnElement[float]:
        return lease.now_s(connection) + self._lease_s

    def _insert_sources(self, connection: Connection, sources: Sequence[Source], state: int) -> int:
        # Asking before inserting is safe: whoever changes sources holds the crawl's row.
        connection.execute(update(crawl).where(crawl.c.id == self.crawl.id).values(name=crawl.c.name))
        names = select(frontier.c.video_id).where(self._is_in_pass(), frontier.c.service == "")
        known = set(connection.execute(names).scalars())
        fresh: dict[str, Mapping[str, Any]] = {}
        for name, parameters in sources:
            if name not in known:
                fresh.setdefault(name, parameters)
        rows = [
            {
                "crawl_id": self.crawl.id,
                "pass_number": self.crawl.pass_number,
                "service": "",
                "video_id": name,
                "depth": 0,
                "parent_id": 0,
                "place": position,
                "state": state,
                "is_expanded": state == DONE,
                "attempt_count": 0,
                "payload": json.dumps(dict(parameters), sort_keys=True) if parameters else None,
            }
            for position, (name, parameters) in enumerate(fresh.items(), len(known))
        ]
        if rows:
            connection.execute(insert(frontier), rows)
        return len(rows)

    def _claim_of(self, connection: Connection, row: Row[Any]) -> Claim:
        is_source = row.depth == 0
        seed = None if row.seed_id is None else connection.execute(_NAME, {"row_id": row.seed_id}).scalar()
        parent = connection.execute(_NAME, {"row_id": row.parent_id}).scalar() if row.depth > 1 else None
        return Claim(
            id=row.id,
            kind="source" if is_source else "video",
            service=row.service,
            video_id=row.video_id,
            url=None if is_source else row.payload,
            depth=row.depth,
            order=row.id,
            pass_number=row.pass_number,
            source=row.video_id if is_source else "related" if row.depth > 1 else seed or "",
            seed_source=seed,
            parent_id=parent,
            is_expanded=row.is_expanded,
            attempt_count=row.attempt_count + 1,
            parameters=json.loads(row.payload) if is_source and row.payload else {},
            **{name: row._mapping[name] for name in LISTED},
        )


_FREED: Mapping[str, Any] = {"state": QUEUED, "owner_id": None, "lease_until_s": None}
_UNCOUNTED: Mapping[str, Any] = {**_FREED, "attempt_count": frontier.c.attempt_count - 1}

# What every claim asks is formed once: to form a statement takes longer than its answer.
_HAS_ID = frontier.c.id == bindparam("row_id")
_NAME = select(frontier.c.video_id).where(_HAS_ID)
_ROW = select(frontier).where(_HAS_ID, frontier.c.crawl_id == bindparam("of_crawl")).with_for_update()
_END = update(frontier).where(_HAS_ID).values({**_FREED, "state": DONE})
_IS_PASS = and_(crawl.c.id == bindparam("of_crawl"), crawl.c.pass_number == bindparam("of_pass"))
_COUNT_DONE = update(crawl).where(_IS_PASS).values(done_count=crawl.c.done_count + 1)
