"""A study in words: what was planned, what was done, what deviated, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytomo_scrapy.analysis.studies.account import Account, look_words
from pytomo_scrapy.storage.study_store import Look, StoredStudy


def account_lines(account: Account) -> Iterator[str]:
    """Yield the account of a study, a line a value."""
    yield f"Study {account.name}"
    yield from _section("Planned", account.planned)
    counts = [(f"Arm {arm.arm}", arm.words) for arm in account.arms]
    yield from _section("Done", [*account.done, *counts])
    yield from _section("Deviated", [("", text) for text in account.deviations_said])


def look_lines(look: Look) -> Iterator[str]:
    """Yield what a look at the outcome showed."""
    yield from _section(
        "Found", [("Look", look_words(look)), *(("", text) for text in look.sentence.split(". ") if text)]
    )


def study_values(study: StoredStudy, account: Account, look: Look | None) -> dict[str, Any]:
    """Return a study as JSON values, in SI units."""
    return {
        **asdict(account),
        "plan_hash": study.newest.plan_hash,
        "plan_version": study.newest.version,
        "plans": [asdict(plan) for plan in study.plans],
        "looks": [asdict(one) for one in study.looks],
        "look": None if look is None else asdict(look),
    }


def _section(title: str, values: Sequence[tuple[str, str]] | Sequence[Mapping[str, str]]) -> Iterator[str]:
    yield ""
    yield title
    for name, text in values:
        yield f"  {name + ': ' if name else ''}{text}"
