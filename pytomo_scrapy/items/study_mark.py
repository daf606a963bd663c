"""Which plan ordered a measurement, and as what."""

from __future__ import annotations

from dataclasses import dataclass

from pytomo_scrapy.items.stored import stored

_NO_STUDY = "of no study"


@dataclass(frozen=True, slots=True)
class StudyMark:
    """The study of a measurement, the version of its plan that was in force, and the arm that it measured."""

    study_name: str | None = stored(None, "study that it is part of", null=_NO_STUDY)
    plan_hash: str | None = stored(
        None, "SHA-256 of the plan in force (`study_plan.plan_json`), in hexadecimal", null=_NO_STUDY
    )
    plan_version: int | None = stored(None, "version of that plan, from 1", null=_NO_STUDY)
    arm: str | None = stored(None, "arm of the study: the way that it was measured", null=_NO_STUDY)
    arm_order: int | None = stored(
        None, "as which of the arms of its video and round it was drawn to be measured, from 0", null=_NO_STUDY
    )
    pair_id: str | None = stored(
        None, "the same for every arm of one video in one round: what differs is the arm", null=_NO_STUDY
    )
