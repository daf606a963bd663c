"""Whether a line is good, in sentences and tables: the same on the page, in the report and in the PDF."""

from __future__ import annotations

from collections.abc import Iterable

from pytomo_scrapy.analysis.bad_sessions import BadSessions, Exposure
from pytomo_scrapy.analysis.clustered import LEAST_VIDEOS
from pytomo_scrapy.analysis.good_or_not import FaultShares
from pytomo_scrapy.analysis.grade import LEAST_SESSIONS, Criterion, Grade, Mark
from pytomo_scrapy.items.in_words import counted
from pytomo_scrapy.reporting.format import NOTHING, instant_of, number, percent
from pytomo_scrapy.reporting.tables import TableLayout

SHOWN_EXPOSURES = 10
_SAID = 2
_BAR_CHARS = 20
_EXPOSURES_NOTE = (
    "Share of the bad sessions that would not be there if sessions under it had been like the others of the same line "
    "and day (and, but for hours, of evening or not). It says what goes with what, not what the cause is. Shown: "
    "above nothing, among all that were looked at (Holm, 5 %); cannot tell: not shown, which does not prove that there "
    "is nothing (docs/metrics.md, Good or not)."
)
_DAY_NOTE = "Bad: no picture inside the window, or a stall. Startup: median of all sessions."
_CRITERIA = {"started": "starts", "startup": "startup", "stalled": "stalls"}
# A letter of the bar in a terminal.
_LETTERS = {"network": "#", "service": "s", "content": "c", "tool": "t", "unknown": "?"}


def grade_sentence(grade: Grade) -> str:
    """Say how good the line is, and by which thresholds."""
    return " ".join(grade_words(grade))


def grade_words(grade: Grade) -> tuple[str, str]:
    """Return the sentence in two: the word that counts, and what it rests on."""
    if grade.mark is None:
        return "Not graded:", f"{counted(grade.session_count, 'session')}, and a grade takes {LEAST_SESSIONS}."
    parts = ", ".join(_criterion(one) for one in grade.criteria)
    return f"{grade.mark.word.capitalize()}:", f"of {number(grade.session_count, 0)} sessions {parts}.{_doubt(grade)}"


def _doubt(grade: Grade) -> str:
    """Say which other grades are possible. Empty where no other one is."""
    if grade.is_sure:
        return ""
    if grade.without_interval:
        words = ", ".join(_CRITERIA[name] for name in grade.without_interval)
        return f" Too few videos or days for an interval of {words}: the data allow {_allowed(grade)}."
    return f" The intervals allow {_allowed(grade)}."


def _allowed(grade: Grade) -> str:
    assert grade.best is not None and grade.worst is not None
    return " to ".join(dict.fromkeys(mark.word for mark in (grade.best, grade.worst)))


def _criterion(one: Criterion) -> str:
    if one.value is None:
        return "fewer than half start in time (poor)" if one.name == "startup" else "no stall is known"
    if one.name == "startup":
        return f"the median starts after {_amount(one, one.value)} ({_why(one)})"
    what = "start" if one.name == "started" else "of those that start stall"
    return f"{_amount(one, one.value)} {what} ({_why(one)})"


def _why(one: Criterion) -> str:
    good = f"good {'from' if one.is_high_good else 'up to'} {_amount(one, one.good)}"
    poor = f"poor {'below' if one.is_high_good else 'above'} {_amount(one, one.poor)}"
    return {Mark.GOOD: good, Mark.FAIR: f"fair: {good}, {poor}", Mark.POOR: poor}[one.mark]


def _amount(one: Criterion, value: float) -> str:
    if one.name == "startup":
        return f"{number(value, 2)} s"
    if value in {one.good, one.poor}:
        return f"{value * 100:g} %"
    # Beside a threshold that it does not meet, a share is not shown as if it did.
    decimals = 3 if round(value, 3) in {one.good, one.poor} else 1
    return f"{value * 100:.{decimals}f} %"


def bad_sentences(bad: BadSessions) -> list[str]:
    """Say what goes with the bad sessions, or that the data do not tell."""
    if not bad.session_count:
        return []
    if not bad.bad_count:
        return ["No session was bad: all started, none stalled."]
    shown = [one for one in bad.exposures if one.fraction.is_shown]
    head = f"{percent(bad.bad_share)} of the sessions were bad ({number(bad.bad_count, 0)}: no picture, or a stall)."
    if not shown:
        return [head, _untold(bad)]
    return [head, *(_exposure(one) for one in shown[:_SAID])]


