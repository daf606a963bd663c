"""A study in words: what was planned, what was done, what deviated, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pytomo_scrapy.analysis.studies.account import Account, look_words
from pytomo_scrapy.storage.study_store import Look, StoredStudy

Section = tuple[str, Sequence[tuple[str, str]]]  # its title, and names with what is said of them


def account_sections(account: Account) -> Sequence[Section]:
    """Return the account of a study: what was planned and done, and what deviated."""
    counts = [(f"Arm {arm.arm}", arm.words) for arm in account.arms]
    return [
        ("Planned", account.planned),
        ("Done", [*account.done, *counts]),
        ("Deviated", [("", text) for text in account.deviations_said]),
    ]


def look_section(look: Look) -> Section:
    """Return what a look at the outcome showed."""
    return "Found", [("Look", look_words(look)), *(("", text) for text in look.sentence.split(". ") if text)]


def section_lines(name: str, sections: Sequence[Section]) -> Iterator[str]:
    """Yield what is said of a study, a line a value."""
    yield f"Study {name}"
    for title, values in sections:
        yield ""
        yield title
        for of, text in values:
            yield f"  {of + ': ' if of else ''}{text}"


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


def shown_values(study: StoredStudy, account: Account) -> dict[str, Any]:
    """Return a study as JSON values as its page shows it: looks out of plan are counted, and not told."""
    planned = [asdict(look) for look in study.looks if look.is_planned]
    return {**study_values(study, account, study.outcome), "look_count": len(study.looks), "looks": planned}
