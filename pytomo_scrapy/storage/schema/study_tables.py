"""The tables of studies: what was planned, in every version, and every look at what came out."""

from __future__ import annotations

from sqlalchemy import Boolean, Double, Index, Integer, String, Table, Text, UniqueConstraint

from pytomo_scrapy.storage.schema.columns import (
    Json,
    UtcDateTime,
    id_column,
    metadata,
    optional,
    reference,
    required,
)

study = Table(
    "study",
    metadata,
    id_column(),
    required("name", Text, "name of the study, as its plan has it", is_unique=True),
    required("created_at", UtcDateTime, "when the first plan of the study was frozen"),
    optional("started_at", UtcDateTime, "when the first crawl of it began: its rounds count from here", null="not run"),
    optional(
        "ended_at", UtcDateTime, "when its last planned round was done, or its rule stopped it", null="it goes on"
    ),
    optional(
        "end_reason", Text, "finished: all planned rounds; stopped: a planned look showed enough", null="it goes on"
    ),
)

study_plan = Table(
    "study_plan",
    metadata,
    id_column(),
    reference("study_id", "study"),
    required("version", Integer, "version of the plan, from 1: a change makes a new one"),
    required("plan_hash", String(64), "SHA-256 of `plan_json` in UTF-8, in hexadecimal"),
    required("plan_text", Text, "the plan's file as it was written (TOML)"),
    required("plan_json", Text, "all that the hash covers, the drawn panel too: JSON, keys sorted, no blanks"),
    required("frozen_at", UtcDateTime, "when this version was frozen"),
    required("frozen_by", Text, "measuring point that froze this version"),
    required("software_version", Text, "pytomo-scrapy that froze this version"),
    required("changes", Json, "sentences that say what differs from the version before", null="never; [] of the first"),
    optional("change_reason", Text, "why the plan was changed (`--change`)", null="the first version"),
    required(
        "measured_before_count",
        Integer,
        "measurements of the study that were stored when this version came in force",
        unit="measurements",
    ),
    required(
        "planned_count",
        Integer,
        "measurements that the plan orders: videos, times rounds, times arms",
        unit="measurements",
    ),
    optional(
        "power_ratio",
        Double,
        "power that it promises: how often a study like it finds the smallest effect of interest, where there is one",
        null="the database held too few rows to simulate it",
    ),
    optional("power_basis", Json, "figures of the database that the power was simulated with", null="not simulated"),
    UniqueConstraint("study_id", "version"),
)

study_look = Table(
    "study_look",
    metadata,
    id_column(),
    reference("study_id", "study"),
    required("plan_version", Integer, "version of the plan in force at the look"),
    required("looked_at", UtcDateTime, "when the outcome was looked at"),
    required("looked_by", Text, "measuring point that looked"),
    required("is_planned", Boolean, "the plan has a look at this point, or it is the last"),
    required("round_count", Integer, "rounds that were done at the look", unit="rounds"),
    required("row_count", Integer, "measurements that the look was based on", unit="measurements"),
    required("information_ratio", Double, "share of the planned pairs that were there"),
    optional(
        "level",
        Double,
        "two-sided chance below which the stopping rule calls a difference shown",
        null="the look was not planned",
    ),
    required("results", Json, "differences that the look showed, an object each"),
    required("is_shown", Boolean, "a difference was shown by the stopping rule"),
    required("sentence", Text, "what the look told, in a sentence"),
    Index("ix_study_look_study_id", "study_id"),
)
