"""Which plan ordered a measurement, and as what."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.items.stored import stored

_NO_STUDY = "of no study"


@dataclass(frozen=True, slots=True)
class StudyMark:
    """The study of a measurement, the version of its plan that was in force, and the arm that it measured."""

    study_name: str | None = stored(None, "study that the measurement is part of", null=_NO_STUDY)
    plan_hash: str | None = stored(
        None, "SHA-256 of the plan in force (`study_plan.plan_json`), in hexadecimal", null=_NO_STUDY
    )
    plan_version: int | None = stored(None, "version of the plan in force, from 1", null=_NO_STUDY)
    arm: str | None = stored(None, "arm of the study: the way that it was measured", null=_NO_STUDY)
    arm_order: int | None = stored(
        None, "number of the arm in the order drawn for its video and round, from 0", null=_NO_STUDY
    )
    pair_id: str | None = stored(
        None, "name of the group that every arm of one video in one round shares", null=_NO_STUDY
    )
