"""Write one measurement with all its rows, and its frontier row done, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from pytomo_scrapy import __version__
from pytomo_scrapy.failures import FAILURES, REFUSALS, Attribution, Stage, attribution_of
from pytomo_scrapy.items import VideoItem
from pytomo_scrapy.storage.away import is_away
from pytomo_scrapy.storage.frontier.frontier import Frontier
from pytomo_scrapy.storage.measurements import save_details
from pytomo_scrapy.storage.measurements.arms import arms_owed
from pytomo_scrapy.storage.measurements.figure_row import write_figures
from pytomo_scrapy.storage.measurements.fitting import fit
from pytomo_scrapy.storage.measurements.rows import clean, insert_one, kept, scrub_deeply, values_of
from pytomo_scrapy.storage.migrate import HEAD
from pytomo_scrapy.storage.schema.child_tables import CHILD_TABLES
from pytomo_scrapy.storage.schema.crawl_tables import DONE, measurement, vantage, video
from pytomo_scrapy.storage.schema.crawl_tables import frontier as frontier_table
from pytomo_scrapy.storage.schema.measurement_tables import download
from pytomo_scrapy.storage.scrub import scrub, without_signed_links

logger = logging.getLogger(__name__)

_REASON_CHARS = 300
# Failures that say nothing of the line, nor of the service; and what counts as a measurement of the line.
_OWN_SIDE = frozenset({Attribution.TOOL, Attribution.UNKNOWN})
_VALID = frozenset({None, Attribution.NETWORK})
_DETAILS: tuple[tuple[str, Callable[[Connection, int, VideoItem], None]], ...] = (
    ("windows", save_details.save_windows),
    ("lookups", save_details.save_lookups),
    *((child.record, partial(save_details.save_rows, child=child)) for child in CHILD_TABLES if child.results),
    ("playbacks", save_details.save_playbacks),
    ("ladders", save_details.save_ladders),
    # Last: it is copied from all of the above.
    ("figures", lambda connection, measurement_id, _: write_figures(connection, measurement_id)),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is under way: what its measurements are stored under."""

    id: int
    uuid: str
    vantage_id: int
    store_public_ip: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """Where a measurement went. `is_new` is False where its uuid was stored before."""

    measurement_id: int
    is_new: bool
    is_superseded: bool = False


def save_item(
    connection: Connection, item: VideoItem, run: Run, frontier: Frontier | None, loss: str | None = None
) -> Saved:
    """Store the item in the caller's transaction; `loss` says what it lacks.

    Raises IntegrityError where another process was faster: try again.
    """
    item, left_out = fit(item)
    left_out = (loss, *left_out) if loss else left_out
    # 1. The frontier row first: whoever stores the same video meanwhile waits here.
    held = frontier.hold(item.claim_id, connection) if frontier is not None and item.claim_id is not None else None
    stored = connection.execute(
        select(measurement.c.id, measurement.c.is_superseded).where(measurement.c.uuid == item.uuid)
    ).one_or_none()
    if stored is None:
        saved = _save_new(connection, item, run, frontier, held, left_out)
    else:
        saved = Saved(stored.id, False, stored.is_superseded)
    # 2. The crawl's counter last, so that nobody waits for it longer than a commit takes.
    if frontier is not None and item.claim_id is not None and not item.arms_left:
        _end_claim(connection, item, frontier, saved)
    return saved


def _end_claim(connection: Connection, item: VideoItem, frontier: Frontier, saved: Saved) -> None:
    """Set the claim done, or put it back where its video is to be asked for once more."""
    assert item.claim_id is not None
    if item.study is not None:
        # Arms that an outage of the line hit are measured again; a refusal counts as it came, beside the other arms.
        if not arms_owed(connection, item) or not frontier.put_back(item.claim_id, connection):
            frontier.finish(item.claim_id, connection)
        return
    is_refused = item.failure in REFUSALS and item.failure_stage is Stage.RESOLVE
    # What an outage of the line hit is asked for again, as often as there are outages: each has its end.
    if item.outage_started_at is not None and (not saved.is_new or frontier.put_back(item.claim_id, connection)):
        return
    # A measurement that was stored before put its video off in that transaction: it may be claimed again by now.
    if not is_refused or (saved.is_new and not frontier.put_off(item.claim_id, connection, str(item.failure))):
        frontier.finish(item.claim_id, connection)


