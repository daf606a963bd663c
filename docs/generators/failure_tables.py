"""The tables of docs/failures.md and docs/troubleshooting.md: every class of failure, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable

from docs.generators.markdown import table
from pytomo_scrapy.failures import FAILURES, Attribution, FailureClass

_SECTIONS = {
    "failures of the video": (Attribution.CONTENT,),
    "failures of the service": (Attribution.SERVICE,),
    "failures of the line": (Attribution.NETWORK,),
    "failures of the machine": (Attribution.TOOL, Attribution.UNKNOWN),
}


def regions() -> dict[str, str]:
    """Return the table of all classes, and the tables of advice by whose fault a class is."""
    classes = [
        (f"`{row.name}`", str(row.attribution), row.meaning, *map(_yes, (row.is_permanent, row.is_refusal)))
        for row in FAILURES.values()
    ]
    advice = {
        name: table(("class", "what to do"), _rows(row for row in FAILURES.values() if row.attribution in whose))
        for name, whose in _SECTIONS.items()
    }
    return {"failure classes": table(("class", "attribution", "meaning", "lasting", "refusal"), classes), **advice}


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _rows(classes: Iterable[FailureClass]) -> list[tuple[str, str]]:
    """Return a row for each advice, with all classes that it is for."""
    names: dict[str, list[str]] = {}
    for row in classes:
        names.setdefault(row.advice, []).append(f"`{row.name}`")
    return [(", ".join(of_one), advice) for advice, of_one in names.items()]
