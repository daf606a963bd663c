"""The tables of docs/dashboard.md: every figure that is drawn, what rows are chosen by, and what /metrics tells."""

from __future__ import annotations

from docs.generators.markdown import table
from pytomo_scrapy.analysis.figures import DIMENSIONS, GAUGES, LIST_COLUMNS, PARAMETERS, Figure


def _notes(figure: Figure) -> str:
    notes = [
        (figure.is_censored, "median of all sessions"),
        (figure.is_flag, "share"),
        (figure.is_playback, "by player"),
        (figure.name in LIST_COLUMNS, "in the list"),
        (figure.name in GAUGES, "gauge"),
    ]
    return ", ".join(word for is_so, word in notes if is_so)


def regions() -> dict[str, str]:
    """Return the tables by the names of their regions."""
    figures = [
        (f"`{one.name}`", one.title, one.unit, one.help, f"`{one.forerunner}`" if one.forerunner else "", _notes(one))
        for one in PARAMETERS.values()
    ]
    filters = [(f"`{name}`", one.title, "number" if one.is_number else "text") for name, one in DIMENSIONS.items()]
    return {
        "figures": table(("name", "title", "shown in", "meaning", "in Pytomo 3", "besides"), figures),
        "filters": table(("parameter", "only rows of this", "value"), filters),
        "sorts": ", ".join(f"`{name}`" for name, one in LIST_COLUMNS.items() if one.is_sortable),
        "gauges": ", ".join(f"`pytomo_{name}`" for name in GAUGES),
    }
