"""Which runs of a period count together: those that measured in one way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """From `at_s` on, `what` of a vantage point is `new` instead of `old`.

    `is_cut`: nothing is averaged across, for the reason `why`. Else it is a line in the charts, no more.
    """

    at_s: int
    what: str
    old: str
    new: str
    vantage_id: int
    vantage: str
    is_cut: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Era:
    """The runs of a period that are left out, what changed in it, and both in words."""

    left_out_runs: frozenset[int] = frozenset()
    left_out_count: int = 0  # rows of these runs in the period, valid or not
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    vantages: frozenset[int] = frozenset()  # of the runs that count

    @property
    def cuts(self) -> tuple[Change, ...]:
        """Return the changes that nothing is averaged across."""
        return tuple(change for change in self.changes if change.is_cut)


EVERY_RUN = Era()
