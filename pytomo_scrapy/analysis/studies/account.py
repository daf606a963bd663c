"""What a study planned, what it did, and where the two differ. Nothing of the outcome is seen here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from pytomo_scrapy.analysis.studies.freezing import power_sentence
from pytomo_scrapy.analysis.studies.study_rows import StudyRows, comparable_versions, study_rows
from pytomo_scrapy.analysis.studies.study_standing import standing_of
from pytomo_scrapy.failures import REFUSALS
from pytomo_scrapy.items.in_words import counted, number
from pytomo_scrapy.storage.schema.crawl_tables import measurement, run
from pytomo_scrapy.storage.study_store import Look, PlanVersion, StoredStudy
from pytomo_scrapy.studies.arm_settings import ARM_SETTINGS
from pytomo_scrapy.studies.exclusions import EXCLUSIONS
from pytomo_scrapy.studies.study_plan import OUTCOMES, StudyPlan, read_back

_LATE_S = 3600
_PLANNED, _BEGUN = "planned", "under way"  # whether or not a machine is measuring now
_VALID = frozenset({None, "network"})


@dataclass(frozen=True, slots=True)
class ArmCount:
    """What became of the measurements of an arm."""

    arm: str
    stored: int
    valid: int
    refused: int
    other: int  # failures of the service, of the video or of our own side

    @property
    def words(self) -> str:
        """Return the counts as a person reads them."""
        return f"{self.stored} measured: {self.valid} valid, {self.refused} refused, {self.other} failed otherwise"


@dataclass(frozen=True, slots=True)
class Account:
    """The study as planned, as done, and where the two differ: pairs of a name and what is said of it."""

    name: str
    status: str
    planned: Sequence[tuple[str, str]]
    done: Sequence[tuple[str, str]]
    arms: Sequence[ArmCount]
    deviations: Sequence[str]

    @property
    def deviations_said(self) -> Sequence[str]:
        """Return the deviations, or the sentence that there are none."""
        if self.deviations:
            return self.deviations
        return ["None so far." if self.status in (_PLANNED, _BEGUN) else "None: it was done as planned."]


def status_of(study: StoredStudy) -> str:
    """Return planned, under way, finished or stopped."""
    return study.end_reason or (_BEGUN if study.started_at is not None else _PLANNED)


def account_of(connection: Connection, study: StoredStudy) -> Account:
    """Return the account of a study: counts and times of its rows, and nothing of what they measured."""
    frozen = read_back(study.newest.plan_json)
    rounds_done = standing_of(connection, study).rounds_done
    rows = study_rows(connection, study)
    stored = connection.execute(_stored(study.name)).all()
    return Account(
        study.name,
        status_of(study),
        [*_planned(study, frozen.plan, len(frozen.videos))],
        [*_done(study, stored, f"{rounds_done} of {frozen.plan.schedule.rounds}", rows)],
        [_arm_count(arm.name, stored) for arm in frozen.plan.arms],
        [*_deviations(connection, study, stored, rounds_done, rows)],
    )


def _stored(name: str) -> Any:
    columns = ("arm", "plan_version", "pass_number", "started_at", "attribution", "failure", "run_id", "is_superseded",
               "vantage_id", "software_version", "resolve_software_version", "pair_id")  # fmt: skip
    return select(*(measurement.c[name] for name in columns)).where(measurement.c.study_name == name)


def _planned(study: StoredStudy, plan: StudyPlan, videos: int) -> Iterator[tuple[str, str]]:
    newest, outcome, schedule = study.newest, plan.outcome, plan.schedule
    yield "Question", plan.question
    yield "Plan", f"version {newest.version}, SHA-256 {newest.plan_hash}, frozen {_at(newest.frozen_at)}"
    for position, arm in enumerate(plan.arms):
        own = [f"{name}={value}" for name, value in arm.settings.items()]
        own += [f"at {arm.vantage}"] if arm.vantage else []
        own += [f"provider {arm.provider}"] if arm.provider else []
        first = " (the others are compared with it)" if position == 0 else ""
        yield "Arm", f"{arm.name}{first}: {', '.join(own) or 'no settings of its own'}"
    if plan.settings:
        yield "All arms", ", ".join(f"{name}={value}" for name, value in plan.settings.items())
    strata = f", drawn over strata of {', '.join(plan.panel.strata)}" if plan.panel.strata else ""
    drawn = strata or (", drawn by chance" if plan.panel.count else ", listed")
    yield "Panel", f"{counted(videos, 'video')}{drawn}"
    every = f", one every {schedule.every_s / 3600:g} h" if schedule.every_s else ", one after the other"
    yield (
        "Schedule",
        f"{counted(schedule.rounds, 'round')}{every}; videos and arms in random order (seed {schedule.seed})",
    )
    yield "Measurements", str(newest.planned_count)
    yield "Outcome", f"{OUTCOMES[outcome.figure]}; of interest from {100 * outcome.smallest_effect_ratio:+g} % on"
    yield "Power", power_sentence(newest)
    looks = ", ".join(map(str, plan.looks))
    rule = f"looks after rounds {looks}, O'Brien-Fleming spending" if looks else "none: one look, at the end"
    yield "Stopping", f"{rule}; error 5 %, Holm among arms"
    yield "Left out", "; ".join(f"{name} ({EXCLUSIONS[name]})" for name in plan.exclusions) or "nothing"


def _done(study: StoredStudy, stored: Sequence[Row[Any]], rounds: str, rows: StudyRows) -> Iterator[tuple[str, str]]:
    current = [row for row in stored if not row.is_superseded]
    yield "Status", status_of(study) + (f" ({_at(study.ended_at)})" if study.ended_at else "")
    yield "Rounds", rounds
    yield "Measurements", f"{number(len(current), 0)} of {number(study.newest.planned_count, 0)}"
    times = [row.started_at for row in current if row.started_at is not None]
    if times:
        yield "Period", f"{_at(min(times))} to {_at(max(times))}"
    yield "Sessions that count", f"{number(rows.row_count, 0)}, in {counted(rows.pair_count, 'complete pair')}"
    for reason, count in rows.left_out.items():
        yield (
            "Left out",
            f"{number(count, 0)}: {EXCLUSIONS.get(reason, 'measured under a plan whose arms were others')}",
        )


def _arm_count(name: str, stored: Sequence[Row[Any]]) -> ArmCount:
    own = [row for row in stored if row.arm == name and not row.is_superseded]
    valid = sum(row.attribution in _VALID for row in own)
    refused = sum(row.failure in REFUSALS for row in own)
    return ArmCount(name, len(own), valid, refused, len(own) - valid - refused)


def _deviations(
    connection: Connection, study: StoredStudy, stored: Sequence[Row[Any]], rounds_done: int, rows: StudyRows
) -> Iterator[str]:
    current = [row for row in stored if not row.is_superseded]
    for version in study.plans[1:]:
        yield _change(version)
    yield from _other_versions(study, current)
    unplanned = [look for look in study.looks if not look.is_planned]
    if unplanned:
        times = ", ".join(_at(look.looked_at) for look in unplanned)
        yield (
            f"The outcome was looked at {counted(len(unplanned), 'time')} out of plan ({times}): whoever changes or "
            "stops a study by what was seen errs more often than 5 %."
        )
    yield from _missing(study, current, rounds_done)
    yield from _late(study, current)
    if rows.far_apart_count:
        yield f"The arms of {counted(rows.far_apart_count, 'pair')} were measured more than an hour apart."
    again = len(stored) - len(current)
    if again:
        yield f"{counted(again, 'measurement')} stood for a video, round and arm that was measured once more."
    yield from _versions(current)
    yield from _other_settings(connection, current)


def _change(version: PlanVersion) -> str:
    return (
        f"The plan was changed {_at(version.frozen_at)} (version {version.version}, after "
        f"{counted(version.measured_before_count, 'measurement')}; reason: {version.change_reason or 'none given'}): "
        f"{' '.join(version.changes)}"
    )


def _other_versions(study: StoredStudy, current: Sequence[Row[Any]]) -> Iterator[str]:
    comparable = comparable_versions(study)
    left = sum(row.plan_version not in comparable for row in current)
    if left:
        yield f"{counted(left, 'measurement')} of earlier versions do not count: their arms or settings were others."


def _missing(study: StoredStudy, current: Sequence[Row[Any]], rounds_done: int) -> Iterator[str]:
    frozen = read_back(study.newest.plan_json)
    sites = 1 if frozen.plan.arms[0].vantage else max(len({row.vantage_id for row in current}), 1)
    if study.end_reason == "stopped":
        yield f"It was stopped by its rule after {counted(rounds_done, 'round')} of {frozen.plan.schedule.rounds}."
    planned = study.newest.planned_count
    # The planned count is of one machine: with several, more of them would only look like too many.
    if study.end_reason == "finished" and len(current) != planned and sites == 1:
        yield f"{len(current)} measurements were stored, and {planned} were planned."


def _late(study: StoredStudy, current: Sequence[Row[Any]]) -> Iterator[str]:
    every_s = read_back(study.newest.plan_json).plan.schedule.every_s
    if not every_s or study.started_at is None:
        return
    first: dict[int, datetime] = {}
    for row in current:
        if row.started_at is not None:
            first[row.pass_number] = min(first.get(row.pass_number, row.started_at), row.started_at)
    late = [
        number
        for number, at in first.items()
        if at - study.started_at - timedelta(seconds=(number - 1) * every_s) > timedelta(seconds=_LATE_S)
    ]
    if late:
        yield f"{counted(len(late), 'round')} began more than an hour after the time planned."


def _versions(current: Sequence[Row[Any]]) -> Iterator[str]:
    for column, what in (("software_version", "pytomo-scrapy"), ("resolve_software_version", "yt-dlp")):
        found = sorted({str(row._mapping[column]) for row in current if row._mapping[column] is not None})
        if len(found) > 1:
            yield f"More than one version of {what} measured: {', '.join(found)}."


def _other_settings(connection: Connection, current: Sequence[Row[Any]]) -> Iterator[str]:
    arm_of = {row.run_id: row.arm for row in current}
    values: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in connection.execute(select(run.c.id, run.c.settings).where(run.c.id.in_(arm_of))):
        settings: Mapping[str, Any] = row.settings
        # Only what arms may set: the settings of the crawl around them are not what is compared.
        for name in ARM_SETTINGS:
            values[arm_of[row.id], name].add(str(settings.get(name)))
    for (arm, name), found in sorted(values.items()):
        if len(found) > 1:
            yield f"{name} was not the same in all runs of {arm}: {', '.join(sorted(found))}."


def look_words(look: Look) -> str:
    """Return when a look was taken, and by which rule."""
    if look.is_planned and look.level is not None:
        planned = f"planned, level {100 * look.level:.2g} %"
    else:
        planned = "not planned: it is kept in the database as such"
    return f"after round {look.round_count}, {100 * look.information_ratio:.0f} % of the planned pairs; {planned}"


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "never"
