"""A study in words: what was planned, what was done, what deviated, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytomo_scrapy.analysis.studies.account import Account
from pytomo_scrapy.storage.study_store import Look, StoredStudy

NO_DEVIATION = "None: it was done as planned."


def account_lines(account: Account) -> Iterator[str]:
    """Yield the account of a study, a line a value."""
    yield f"Study {account.name}"
    yield from _section("Planned", account.planned)
    counts = [
        (
            f"Arm {arm.arm}",
            f"{arm.stored} measured: {arm.valid} valid, {arm.refused} refused, {arm.other} failed otherwise",
        )
        for arm in account.arms
    ]
    yield from _section("Done", [*account.done, *counts])
    yield from _section("Deviated", [("", text) for text in account.deviations or [NO_DEVIATION]])


def look_lines(look: Look) -> Iterator[str]:
    """Yield what a look at the outcome showed."""
    if look.is_planned and look.level is not None:
        planned = f"planned, level {100 * look.level:.2g} %"
    else:
        planned = "not planned: it is kept in the database as such"
    said = f"after round {look.round_count}, {100 * look.information_ratio:.0f} % of the planned pairs; {planned}"
    yield from _section("Found", [("Look", said), *(("", text) for text in look.sentence.split(". ") if text)])


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
