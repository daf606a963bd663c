"""How often a class of failure ended a measurement: a row of the report, of measurements and of daily aggregates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many measurements ended with a class, whose fault it is, and at which stage."""

    failure: str
    attribution: str
    stage: str | None
    count: int