def reduced(item: VideoItem, error: BaseException) -> tuple[VideoItem, str]:
    """Return what identifies the measurement and nothing that was measured, and why: it must be possible to store."""
    why = f"{type(error).__name__}: {' '.join(str(error).split())[:_REASON_CHARS]}"
    bare = VideoItem(
        item.service, item.video_id, item.url, item.uuid, item.crawl, item.pass_number, item.depth, item.source,
        item.parent_id, item.claim_id, item.frontier_order, started_at=item.started_at,
        study=item.study, arms_left=item.arms_left,
    )  # fmt: skip
    if item.failure in FAILURES and isinstance(item.failure_stage, Stage):
        bare.fail(item.failure_stage, item.failure)
    else:
        bare.fail(Stage.STORE, "unknown_failure", why)
    return bare, f"everything that was measured: {why}"


def _save_new(
    connection: Connection,
    item: VideoItem,
    run: Run,
    frontier: Frontier | None,
    held: Row[Any] | None,
    left_out: Sequence[str],
) -> Saved:
    crawl_id = frontier.crawl.id if frontier is not None else None
    video_row_id = _save_video(connection, item)
    is_superseded = _supersede(connection, item, crawl_id, video_row_id, held)
    row = _measurement_row(item, run) | {
        "crawl_id": crawl_id,
        "video_row_id": video_row_id,
        "is_superseded": is_superseded,
        "seed_source": _seed_source(connection, held),
        "video_age_s": _seconds(_uploaded_at(item), item.started_at),
        "since_last_measured_s": _seconds(_last_measured_at(connection, item, run, video_row_id), item.started_at),
    }
    measurement_id = insert_one(connection, measurement, row)
    if run.store_public_ip and item.resolve and item.resolve.client_address:
        address = item.resolve.client_address
        # Only where it is another: each change of a vantage point makes every kept page an old one.
        changed = (vantage.c.id == run.vantage_id) & (vantage.c.public_address.is_distinct_from(address))
        connection.execute(update(vantage).where(changed).values(public_address=address))
    refused = _save_details(connection, measurement_id, item)
    _note_losses(connection, measurement_id, item, (*left_out, *refused))
    return Saved(measurement_id, True, is_superseded)


def _note_losses(connection: Connection, measurement_id: int, item: VideoItem, losses: Sequence[str]) -> None:
    if losses:
        detail = clean(scrub("; ".join(losses), save_details.private_addresses(item)))
        this = update(measurement).where(measurement.c.id == measurement_id)
        connection.execute(this.values(store_failure_detail=detail))


def _save_details(connection: Connection, measurement_id: int, item: VideoItem) -> list[str]:
    """Store the details. If a value is refused, only that group of rows is lost. Returns what was, and why."""
    try:
        # A savepoint: after an error PostgreSQL refuses whatever else the same transaction says.
        with connection.begin_nested():
            for _, save_group in _DETAILS:
                save_group(connection, measurement_id, item)
        return []
    except Exception as error:
        if is_away(error):
            raise
        logger.debug("The details of %s are stored one by one", item.video_id, exc_info=error)
        return _save_one_by_one(connection, measurement_id, item)


def _save_one_by_one(connection: Connection, measurement_id: int, item: VideoItem) -> list[str]:
    refused = []
    for name, save_group in _DETAILS:
        try:
            with connection.begin_nested():
                save_group(connection, measurement_id, item)
        except Exception as error:
            if is_away(error):
                raise
            logger.exception("%s of %s cannot be stored", name, item.video_id)
            refused.append(f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:_REASON_CHARS]}")
    return refused


def _measurement_row(item: VideoItem, run: Run) -> dict[str, Any]:
    private = save_details.private_addresses(item)
    attribution = attribution_of(item.failure)
    row = {
        "run_id": run.id,
        "vantage_id": run.vantage_id,
        "software_version": __version__,
        "schema_version": HEAD,
        "stored_at": datetime.now(UTC),
        "attribution": None if attribution is None else attribution.value,
        **values_of(item, measurement, private_addresses=private),
        "failure_stage": None if item.failure_stage is None else item.failure_stage.value,
    }
    if item.study is not None:
        row |= values_of(item.study, measurement)
    if item.page is not None:
        row |= values_of(item.page, measurement, private_addresses=private)
    if item.resolve is not None:
        resolved = values_of(item.resolve, measurement, private_addresses=private)
        if resolved["view_count"] is None:
            del resolved["view_count"]  # the page's stands
        row |= resolved
        row["player_config"] = scrub_deeply(row["player_config"], private)
        if not run.store_public_ip:
            row["client_address"] = None
    if item.dns is not None:
        row |= values_of(item.dns, measurement, prefix="dns_", private_addresses=private)
    if item.ping is not None:
        row |= values_of(item.ping, measurement, prefix="ping_", private_addresses=private)
    return row