def _untold(bad: BadSessions) -> str:
    if all(one.fraction.low is None for one in bad.exposures):
        return f"What goes with them cannot be told: it takes {LEAST_VIDEOS} videos, some of them bad."
    return "Of what was looked at, nothing accounts for a part of them that can be told from none."


def _exposure(one: Exposure) -> str:
    fraction = one.fraction
    days = ", these days only" if fraction.is_of_these_days else ""
    return (
        f"{one.title} {one.value}: {percent(one.bad_share)} bad against {percent(one.other_bad_share)} of the others; "
        f"accounts for {percent(fraction.value)} of the bad sessions "
        f"(95 % interval {percent(fraction.low)} to {percent(fraction.high)}{days})."
    )


def exposure_table(bad: BadSessions) -> TableLayout:
    """Lay out what goes with the bad sessions, what accounts for most first."""
    rows = [
        (
            one.title,
            one.value,
            number(one.fraction.exposed_count, 0),
            percent(one.bad_share),
            percent(one.other_bad_share),
            percent(one.fraction.value),
            _interval(one.fraction.low, one.fraction.high),
            "shown" if one.fraction.is_shown else "cannot tell",
        )
        for one in bad.exposures
        if (one.fraction.value or 0.0) > 0
    ][:SHOWN_EXPOSURES]
    columns = ("what", "which", "sessions", "bad", "others bad", "accounts for", "95 %", "verdict")
    return TableLayout("What goes with bad sessions", columns, tuple(rows), _EXPOSURES_NOTE)


def day_table(bad: BadSessions) -> TableLayout:
    """Lay out a typical day."""
    rows = [
        (
            f"{hour.hour:02} h",
            number(hour.session_count, 0),
            percent(hour.bad_share),
            _interval(hour.low, hour.high),
            NOTHING if hour.startup_median_s is None else f"{hour.startup_median_s:.2f} s",
        )
        for hour in bad.hours
        if hour.session_count
    ]
    columns = ("hour", "sessions", "bad", "95 %", "startup")
    return TableLayout("A typical day, local time", columns, tuple(rows), f"{_DAY_NOTE} {utc_note(bad)}".rstrip())


def utc_note(bad: BadSessions) -> str:
    """Say for how many sessions the local time is not known."""
    if not bad.utc_count:
        return ""
    whose = "all sessions" if bad.utc_count == bad.session_count else counted(bad.utc_count, "session")
    return f"The time zone of {whose} is not known: their hours are UTC."


def fault_table(found: FaultShares) -> TableLayout:
    """Lay out failures over time by whose fault they were, with a bar of all measurements."""
    if not found.counts:
        return TableLayout("Failures by whose fault", (), ())
    shares = [
        [counts[index] / total if total else 0.0 for counts in found.counts.values()]
        for index, total in enumerate(found.row_counts)
    ]
    most = max(map(sum, shares))
    letters = [_LETTERS.get(fault, "?") for fault in found.counts]
    rows = [
        (instant_of(start_s), str(total), *map(percent, own), _bar(zip(letters, own, strict=True), most))
        for start_s, total, own in zip(found.times_s, found.row_counts, shares, strict=True)
    ]
    keys = ", ".join(f"{letter} {fault}" for letter, fault in zip(letters, found.counts, strict=True))
    note = (
        f"Share of all measurements. Only the network's count against the line. Bar: {keys}; a full one is "
        f"{percent(most)}."
    )
    columns = ("from (UTC)", "measured", *found.counts, "bar")
    return TableLayout("Failures by whose fault", columns, tuple(rows), note)


def _bar(shares: Iterable[tuple[str, float]], most: float) -> str:
    text, total = "", 0.0
    for letter, share in shares:
        total += share
        text = text.ljust(round(total / most * _BAR_CHARS), letter)
    return text.ljust(_BAR_CHARS, ".")


def _interval(low: float | None, high: float | None) -> str:
    return NOTHING if low is None or high is None else f"{percent(low)} to {percent(high)}"
