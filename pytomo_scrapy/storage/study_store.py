"""Studies in the database: their plans, version after version, and the looks at what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pytomo_scrapy import __version__
from pytomo_scrapy.failures import StorageError
from pytomo_scrapy.storage.database import Database
from pytomo_scrapy.storage.schema.crawl_tables import measurement
from pytomo_scrapy.storage.schema.study_tables import study, study_look, study_plan

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A plan that is to be frozen, and what is said of it."""

    name: str
    plan_hash: str
    plan_text: str
    plan_json: str
    frozen_by: str
    planned_count: int
    after_version: int = 0  # that it was compared with; 0: of a study that was not there
    changes: Sequence[str] = ()
    change_reason: str | None = None
    power_ratio: float | None = None
    power_basis: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A version of a plan as it was frozen."""

    version: int
    plan_hash: str
    plan_text: str
    plan_json: str
    frozen_at: datetime
    frozen_by: str
    software_version: str
    changes: Sequence[str]
    change_reason: str | None
    measured_before_count: int
    planned_count: int
    power_ratio: float | None
    power_basis: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the outcome."""

    plan_version: int
    looked_at: datetime
    looked_by: str
    is_planned: bool
    round_count: int
    row_count: int
    information_ratio: float
    level: float | None
    results: Sequence[Mapping[str, Any]]
    is_shown: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A study with every version of its plan, the first first, and every look."""

    id: int
    name: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    plans: Sequence[PlanVersion]
    looks: Sequence[Look]

    @property
    def newest(self) -> PlanVersion:
        """Return the version in force."""
        return self.plans[-1]

    @property
    def outcome(self) -> Look | None:
        """Return the last look that the plan has. None before: what somebody saw too early is counted, and not told."""
        return next((look for look in reversed(self.looks) if look.is_planned), None)


def read_study(connection: Connection, name: str) -> StoredStudy | None:
    """Return a study. None where no plan of that name was frozen."""
    row = connection.execute(select(study).where(study.c.name == name)).one_or_none()
    return None if row is None else _study_of(connection, row)


def read_studies(connection: Connection) -> list[StoredStudy]:
    """Return every study, the newest first."""
    rows = connection.execute(select(study).order_by(study.c.created_at.desc(), study.c.id.desc())).all()
    return [_study_of(connection, row) for row in rows]


def measured_counts(connection: Connection) -> dict[str, int]:
    """Return how many measurements of each study stand, by its name."""
    counted = (
        select(measurement.c.study_name, func.count())
        .where(measurement.c.study_name.is_not(None), measurement.c.is_superseded.is_(False))
        .group_by(measurement.c.study_name)
    )
    return {str(row[0]): int(row[1]) for row in connection.execute(counted)}


def freeze(database: Database, new: NewVersion) -> StoredStudy:
    """Store a plan as the version after `after_version`. Returns the study.

    Of two machines that freeze at once, the faster one's version stands: the caller sees by the hash whether it is the
    same plan. Raises StorageError.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with database.write() as connection:
                _freeze(connection, new)
            break
        except IntegrityError as error:
            # Another machine was faster: its version is there now.
            if attempt + 1 == _ATTEMPTS:
                raise StorageError(f"The plan of {new.name!r} cannot be frozen: {error.orig}.") from error
    with database.read() as connection:
        found = read_study(connection, new.name)
    assert found is not None
    return found


def _freeze(connection: Connection, new: NewVersion) -> None:
    now = datetime.now(UTC)
    study_id = connection.execute(select(study.c.id).where(study.c.name == new.name)).scalar()
    if study_id is None:
        added = insert(study).values(name=new.name, created_at=now).returning(study.c.id)
        study_id = connection.execute(added).scalar_one()
    of_study = select(study_plan).where(study_plan.c.study_id == study_id)
    newest = connection.execute(of_study.order_by(study_plan.c.version.desc()).limit(1)).one_or_none()
    # Another machine froze a version meanwhile, which this one was not compared with: that one stands.
    if (0 if newest is None else newest.version) != new.after_version:
        return
    values = {name: getattr(new, name) for name in NewVersion.__slots__ if name not in ("name", "after_version")}
    measured = select(func.count()).where(measurement.c.study_name == new.name)
    connection.execute(
        insert(study_plan).values(
            **{**values, "changes": list(new.changes)},
            study_id=study_id,
            version=new.after_version + 1,
            frozen_at=now,
            software_version=__version__,
            measured_before_count=connection.execute(measured).scalar_one(),
        )
    )
    if newest is not None:
        # What had ended goes on under the changed plan.
        reopened = update(study).where(study.c.id == study_id)
        connection.execute(reopened.values(ended_at=None, end_reason=None))


def note_start(database: Database, study_id: int) -> datetime:
    """Note when the first crawl of a study begins, once. Returns it."""
    with database.write() as connection:
        first = update(study).where(study.c.id == study_id, study.c.started_at.is_(None))
        connection.execute(first.values(started_at=datetime.now(UTC)))
        started_at: datetime = connection.execute(select(study.c.started_at).where(study.c.id == study_id)).scalar_one()
    return started_at


def note_end(database: Database, study_id: int, reason: str) -> None:
    """Note why a study is over, once."""
    with database.write() as connection:
        open_study = update(study).where(study.c.id == study_id, study.c.ended_at.is_(None))
        connection.execute(open_study.values(ended_at=datetime.now(UTC), end_reason=reason))


def note_look(database: Database, study_id: int, look: Look) -> Look:
    """Store a look, and return it. A planned one that another machine was faster with is returned as that one took it.

    Raises StorageError.
    """
    values = {name: getattr(look, name) for name in Look.__slots__}
    with database.write() as connection:
        # Two machines end their last round at once, and both see that it was the last: one look is taken.
        connection.execute(select(study.c.id).where(study.c.id == study_id).with_for_update())
        same = select(study_look).where(
            study_look.c.study_id == study_id,
            study_look.c.is_planned,
            study_look.c.plan_version == look.plan_version,
            study_look.c.round_count == look.round_count,
        )
        taken = connection.execute(same.limit(1)).one_or_none() if look.is_planned else None
        if taken is not None:
            return Look(**_only(Look, taken))
        connection.execute(insert(study_look).values(study_id=study_id, **{**values, "results": list(look.results)}))
    return look


def _study_of(connection: Connection, row: Row[Any]) -> StoredStudy:
    plans = select(study_plan).where(study_plan.c.study_id == row.id).order_by(study_plan.c.version)
    looks = select(study_look).where(study_look.c.study_id == row.id).order_by(study_look.c.id)
    return StoredStudy(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        plans=[PlanVersion(**_only(PlanVersion, plan)) for plan in connection.execute(plans)],
        looks=[Look(**_only(Look, look)) for look in connection.execute(looks)],
    )


def _only(kind: type[Any], row: Row[Any]) -> dict[str, Any]:
    return {name: row._mapping[name] for name in kind.__slots__}