def _save_video(connection: Connection, item: VideoItem) -> int:
    """Find or create the video, and keep what is newly known of it."""
    resolve = item.resolve
    title = (resolve.title if resolve else None) or item.title
    known: Mapping[str, Any] = {
        "title": kept(video.c.title, without_signed_links(title) if isinstance(title, str) else title),
        "duration_s": kept(video.c.duration_s, resolve.duration_s) if resolve else None,
        "uploaded_at": _uploaded_at(item),
    }
    same = (video.c.service == item.service) & (video.c.video_id == item.video_id)
    row = connection.execute(select(video).where(same)).one_or_none()
    if row is None:
        key = {"service": item.service, "video_id": item.video_id, "url": clean(item.url)}
        return insert_one(connection, video, {**key, **known, "first_seen_at": datetime.now(UTC)})
    fresh = {name: value for name, value in known.items() if value is not None and value != row._mapping[name]}
    if fresh:
        connection.execute(update(video).where(video.c.id == row.id).values(fresh))
    return int(row.id)


def _uploaded_at(item: VideoItem) -> datetime | None:
    # The resolution gives the minute, if it gives anything; the watch page gives the day only.
    sources = (item.resolve, item.page)
    return next((result.uploaded_at for result in sources if result is not None and result.uploaded_at), None)


def _last_measured_at(connection: Connection, item: VideoItem, run: Run, video_row_id: int) -> datetime | None:
    """Return when this vantage last downloaded this video before: caches on the way may still hold it."""
    if item.started_at is None:
        return None
    earlier = (
        select(func.max(measurement.c.started_at, type_=measurement.c.started_at.type))
        .join(download, download.c.measurement_id == measurement.c.id)
        .where(
            measurement.c.video_row_id == video_row_id,
            measurement.c.vantage_id == run.vantage_id,
            measurement.c.started_at < item.started_at,
            download.c.received_bytes > 0,
        )
    )
    return connection.execute(earlier).scalar()


def _seconds(since: datetime | None, until: datetime | None) -> float | None:
    # A day of upload may begin after the hour of upload, depending on the time zone: the age is never negative.
    return None if since is None or until is None else max(0.0, (until - since).total_seconds())


def _supersede(
    connection: Connection, item: VideoItem, crawl_id: int | None, video_row_id: int, held: Row[Any] | None
) -> bool:
    """Mark one of two measurements of a video in one pass as superseded. Returns whether it is this one.

    It is the earlier one, unless only that one says something of the line. One that met an outage never stands.
    """
    if crawl_id is None:
        return False
    told = measurement.c.id, measurement.c.started_at, measurement.c.attribution, measurement.c.outage_started_at
    current = select(*told).where(
        measurement.c.crawl_id == crawl_id,
        measurement.c.pass_number == item.pass_number,
        measurement.c.video_row_id == video_row_id,
        measurement.c.is_superseded.is_(False),
        # Outside of studies the arm is NULL, and NULL equals nothing.
        measurement.c.arm.is_not_distinct_from(item.study.arm if item.study is not None else None),
    )
    others = connection.execute(current).all()
    if not others and held is not None and held.state == DONE:
        # The measurement that counted was deleted for its age, and is in the aggregates of its day.
        return True
    standing = [other for other in others if other.outage_started_at is None]
    if standing and item.outage_started_at is not None:
        return True
    if any(_stands_before(other.attribution, other.started_at, item) for other in standing):
        return True
    for other in others:
        connection.execute(update(measurement).where(measurement.c.id == other.id).values(is_superseded=True))
    return False


def _stands_before(attribution: str | None, started_at: datetime | None, item: VideoItem) -> bool:
    """Tell whether a measurement with this outcome, begun then, stands and the item's does not."""
    own = attribution_of(item.failure)
    if own in _OWN_SIDE and attribution in _VALID:
        return True
    if own in _VALID and attribution in _OWN_SIDE:
        return False
    return bool(started_at and item.started_at and started_at > item.started_at)


def _seed_source(connection: Connection, held: Row[Any] | None) -> str | None:
    if held is None or held.seed_id is None:
        return None
    seed = select(frontier_table.c.video_id).where(frontier_table.c.id == held.seed_id)
    return connection.execute(seed).scalar()
