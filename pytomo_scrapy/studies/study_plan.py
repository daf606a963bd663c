"""The plan of a study: all that is decided before it begins. Its hash covers every value of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# How a session's figure can be the outcome of a study: what a comparison tells (docs/metrics.md, "Comparisons").
OUTCOMES: Mapping[str, str] = {
    "with_stalls": "share of the started sessions with at least one stall",
    "never_started": "share of the sessions that never showed a picture",
    "startup": "median time to the first picture",
    "delivery": "median delivery rate",
    "best_height_px": "mean of the best quality that plays",
}
STRATA: Mapping[str, str] = {
    "bitrate_bps": "bits per second of the media of its newest measurement",
    "views": "views that the service reported last",
    "age_days": "days since its upload",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to measure: settings of its own. `vantage` names the machine that measures it; None: every one does."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    vantage: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """The videos: a list, or how many to draw from the database, spread evenly over strata between these bounds."""

    videos: Sequence[str] = ()
    count: int = 0
    strata: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schedule:
    """In each round every arm measures every video. A round begins `every_s` after the one before began."""

    rounds: int = 1
    every_s: float = 0.0
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is compared, the least relative difference worth knowing, and how surely it is to be found."""

    figure: str = "with_stalls"
    smallest_effect_ratio: float = 0.2
    power_ratio: float = 0.8


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """A plan as its file says it."""

    name: str
    question: str
    arms: Sequence[Arm]
    panel: Panel
    schedule: Schedule
    outcome: Outcome
    exclusions: Sequence[str] = ()
    looks: Sequence[int] = ()  # rounds after which the outcome is looked at before the end
    settings: Mapping[str, str] = field(default_factory=dict)  # of every arm

    @property
    def look_rounds(self) -> tuple[int, ...]:
        """Return the rounds after which the plan looks at the outcome, the last one too."""
        return tuple(sorted({*self.looks, self.schedule.rounds}))

    def arms_of(self, vantage: str) -> tuple[Arm, ...]:
        """Return the arms that the measuring point of this name measures."""
        return tuple(arm for arm in self.arms if arm.vantage in {None, vantage})

    def settings_of(self, arm: Arm) -> Mapping[str, str]:
        """Return the settings of an arm: those of all, and its own before them."""
        return {**self.settings, **arm.settings}


@dataclass(frozen=True, slots=True)
class FrozenPlan:
    """A version of a plan with the videos that it was frozen with. `plan_json` is what the hash covers."""

    plan: StudyPlan
    videos: Sequence[str]

    @property
    def plan_json(self) -> str:
        """Return everything that was decided, as JSON with sorted keys and without blanks."""
        # Sorted, without blanks and with letters as they are: the same bytes, and so the same hash, whoever writes the
        # plan.
        return json.dumps(
            {**written(self.plan), "videos": list(self.videos)},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )

    @property
    def plan_hash(self) -> str:
        """Return the SHA-256 of `plan_json` in UTF-8, in hexadecimal."""
        return hashlib.sha256(self.plan_json.encode()).hexdigest()

    @property
    def planned_count(self) -> int:
        """Return how many measurements the whole plan orders."""
        return len(self.videos) * self.plan.schedule.rounds * len(self.plan.arms)


def written(plan: StudyPlan) -> dict[str, Any]:
    """Return a plan's values as JSON has them, the drawn panel not among them."""
    return {
        "name": plan.name,
        "question": plan.question,
        # In the order of the file: all others are compared with the first.
        "arms": [
            {"name": arm.name, "settings": dict(arm.settings), "vantage": arm.vantage, "provider": arm.provider}
            for arm in plan.arms
        ],
        "panel": {
            "videos": list(plan.panel.videos),
            "count": plan.panel.count,
            "strata": {name: list(bounds) for name, bounds in plan.panel.strata.items()},
        },
        "schedule": {
            "rounds": plan.schedule.rounds,
            "every_s": plan.schedule.every_s,
            "seed": plan.schedule.seed,
        },
        "outcome": {
            "figure": plan.outcome.figure,
            "smallest_effect_ratio": plan.outcome.smallest_effect_ratio,
            "power_ratio": plan.outcome.power_ratio,
        },
        "exclusions": list(plan.exclusions),
        "looks": list(plan.looks),
        "settings": dict(plan.settings),
    }


def read_back(plan_json: str) -> FrozenPlan:
    """Return the plan that was frozen as this JSON. Raises ValueError, KeyError or TypeError for another text."""
    values = json.loads(plan_json)
    panel = values["panel"]
    strata = {name: tuple(bounds) for name, bounds in panel["strata"].items()}
    plan = StudyPlan(
        name=values["name"],
        question=values["question"],
        arms=tuple(Arm(**arm) for arm in values["arms"]),
        # As it was read from its file: two plans are compared, and a panel that is the same is not drawn anew.
        panel=Panel(tuple(panel["videos"]), panel["count"], strata),
        schedule=Schedule(**values["schedule"]),
        outcome=Outcome(**values["outcome"]),
        exclusions=tuple(values["exclusions"]),
        looks=tuple(values["looks"]),
        settings=values["settings"],
    )
    return FrozenPlan(plan, tuple(values["videos"]))
