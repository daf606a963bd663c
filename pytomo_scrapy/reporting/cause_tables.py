"""Why sessions were bad, laid out: the causes of many, and the verdicts over one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytomo_scrapy.analysis.cause_counts import CauseCount
from pytomo_scrapy.items.evidence_words import SYMPTOMS, evidence_words, startup_words
from pytomo_scrapy.reporting.format import number, readable, seconds
from pytomo_scrapy.reporting.tables import TableLayout

CAUSES_TITLE = "Bad sessions by cause"
# The worst of a measurement; a session that stalls all the time has no more to say.
MAX_SHOWN = 8


@dataclass(frozen=True, slots=True)
class VerdictBar:
    """A verdict on the time axis of its window; shares are percent of it."""

    cause: str
    text: str
    sentence: str
    evidence: str
    share_start: float
    share_length: float


def cause_table(counts: Sequence[CauseCount]) -> TableLayout:
    """Lay out how many sessions were bad for which cause. No row: none was, or none was judged."""
    rows = tuple(
        (
            readable(one.cause),
            *(number(n, 0) for n in (one.session_count, one.startup_count, one.stall_count, one.failed_start_count)),
        )
        for one in counts
    )
    return TableLayout(CAUSES_TITLE, ("cause", "sessions", "slow start", "stalls", "failed start"), rows)


def verdict_table(verdicts: Sequence[Mapping[str, Any]]) -> TableLayout:
    """Lay out why one session was bad, the worst first."""
    rows = tuple(
        (
            SYMPTOMS.get(one["symptom"], one["symptom"]),
            seconds(one["start_s"]),
            seconds(one["duration_s"]),
            readable(one["cause"]) + (f" or {readable(one['second_cause'])}" if one["second_cause"] else ""),
            one["sentence"] or "",
        )
        for one in verdicts[:MAX_SHOWN]
    )
    return TableLayout("Why it was bad", ("what", "from", "long", "cause", "meaning"), rows)


def verdict_bars(verdicts: Sequence[Mapping[str, Any]], window: Mapping[str, Any]) -> list[VerdictBar]:
    """Return the verdicts over one window on its time axis, the worst first."""
    # Those of the other window of a pair have an axis, and a bound, of their own.
    own = [one for one in verdicts if one["place"] == window["place"]]
    end_s = max([window["elapsed_s"] or 0.0, *(one["start_s"] + one["duration_s"] for one in own)]) or 1.0
    return [_bar(one, end_s) for one in own[:MAX_SHOWN]]


def _bar(verdict: Mapping[str, Any], end_s: float) -> VerdictBar:
    told = [startup_words(verdict["startup_parts"]), evidence_words(verdict["evidence"])]
    also = f", perhaps {readable(verdict['second_cause'])}" if verdict["second_cause"] else ""
    return VerdictBar(
        verdict["cause"],
        f"{SYMPTOMS.get(verdict['symptom'], verdict['symptom'])} of {seconds(verdict['duration_s'])} at "
        f"{seconds(verdict['start_s'])}: {readable(verdict['cause'])}{also}".capitalize(),
        verdict["sentence"] or "",
        "; ".join(one for one in told if one),
        100 * verdict["start_s"] / end_s,
        100 * verdict["duration_s"] / end_s,
    )
