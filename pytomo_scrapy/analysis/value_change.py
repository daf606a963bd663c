"""Whether the figures of a vantage point are others after a change of its tools than before."""

from __future__ import annotations

from sqlalchemy import Connection

from pytomo_scrapy.analysis.compared import compared_rows
from pytomo_scrapy.analysis.comparison import Difference, differences
from pytomo_scrapy.analysis.selection import Selection
from pytomo_scrapy.storage.database import kept_while_same

REACH_S = 7 * 86_400  # so far before and after the change is looked
# Of all changes together. A cut that is none takes rows from every figure: it is claimed more seldom than a difference.
_LEVEL = 0.01


def changed_values(connection: Connection, at_s: int, vantage_id: int, test_count: int) -> str | None:
    """Return which figures changed, in words that name the test. None: none is shown to, or too few days to tell.

    `test_count` changes are tested together: the error of all of them is at most 1 % (Bonferroni).
    """
    # A page asks for several periods of one state, and so does the next one: a change lies in most of them.
    kept, key = kept_while_same(connection), ("change", at_s, vantage_id)
    tested: list[Difference] = kept[key] if kept and key in kept else _differences(connection, at_s, vantage_id)
    if kept is not None:
        kept[key] = tested
    shown = [
        one
        for one in tested
        if one.is_shown
        and not one.is_of_these_days
        # Bonferroni, over all figures of all changes.
        and (one.chance or 0.0) * test_count * len(tested) <= _LEVEL
    ]
    if not shown:
        return None
    words = ", ".join(f"{one.figure.replace('_', ' ')} p {one.chance:.2g}" for one in shown)
    return f"the figures after it differ from those before ({words}; t-test of days and videos)"


def _differences(connection: Connection, at_s: int, vantage_id: int) -> list[Difference]:
    """Compare the rows after a moment with those before it, figure by figure."""
    around = Selection(at_s - REACH_S, at_s + REACH_S, {"vantage": vantage_id})
    rows = compared_rows(connection, around, lambda found: (found.whole("started_s") >= at_s).astype("int64"))
    return differences(rows, 2, is_of_times=False)
