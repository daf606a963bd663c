"""The tables of docs/autopsy.md: every number that the rules compare with, and every one that they give."""

from __future__ import annotations

from docs.generators.markdown import table
from pytomo_scrapy.analysis.autopsy.limits import RULES_VERSION, known_limits
from pytomo_scrapy.items.evidence_words import EVIDENCE


def regions() -> dict[str, str]:
    """Return the limits of the rules, and the words for the numbers behind a verdict."""
    rows = [
        (f"`{name}`", f"{limit.default:g}", limit.unit, limit.meaning, limit.source)
        for name, limit in known_limits().items()
    ]
    head = f"Version {RULES_VERSION} of the rules."
    return {
        "limits of the rules": f"{head}\n\n{table(('limit', 'value', 'unit', 'meaning', 'source'), rows)}",
        "numbers of a verdict": table(("name", "as it is shown"), [(f"`{name}`", EVIDENCE[name]) for name in EVIDENCE]),
    }
